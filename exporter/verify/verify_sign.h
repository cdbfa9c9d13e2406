/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_SIGN_H
#define EXPORTER_VERIFY_VERIFY_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_sign - signatures, and the SHA-256 of a whole snapshot that a signed message
 * has (digest.h).
 */

struct verify_sign;

/* `signers` may be NULL: then signatures are counted and not checked. All but `out`
 * are borrowed. ERR_NOTFOUND: there is no such file. */
int verify_sign_open(struct verify_sign **out, const char *signers,
		     struct verify_store *store, struct verify_report *report,
		     struct err *err);
/* NULL is allowed. */
void verify_sign_close(struct verify_sign *sign);

/* Lists a commit or tag whose signature is to be checked, and begins with those that
 * were listed, on threads (verify_ahead). Nothing is done without signers. */
void verify_sign_add(struct verify_sign *sign, enum object_type type,
		     const struct buf *body);
void verify_sign_start(struct verify_sign *sign);

/* Tells of the signature of the next one that was listed; `path` is for failures.
 * *good: somebody who may sign has signed. An error: ssh-keygen cannot be run. */
int verify_sign_check(bool *good, struct verify_sign *sign, const char *path,
		      struct err *err);

/* The same of a body that was not listed. */
int verify_sign_now(struct verify_sign *sign, enum object_type type,
		    const struct buf *body, const char *path, struct err *err);

/* Checks the SHA-256 that a message has of the tree: what is signed must have it, and
 * nothing else, or its signature was taken away. */
void verify_sign_digest(struct verify_sign *sign, const char *message,
			const uint8_t tree[OBJECT_ID], bool is_signed, const char *path);

#endif
