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

/* The length of the first `names` names of a path and the slash behind them; 0: it is not that
 * deep. */
static size_t folder_of(const char *path, int names)
{
	const char *at = path;

	for (int i = 0; at && i < names; i++) {
		at = strchr(at, '/');
		at = at ? at + 1 : NULL;
	}
	return at ? (size_t)(at - path) : 0;
}

static struct store_compare_part *find_part(const struct store_compare *c,
					    const char *path, size_t len)
{
	for (size_t i = 0; i < c->parts; i++) {
		if (strlen(c->part[i].prefix) == len &&
		    memcmp(c->part[i].prefix, path, len) == 0) {
			return &c->part[i];
		}
	}
	return NULL;
}

/* Lists what begins with the first `len` bytes of `path`. */
static int list_part(struct store_compare *c, struct store_compare_part **out,
		     const char *path, size_t len, struct err *err)
{
	struct store_compare_part part = {.prefix = xmemdup0(path, len)};
	int rc = s3_list(c->s3, part.prefix, list_one, &part.listing, err);

	if (rc) {
		free(part.prefix);
		listing_release(&part.listing);
		return rc;
	}
	c->part = xgrow(c->part, c->parts, &c->cap, sizeof(*c->part));
	*out = &c->part[c->parts++];
	**out = part;
	return 0;
}

/* Finds the listing that says what is at `path`, or makes it. A file of many lies three folders
 * deep. */
static int part_for(struct store_compare *c, struct store_compare_part **out,
		    const char *path, struct err *err)
{
	size_t folder = folder_of(path, c->check ? 1 : 3), len = strlen(path);

	if ((folder && (*out = find_part(c, path, folder))) ||
	    (*out = find_part(c, path, len))) {
		return 0;
	}
	if (folder && (c->check || c->many || c->asked++ >= ASKED_MAX)) {
		len = folder;
	}
	return list_part(c, out, path, len, err);
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
		  const char *path, uint64_t size, const uint8_t *md5, struct err *err)
{
	static const uint8_t any[LISTING_MD5];
	struct store_compare_part *part = NULL;
	int rc = part_for(compare, &part, path, err);

	if (rc) {
		return rc;
	}
	*match = listing_compare(&part->listing, path, size, md5 ? md5 : any);
	if (*match != LISTING_UNSURE && (md5 || *match == LISTING_ABSENT)) {
		return 0;
	}
	*match = LISTING_DIFFERS;
	return md5 && compare->check ? read_body(compare, match, path, size, md5, err)
				     : 0;
}

bool store_compare_is_exhausted(const struct store_compare *compare, const char *path)
{
	const struct store_compare_part *part =
		find_part(compare, path, folder_of(path, 1));

	return part && listing_is_exhausted(&part->listing);
}

void store_compare_release(struct store_compare *compare)
{
	for (size_t i = 0; i < compare->parts; i++) {
		free(compare->part[i].prefix);
		listing_release(&compare->part[i].listing);
	}
	free(compare->part);
	*compare = (struct store_compare){0};
}
