/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/sign.h"

#include <errno.h>
#include <nettle/base64.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "exporter/evidence/signers.h"
#include "exporter/evidence/tool.h"

/*
 * ssh-keygen alone decides: `-Y verify` with a principal, as of the time in the object.
 * The principal of the last key is tried first. Where it is another one's (who had the
 * key at another time), ssh-keygen is asked for all principals of the key.
 */

#define NAMESPACE "git"
#define BEGIN "-----BEGIN SSH SIGNATURE-----\n"
#define END "-----END SSH SIGNATURE-----\n"
#define HEADER "gpgsig "

/* An agent may ask its owner first. */
#define SIGN_LIMIT_S 60
#define VERIFY_LIMIT_S 60
/* OpenSSH makes no signature longer than this. */
#define SIGNATURE_MAX 65536

/* --- signing --- */

static bool is_armored(const struct buf *signature)
{
	size_t len = signature->len;

	return len > strlen(BEGIN END) &&
	       memcmp(signature->data, BEGIN, strlen(BEGIN)) == 0 &&
	       memcmp(signature->data + len - strlen(END), END, strlen(END)) == 0;
}

static int make_signature(struct buf *signature, const struct buf *text, const char *key,
			  struct err *err)
{
	const char *argv[] = {"ssh-keygen", "-q", "-Y", "sign", "-n",
			      NAMESPACE,    "-f", key,  NULL};
	struct tool tool = {.argv = argv,
			    .input = text,
			    .output = signature,
			    .limit_s = SIGN_LIMIT_S};
	int rc = sign_key_readable(key, err);

	rc = rc ? rc : tool_run(&tool, err);
	if (!rc && (tool.status || !is_armored(signature))) {
		rc = sign_key_refuse(&tool, key, err);
	}
	tool_release(&tool);
	return rc;
}

/* The length of a body's headers, without the empty line after them. */
static size_t end_of_headers(const char *body, size_t len)
{
	const char *end = memmem(body, len, "\n\n", 2);

	return end ? (size_t)(end - body) + 1 : len;
}

/* Adds a header of several lines: all but the first begin with a space. */
static void add_header(struct buf *out, const struct buf *signature)
{
	const char *name = HEADER;

	for (size_t at = 0; at < signature->len;) {
		const char *line = signature->data + at;
		size_t len = strcspn(line, "\n");

		buf_addstr(out, name);
		buf_add(out, line, len);
		buf_addch(out, '\n');
		at += len + 1;
		name = " ";
	}
}

void sign_add(struct buf *body, enum object_type type, const struct buf *signature)
{
	struct buf signed_body = {0};
	size_t at;

	if (type == OBJECT_TAG) {
		buf_add(body, signature->data, signature->len);
		return;
	}
	at = end_of_headers(body->data, body->len);
	buf_add(&signed_body, body->data, at);
	add_header(&signed_body, signature);
	buf_add(&signed_body, body->data + at, body->len - at);
	buf_clear(body);
	buf_add(body, signed_body.data, signed_body.len);
	buf_release(&signed_body);
}

int sign_body(struct buf *body, enum object_type type, const char *key, struct err *err)
{
	struct buf signature = {0};
	int rc = make_signature(&signature, body, key, err);

	if (!rc) {
		sign_add(body, type, &signature);
	}
	buf_release(&signature);
	return rc;
}

/* --- taking apart --- */

static void split_commit(struct buf *payload, struct buf *signature, const char *body,
			 size_t len)
{
	size_t headers = end_of_headers(body, len);
	bool in_signature = false;

	for (size_t at = 0; at < headers;) {
		const char *line = body + at;
		const char *newline = memchr(line, '\n', len - at);
		size_t line_len = newline ? (size_t)(newline - line) + 1 : len - at;
		size_t skip = 0;

		if (line_len > strlen(HEADER) &&
		    memcmp(line, HEADER, strlen(HEADER)) == 0) {
			skip = strlen(HEADER);
		} else if (in_signature && line[0] == ' ') {
			skip = 1;
		}
		in_signature = skip > 0;
		buf_add(skip ? signature : payload, line + skip, line_len - skip);
		at += line_len;
	}
	buf_add(payload, body + headers, len - headers);
}

