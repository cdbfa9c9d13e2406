/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/pending.h"

#include <string.h>

#include "exporter/git/pack/object.h"

int pending_read(struct pending *out, struct place *place, struct err *err)
{
	*out = (struct pending){0};
	return place_pending_read(&out->text, &out->unfinished, place, err);
}

void pending_release(struct pending *pending)
{
	buf_release(&pending->text);
}

bool pending_next(const struct pending *pending, size_t *at, struct snapshot_id *commit)
{
	const char *line = pending->text.data + *at;
	uint8_t id[OBJECT_ID];
	size_t len;

	*commit = (struct snapshot_id){0};
	if (*at == pending->text.len) {
		return false;
	}
	len = strcspn(line, "\n");
	if (len == SNAPSHOT_HEX && object_unhex(id, line)) {
		memcpy(commit->hex, line, len);
	}
	*at += len + (line[len] == '\n');
	return true;
}

static bool has_line(const struct buf *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text->data; at && (at = strstr(at, line)); at += len) {
		if ((at == text->data || at[-1] == '\n') && at[len] == '\n') {
			return true;
		}
	}
	return false;
}

int pending_begin(struct pending *pending, struct place *place,
		  const struct snapshot_id *commit, bool known, struct err *err)
{
	struct buf *text = &pending->text;

	if (!known) {
		buf_clear(text);
		buf_addstr(text, "unknown\n");
	}
	/* Once: each line is compared with the target, and a publication that fails is
	 * tried again and again. */
	if (!has_line(text, commit->hex)) {
		buf_addf(text, "%s\n", commit->hex);
	}
	return place_pending_begin(place, text->data, text->len, pending->unfinished,
				   err);
}
