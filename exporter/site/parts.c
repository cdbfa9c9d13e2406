/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/parts.h"

#include "exporter/snapshot/message.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"

bool parts_are_of_tag_images(struct place *place)
{
	struct buf root = {0};
	bool has_tag_images = false, has_others = false;

	for (size_t i = 0; i < response_count; i++) {
		const struct response *row = &response_table[i];

		buf_clear(&root);
		response_site_root(&root, row);
		if (row->collected && place_has_file(place, root.data)) {
			bool first = row->stale_by == 1 << QUERY_TAG_IMAGES;

			has_tag_images = has_tag_images || first;
			has_others = has_others || !first;
		}
	}
	buf_release(&root);
	return has_tag_images && !has_others;
}

/* Whether an empty file stands in place of a collected one. */
static bool has_mark(struct place *place, const char *path)
{
	struct buf mark = {0};
	bool has;

	oversize_add_mark(&mark, path);
	has = place_has_file(place, mark.data);
	buf_release(&mark);
	return has;
}

bool parts_missing(struct buf *path, struct place *place, const struct state *state,
		   const char *message)
{
	static const char *const trailer[] = {
		[QUERY_TAG_IMAGES] = MESSAGE_IMAGES,
		[QUERY_UNTAGGED] = MESSAGE_ALBUMS,
		[QUERY_IMAGES] = MESSAGE_ALBUMS,
	};

	for (size_t i = 0; i < response_count; i++) {
		const struct response *row = &response_table[i];
		bool wanted =
			row->request &&
			(row->collected
				 ? state->collections && !response_is_many(row)
				 : message_count(message, trailer[row->kind], 0) > 0);

		buf_clear(path);
		response_site_root(path, row);
		if (wanted && !place_has_file(place, path->data) &&
		    !(row->collected && has_mark(place, path->data))) {
			return true;
		}
	}
	buf_clear(path);
	buf_addstr(path, "audit/index.html");
	return *state->mark && !place_has_file(place, path->data);
}