/* As git does, splits at the last line that begins a signature of any kind. */
static void split_tag(struct buf *payload, struct buf *signature, const char *body,
		      size_t len)
{
	static const char *const begin[] = {
		"-----BEGIN SSH SIGNATURE-----", "-----BEGIN PGP SIGNATURE-----",
		"-----BEGIN PGP MESSAGE-----", "-----BEGIN SIGNED MESSAGE-----"};
	size_t found = len;

	for (size_t at = 0; at < len;) {
		const char *newline = memchr(body + at, '\n', len - at);

		for (size_t i = 0; i < sizeof(begin) / sizeof(*begin); i++) {
			size_t begin_len = strlen(begin[i]);

			if (len - at >= begin_len &&
			    memcmp(body + at, begin[i], begin_len) == 0) {
				found = at;
			}
		}
		at = newline ? (size_t)(newline - body) + 1 : len;
	}
	buf_add(payload, body, found);
	buf_add(signature, body + found, len - found);
}

int sign_split(struct buf *payload, struct buf *signature, enum object_type type,
	       const void *body, size_t len)
{
	size_t before = signature->len;

	if (type == OBJECT_TAG) {
		split_tag(payload, signature, body, len);
	} else {
		split_commit(payload, signature, body, len);
	}
	return signature->len > before ? 0 : ERR_NOTFOUND;
}

/* --- verifiers --- */

/* The fingerprint of a signature's public key. "" if the signature is malformed
 * (PROTOCOL.sshsig in OpenSSH). */
static void read_fingerprint(char out[SIGN_KEY], const struct buf *signature)
{
	struct base64_decode_ctx decode;
	size_t text_len = signature->len - strlen(BEGIN END), len;
	uint8_t *raw = xmalloc(BASE64_DECODE_LENGTH(text_len) + 1);

	*out = '\0';
	base64_decode_init(&decode);
	/* "SSHSIG", a version, then the key with its length. */
	if (base64_decode_update(&decode, &len, raw, text_len,
				 signature->data + strlen(BEGIN)) &&
	    len >= 14 && memcmp(raw, "SSHSIG", 6) == 0 && be32_get(raw + 6) == 1 &&
	    be32_get(raw + 10) <= len - 14) {
		sign_key_fingerprint(out, raw + 14, be32_get(raw + 10));
	}
	free(raw);
}

int sign_signer(char key[SIGN_KEY], enum object_type type, const void *body, size_t len)
{
	struct buf payload = {0}, signature = {0};
	int rc = sign_split(&payload, &signature, type, body, len);

	*key = '\0';
	if (!rc && signature.len <= SIGNATURE_MAX && is_armored(&signature)) {
		read_fingerprint(key, &signature);
	}
	buf_release(&payload);
	buf_release(&signature);
	return rc;
}

struct sign_verifier {
	char *signers; /* NULL: nobody is known */
	/* The key of the last valid signature, and whose it is. */
	char key[SIGN_KEY];
	char principal[SIGN_PRINCIPAL];
};

int sign_verifier_open(struct sign_verifier **out, const char *signers, struct err *err)
{
	struct buf text = {0};
	int rc = signers ? signers_read(&text, signers, err) : 0;

	buf_release(&text);
	*out = NULL;
	if (rc) {
		return rc;
	}
	*out = xzalloc(sizeof(**out));
	(*out)->signers = signers ? xstrdup(signers) : NULL;
	return 0;
}

void sign_verifier_close(struct sign_verifier *verifier)
{
	if (verifier) {
		free(verifier->signers);
		free(verifier);
	}
}

/* --- verifying --- */

struct check {
	struct sign_verifier *verifier;
	struct buf payload, signature;
	char time[64]; /* ssh-keygen's option; "" for none */
	struct sign_result *out;
};

/* Sets the option for the time `as_of_s`, or the object's (0). If that has none the time is
 * now, as in git. */
static void set_time(struct check *c, enum object_type type, int64_t as_of_s)
{
	const char *name = type == OBJECT_TAG ? "\ntagger " : "\ncommitter ";
	size_t headers = end_of_headers(c->payload.data, c->payload.len);
	const char *line = memmem(c->payload.data, headers, name, strlen(name));
	const char *mail = line ? strpbrk(line + 1, ">\n") : NULL;
	struct tm tm;
	time_t time_s = as_of_s;

	if (!time_s && mail && *mail == '>') {
		time_s = (time_t)strtoll(mail + 1, NULL, 10);
	}
	if (time_s > 0 && gmtime_r(&time_s, &tm)) {
		strftime(c->time, sizeof(c->time), "-Overify-time=%Y%m%d%H%M%SZ", &tm);
	}
}

