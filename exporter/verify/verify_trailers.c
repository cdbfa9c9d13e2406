/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_trailers.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/hex.h"
#include "exporter/git/snapshot.h"
#include "exporter/git/commit.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/redact.h"

/* Reads a count. That it is missing or not a count is a failure: false, and 0. */
static bool read_number(uint64_t *out, struct verify_report *report, const char *message,
			const char *name)
{
	struct buf value = {0};
	bool found = commit_trailer(message, name, &value) == 0;
	bool good = found && value.len && value.len < 20 &&
		    strspn(value.data, "0123456789") == value.len &&
		    (value.len == 1 || *value.data != '0');

	if (!good) {
		verify_report_fail(report, "", "the trailer %s is %s", name,
				   found ? "no number" : "missing");
	}
	*out = good ? strtoull(value.data, NULL, 10) : 0;
	buf_release(&value);
	return good;
}

/* Reads 16 hex digits; 0 if there is no such trailer. */
static uint64_t read_epoch(struct verify_report *report, const char *message)
{
	struct buf value = {0};
	uint8_t epoch[8] = {0};

	if (commit_trailer(message, MESSAGE_EPOCH, &value) == 0) {
		if (value.len != 2 * sizeof(epoch) ||
		    !hex_read(epoch, sizeof(epoch), value.data)) {
			memset(epoch, 0, sizeof(epoch));
			verify_report_fail(report, "",
					   "the trailer " MESSAGE_EPOCH
					   " is not 16 hex digits");
		}
	}
	buf_release(&value);
	return be64_get(epoch);
}

/* The sequence of one epoch of an index grows from snapshot to snapshot, unless the index
 * was restored from a copy, which the snapshot then says. */
static void check_sequence(struct verify_trailers *trailers, struct verify_report *report,
			   const char *message)
{
	struct buf index = {0}, restored = {0};
	uint64_t epoch, sequence = 0;
	bool is_restored;

	is_restored = commit_trailer(message, MESSAGE_RESTORED, &restored) == 0;
	if (is_restored && strcmp(restored.data, "yes") != 0) {
		verify_report_fail(report, "",
				   "the trailer " MESSAGE_RESTORED " is not yes");
	}
	if (commit_trailer(message, MESSAGE_INDEX, &index) || !index.len ||
	    index.len > VERIFY_TRAILERS_INDEX) {
		verify_report_fail(report, "",
				   "the trailer " MESSAGE_INDEX " is missing, or empty");
		buf_clear(&index);
	} else if (!read_number(&sequence, report, message, MESSAGE_SEQUENCE)) {
		buf_clear(&index);
	}
	epoch = read_epoch(report, message);
	if (index.len && strcmp(index.data, trailers->index) == 0 &&
	    epoch == trailers->epoch && sequence < trailers->sequence && !is_restored) {
		verify_report_fail(report, "",
				   "the index's sequence runs backwards, from %" PRIu64
				   " to %" PRIu64,
				   trailers->sequence, sequence);
	}
	memcpy(trailers->index, index.len ? index.data : "", index.len + 1);
	trailers->epoch = epoch;
	trailers->sequence = sequence;
	buf_release(&index);
	buf_release(&restored);
}

static void check_redaction(struct verify_report *report, const char *message)
{
	struct redact *redact = NULL;
	struct err err;

	if (redact_recorded(&redact, message, &err) < 0) {
		verify_report_fail(report, "", "%s", err.msg);
	}
	redact_free(redact);
}

static void check_name(struct verify_report *report, const char *message)
{
	struct buf name = {0};
	struct err err;

	if (message_name(&name, message, &err) == ERR_INPUT) {
		verify_report_fail(report, "", "%s", err.msg);
	}
	buf_release(&name);
}

void verify_trailers_check(struct verify_trailers *trailers, struct verify_report *report,
			   const char *message, uint64_t number)
{
	static const char *const numbers[] = {MESSAGE_FILES, MESSAGE_REJECTS,
					      MESSAGE_OVERFLOWS, MESSAGE_RESCANS};
	struct buf value = {0};
	uint64_t said;

	check_sequence(trailers, report, message);
	check_redaction(report, message);
	check_name(report, message);
	if (read_number(&said, report, message, MESSAGE_NUMBER) && said != number) {
		verify_report_fail(report, "",
				   "it says that it is snapshot %" PRIu64
				   "; it is number %" PRIu64 " of the line",
				   said, number);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		read_number(&said, report, message, numbers[i]);
	}
	if (commit_trailer(message, MESSAGE_CLOCK_BEHIND, &value) == 0) {
		read_number(&said, report, message, MESSAGE_CLOCK_BEHIND);
		buf_clear(&value);
	}
	if (commit_trailer(message, MESSAGE_IN_STEP, &value) ||
	    (strcmp(value.data, "yes") != 0 && strcmp(value.data, "no") != 0)) {
		verify_report_fail(report, "",
				   "the trailer " MESSAGE_IN_STEP " is not yes or no");
	}
	buf_release(&value);
}

void verify_trailers_counts(struct verify_trailers *trailers,
			    struct verify_report *report, const char *message,
			    const struct verify_rows_counts *counts)
{
	const struct {
		const char *name, *what;
		uint64_t counted;
	} part[] = {{MESSAGE_IMAGES, "images", counts->images},
		    {MESSAGE_UNTAGGED, "untagged images", counts->untagged},
		    {MESSAGE_ALBUMS, "albums", counts->albums},
		    {MESSAGE_TAGS, "tags", counts->tags},
		    {MESSAGE_TAG_IMAGES, "tag images", counts->tag_images}};

	for (size_t i = 0; i < sizeof(part) / sizeof(*part); i++) {
		uint64_t said;
		int64_t off;

		if (!read_number(&said, report, message, part[i].name)) {
			continue;
		}
		off = (int64_t)(said - part[i].counted);
		if (off && off != trailers->off[i]) {
			verify_report_fail(
				report, "",
				"%s says %" PRIu64 "; there are %" PRIu64 " %s",
				part[i].name, said, part[i].counted, part[i].what);
		}
		trailers->off[i] = off;
	}
}
