/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/store_compare.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/md5.h>

/* From so many files on that are asked for, it is cheaper to list their folders. */
#define ASKED_MAX 16
/* A body whose ETag is no MD5 is read, unless it is larger. */
#define READ_MAX ((size_t)256 << 20)

static int list_one(const char *key, const char *etag, uint64_t size, void *payload,
		    struct err *err)
{
	(void)err;
	listing_add(payload, key, etag, size);
	return 0;
}

/* The length of the first three names of a path and the slash behind them, which is a folder of
 * many files; 0: it is not that deep. */
static size_t folder_of(const char *path)
{
	const char *at = path;

	for (int i = 0; at && i < 3; i++) {
		at = strchr(at, '/');
		at = at ? at + 1 : NULL;
	}
	return at ? (size_t)(at - path) : 0;
}

static bool is_listed(const struct store_compare *c, const char *path, size_t len)
{
	for (size_t at = 0; at < c->listed.len; at += strlen(c->listed.data + at) + 1) {
		if (strlen(c->listed.data + at) == len &&
		    memcmp(c->listed.data + at, path, len) == 0) {
			return true;
		}
	}
	return false;
}

/* Sees to it that the listing says what is at `path`. */
static int list_for(struct store_compare *c, const char *path, struct err *err)
{
	size_t folder = folder_of(path), len = strlen(path);
	char *prefix;
	int rc;

	if (is_listed(c, path, len) || (folder && is_listed(c, path, folder))) {
		return 0;
	}
	if (folder && (c->check || c->asked++ >= ASKED_MAX)) {
		len = folder;
	}
	prefix = xmemdup0(path, len);
	rc = s3_list(c->s3, prefix, list_one, &c->listing, err);
	if (!rc) {
		buf_add(&c->listed, prefix, len + 1);
	}
	free(prefix);
	return rc;
}

static int read_body(struct store_compare *c, enum listing_match *match, const char *path,
		     uint64_t size, const uint8_t md5[LISTING_MD5], struct err *err)
{
	struct s3_answer answer = {0};
	uint8_t found[LISTING_MD5];
	struct md5_ctx ctx;
	int rc;

	if (size > READ_MAX) {
		return err_set(err, ERR_FAIL,
			       "'%s/%s' cannot be compared: its ETag is not its MD5, and "
			       "it is too large to be read",
			       c->name, path);
	}
	rc = s3_get(c->s3, path, size, &answer, err);
	*match = rc == ERR_NOTFOUND ? LISTING_ABSENT : LISTING_DIFFERS;
	if (!rc && answer.body.len == size) {
		md5_init(&ctx);
		md5_update(&ctx, answer.body.len, (const uint8_t *)answer.body.data);
		md5_digest(&ctx, sizeof(found), found);
		if (memcmp(found, md5, sizeof(found)) == 0) {
			*match = LISTING_SAME;
		}
	}
	s3_answer_release(&answer);
	return rc == ERR_NOTFOUND || rc == ERR_LARGE ? 0 : rc;
}

int store_compare(struct store_compare *compare, enum listing_match *match,
		  const char *path, uint64_t size, const uint8_t md5[LISTING_MD5],
		  struct err *err)
{
	int rc = list_for(compare, path, err);

	if (rc) {
		return rc;
	}
	*match = listing_compare(&compare->listing, path, size, md5);
	if (*match != LISTING_UNSURE) {
		return 0;
	}
	*match = LISTING_DIFFERS;
	return compare->check ? read_body(compare, match, path, size, md5, err) : 0;
}

void store_compare_release(struct store_compare *compare)
{
	listing_release(&compare->listing);
	buf_release(&compare->listed);
	compare->asked = 0;
}
