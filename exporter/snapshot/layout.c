/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/layout.h"

#include <assert.h>
#include <string.h>

#include "data/format/name.h"
#include "data/format/record.h"

void layout_add_name(struct buf *out, enum layout_place place, const char *id, size_t len)
{
	struct buf name = {0};
	char shard[5];

	name_add(&name, id, len);
	if (place == LAYOUT_SNAPSHOT) {
		name_shard(shard, name.data, name.len);
		buf_addf(out, "%.2s/%.2s/", shard, shard + 2);
	}
	buf_add(out, name.data, name.len);
	buf_release(&name);
}

void layout_fill(struct buf *out, const char *pattern, const struct layout_text *names)
{
	for (size_t i = 0;; i++) {
		size_t plain = strcspn(pattern, "*");

		buf_add(out, pattern, plain);
		if (!pattern[plain]) {
			return;
		}
		assert(i < LAYOUT_IDS_MAX);
		buf_add(out, names[i].at, names[i].len);
		pattern += plain + 1;
	}
}

/* The length of the name at the front of `path`: letters, digits, `_`, `-` and `%XX`. So a
 * name has no slash and no dot, whatever the tree says. 0: there is none. */
static size_t name_span(const char *path)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_-";
	static const char hex[] = "0123456789ABCDEF";
	size_t len = strspn(path, plain);

	while (path[len] == '%') {
		if (strspn(path + len + 1, hex) < 2) {
			return 0;
		}
		len += 3;
		len += strspn(path + len, plain);
	}
	return len <= RECORD_NAME_MAX ? len : 0;
}

/* How a path and a pattern that are gone through together end. */
enum match { MATCH_NONE, MATCH_FILE, MATCH_FOLDER };

/* Steps over "xx/yy/" of a snapshot. MATCH_FILE: the name is next. */
static enum match skip_shard(const char **path)
{
	for (int i = 0; i < 2; i++) {
		if (strspn(*path, "0123456789abcdef") != 2) {
			return MATCH_NONE;
		}
		*path += 2;
		if (**path != '/') {
			return **path ? MATCH_NONE : MATCH_FOLDER;
		}
		++*path;
	}
	return MATCH_FILE;
}

static enum match match(const char *pattern, enum layout_place place, const char *path,
			struct layout_text *names)
{
	for (; *pattern; pattern++) {
		if (!*path && *pattern == '/') {
			return MATCH_FOLDER;
		}
		if (*pattern != '*') {
			if (*pattern != *path++) {
				return MATCH_NONE;
			}
			continue;
		}
		if (place == LAYOUT_SNAPSHOT) {
			enum match shard = skip_shard(&path);

			if (shard != MATCH_FILE) {
				return shard;
			}
		}
		*names = (struct layout_text){path, name_span(path)};
		if (!names->len) {
			return MATCH_NONE;
		}
		path += names++->len;
	}
	return *path ? MATCH_NONE : MATCH_FILE;
}

bool layout_match(const char *pattern, enum layout_place place, const char *path,
		  struct layout_text names[LAYOUT_IDS_MAX])
{
	return match(pattern, place, path, names) == MATCH_FILE;
}

bool layout_is_folder(const char *pattern, enum layout_place place, const char *path,
		      struct layout_text names[LAYOUT_IDS_MAX])
{
	memset(names, 0, LAYOUT_IDS_MAX * sizeof(*names));
	return match(pattern, place, path, names) == MATCH_FOLDER;
}
