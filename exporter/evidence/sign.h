/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_SIGN_H
#define EXPORTER_EVIDENCE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/evidence/sign_key.h"
#include "exporter/git/pack/object.h"

/*
 * sign - SSH signatures of commits and tags, in git's own format: what
 * `git verify-commit`, `git verify-tag` and `git log --show-signature` verify.
 *
 * OpenSSH's ssh-keygen signs and verifies; each call here runs it once or twice.
 * It never prompts: a key with a passphrase works if an agent holds it. sign_agent.h makes many
 * signatures.
 *
 * A signature covers the object's body without the signature, for the namespace `git`.
 * In a commit it is the header `gpgsig`, in a tag it comes at the end.
 */

/* Signs the body of a commit or tag, in place. `key` is the file of a private key,
 * or of a public one whose private half an agent ($SSH_AUTH_SOCK) holds. If it fails,
 * *body is as it was, and the message says what to do about the key. */
int sign_body(struct buf *body, enum object_type type, const char *key, struct err *err);

/* Puts a signature, as ssh-keygen writes it, into the body of a commit or tag. */
void sign_add(struct buf *body, enum object_type type, const struct buf *signature);

/* Splits a signed body into what was signed and the signature, as ssh-keygen reads
 * them. Both are appended. ERR_NOTFOUND (no message): there is no signature, and
 * *payload has the whole body. */
int sign_split(struct buf *payload, struct buf *signature, enum object_type type,
	       const void *body, size_t len);

/* The fingerprint of the key that a body is signed with, which is not verified; "" if it
 * cannot be read. ERR_NOTFOUND (no message): there is no signature. */
int sign_signer(char key[SIGN_KEY], enum object_type type, const void *body, size_t len);

enum sign_verdict {
	SIGN_GOOD,    /* valid, and the signers' file allows `principal` at that time */
	SIGN_NONE,    /* there is no signature */
	SIGN_UNKNOWN, /* valid, but by no allowed signer, or no signers were given */
	SIGN_BAD,     /* not valid: the body or the signature was changed, or it is not
		       * an SSH signature */
};

#define SIGN_PRINCIPAL 256

struct sign_result {
	enum sign_verdict verdict;
	char principal[SIGN_PRINCIPAL]; /* as in the signers' file; "" unless good */
	char key[SIGN_KEY];             /* "SHA256:..."; "" if it cannot be read */
	char reason[512];               /* for people, one line; "" if good */
};

/*
 * Verifies many signatures, with one process each while they have the same key.
 *
 *	sign_verifier_open(&verifier, "allowed_signers", err);
 *	sign_verify(&result, verifier, OBJECT_COMMIT, body, len, err);
 *	sign_verifier_close(verifier);
 */
struct sign_verifier;

/* `signers` is an allowed-signers file (ssh-keygen(1)). Without it (NULL) the best
 * verdict is SIGN_UNKNOWN. ERR_NOTFOUND: there is no such file. ERR_INPUT: it names no
 * signer (signers.h). */
int sign_verifier_open(struct sign_verifier **out, const char *signers, struct err *err);
/* NULL is allowed. */
void sign_verifier_close(struct sign_verifier *verifier);

/* Verifies the body of a commit or tag as of the time in it (the committer's or
 * tagger's), as git does: a key that has expired since is good. A missing or bad
 * signature is a verdict; it is an error if ssh-keygen cannot be run. */
int sign_verify(struct sign_result *out, struct sign_verifier *verifier,
		enum object_type type, const void *body, size_t len, struct err *err);
/* The same as of the time `as_of_s`, Unix seconds; 0: of the time in the body. */
int sign_verify_at(struct sign_result *out, struct sign_verifier *verifier,
		   enum object_type type, const void *body, size_t len, int64_t as_of_s,
		   struct err *err);

#endif
