/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/marks.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE_DIGITS 20
#define TIME_DIGITS 11
#define LINE_LEN (SEQUENCE_DIGITS + 1 + TIME_DIGITS + 1)

void marks_read(struct marks *out, const char *text, size_t len)
{
	*out = (struct marks){0};
	while (out->count < MARKS && len >= LINE_LEN) {
		struct mark *mark = &out->mark[out->count];
		char line[LINE_LEN + 1];

		memcpy(line, text, LINE_LEN);
		line[LINE_LEN] = '\0';
		if (strspn(line, "0123456789") != SEQUENCE_DIGITS ||
		    line[SEQUENCE_DIGITS] != ' ' ||
		    strspn(line + SEQUENCE_DIGITS + 1, "0123456789") != TIME_DIGITS ||
		    line[LINE_LEN - 1] != '\n') {
			return;
		}
		mark->sequence = strtoull(line, NULL, 10);
		mark->time_s = strtoll(line + SEQUENCE_DIGITS + 1, NULL, 10);
		if (out->count && (mark->sequence <= mark[-1].sequence ||
				   mark->time_s <= mark[-1].time_s)) {
			return;
		}
		out->count++;
		text += LINE_LEN;
		len -= LINE_LEN;
	}
}

/*
 * Leaves out a mark. What was noted at it is then taken for as old as the next one. So it is the one
 * for which that changes least, compared with how long ago it is; never the first and the last.
 */
static void leave_out(struct marks *marks, int64_t now_s)
{
	const struct mark *mark = marks->mark;
	double least = 0;
	size_t which = 0;

	for (size_t i = 1; i + 1 < marks->count; i++) {
		double change = (double)(mark[i + 1].time_s - mark[i - 1].time_s) /
				(double)(now_s - mark[i].time_s);

		if (!which || change < least) {
			least = change;
			which = i;
		}
	}
	marks->count--;
	memmove(&marks->mark[which], &marks->mark[which + 1],
		(marks->count - which) * sizeof(*mark));
}

void marks_add(struct marks *marks, uint64_t sequence, int64_t now_s)
{
	struct mark *last;

	/* A mark of the future is of a clock that was set back. It would hide how long ago all
	 * is that comes until then. */
	while (marks->count && (marks->mark[marks->count - 1].sequence >= sequence ||
				marks->mark[marks->count - 1].time_s > now_s)) {
		marks->count--;
	}
	last = marks->count ? &marks->mark[marks->count - 1] : NULL;
	if (last && last->time_s == now_s) {
		last->sequence = sequence;
		return;
	}
	if (marks->count == MARKS) {
		leave_out(marks, now_s);
	}
	marks->mark[marks->count++] =
		(struct mark){.sequence = sequence, .time_s = now_s > 0 ? now_s : 0};
}

void marks_print(struct buf *out, const struct marks *marks)
{
	for (size_t i = 0; i < marks->count; i++) {
		buf_addf(out, "%0*" PRIu64 " %0*" PRId64 "\n", SEQUENCE_DIGITS,
			 marks->mark[i].sequence, TIME_DIGITS, marks->mark[i].time_s);
	}
}

int64_t marks_after(const struct marks *marks, uint64_t sequence)
{
	for (size_t i = 0; i < marks->count; i++) {
		if (marks->mark[i].sequence > sequence) {
			return marks->mark[i].time_s;
		}
	}
	return 0;
}
