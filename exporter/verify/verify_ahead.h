/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_AHEAD_H
#define EXPORTER_VERIFY_VERIFY_AHEAD_H

#include <stddef.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/sign.h"

/*
 * verify_ahead - many signatures, checked by two threads while their owner has other
 * things to do: nearly all of the time goes into starting ssh-keygen.
 *
 *	verify_ahead_open(&ahead, signers, err);
 *	verify_ahead_add(ahead, OBJECT_COMMIT, &body);		(any number of them)
 *	verify_ahead_start(ahead);
 *	verify_ahead_result(&result, ahead, number, err);	(the first added has 0)
 *	verify_ahead_close(ahead);
 *
 * All calls are the owner's. Without threads the owner does it all, in
 * verify_ahead_result; the results are the same.
 */

struct verify_ahead;

/* Errors are those of sign_verifier_open. */
int verify_ahead_open(struct verify_ahead **out, const char *signers, struct err *err);
/* What is not done yet is not done any more. NULL is allowed. */
void verify_ahead_close(struct verify_ahead *ahead);

/* Adds a body, which is copied. Not after verify_ahead_start. */
void verify_ahead_add(struct verify_ahead *ahead, enum object_type type,
		      const struct buf *body);
void verify_ahead_start(struct verify_ahead *ahead);

/* Waits for a result; as sign_verify. */
int verify_ahead_result(struct sign_result *out, struct verify_ahead *ahead,
			size_t number, struct err *err);

/* The same of a body that was not added. */
int verify_ahead_now(struct sign_result *out, struct verify_ahead *ahead,
		     enum object_type type, const struct buf *body, struct err *err);

#endif
