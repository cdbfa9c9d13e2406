/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/response.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "data/base/hex.h"
#include "data/format/name.h"
#include "data/format/record.h"

const struct response response_table[] = {
	{QUERY_TAG_IMAGES, QUERY_TAG_IMAGES, "api/v1/tag_images?image_ids[]=ID",
	 "api/v1/tag_images/", ".json"},
	{QUERY_UNTAGGED, QUERY_UNTAGGED, "/api/v1/albums/ID/images/untag",
	 "api/v1/albums/", "/images/untag.json"},
	{QUERY_IMAGES, QUERY_IMAGES, "/api/v1/albums/ID/images", "api/v1/albums/",
	 "/images.json"},
	/* No name has a dot in it (data/format/name.h), so this is nobody's ".json". */
	{QUERY_ALBUM_OF, QUERY_TAG_IMAGES, NULL, "api/v1/tag_images/", ".album"},
	{QUERY_TAG, QUERY_TAG, NULL, "audit/tags/", ".json"},
};
const size_t response_count = sizeof(response_table) / sizeof(*response_table);

/* "xx/yy/" of a snapshot path. */
#define SHARD_LENGTH 6

const struct response *response_of(enum query_response kind)
{
	for (size_t i = 0; i < response_count; i++) {
		if (response_table[i].kind == kind) {
			return &response_table[i];
		}
	}
	assert(!"no such response");
	return NULL;
}

void response_site_path(struct buf *out, const struct response *row, const char *id,
			size_t len)
{
	buf_addstr(out, row->prefix);
	name_add(out, id, len);
	buf_addstr(out, row->suffix);
}

void response_sharded(struct buf *out, const char *id, size_t len)
{
	struct buf name = {0};
	char shard[5];

	name_add(&name, id, len);
	name_shard(shard, name.data, name.len);
	buf_addf(out, "%.2s/%.2s/", shard, shard + 2);
	buf_add(out, name.data, name.len);
	buf_release(&name);
}

void response_snapshot_path(struct buf *out, const struct response *row, const char *id,
			    size_t len)
{
	buf_addstr(out, row->prefix);
	response_sharded(out, id, len);
	buf_addstr(out, row->suffix);
}

static bool is_shard(const char *path)
{
	uint8_t shard[2];

	return hex_read(&shard[0], 1, path) && path[2] == '/' &&
	       hex_read(&shard[1], 1, path + 3) && path[5] == '/';
}

/* The length of the name at the front of `path`, by its shape: letters, digits,
 * `_`, `-` and `%XX`. So it has no slash and no dot, whatever the tree says. */
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
	return len;
}

const struct response *response_parse(const char *path, const char **name, size_t *len)
{
	for (size_t i = 0; i < response_count; i++) {
		const struct response *row = &response_table[i];
		size_t prefix = strlen(row->prefix);

		if (strncmp(path, row->prefix, prefix) != 0 || !is_shard(path + prefix)) {
			continue;
		}
		*name = path + prefix + SHARD_LENGTH;
		*len = name_span(*name);
		if (*len > 0 && *len <= RECORD_NAME_MAX &&
		    strcmp(*name + *len, row->suffix) == 0) {
			return row;
		}
	}
	return NULL;
}

const struct response *response_from_snapshot(struct buf *site_path, const char *path)
{
	const char *name;
	size_t len;
	const struct response *row = response_parse(path, &name, &len);

	if (!row || !row->request) {
		return NULL;
	}
	buf_addstr(site_path, row->prefix);
	buf_addstr(site_path, name);
	return row;
}
