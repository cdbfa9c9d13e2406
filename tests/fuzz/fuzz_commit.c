/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any bytes as the body of a commit or a tag: its head, its trailers, its signature. The
 * first byte chooses which. What must hold:
 *
 * - what both readers of commits take, they read alike;
 * - a message lies within the body, and a trailer's value within the message;
 * - what was signed and its signature are parts of the body, and what is taken apart
 *   has no second signature;
 * - what a label declares is what would be written for it;
 * - a fingerprint fits, whatever the signature's base64 says.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* For the functions of it that start no ssh-keygen. */
#include "exporter/evidence/sign.c"

#include "exporter/evidence/declared.h"
#include "exporter/git/commit.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/redact.h"
#include "exporter/verify/verify_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition) {
		abort();
	}
}

/* What a label declares, and is read, is what would be written. */
static void check_declared(const char *message)
{
	struct declared_pruned pruned;
	struct declared_erased erased;
	struct buf out = {0};
	uint8_t was[OBJECT_ID];

	if (!declared_pruned_read(&pruned, message)) {
		declared_pruned_write(&out, &pruned);
		must(strncmp(commit_trailers(message).at, out.data, out.len - 1) == 0);
	}
	buf_clear(&out);
	if (!declared_erased_read(&erased, message)) {
		declared_erased_write(&out, &erased);
		must(strncmp(commit_trailers(message).at, out.data, out.len - 1) == 0);
	}
	must(declared_was(was, message) != 0 || strstr(message, DECLARED_WAS ": "));
	declared_pruned_release(&pruned);
	declared_erased_release(&erased);
	buf_release(&out);
}

static void check_trailers(const char *message)
{
	static const char *const name[] = {MESSAGE_INDEX, MESSAGE_NUMBER, "Albumen-Drop",
					   "A"};
	struct redact *redact = NULL;
	uint64_t epoch, sequence = 0;
	char index[37];
	struct err err;

	for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
		struct buf value = {0};

		if (commit_trailer(message, name[i], &value) == 0) {
			must(value.len <= strlen(message) &&
			     (!value.len || !memchr(value.data, '\n', value.len)));
			must(!value.len || strstr(message, value.data) != NULL);
		}
		buf_release(&value);
		must(message_count(message, name[i], UINT64_MAX) <= 999999999999999999u ||
		     message_count(message, name[i], UINT64_MAX) == UINT64_MAX);
	}
	check_declared(message);
	if (message_exported(message, index, &epoch, &sequence)) {
		must(strlen(index) == 36 && sequence > 0);
	}
	redact_recorded(&redact, message, &err);
	redact_free(redact);
}

static void check_readers(const struct buf *body)
{
	struct verify_commit strict, tag;
	struct commit commit;
	const char *message = NULL, *tag_message = NULL;
	bool taken = commit_parse(&commit, body);

	if (!verify_commit_parse(&strict, &message, OBJECT_COMMIT, body)) {
		must(taken && memcmp(strict.tree, commit.tree, OBJECT_ID) == 0);
		must(strict.time_s == commit.time_s && strict.parents <= body->len);
		must(commit.has_parent == (strict.parents > 0));
		must(message == commit.message);
	}
	if (taken) {
		must(commit.message >= body->data &&
		     commit.message <= body->data + body->len);
		check_trailers(commit.message);
	}
	if (!verify_commit_parse(&tag, &tag_message, OBJECT_TAG, body)) {
		must(tag_message > body->data && tag_message <= body->data + body->len);
		check_trailers(tag_message);
	}
}

static void check_signature(const struct buf *body, enum object_type type)
{
	struct sign_result result = {.verdict = SIGN_BAD};
	struct check c = {.out = &result};
	struct buf again = {0}, none = {0};
	struct commit commit;

	if (sign_split(&c.payload, &c.signature, type, body->data, body->len)) {
		must(c.payload.len == body->len && !c.signature.len);
	} else if (type == OBJECT_TAG) {
		must(c.payload.len + c.signature.len == body->len);
	} else {
		must(c.payload.len + c.signature.len < body->len);
		/* Without any header before it the signature is no part of a commit. */
		must(!commit_parse(&commit, body) ||
		     sign_split(&again, &none, type, c.payload.data, c.payload.len) ==
			     ERR_NOTFOUND);
	}
	set_time(&c, type, 0);
	if (c.signature.len && is_armored(&c.signature)) {
		read_fingerprint(result.key, &c.signature);
		must(!*result.key || strlen(result.key) == strlen("SHA256:") + 43);
	}
	buf_release(&again);
	buf_release(&none);
	buf_release(&c.payload);
	buf_release(&c.signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf body = {0};

	if (size) {
		buf_addstr(&body, "");
		buf_add(&body, data + 1, size - 1);
		check_readers(&body);
		check_signature(&body, data[0] & 1 ? OBJECT_TAG : OBJECT_COMMIT);
		buf_release(&body);
	}
	return 0;
}
