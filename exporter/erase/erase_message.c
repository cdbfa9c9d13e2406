/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/evidence/declared.h"
#include "exporter/evidence/digest.h"
#include "exporter/git/commit.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/response.h"

#define DROP "Albumen-Drop"
#define ROUND "Albumen-Round-GPS"
#define EMPTIED "No file changed"

/* A line "NAME: VALUE" of the trailers. */
struct line {
	const char *text;
	size_t len; /* without the newline */
};

static bool is_trailer(const struct line *line, const char *name)
{
	size_t len = strlen(name);

	return line->len > len + 1 && memcmp(line->text, name, len) == 0 &&
	       line->text[len] == ':' && line->text[len + 1] == ' ';
}

static const char *value_of(const struct line *line, const char *name)
{
	return line->text + strlen(name) + 2;
}

static void write_subject(struct buf *out, const char *message,
			  const struct erase_message *changes)
{
	const struct erase_tree_counts *files = changes->files;
	struct snapshot_delta delta = {0};
	size_t len = strcspn(message, "\n");

	if (!files || (!message_subject_read(&delta, message) &&
		       (len != strlen(EMPTIED) || memcmp(message, EMPTIED, len) != 0))) {
		buf_add(out, message, len);
		return;
	}
	delta.added += files->is.added - files->was.added;
	delta.changed += files->is.changed - files->was.changed;
	delta.removed += files->is.removed - files->was.removed;
	if (len != strlen("No responses yet") && !delta.added && !delta.changed &&
	    !delta.removed) {
		buf_addstr(out, EMPTIED);
	} else {
		message_subject(out, &delta);
	}
}

/* Writes a count of the snapshot. False: the line is none. */
static bool write_count(struct buf *out, const struct line *line,
			const struct erase_counts *counts)
{
	const struct {
		const char *name;
		int64_t more;
	} count[] = {
		{MESSAGE_IMAGES, counts->images},
		{MESSAGE_UNTAGGED, counts->untagged},
		{MESSAGE_ALBUMS, counts->albums},
		{MESSAGE_TAGS, counts->tags},
		{MESSAGE_TAG_IMAGES, counts->tag_images},
	};

	for (size_t i = 0; i < sizeof(count) / sizeof(*count); i++) {
		if (is_trailer(line, count[i].name)) {
			int64_t n = strtoll(value_of(line, count[i].name), NULL, 10) +
				    count[i].more;

			buf_addf(out, "%s: %" PRId64 "\n", count[i].name, n < 0 ? 0 : n);
			return true;
		}
	}
	return false;
}

/* Whether the line names a response of an erased image as too large. */
static bool is_of_erased(const struct line *line, const struct erase_ids *images)
{
	struct buf path = {0}, id = {0};
	bool erased = false;

	if (images && is_trailer(line, OVERSIZE_TRAILER)) {
		const char *value = value_of(line, OVERSIZE_TRAILER);

		buf_add(&path, value, (size_t)(line->text + line->len - value));
		erased = body_path(&id, path.data) == QUERY_TAG_IMAGES &&
			 erase_ids_find(images, &(struct body_text){id.data, id.len});
	}
	buf_release(&path);
	buf_release(&id);
	return erased;
}

/* Writes the trailers of members that come before the line (NULL: all that are left). They are
 * in the order of the paths. */
static void write_members(struct buf *out, size_t *next, const struct line *line,
			  const struct erase_message *changes)
{
	const char *path;

	while (changes->members && (path = redact_path(changes->members, *next))) {
		size_t len = strlen(path);

		if (line && is_trailer(line, DROP)) {
			const char *other = value_of(line, DROP);

			if (strncmp(path, other, len) > 0) {
				return;
			}
		} else if (line && !is_trailer(line, ROUND) &&
			   !is_trailer(line, DIGEST_TRAILER) &&
			   !is_trailer(line, DECLARED_WAS)) {
			return;
		}
		buf_addf(out, DROP ": %s; matched %" PRIu64 "\n", path,
			 changes->matched->path[*next]);
		(*next)++;
	}
}

static void write_line(struct buf *out, const struct line *line,
		       const struct erase_message *changes)
{
	if (is_of_erased(line, changes->images) || is_trailer(line, DECLARED_WAS)) {
		return;
	}
	if (changes->sha256 && is_trailer(line, DIGEST_TRAILER)) {
		buf_addf(out, DIGEST_TRAILER ": %s\n", changes->sha256);
	} else if (!changes->counts || !write_count(out, line, changes->counts)) {
		buf_add(out, line->text, line->len);
		buf_addch(out, '\n');
	}
}

void erase_message_write(struct buf *out, const char *message,
			 const struct erase_message *changes)
{
	struct commit_trailers trailers = commit_trailers(message);
	const char *rest = message + strcspn(message, "\n");
	char hex[OBJECT_HEX + 1];
	size_t member = 0;
	bool ours = false;

	write_subject(out, message, changes);
	if (rest < trailers.at) {
		buf_add(out, rest, (size_t)(trailers.at - rest));
	}
	while (trailers.at < trailers.end) {
		const char *eol =
			memchr(trailers.at, '\n', (size_t)(trailers.end - trailers.at));
		struct line line = {trailers.at,
				    (size_t)((eol ? eol : trailers.end) - trailers.at)};

		ours |= line.len > 8 && memcmp(line.text, "Albumen-", 8) == 0;
		write_members(out, &member, &line, changes);
		write_line(out, &line, changes);
		trailers.at = eol ? eol + 1 : trailers.end;
	}
	if (out->len && out->data[out->len - 1] != '\n') {
		buf_addch(out, '\n');
	}
	if (!ours) {
		buf_addch(out, '\n'); /* the last paragraph is somebody's text */
	}
	write_members(out, &member, NULL, changes);
	object_hex(hex, changes->was);
	buf_addf(out, DECLARED_WAS ": %s\n", hex);
}
