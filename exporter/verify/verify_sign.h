/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_SIGN_H
#define EXPORTER_VERIFY_VERIFY_SIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/sign.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"
#include "exporter/verify/verify_store.h"

/*
 * verify_sign - the signatures of snapshots and labels, and the SHA-256 of a whole
 * snapshot that a signed message has (digest.h).
 *
 *	verify_sign_open(&sign, signers, store, report, err);
 *	verify_sign_add(sign, OBJECT_COMMIT, &body, 0);		(any number of them)
 *	verify_sign_start(sign);
 *	verify_sign_check(&result, sign, path, err);		(once for each, in order)
 *	verify_sign_close(sign);
 */

struct verify_sign;

/* `signers` may be NULL: then no signature is checked. All but `out` are borrowed.
 * ERR_NOTFOUND: there is no such file. */
int verify_sign_open(struct verify_sign **out, const char *signers,
		     struct verify_store *store, struct verify_report *report,
		     struct err *err);
/* NULL is allowed. */
void verify_sign_close(struct verify_sign *sign);

/* Whether signatures are checked. */
bool verify_sign_has_signers(const struct verify_sign *sign);

/* Copies a commit or tag whose signature is to be checked, as of a time (Unix seconds; 0: the
 * one in it); not after the start. */
void verify_sign_add(struct verify_sign *sign, enum object_type type,
		     const struct buf *body, int64_t as_of_s);
/* Begins to check, on two threads. */
void verify_sign_start(struct verify_sign *sign);

/* Waits for the result of the next one that was added, and reports at `path` what is
 * wrong with it: any verdict but SIGN_GOOD. Without signers nothing is reported, and the
 * verdict is SIGN_NONE. An error: ssh-keygen cannot be run. */
int verify_sign_check(struct sign_result *result, struct verify_sign *sign,
		      const char *path, struct err *err);

/* The same of a body that was not added. */
int verify_sign_now(struct sign_result *result, struct verify_sign *sign,
		    enum object_type type, const struct buf *body, int64_t as_of_s,
		    const char *path, struct err *err);

/* Compares the SHA-256 in a message with the tree's. Every signed message has one; a
 * message that has one and no signature has lost it. */
void verify_sign_digest(struct verify_sign *sign, const char *message,
			const uint8_t tree[OBJECT_ID], bool is_signed, const char *path);

#endif
