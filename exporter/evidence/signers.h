/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_SIGNERS_H
#define EXPORTER_EVIDENCE_SIGNERS_H

#include "data/base/buf.h"
#include "data/base/err.h"

/*
 * signers - the file of --signers: who may sign. Each line is a name, perhaps options, and a
 * public key (ssh-keygen(1), ALLOWED SIGNERS). ssh-keygen decides about a signature; here
 * it is found out whether somebody gave another file by mistake.
 */

/* Appends the file. ERR_NOTFOUND: it cannot be found. ERR_INPUT: no line has a name and a
 * public key, as in a file .pub; or it holds a private key, which must not get into a
 * bundle. */
int signers_read(struct buf *out, const char *path, struct err *err);

#endif
