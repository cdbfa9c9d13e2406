/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/declared.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/stamp.h"
#include "exporter/evidence/digest.h"
#include "exporter/git/commit.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"

#define PRUNED_BEFORE "Albumen-Pruned-Before"
#define PRUNED_FIRST "Albumen-First"
#define PRUNED_HELD "Albumen-Held"
#define ERASED_FROM "Albumen-Erased-From"
#define ERASED_OLD "Albumen-Erased-Old"
#define ERASED_NEW "Albumen-Erased-New"
#define ERASED_SNAPSHOTS "Albumen-Erased-Snapshots"
#define ERASED_ANSWERS "Albumen-Erased-Answers"
#define ERASED_HELD "Albumen-Erased-Held"

#define NUMBER_DIGITS 18

void declared_list_add(struct declared_list *list, uint64_t number,
		       const uint8_t id[OBJECT_ID])
{
	struct declared_snapshot *snapshot;

	list->at = xgrow(list->at, list->count, &list->cap, sizeof(*list->at));
	snapshot = &list->at[list->count++];
	snapshot->number = number;
	memcpy(snapshot->id, id, OBJECT_ID);
}

/* --- writing --- */

static void write_id(struct buf *out, const char *name, const uint8_t id[OBJECT_ID])
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, id);
	buf_addf(out, "%s: %s\n", name, hex);
}

static void write_snapshot(struct buf *out, const char *name,
			   const struct declared_snapshot *snapshot)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, snapshot->id);
	buf_addf(out, "%s: %" PRIu64 " %s\n", name, snapshot->number, hex);
}

static void write_list(struct buf *out, const char *name,
		       const struct declared_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		write_snapshot(out, name, &list->at[i]);
	}
}

void declared_pruned_write(struct buf *out, const struct declared_pruned *pruned)
{
	char before[WHEN_TEXT];

	when_format(before, pruned->before_s);
	buf_addf(out, PRUNED_BEFORE ": %s\n", before);
	write_snapshot(out, PRUNED_FIRST, &pruned->first);
	write_list(out, PRUNED_HELD, &pruned->held);
}

void declared_erased_write(struct buf *out, const struct declared_erased *erased)
{
	buf_addf(out, ERASED_FROM ": %" PRIu64 "\n", erased->from);
	write_id(out, ERASED_OLD, erased->old_tip);
	write_id(out, ERASED_NEW, erased->new_tip);
	buf_addf(out, ERASED_SNAPSHOTS ": %" PRIu64 "\n", erased->snapshots);
	buf_addf(out, ERASED_ANSWERS ": %" PRIu64 "\n", erased->answers);
	write_list(out, ERASED_HELD, &erased->held);
}

/* --- reading --- */

/* Moves behind the line "NAME: VALUE", and returns the value. NULL: the line is another one. */
static const char *take(size_t *len, struct commit_trailers *rest, const char *name)
{
	size_t name_len = strlen(name);
	const char *line = rest->at, *eol;

	if (line >= rest->end || (size_t)(rest->end - line) < name_len + 2 ||
	    strncmp(line, name, name_len) != 0 ||
	    strncmp(line + name_len, ": ", 2) != 0) {
		return NULL;
	}
	eol = memchr(line, '\n', (size_t)(rest->end - line));
	eol = eol ? eol : rest->end;
	rest->at = eol < rest->end ? eol + 1 : rest->end;
	*len = (size_t)(eol - line) - name_len - 2;
	return line + name_len + 2;
}

/* Reads a whole number from 1 on, or, with `zero`, from 0 on. */
static bool read_number(uint64_t *number, const char *text, size_t len, bool zero)
{
	if (!len || len > NUMBER_DIGITS || strspn(text, "0123456789") < len ||
	    (*text == '0' && (len > 1 || !zero))) {
		return false;
	}
	*number = strtoull(text, NULL, 10);
	return true;
}

static bool read_id(uint8_t id[OBJECT_ID], const char *text, size_t len)
{
	char hex[OBJECT_HEX + 1];

	if (len != OBJECT_HEX || !object_unhex(id, text)) {
		return false;
	}
	/* In lower case, as git has it. */
	object_hex(hex, id);
	return memcmp(hex, text, OBJECT_HEX) == 0;
}

static bool take_number(uint64_t *number, struct commit_trailers *rest, const char *name,
			bool zero)
{
	size_t len;
	const char *value = take(&len, rest, name);

	return value && read_number(number, value, len, zero);
}

static bool take_id(uint8_t id[OBJECT_ID], struct commit_trailers *rest, const char *name)
{
	size_t len;
	const char *value = take(&len, rest, name);

	return value && read_id(id, value, len);
}

