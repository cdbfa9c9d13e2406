/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/message.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hex.h"
#include "data/base/plain.h"
#include "exporter/git/commit.h"

#define INDEX_LEN (INDEX_UUID - 1)
#define EPOCH_DIGITS 16
#define COUNT_DIGITS 18 /* at most: the number then fits into 64 bits */

/* Copies the trailer's value. Returns its length; 0: there is none, or it is longer than
 * `most`. `message` may be NULL. */
static size_t get(char *value, size_t most, const char *message, const char *trailer)
{
	struct buf text = {0};
	size_t len = 0;

	if (message && commit_trailer(message, trailer, &text) == 0 && text.len &&
	    text.len <= most) {
		len = text.len;
		memcpy(value, text.data, len + 1);
	}
	buf_release(&text);
	return len;
}

const char *message_name_fault(const char *name)
{
	size_t len = strlen(name);

	if (!len) {
		return "is empty";
	}
	if (len > MESSAGE_NAME_MAX) {
		return "is longer than 200 bytes";
	}
	/* Git cuts white space off trailers. */
	if (isspace((unsigned char)name[0]) || isspace((unsigned char)name[len - 1])) {
		return "begins or ends with white space";
	}
	return plain_is(name, len)
		       ? NULL
		       : "is not one line of plain text (it must be UTF-8, without "
			 "control characters and without invisible ones)";
}

int message_name(struct buf *name, const char *message, struct err *err)
{
	struct commit_trailers trailers;
	const char *fault;

	if (!message) {
		return ERR_NOTFOUND;
	}
	trailers = commit_trailers(message);
	if (!commit_trailers_next(&trailers, MESSAGE_NAME, name)) {
		return ERR_NOTFOUND;
	}
	fault = message_name_fault(name->data ? name->data : "");
	if (fault) {
		return err_set(err, ERR_INPUT, "its trailer " MESSAGE_NAME " %s", fault);
	}
	return commit_trailers_next(&trailers, MESSAGE_NAME, name)
		       ? err_set(err, ERR_INPUT, "it has several trailers " MESSAGE_NAME)
		       : 0;
}

uint64_t message_count(const char *message, const char *trailer, uint64_t missing)
{
	char value[COUNT_DIGITS + 1];
	size_t len = get(value, COUNT_DIGITS, message, trailer);

	return len && strspn(value, "0123456789") == len ? strtoull(value, NULL, 10)
							 : missing;
}

bool message_exported(const char *message, char index[INDEX_UUID], uint64_t *epoch,
		      uint64_t *sequence)
{
	char value[INDEX_LEN + 1];
	uint8_t bytes[EPOCH_DIGITS / 2];

	if (get(value, INDEX_LEN, message, MESSAGE_INDEX) != INDEX_LEN) {
		return false;
	}
	memcpy(index, value, sizeof(value));
	*sequence = message_count(message, MESSAGE_SEQUENCE, 0);
	*epoch = get(value, EPOCH_DIGITS, message, MESSAGE_EPOCH) == EPOCH_DIGITS &&
				 hex_read(bytes, sizeof(bytes), value)
			 ? be64_get(bytes)
			 : 0;
	return *sequence != 0;
}

int message_number(uint64_t *number, struct snapshot_repo *repo,
		   const struct snapshot_info *parent, struct err *err)
{
	struct snapshot_info at = {.parent = parent->commit};
	uint64_t before = message_count(parent->message, MESSAGE_NUMBER, 0);
	uint64_t steps = 1;
	int rc = 0;

	/* The parent's message has its number, as a rule. If the parent is somebody
	 * else's commit, or only its id is known, count back to one that has. */
	while (!rc && !before && *at.parent.hex) {
		struct snapshot_id next = at.parent;

		snapshot_info_release(&at);
		rc = snapshot_resolve(repo, next.hex, &at, err);
		if (!rc) {
			before = message_count(at.message, MESSAGE_NUMBER, 0);
			steps += !before;
		}
	}
	snapshot_info_release(&at);
	*number = before + steps;
	return rc;
}

#define NOTHING_YET "No responses yet"

