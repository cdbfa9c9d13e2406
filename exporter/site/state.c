/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/state.h"

#include <string.h>

#include "data/format/json_print.h"
#include "exporter/body/body.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/oversize.h"

/* --- writing --- */

static void print_counts(struct buf *out, const char *message)
{
	static const struct {
		const char *name, *trailer;
	} count[] = {
		{"images", MESSAGE_IMAGES},
		{"albums", MESSAGE_ALBUMS},
		{"untagged", MESSAGE_UNTAGGED},
		{"tag_images", MESSAGE_TAG_IMAGES},
	};

	json_print_open(out, "counts", '{');
	for (size_t i = 0; i < sizeof(count) / sizeof(*count); i++) {
		uint64_t n = message_count(message, count[i].trailer, UINT64_MAX);

		json_print_maybe(out, count[i].name, n, n != UINT64_MAX);
	}
	buf_addch(out, '}');
}

void state_write(struct buf *out, const struct snapshot_info *info, bool collections,
		 const char *mark)
{
	struct oversize oversize = {0};
	char time[WHEN_TEXT];

	when_format(time, info->time_s);
	json_print_document(out);
	json_print_string(out, "commit", info->commit.hex);
	json_print_string(out, "tree", info->tree.hex);
	json_print_string(out, "time", time);
	print_counts(out, info->message);
	oversize_read(&oversize, info->message);
	json_print_number(out, "oversize", oversize.count);
	oversize_release(&oversize);
	json_print_bool(out, "collections", collections);
	json_print_string(out, "audit_page", *mark ? mark : NULL);
	buf_addstr(out, "}\n");
}

/* --- reading --- */

/* Copies the text between the quotes if it has `len` characters. */
static void read_text(char *out, size_t len, struct body_text text)
{
	if (text.data && text.len == len + 2) {
		memcpy(out, text.data + 1, len);
		out[len] = '\0';
	}
}

static void read_id(struct snapshot_id *out, struct body_text text)
{
	uint8_t id[OBJECT_ID];

	read_text(out->hex, SNAPSHOT_HEX, text);
	if (!object_unhex(id, out->hex)) {
		*out->hex = '\0';
	}
}

int state_read(struct state *out, struct place *place, struct err *err)
{
	struct buf text = {0}, canon = {0};
	struct body_object object = {0};
	struct json_value value;
	int rc;

	*out = (struct state){0};
	rc = place_read(&text, place, PLACE_STATE, PLACE_STATE_MAX, err);
	if (!rc && json_read(&canon, &value, text.data, text.len) == 0 &&
	    body_object(&object, &(struct body_text){canon.data, canon.len})) {
		struct body_text collections = body_member(&object, "collections");

		read_id(&out->commit, body_string(&object, "commit"));
		read_id(&out->tree, body_string(&object, "tree"));
		out->collections = collections.data && *collections.data == 't';
		read_text(out->mark, PAGE_SITE_MARK, body_string(&object, "audit_page"));
	}
	body_object_release(&object);
	buf_release(&text);
	buf_release(&canon);
	return rc == ERR_NOTFOUND ? 0 : rc;
}
