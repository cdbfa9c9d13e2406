/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_GIT_OFFLINE_H
#define EXPORTER_GIT_OFFLINE_H

/*
 * offline - libgit2 without its network.
 *
 * Starts libgit2, as git_libgit2_init does, and returns what that returns.
 *
 * libgit2 speaks HTTPS and SSH, for which its shared library loads OpenSSL,
 * Kerberos, mbedTLS and libssh2 with every process: 17 libraries, 2.1 ms of the
 * 3.2 ms that a start took, and another 2 ms to set them up and to parse the
 * system's certificates. One changed image takes less than that. We open no
 * connection, so the programs are linked with libgit2's archive, and what of it
 * reaches for the network is defined here: the linker then leaves the rest out.
 * Anyone who tried to connect would fail, which is right.
 */
int offline_init(void);

#endif
