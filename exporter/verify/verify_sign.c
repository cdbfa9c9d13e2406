/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_sign.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/evidence/digest.h"
#include "exporter/git/snapshot.h"
#include "exporter/verify/verify_ahead.h"

struct verify_sign {
	struct verify_store *store;
	struct verify_report *report;
	struct verify_ahead *ahead; /* NULL: signatures are not checked */
	size_t next;                /* of those in it */
	struct digest *digest;
	struct buf body;
};

int verify_sign_open(struct verify_sign **out, const char *signers,
		     struct verify_store *store, struct verify_report *report,
		     struct err *err)
{
	struct verify_sign *sign = xzalloc(sizeof(*sign));
	int rc = digest_open(&sign->digest, NULL, err);

	sign->store = store;
	sign->report = report;
	if (!rc && signers) {
		rc = verify_ahead_open(&sign->ahead, signers, err);
	}
	if (rc) {
		verify_sign_close(sign);
		sign = NULL;
	}
	*out = sign;
	return rc;
}

void verify_sign_close(struct verify_sign *sign)
{
	if (sign) {
		verify_ahead_close(sign->ahead);
		digest_close(sign->digest);
		buf_release(&sign->body);
		free(sign);
	}
}

void verify_sign_add(struct verify_sign *sign, enum object_type type,
		     const struct buf *body)
{
	if (sign->ahead) {
		verify_ahead_add(sign->ahead, type, body);
	}
}

void verify_sign_start(struct verify_sign *sign)
{
	if (sign->ahead) {
		verify_ahead_start(sign->ahead);
	}
}

/* Tells it unless it is good. */
static bool judge(const struct verify_sign *sign, const struct sign_result *result,
		  const char *path)
{
	if (result->verdict == SIGN_GOOD) {
		return true;
	}
	verify_report_fail(sign->report, path, "%s: %s%s%s",
			   result->verdict == SIGN_NONE ? "it is not signed"
			   : result->verdict == SIGN_UNKNOWN
				   ? "nobody who may sign has signed it"
				   : "its signature is bad",
			   result->reason, *result->key ? ", key " : "", result->key);
	return false;
}

int verify_sign_check(bool *good, struct verify_sign *sign, const char *path,
		      struct err *err)
{
	struct sign_result result;
	int rc;

	*good = false;
	if (!sign->ahead) {
		return 0;
	}
	rc = verify_ahead_result(&result, sign->ahead, sign->next++, err);
	*good = !rc && judge(sign, &result, path);
	return rc;
}

int verify_sign_now(struct verify_sign *sign, enum object_type type,
		    const struct buf *body, const char *path, struct err *err)
{
	struct sign_result result;
	int rc;

	if (!sign->ahead) {
		return 0;
	}
	rc = verify_ahead_now(&result, sign->ahead, type, body, err);
	if (!rc) {
		judge(sign, &result, path);
	}
	return rc;
}

/* --- the SHA-256 --- */

static int source_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		       struct err *err)
{
	struct verify_sign *sign = payload;
	enum object_type type;

	if (verify_store_read(&sign->body, &type, sign->store, id) ||
	    type != OBJECT_TREE) {
		return err_set(err, ERR_INPUT, "a tree cannot be read");
	}
	buf_add(body, sign->body.data, sign->body.len);
	return 0;
}

static int source_blob(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		       void *payload, struct err *err)
{
	struct verify_sign *sign = payload;
	enum object_type type;

	if (verify_store_read(&sign->body, &type, sign->store, id) ||
	    type != OBJECT_BLOB) {
		return err_set(err, ERR_INPUT, "a file cannot be read");
	}
	digest_object(sha256, OBJECT_BLOB, sign->body.data, sign->body.len);
	return 0;
}

void verify_sign_digest(struct verify_sign *sign, const char *message,
			const uint8_t tree[OBJECT_ID], bool is_signed, const char *path)
{
	struct digest_source source = {
		.tree = source_tree, .blob = source_blob, .payload = sign};
	uint8_t sha256[DIGEST_ID];
	char hex[DIGEST_HEX + 1];
	struct buf said = {0};
	struct err err;

	if (snapshot_trailer(message, DIGEST_TRAILER, &said)) {
		if (is_signed) {
			verify_report_fail(sign->report, path,
					   "it is signed, but the trailer " DIGEST_TRAILER
					   " is missing");
		}
	} else if (!is_signed) {
		verify_report_fail(sign->report, path,
				   "it has the trailer " DIGEST_TRAILER
				   ", but no signature");
	} else if (digest_tree(sha256, sign->digest, &source, tree, &err)) {
		verify_report_fail(sign->report, path,
				   "its SHA-256 cannot be worked out: %s", err.msg);
	} else {
		digest_hex(hex, sha256);
		if (strcmp(said.data, hex) != 0) {
			verify_report_fail(sign->report, path,
					   DIGEST_TRAILER " is not the tree's, %s", hex);
		}
	}
	buf_release(&said);
}
