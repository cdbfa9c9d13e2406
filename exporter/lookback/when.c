/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/when.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "data/format/stamp.h"
#include "exporter/git/history.h"
#include "exporter/lookback/beginning.h"

#define DAY INT64_C(86400)

/* What a message offers; when.h has the meanings. */
#define TIMES                                                                            \
	"2026-11-22, '2026-11-22 04:34', 2026-11-22T05:34:26+01:00, now, today, "        \
	"yesterday, 'last week', '2 days ago'"

int when_now(int64_t *now, struct err *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	if (!text || !*text) {
		*now = time(NULL);
		return 0;
	}
	errno = 0;
	*now = strtoll(text, &end, 10);
	if (errno || *end || *now < 0) {
		return err_set(err, ERR_USAGE, "SOURCE_DATE_EPOCH is '%s', not a number",
			       text);
	}
	return 0;
}

/* --- instants --- */

static const struct {
	const char *name;
	int64_t seconds, months; /* one of them is 0 */
} units[] = {
	{"second", 1, 0},     {"minute", 60, 0}, {"hour", 3600, 0}, {"day", DAY, 0},
	{"week", 7 * DAY, 0}, {"month", 0, 1},   {"year", 0, 12},
};
static const size_t unit_count = sizeof(units) / sizeof(*units);

/* Reads an RFC 3339 instant, without its fraction: commits have none. */
static bool read_rfc3339(int64_t *instant, const char *text)
{
	struct stamp stamp;

	if (stamp_read(&stamp, text, strlen(text)) < 0) {
		return false;
	}
	*instant = stamp_unix_s(&stamp);
	return true;
}

/* "YYYY-MM-DD", and with " HH:MM" or " HH:MM:SS", or a T for the space: all UTC. */
static bool read_date(int64_t *instant, const char *text)
{
	char full[WHEN_TEXT] = "YYYY-MM-DDT23:59:59Z";
	size_t len = strlen(text);

	if (len == sizeof("2026-11-22 04:34") - 1) {
		memcpy(full + len, ":00", 3);
	} else if (len != sizeof("2026-11-22") - 1 &&
		   len != sizeof("2026-11-22 04:34:26") - 1) {
		return false;
	}
	if (len > 10 && text[10] != ' ' && text[10] != 'T') {
		return false;
	}
	memcpy(full, text, len);
	full[10] = 'T';
	return read_rfc3339(instant, full);
}

/* The same day and time `months` months earlier; in a month that is too short, its last
 * day: a month before 31 March is 28 February. */
static bool months_before(int64_t *instant, int64_t now, int64_t months)
{
	time_t at = now;
	struct tm tm;
	int day;

	if (months > 12 * 10000 || !gmtime_r(&at, &tm)) {
		return false;
	}
	day = tm.tm_mday;
	tm.tm_mday = 1;
	tm.tm_mon -= (int)months;
	at = timegm(&tm);
	/* Day 0 of a month is the last one of the month before. */
	tm.tm_mday = 0;
	tm.tm_mon++;
	timegm(&tm);
	*instant = at + ((day < tm.tm_mday ? day : tm.tm_mday) - 1) * DAY;
	return true;
}

/* A number of at most nine digits: no sum made of it overflows. */
static bool read_count(int64_t *count, const char *text, size_t *used)
{
	*used = strspn(text, "0123456789");
	*count = *used <= 9 ? strtoll(text, NULL, 10) : 0;
	return *used > 0 && *used <= 9;
}

/* "2 days ago", "last week" */
static bool read_ago(int64_t *instant, const char *text, int64_t now)
{
	int64_t count = 1;
	size_t used = strlen("last");
	bool last = strncmp(text, "last", used) == 0;

	if ((!last && !read_count(&count, text, &used)) || text[used] != ' ') {
		return false;
	}
	text += used + 1;
	for (size_t i = 0; i < unit_count; i++) {
		size_t len = strlen(units[i].name);

		if (strncmp(text, units[i].name, len) != 0 ||
		    strcmp(text + len + (!last && text[len] == 's'),
			   last ? "" : " ago") != 0) {
			continue;
		}
		if (units[i].months) {
			return months_before(instant, now, count * units[i].months);
		}
		*instant = now - count * units[i].seconds;
		return true;
	}
	return false;
}