/* *good: ssh-keygen accepts it as a signature of `principal`, or of anyone (NULL). */
static int ask(bool *good, struct check *c, const char *principal, struct err *err)
{
	const char *any[] = {"ssh-keygen", "-Y", "check-novalidate", "-n",
			     NAMESPACE,    "-s", TOOL_FILE,          NULL};
	const char *one[] = {"ssh-keygen", "-Y",      "verify",
			     "-n",         NAMESPACE, "-s",
			     TOOL_FILE,    "-f",      c->verifier->signers,
			     "-I",         principal, *c->time ? c->time : NULL,
			     NULL};
	struct tool tool = {.argv = principal ? one : any,
			    .input = &c->payload,
			    .file = &c->signature,
			    .limit_s = VERIFY_LIMIT_S};
	int rc = tool_run(&tool, err);

	*good = !rc && tool.status == 0;
	if (*good && principal) {
		c->out->verdict = SIGN_GOOD;
		snprintf(c->out->principal, sizeof(c->out->principal), "%s", principal);
		memcpy(c->verifier->key, c->out->key, SIGN_KEY);
		memcpy(c->verifier->principal, c->out->principal, SIGN_PRINCIPAL);
	} else if (!rc && tool.errors.len) {
		snprintf(c->out->reason, sizeof(c->out->reason), "%s", tool_why(&tool));
	}
	tool_release(&tool);
	return rc;
}

/* Tries every principal that may use the key at that time. */
static int ask_all(bool *good, struct check *c, struct err *err)
{
	const char *argv[] = {
		"ssh-keygen", "-Y", "find-principals",    "-s",
		TOOL_FILE,    "-f", c->verifier->signers, *c->time ? c->time : NULL,
		NULL};
	struct buf names = {0};
	struct tool tool = {.argv = argv,
			    .file = &c->signature,
			    .output = &names,
			    .limit_s = VERIFY_LIMIT_S};
	int rc = tool_run(&tool, err);

	for (char *name = names.data; !rc && !*good && name && *name;) {
		size_t len = strcspn(name, "\r\n");
		bool last = name[len] == '\0';

		name[len] = '\0';
		if (len) {
			rc = ask(good, c, name, err);
		}
		name += len + !last;
	}
	buf_release(&names);
	tool_release(&tool);
	return rc;
}

static int verify(struct check *c, struct err *err)
{
	char principal[SIGN_PRINCIPAL];
	bool good = false, any = false;
	int rc = 0;

	if (*c->out->key && strcmp(c->verifier->key, c->out->key) == 0) {
		memcpy(principal, c->verifier->principal, sizeof(principal));
		rc = ask(&good, c, principal, err);
	}
	if (!rc && !good && c->verifier->signers) {
		rc = ask_all(&good, c, err);
	}
	if (rc || good) {
		*c->out->reason = '\0';
		return rc;
	}
	rc = ask(&any, c, NULL, err);
	if (!rc && any) {
		c->out->verdict = SIGN_UNKNOWN;
		snprintf(c->out->reason, sizeof(c->out->reason),
			 c->verifier->signers
				 ? "signed with a key that the signers' file does not "
				   "allow at that time: %s"
				 : "signed with a key, and no signers to know it by: %s",
			 c->out->key);
	}
	return rc;
}

int sign_verify(struct sign_result *out, struct sign_verifier *verifier,
		enum object_type type, const void *body, size_t len, struct err *err)
{
	return sign_verify_at(out, verifier, type, body, len, 0, err);
}

int sign_verify_at(struct sign_result *out, struct sign_verifier *verifier,
		   enum object_type type, const void *body, size_t len, int64_t as_of_s,
		   struct err *err)
{
	struct check c = {.verifier = verifier, .out = out};
	int rc = 0;

	*out = (struct sign_result){.verdict = SIGN_BAD};
	if (sign_split(&c.payload, &c.signature, type, body, len) == ERR_NOTFOUND) {
		out->verdict = SIGN_NONE;
		snprintf(out->reason, sizeof(out->reason), "not signed");
	} else if (c.signature.len > SIGNATURE_MAX || !is_armored(&c.signature)) {
		snprintf(out->reason, sizeof(out->reason), "it is not an SSH signature");
	} else {
		read_fingerprint(out->key, &c.signature);
		set_time(&c, type, as_of_s);
		rc = verify(&c, err);
	}
	buf_release(&c.payload);
	buf_release(&c.signature);
	return rc;
}