static bool read_snapshot(struct declared_snapshot *out, const char *value, size_t len)
{
	const char *space = memchr(value, ' ', len);
	size_t digits = space ? (size_t)(space - value) : len;

	return space && read_number(&out->number, value, digits, false) &&
	       read_id(out->id, space + 1, len - digits - 1);
}

/* Any number of them, sorted. */
static bool take_list(struct declared_list *list, struct commit_trailers *rest,
		      const char *name)
{
	uint64_t last = 0;
	const char *value;
	size_t len;

	while ((value = take(&len, rest, name))) {
		struct declared_snapshot snapshot;

		if (!read_snapshot(&snapshot, value, len) || snapshot.number <= last) {
			return false;
		}
		last = snapshot.number;
		declared_list_add(list, last, snapshot.id);
	}
	return true;
}

/* What follows is of every label. */
static const char *read_rest(struct commit_trailers *rest)
{
	size_t len;

	take(&len, rest, MESSAGE_NUMBER);
	take(&len, rest, DIGEST_TRAILER);
	take(&len, rest, DECLARED_WAS);
	return rest->at < rest->end
		       ? "its message has a trailer too many, or in the wrong place"
		       : NULL;
}

static const char *read_pruned(struct declared_pruned *out, struct commit_trailers *rest)
{
	size_t len;
	const char *value = take(&len, rest, PRUNED_BEFORE);
	char before[WHEN_TEXT];
	struct stamp stamp;

	if (!value || len != sizeof(before) - 1 || stamp_read(&stamp, value, len)) {
		return "its trailer " PRUNED_BEFORE " is missing, or no time";
	}
	out->before_s = stamp_unix_s(&stamp);
	when_format(before, out->before_s);
	if (memcmp(before, value, len) != 0) {
		return "its trailer " PRUNED_BEFORE " is missing, or no time";
	}
	value = take(&len, rest, PRUNED_FIRST);
	if (!value || !read_snapshot(&out->first, value, len)) {
		return "its trailer " PRUNED_FIRST " is missing, or no snapshot";
	}
	if (!take_list(&out->held, rest, PRUNED_HELD) ||
	    (out->held.count &&
	     out->held.at[out->held.count - 1].number >= out->first.number)) {
		return "its trailers " PRUNED_HELD
		       " are not the numbers and ids of snapshots before the first one, "
		       "in order";
	}
	return read_rest(rest);
}

const char *declared_pruned_read(struct declared_pruned *out, const char *message)
{
	struct commit_trailers rest = commit_trailers(message);

	*out = (struct declared_pruned){0};
	return read_pruned(out, &rest);
}

static const char *read_erased(struct declared_erased *out, struct commit_trailers *rest)
{
	if (!take_number(&out->from, rest, ERASED_FROM, false)) {
		return "its trailer " ERASED_FROM " is missing, or no number";
	}
	if (!take_id(out->old_tip, rest, ERASED_OLD)) {
		return "its trailer " ERASED_OLD " is missing, or no id";
	}
	if (!take_id(out->new_tip, rest, ERASED_NEW)) {
		return "its trailer " ERASED_NEW " is missing, or no id";
	}
	if (!take_number(&out->snapshots, rest, ERASED_SNAPSHOTS, true)) {
		return "its trailer " ERASED_SNAPSHOTS " is missing, or no number";
	}
	if (!take_number(&out->answers, rest, ERASED_ANSWERS, true)) {
		return "its trailer " ERASED_ANSWERS " is missing, or no number";
	}
	if (!take_list(&out->held, rest, ERASED_HELD)) {
		return "its trailers " ERASED_HELD
		       " are not the numbers and ids of snapshots, in order";
	}
	return read_rest(rest);
}

const char *declared_erased_read(struct declared_erased *out, const char *message)
{
	struct commit_trailers rest = commit_trailers(message);

	*out = (struct declared_erased){0};
	return read_erased(out, &rest);
}

void declared_pruned_release(struct declared_pruned *pruned)
{
	free(pruned->held.at);
	*pruned = (struct declared_pruned){0};
}

void declared_erased_release(struct declared_erased *erased)
{
	free(erased->held.at);
	*erased = (struct declared_erased){0};
}

int declared_was(uint8_t id[OBJECT_ID], const char *message)
{
	struct commit_trailers rest = commit_trailers(message);
	int rc = ERR_NOTFOUND;

	while (rest.at < rest.end) {
		const char *before = rest.at, *eol;
		size_t len;
		const char *value = take(&len, &rest, DECLARED_WAS);

		if (value) {
			return rest.at == rest.end && read_id(id, value, len) ? 0
									      : ERR_INPUT;
		}
		eol = memchr(before, '\n', (size_t)(rest.end - before));
		rest.at = eol ? eol + 1 : rest.end;
	}
	return rc;
}