int when_instant(int64_t *instant, const char *when, int64_t now)
{
	if (strcmp(when, "now") == 0 || strcmp(when, "today") == 0) {
		*instant = now;
		return 0;
	}
	if (strcmp(when, "yesterday") == 0) {
		*instant = now - DAY;
		return 0;
	}
	return read_rfc3339(instant, when) || read_date(instant, when) ||
			       read_ago(instant, when, now)
		       ? 0
		       : ERR_NOTFOUND;
}

int when_beginning(int64_t *instant, const char *when, int64_t now)
{
	int rc = when_instant(instant, when, now);

	if (!rc && strlen(when) == strlen("2026-11-22") && read_date(instant, when)) {
		*instant -= DAY - 1;
	}
	return rc;
}

void when_format(char text[WHEN_TEXT], int64_t instant)
{
	stamp_format(text, instant);
}

/* --- snapshots --- */

/* Adds to the message where the history begins, if it begins late. */
static int add_beginning(struct snapshot_repo *repo, int code, struct err *err)
{
	struct beginning beginning;
	struct buf why = {0};
	struct err found = *err, unread;

	if (beginning_read(&beginning, repo, &unread) == 0) {
		beginning_explain(&why, &beginning);
		beginning_release(&beginning);
	}
	if (why.len) {
		err_set(err, code, "%s: %s", found.msg, why.data);
	}
	buf_release(&why);
	return code;
}

/* The last snapshot up to `tip` whose time is not after the instant. */
static int last_before(struct snapshot_repo *repo, const struct snapshot_info *tip,
		       struct snapshot_info *out, int64_t instant, struct err *err)
{
	struct history *history = history_new(repo);
	struct history_step step = {0};
	uint8_t id[OBJECT_ID];
	char asked[WHEN_TEXT], first[WHEN_TEXT], hex[OBJECT_HEX + 1];
	int rc;

	object_unhex(id, tip->commit.hex);
	history_start(history, id);
	do {
		rc = history_next(history, &step, err);
	} while (!rc && step.time_s > instant);
	when_format(asked, instant);
	when_format(first, step.time_s);
	if (!rc) {
		object_hex(hex, step.commit);
		rc = snapshot_resolve(repo, hex, out, err);
	} else if (rc == ERR_NOTFOUND && history_is_cut(history)) {
		err_set(err, rc, "what the answers were at %s is not known", asked);
		rc = add_beginning(repo, rc, err);
	} else if (rc == ERR_NOTFOUND) {
		err_set(err, rc, "no snapshot as early as %s; the first one is from %s",
			asked, first);
	}
	history_free(history);
	return rc;
}

/* The snapshot of a revision. */
static int resolve(struct snapshot_repo *repo, const char *when,
		   struct snapshot_info *out, struct err *err)
{
	int rc = snapshot_resolve(repo, when, out, err);

	if (rc == ERR_NOTFOUND) {
		err_set(err, rc,
			"no snapshot '%s' in '%s'; WHEN is a time (" TIMES
			") or a revision (an id, a label, HEAD~3)",
			when, snapshot_path(repo));
		rc = add_beginning(repo, rc, err);
	}
	return rc;
}

int when_resolve(struct snapshot_repo *repo, const char *when, struct snapshot_info *out,
		 int64_t *instant, struct err *err)
{
	struct snapshot_info tip = {0};
	int64_t now;
	int rc = when_now(&now, err);
	bool last = !when || strcmp(when, "now") == 0;

	*out = (struct snapshot_info){0};
	if (rc) {
		return rc;
	}
	if (!last && when_instant(instant, when, now) != 0) {
		rc = resolve(repo, when, out, err);
		*instant = rc ? 0 : out->time_s;
		return rc;
	}
	rc = snapshot_head(repo, &tip, err);
	if (rc == ERR_NOTFOUND) {
		return err_set(err, ERR_NOTFOUND, "no snapshot in '%s' yet",
			       snapshot_path(repo));
	}
	if (!rc && last) {
		/* If the clock was set back, the last snapshot may be from the future. */
		*instant = tip.time_s > now ? tip.time_s : now;
		*out = tip;
		return 0;
	}
	rc = rc ? rc : last_before(repo, &tip, out, *instant, err);
	snapshot_info_release(&tip);
	return rc;
}
