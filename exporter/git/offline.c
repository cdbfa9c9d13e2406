/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/offline.h"

#include <git2.h>
#include <git2/sys/transport.h>
#include <stdbool.h>

/*
 * These have the names of what they stand in for in libgit2 1.5; it calls them
 * with more parameters where that does not matter. Should another version want
 * more of its network, the link fails and says what.
 */
extern bool git_http__expect_continue;
bool git_http__expect_continue;

int git_mbedtls_stream_global_init(void);
int git_mbedtls__set_cert_location(void);
int git_mbedtls_stream_new(void);
int git_mbedtls_stream_wrap(void);
int git_transport_ssh_global_init(void);

int git_mbedtls_stream_global_init(void)
{
	return 0;
}

int git_transport_ssh_global_init(void)
{
	return 0;
}

int git_mbedtls__set_cert_location(void)
{
	return GIT_ERROR;
}

int git_mbedtls_stream_new(void)
{
	return GIT_ERROR;
}

int git_mbedtls_stream_wrap(void)
{
	return GIT_ERROR;
}

int git_smart_subtransport_http(git_smart_subtransport **out, git_transport *owner,
				void *param)
{
	(void)owner;
	(void)param;
	*out = NULL;
	return GIT_ERROR;
}

int git_smart_subtransport_ssh(git_smart_subtransport **out, git_transport *owner,
			       void *param)
{
	return git_smart_subtransport_http(out, owner, param);
}

int offline_init(void)
{
	return git_libgit2_init();
}
