/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/state.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "data/base/file.h"
#include "data/format/json.h"
#include "exporter/git/pack/object.h"
#include "exporter/snapshot/message.h"

#define BYTES_MAX (64u << 10)

/* Copies the member `key` if it is an id in hex. */
static void read_id(struct snapshot_id *out, const struct json_object *object,
		    const char *text, const char *key)
{
	const struct json_member *member = json_find(object, text, key);
	uint8_t id[OBJECT_ID];

	if (member && member->value.len == OBJECT_HEX + 2) {
		memcpy(out->hex, text + member->value.off + 1, OBJECT_HEX);
		out->hex[OBJECT_HEX] = '\0';
		if (!object_unhex(id, out->hex)) {
			out->hex[0] = '\0';
		}
	}
}

void state_read(struct state *out, const char *site)
{
	struct buf path = {0}, text = {0}, canon = {0};
	struct json_object object = {0};
	struct json_value value;
	const struct json_member *member;
	struct err why;
	int rc;

	*out = (struct state){0};
	buf_addf(&path, "%s/" STATE_FILE, site);
	rc = file_read(&text, path.data, BYTES_MAX, &why);
	if (!rc && json_read(&canon, &value, text.data, text.len) == 0 && canon.len &&
	    canon.data[0] == '{') {
		json_members(&object, canon.data, canon.len);
		read_id(&out->commit, &object, canon.data, "\"commit\"");
		read_id(&out->tree, &object, canon.data, "\"tree\"");
		member = json_find(&object, canon.data, "\"collections\"");
		out->collections = member && canon.data[member->value.off] == 't';
		member = json_find(&object, canon.data, "\"audit_page\"");
		if (member && member->value.len == sizeof(out->mark) + 1) {
			memcpy(out->mark, canon.data + member->value.off + 1,
			       sizeof(out->mark) - 1);
		}
	}
	json_object_release(&object);
	buf_release(&path);
	buf_release(&text);
	buf_release(&canon);
}

void state_write(struct buf *out, const struct snapshot_info *info, bool collections,
		 const char *mark)
{
	static const struct {
		const char *trailer, *name;
	} count[] = {
		{MESSAGE_IMAGES, "images"},
		{MESSAGE_ALBUMS, "albums"},
		{MESSAGE_UNTAGGED, "untagged"},
		{MESSAGE_TAG_IMAGES, "tag_images"},
	};
	time_t when = (time_t)info->time_s;
	const char *comma = "";
	struct tm tm = {0};
	char text[64];

	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_addf(out, "{\"commit\":\"%s\",\"tree\":\"%s\",\"time\":\"%s\",\"counts\":{",
		 info->commit.hex, info->tree.hex, text);
	for (size_t i = 0; i < sizeof(count) / sizeof(*count); i++) {
		uint64_t n = message_count(info->message, count[i].trailer, UINT64_MAX);

		if (n != UINT64_MAX) {
			buf_addf(out, "%s\"%s\":%" PRIu64, comma, count[i].name, n);
			comma = ",";
		}
	}
	buf_addf(out, "},\"collections\":%s", collections ? "true" : "false");
	if (*mark) {
		buf_addf(out, ",\"audit_page\":\"%s\"", mark);
	}
	buf_addstr(out, "}\n");
}
