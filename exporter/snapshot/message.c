/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/message.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/hex.h"

#define EPOCH_DIGITS 16
#define COUNT_DIGITS 18 /* of a trailer's number at most: it then fits 64 bits */

uint64_t message_count(const char *message, const char *trailer, uint64_t missing)
{
	struct buf value = {0};
	uint64_t count = missing;

	if (message && snapshot_trailer(message, trailer, &value) == 0 && value.len &&
	    value.len <= COUNT_DIGITS && strspn(value.data, "0123456789") == value.len) {
		count = strtoull(value.data, NULL, 10);
	}
	buf_release(&value);
	return count;
}

/* 16 hex digits; 0: there is no such trailer. */
static uint64_t read_epoch(const char *message)
{
	struct buf value = {0};
	uint8_t epoch[EPOCH_DIGITS / 2];
	bool said = snapshot_trailer(message, MESSAGE_EPOCH, &value) == 0 &&
		    value.len == EPOCH_DIGITS &&
		    hex_read(epoch, sizeof(epoch), value.data);

	buf_release(&value);
	return said ? be64_get(epoch) : 0;
}

bool message_exported(const char *message, char index[37], uint64_t *epoch,
		      uint64_t *sequence)
{
	struct buf value = {0};
	bool said = message && snapshot_trailer(message, MESSAGE_INDEX, &value) == 0 &&
		    value.len == 36;

	if (said) {
		memcpy(index, value.data, 37);
		*epoch = read_epoch(message);
		*sequence = message_count(message, MESSAGE_SEQUENCE, 0);
		said = *sequence != 0;
	}
	buf_release(&value);
	return said;
}

int message_number(uint64_t *number, struct snapshot_repo *repo,
		   const struct snapshot_info *parent, struct err *err)
{
	struct snapshot_info at = {.parent = parent->commit};
	uint64_t before = message_count(parent->message, MESSAGE_NUMBER, 0);
	uint64_t steps = before ? 1 : 0;
	int rc = 0;

	/* As a rule the parent says it; a commit that is not ours does not, nor one of
	 * which the caller knows the id alone. */
	while (!rc && !before && *at.parent.hex) {
		struct snapshot_id next = at.parent;

		snapshot_info_release(&at);
		rc = snapshot_resolve(repo, next.hex, &at, err);
		if (!rc) {
			before = message_count(at.message, MESSAGE_NUMBER, 0);
			steps++;
		}
	}
	snapshot_info_release(&at);
	*number = before + (before ? steps : steps + 1);
	return rc;
}

/* "12 responses added, 3 changed" for people; the trailers are for machines. */
static void write_subject(struct buf *out, const struct snapshot_delta *d)
{
	const struct {
		uint64_t n;
		const char *what;
	} part[] = {
		{d->added, "added"}, {d->changed, "changed"}, {d->removed, "removed"}};
	bool first = true;

	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		if (!part[i].n) {
			continue;
		}
		buf_addf(out, "%s%" PRIu64, first ? "" : ", ", part[i].n);
		if (first) {
			buf_addstr(out, part[i].n == 1 ? " file" : " files");
		}
		buf_addf(out, " %s", part[i].what);
		first = false;
	}
	buf_addstr(out, first ? "No responses yet" : "");
}

static void write_count(struct buf *out, const char *trailer, uint64_t count)
{
	buf_addf(out, "%s: %" PRIu64 "\n", trailer, count);
}

/* A counter that only goes up, while the index is the same. */
static void write_since(struct buf *out, const struct message *m, const char *trailer,
			const char *ever, uint64_t count)
{
	const char *before = m->parent->message;
	struct buf index = {0};
	uint64_t base = 0;

	if (before && snapshot_trailer(before, MESSAGE_INDEX, &index) == 0 &&
	    strcmp(index.data, m->index) == 0) {
		base = message_count(before, ever, 0);
	}
	buf_release(&index);
	write_count(out, trailer, count >= base ? count - base : count);
	write_count(out, ever, count);
}

/* Whether the snapshot before is of the same epoch, and of a later sequence. */
static bool is_restored(const struct message *m)
{
	uint64_t epoch, sequence;
	char index[37];

	return message_exported(m->parent->message, index, &epoch, &sequence) &&
	       strcmp(index, m->index) == 0 && epoch == m->epoch &&
	       sequence > m->sequence;
}

void message_write(struct buf *out, const struct message *m)
{
	const struct index_counts *counts = m->counts;

	write_subject(out, m->delta);
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
	write_since(out, m, MESSAGE_OVERFLOWS, MESSAGE_OVERFLOWS_EVER,
		    m->health->overflows);
	write_since(out, m, MESSAGE_RESCANS, MESSAGE_RESCANS_EVER, m->health->rescans);
	buf_addf(out, MESSAGE_IN_STEP ": %s\n", m->health->reconcile ? "no" : "yes");
	if (m->clock_behind) {
		write_count(out, MESSAGE_CLOCK_BEHIND, (uint64_t)m->clock_behind);
	}
}