void message_subject(struct buf *out, const struct snapshot_delta *d)
{
	const struct {
		uint64_t n;
		const char *what;
	} part[] = {
		{d->added, "added"}, {d->changed, "changed"}, {d->removed, "removed"}};
	const char *noun = NULL;

	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		if (part[i].n) {
			buf_addstr(out, noun ? ", " : "");
			noun = noun ? "" : part[i].n == 1 ? " file" : " files";
			buf_addf(out, "%" PRIu64 "%s %s", part[i].n, noun, part[i].what);
		}
	}
	buf_addstr(out, noun ? "" : NOTHING_YET);
}

bool message_subject_read(struct snapshot_delta *delta, const char *message)
{
	size_t len = strcspn(message, "\n");
	struct buf again = {0};
	const char *at = message;
	bool same;

	*delta = (struct snapshot_delta){0};
	for (unsigned i = 0; i < 3 && at < message + len; i++) {
		char *end;
		uint64_t n = strtoull(at, &end, 10);

		end += strncmp(end, " files", 6) == 0  ? 6
		       : strncmp(end, " file", 5) == 0 ? 5
						       : 0;
		delta->added = strncmp(end, " added", 6) == 0 ? n : delta->added;
		delta->changed = strncmp(end, " changed", 8) == 0 ? n : delta->changed;
		delta->removed = strncmp(end, " removed", 8) == 0 ? n : delta->removed;
		at = strstr(end, ", ");
		at = at ? at + 2 : message + len;
	}
	message_subject(&again, delta);
	same = again.len == len && memcmp(again.data, message, len) == 0;
	buf_release(&again);
	return same;
}

static void write_count(struct buf *out, const char *trailer, uint64_t count)
{
	buf_addf(out, "%s: %" PRIu64 "\n", trailer, count);
}

/* Writes how much the index's counter has grown since the parent, and its value. */
static void write_growth(struct buf *out, const struct message *m, const char *trailer,
			 const char *ever, uint64_t count)
{
	const char *before = m->parent->message;
	char index[INDEX_LEN + 1] = "";
	uint64_t base = 0;

	if (get(index, INDEX_LEN, before, MESSAGE_INDEX) &&
	    strcmp(index, m->index) == 0) {
		base = message_count(before, ever, 0);
	}
	write_count(out, trailer, count >= base ? count - base : count);
	write_count(out, ever, count);
}

/* Whether the parent has a later sequence of the same index; a copy that is restored mostly
 * has another epoch, too. */
static bool is_restored(const struct message *m)
{
	uint64_t epoch, sequence;
	char index[INDEX_UUID];

	return message_exported(m->parent->message, index, &epoch, &sequence) &&
	       strcmp(index, m->index) == 0 && sequence > m->sequence;
}

void message_write(struct buf *out, const struct message *m)
{
	const struct index_counts *counts = m->counts;

	message_subject(out, m->delta);
	buf_addf(out, "\n\n" MESSAGE_INDEX ": %s\n", m->index);
	write_count(out, MESSAGE_SEQUENCE, m->sequence);
	buf_addf(out, MESSAGE_EPOCH ": %016" PRIx64 "\n", m->epoch);
	if (is_restored(m)) {
		buf_addstr(out, MESSAGE_RESTORED ": yes\n");
	}
	write_count(out, MESSAGE_NUMBER, m->number);
	write_count(out, MESSAGE_IMAGES, counts->images);
	write_count(out, MESSAGE_UNTAGGED, counts->untagged);
	write_count(out, MESSAGE_ALBUMS, counts->albums);
	write_count(out, MESSAGE_TAGS, counts->tags);
	write_count(out, MESSAGE_TAG_IMAGES, counts->live_tag_images);
	write_count(out, MESSAGE_FILES, counts->files);
	write_count(out, MESSAGE_REJECTS, counts->rejects);
	write_growth(out, m, MESSAGE_OVERFLOWS, MESSAGE_OVERFLOWS_EVER,
		     m->health->overflows);
	write_growth(out, m, MESSAGE_RESCANS, MESSAGE_RESCANS_EVER, m->health->rescans);
	buf_addf(out, MESSAGE_IN_STEP ": %s\n", m->health->reconcile ? "no" : "yes");
	if (m->clock_behind) {
		write_count(out, MESSAGE_CLOCK_BEHIND, (uint64_t)m->clock_behind);
	}
	if (m->name) {
		buf_addf(out, MESSAGE_NAME ": %s\n", m->name);
	}
}
