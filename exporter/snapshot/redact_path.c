/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/redact.h"

#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "data/format/record.h"
#include "exporter/snapshot/redact_inner.h"

#define TRAILER_DROP "Albumen-Drop: "
#define TRAILER_ROUND "Albumen-Round-GPS: "

void redact_free(struct redact *redact)
{
	if (redact) {
		for (size_t i = 0; i < redact->count; i++) {
			for (size_t n = 0; n < redact->path[i].names; n++) {
				free(redact->path[i].name[n]);
			}
			free(redact->path[i].text);
		}
		free(redact);
	}
}

/* A path goes onto a line of the commit's message. */
static int check_text(const char *text, struct err *err)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			return err_set(err, ERR_USAGE,
				       "'--drop %s' has control characters", text);
		}
	}
	if (!json_is_utf8(text, len) || (len && (*text == ' ' || text[len - 1] == ' '))) {
		return err_set(err, ERR_USAGE, "'--drop %s' names no member", text);
	}
	return 0;
}

/* What makes a record one, and responses work, stays: `name` and `label` make a tag. */
static int check_needed(const char *text, const char *name, size_t len, struct err *err)
{
	static const char *const needed[] = {
		"id",     "public_id",  "album_id",   "image", "tag",  "image_id",
		"tag_id", "created_at", "updated_at", "name",  "label"};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (strlen(needed[i]) == len && memcmp(needed[i], name, len) == 0) {
			return err_set(err, ERR_USAGE,
				       "'--drop %s': responses need '%s', it cannot be "
				       "left out",
				       text, needed[i]);
		}
	}
	return 0;
}

static int read_path(struct redact_path *out, const char *text, struct err *err)
{
	const char *at = text;
	int rc = check_text(text, err);

	out->text = xstrdup(text);
	if (!rc && (strncmp(at, "image.", 6) == 0 || strncmp(at, "tag.", 4) == 0)) {
		out->kind = *at == 'i' ? RECORD_IMAGE : RECORD_TAG;
		at = strchr(at, '.') + 1;
	}
	if (!rc && !strchr(at, '.')) {
		rc = check_needed(text, at, strlen(at), err);
	}
	while (!rc && at) {
		const char *dot = strchr(at, '.');
		size_t len = dot ? (size_t)(dot - at) : strlen(at);
		struct buf name = {0};

		if (!len || out->names == REDACT_NAMES_MOST) {
			return err_set(err, ERR_USAGE,
				       "'--drop %s' has %s; a path is NAME.NAME...", text,
				       len ? "too many names" : "an empty name");
		}
		json_quote(&name, at, len);
		out->name[out->names++] = name.data;
		at = dot ? dot + 1 : NULL;
	}
	return rc;
}

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

int redact_new(struct redact **out, const char *const *paths, size_t count,
	       long long round_gps, struct err *err)
{
	const char *sorted[REDACT_PATHS_MOST];
	struct redact *redact;
	int rc = 0;

	*out = NULL;
	if (round_gps > REDACT_ROUND_MOST) {
		return err_set(err, ERR_USAGE, "'--round-gps %lld': at most %d decimals",
			       round_gps, REDACT_ROUND_MOST);
	}
	if (count > REDACT_PATHS_MOST) {
		return err_set(err, ERR_USAGE, "more than %d paths", REDACT_PATHS_MOST);
	}
	if (!count && round_gps < 0) {
		return 0;
	}
	redact = xzalloc(sizeof(*redact));
	redact->decimals = round_gps < 0 ? -1 : (int)round_gps;
	if (count) {
		memcpy(sorted, paths, count * sizeof(*sorted));
		qsort(sorted, count, sizeof(*sorted), by_text);
	}
	for (size_t i = 0; i < count && !rc; i++) {
		if (!i || strcmp(sorted[i - 1], sorted[i]) != 0) {
			rc = read_path(&redact->path[redact->count++], sorted[i], err);
		}
	}
	if (rc) {
		redact_free(redact);
		return rc;
	}
	*out = redact;
	return 0;
}

void redact_trailers(struct buf *out, const struct redact *redact)
{
	for (size_t i = 0; redact && i < redact->count; i++) {
		buf_addf(out, TRAILER_DROP "%s\n", redact->path[i].text);
	}
	if (redact && redact->decimals >= 0) {
		buf_addf(out, TRAILER_ROUND "%d\n", redact->decimals);
	}
}

bool redact_is_said(const struct redact *redact, const char *message)
{
	struct buf said = {0}, want = {0};
	const char *at = message, *blank;
	bool same;

	/* Trailers are the last paragraph. */
	while ((blank = strstr(at, "\n\n")) && blank[2]) {
		at = blank + 2;
	}
	while (*at) {
		size_t len = strcspn(at, "\n");

		if (strncmp(at, TRAILER_DROP, strlen(TRAILER_DROP)) == 0 ||
		    strncmp(at, TRAILER_ROUND, strlen(TRAILER_ROUND)) == 0) {
			buf_add(&said, at, len);
			buf_addch(&said, '\n');
		}
		at += len + (at[len] == '\n');
	}
	redact_trailers(&want, redact);
	same = said.len == want.len &&
	       (!want.len || memcmp(said.data, want.data, want.len) == 0);
	buf_release(&said);
	buf_release(&want);
	return same;
}
