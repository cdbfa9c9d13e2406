/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_S3_S3_CONFIG_H
#define EXPORTER_S3_S3_CONFIG_H

#include "data/base/err.h"

/*
 * s3_config - which server, which region, whose key: where aws-cli looks, in its order. Nothing of
 * it has an option but what is no secret.
 *
 *	endpoint	--endpoint-url, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL; of the profile: the
 *			endpoint_url below s3 in [services NAME], endpoint_url
 *	region		--region, AWS_REGION, AWS_DEFAULT_REGION, region of the profile; us-east-1
 *	credentials	AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN;
 *			the three names in lower case in the profile
 *	certificates	AWS_CA_BUNDLE, ca_bundle of the profile; those of the system
 *	profile		[AWS_PROFILE], or [default], of AWS_SHARED_CREDENTIALS_FILE
 *			(~/.aws/credentials); [profile AWS_PROFILE] of AWS_CONFIG_FILE
 *			(~/.aws/config)
 *
 * An empty variable is none. AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true has all endpoints but the
 * option ignored. Keys that a program, a role, a login or the machine hands out are not asked
 * for: `aws configure export-credentials` prints them for the environment.
 */

/* What the command line says; NULL: it is found as above. Borrowed for the call. */
struct s3_settings {
	const char *endpoint_url, *region;
};

struct s3_config {
	char *endpoint_url;        /* NULL: AWS's own */
	const char *endpoint_from; /* what names it, for messages; static */
	char *region;
	char *id, *secret;
	char *token;     /* NULL: none */
	char *from;      /* where the key was found, for messages */
	char *ca_bundle; /* NULL: the system's */
};

/* ERR_USAGE: a value that cannot be. ERR_FAIL: no key, half of one, no such profile, a file that
 * cannot be read. Release *out in any case. */
int s3_config_read(struct s3_config *out, const struct s3_settings *settings,
		   struct err *err);
/* Wipes the secrets. */
void s3_config_release(struct s3_config *config);

#endif
