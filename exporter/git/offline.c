/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <git2.h>
#include <git2/sys/stream.h>
#include <git2/sys/transport.h>
#include <stdbool.h>

/*
 * offline - libgit2 without its network, for LIBGIT2=static (Makefile).
 *
 * libgit2 speaks HTTPS and SSH. Its shared library therefore loads OpenSSL, Kerberos,
 * mbedTLS and libssh2 with every process, sets them up and parses the system's
 * certificates (`tests/bench/run --rows start` says what that costs). We open no
 * connection. This file defines the functions through which libgit2 1.5 reaches for the
 * network, so that the linker leaves the rest of it out of the archive. They fail.
 */

/* As in libgit2 1.5: src/libgit2/streams/mbedtls.h, transports/http.h and ssh.h. */
extern bool git_http__expect_continue;
int git_mbedtls_stream_global_init(void);
int git_mbedtls__set_cert_location(const char *path, int is_dir);
int git_mbedtls_stream_new(git_stream **out, const char *host, const char *port);
int git_mbedtls_stream_wrap(git_stream **out, git_stream *in, const char *host);
int git_transport_ssh_global_init(void);

bool git_http__expect_continue;

int git_mbedtls_stream_global_init(void)
{
	return 0;
}

int git_transport_ssh_global_init(void)
{
	return 0;
}

int git_mbedtls__set_cert_location(const char *path, int is_dir)
{
	(void)path;
	(void)is_dir;
	return GIT_ERROR;
}

int git_mbedtls_stream_new(git_stream **out, const char *host, const char *port)
{
	(void)host;
	(void)port;
	*out = NULL;
	return GIT_ERROR;
}

int git_mbedtls_stream_wrap(git_stream **out, git_stream *in, const char *host)
{
	(void)in;
	return git_mbedtls_stream_new(out, host, NULL);
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
