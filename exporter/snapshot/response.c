/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/response.h"

#include <assert.h>
#include <string.h>

#include "data/format/name.h"
#include "data/format/record.h"

const struct response response_table[] = {
	{
		.kind = QUERY_TAG_IMAGES,
		.stale_by = 1 << QUERY_TAG_IMAGES,
		.path = "api/v1/tag_images/*.json",
		.request = "api/v1/tag_images",
		.parameter = "image_ids[]",
	},
	{
		.kind = QUERY_UNTAGGED,
		.stale_by = 1 << QUERY_UNTAGGED,
		.path = "api/v1/albums/*/images/untag.json",
		.request = "api/v1/albums/*/images/untag",
	},
	{
		.kind = QUERY_IMAGES,
		.stale_by = 1 << QUERY_IMAGES,
		.path = "api/v1/albums/*/images.json",
		.request = "api/v1/albums/*/images",
	},
	{
		/* No name has a dot in it, so no id makes the first row's path equal this. */
		.kind = QUERY_ALBUM_OF,
		.stale_by = 1 << QUERY_TAG_IMAGES,
		.path = "api/v1/tag_images/*.album",
	},
	{
		.kind = QUERY_TAG,
		.stale_by = 1 << QUERY_TAG,
		.path = "audit/tags/*.json",
	},
	{
		.collected = true,
		.stale_by = 1 << QUERY_TAG,
		.path = "api/v1/tags.json",
		.request = "api/v1/tags",
	},
	{
		.collected = true,
		.stale_by = 1 << QUERY_TAG_IMAGES | 1 << QUERY_TAG,
		.path = "api/v1/tags/*/tag_images.json",
		.request = "api/v1/tags/*/tag_images",
	},
	{
		.collected = true,
		.stale_by = 1 << QUERY_TAG_IMAGES,
		.path = "api/v1/tag_images.json",
		.request = "api/v1/tag_images",
	},
};
const size_t response_count = sizeof(response_table) / sizeof(*response_table);

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

static void add_path(struct buf *out, const struct response *row, enum layout_place place,
		     const char *id, size_t len)
{
	struct buf name = {0};

	layout_add_name(&name, place, id, len);
	layout_fill(out, row->path, &(struct layout_text){name.data, name.len});
	buf_release(&name);
}

void response_site_path(struct buf *out, const struct response *row, const char *id,
			size_t len)
{
	add_path(out, row, LAYOUT_SITE, id, len);
}

void response_snapshot_path(struct buf *out, const struct response *row, const char *id,
			    size_t len)
{
	add_path(out, row, LAYOUT_SNAPSHOT, id, len);
}

const struct response *response_parse(const char *path, struct layout_text *name)
{
	struct layout_text names[LAYOUT_IDS_MAX];

	for (size_t i = 0; i < response_count; i++) {
		const struct response *row = &response_table[i];

		if (!row->collected &&
		    layout_match(row->path, LAYOUT_SNAPSHOT, path, names)) {
			*name = names[0];
			return row;
		}
	}
	return NULL;
}

const struct response *response_from_snapshot(struct buf *site_path, const char *path)
{
	struct layout_text name;
	const struct response *row = response_parse(path, &name);

	if (!row || !row->request) {
		return NULL;
	}
	layout_fill(site_path, row->path, &name);
	return row;
}

static const char *const foreign = "does not belong in a snapshot";

/* What is wrong with the name of an id in a path of snapshots, or the shard before it. */
static const char *name_fault(const struct layout_text *name, bool any_id)
{
	struct buf id = {0};
	const char *at = name->at - strlen("xx/yy/");
	char shard[5];
	bool good = name_to_id(&id, name->at, name->len) == 0 &&
		    (any_id || !record_id_fault(id.data, id.len));

	buf_release(&id);
	if (!good) {
		return foreign;
	}
	name_shard(shard, name->at, name->len);
	return memcmp(at, shard, 2) != 0 || memcmp(at + 3, shard + 2, 2) != 0
		       ? "lies in the wrong shard"
		       : NULL;
}

/* *name: of the id in the path; its `at` is NULL where there is none. */
static bool is_known(const char *path, bool is_folder, struct layout_text *name)
{
	for (size_t i = 0; i < response_count; i++) {
		const struct response *row = &response_table[i];
		struct layout_text names[LAYOUT_IDS_MAX] = {{0}};

		if (!row->collected && (is_folder ? layout_is_folder : layout_match)(
					       row->path, LAYOUT_SNAPSHOT, path, names)) {
			*name = names[0];
			return true;
		}
	}
	return false;
}

const char *response_fault(const char *path, bool is_folder)
{
	struct layout_text name;

	return !is_known(path, is_folder, &name) ? foreign
	       : name.at                         ? name_fault(&name, false)
						 : NULL;
}

const char *response_walk_fault(const char *path, bool is_folder)
{
	struct layout_text name;

	return !is_known(path, is_folder, &name) ? (is_folder ? foreign : NULL)
	       : name.at                         ? name_fault(&name, true)
						 : NULL;
}

bool response_is_many(const struct response *row)
{
	return strchr(row->path, '*') != NULL;
}

void response_site_root(struct buf *out, const struct response *row)
{
	size_t len = strcspn(row->path, "*");

	buf_add(out, row->path, row->path[len] ? len - 1 : len);
}
