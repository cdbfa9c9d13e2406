/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_EVIDENCE_SIGN_KEY_H
#define EXPORTER_EVIDENCE_SIGN_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "data/base/err.h"
#include "exporter/evidence/tool.h"

/*
 * sign_key - the keys of signatures (sign.h): how they are called, and whether one can sign.
 */

#define SIGN_KEY 80

/* The fingerprint of a public key in OpenSSH's wire format, as ssh-keygen prints it:
 * "SHA256:" and base64. */
void sign_key_fingerprint(char out[SIGN_KEY], const uint8_t *key, size_t len);

/*
 * Whether sign_body will work with this key, without signing anything: an agent may ask its
 * owner for each signature. `key` is the file of a private key that has no passphrase, or of
 * a private or public key that an agent holds. Its fingerprint goes to `out`. A failure says
 * what is wrong with the key and what to do. It takes one process of ssh-keygen; with an
 * agent three.
 */
int sign_key_check(char out[SIGN_KEY], const char *key, struct err *err);

/* Fails if the file of the key cannot be read, in words that are clearer than
 * ssh-keygen's. */
int sign_key_readable(const char *key, struct err *err);
/* Fails with what ssh-keygen said about the key. */
int sign_key_refuse(struct tool *tool, const char *key, struct err *err);

#endif
