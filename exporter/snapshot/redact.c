/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/redact.h"

#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "data/base/cli.h"
#include "data/format/json.h"
#include "data/format/record.h"
#include "exporter/git/commit.h"
#include "exporter/snapshot/decimal.h"

#define TRAILER_DROP "Albumen-Drop"
#define TRAILER_ROUND "Albumen-Round-GPS"

#define MATCHED "; matched "

_Static_assert(REDACT_PATHS_MOST <= 64, "struct reach has a bit for each path");
#define NAMES_MOST 64 /* names in one path */

struct path {
	char *text;             /* as it was given */
	int kind;               /* enum record_kind, or 0: of all kinds */
	char *name[NAMES_MOST]; /* canonical, in quotes */
	size_t names;
};

struct redact {
	struct path path[REDACT_PATHS_MOST]; /* sorted by text, each once */
	size_t count;
	int decimals; /* -1: nothing is rounded */
	bool narrow;  /* recorded by 0.1.0, which rounded fewer members */
};

/* --- the options, and the trailers that record them --------------------------------- */

void redact_free(struct redact *redact)
{
	if (redact) {
		for (size_t i = 0; i < redact->count; i++) {
			for (size_t n = 0; n < redact->path[i].names; n++) {
				free(redact->path[i].name[n]);
			}
			free(redact->path[i].text);
		}
		free(redact);
	}
}

/* Members that make a record one (`name` and `label` make a tag), or that responses are
 * made of. */
static bool is_needed(const char *name)
{
	static const char *const needed[] = {
		"id",     "public_id",  "album_id",   "image", "tag",  "image_id",
		"tag_id", "created_at", "updated_at", "name",  "label"};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (strcmp(needed[i], name) == 0) {
			return true;
		}
	}
	return false;
}

/* Reads the names of a path. What is wrong with them, or NULL. */
static const char *read_names(struct path *out, const char *at)
{
	for (const char *dot; at; at = *dot ? dot + 1 : NULL) {
		struct buf name = {0};

		dot = strchrnul(at, '.');
		if (dot == at) {
			return "has an empty name; a path is NAME.NAME...";
		}
		if (out->names == NAMES_MOST) {
			return "has too many names";
		}
		json_quote(&name, at, (size_t)(dot - at));
		out->name[out->names++] = name.data;
	}
	return NULL;
}

static int read_path(struct path *out, const char *text, struct err *err)
{
	const char *at = text, *wrong;
	size_t len = strlen(text);

	out->text = xstrdup(text);
	if (strncmp(at, "image.", 6) == 0 || strncmp(at, "tag.", 4) == 0) {
		out->kind = *at == 'i' ? RECORD_IMAGE : RECORD_TAG;
		at = strchr(at, '.') + 1;
	}
	/* A path becomes a line of the commit message, which git may trim. */
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			return err_set(err, ERR_USAGE,
				       "'--drop %s' has control characters", text);
		}
	}
	if (!json_is_utf8(text, len) || (len && (*text == ' ' || text[len - 1] == ' '))) {
		return err_set(err, ERR_USAGE, "'--drop %s' names no member", text);
	}
	if (is_needed(at)) {
		return err_set(err, ERR_USAGE,
			       "'--drop %s': responses need '%s', so it cannot be left "
			       "out",
			       text, at);
	}
	wrong = read_names(out, at);
	return wrong ? err_set(err, ERR_USAGE, "'--drop %s' %s", text, wrong) : 0;
}

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

int redact_new(struct redact **out, const char *const *paths, size_t count,
	       long long round_gps, struct err *err)
{
	const char *sorted[REDACT_PATHS_MOST];
	struct redact *redact;
	int rc = 0;

	assert(count <= REDACT_PATHS_MOST);
	*out = NULL;
	if (round_gps > REDACT_ROUND_MOST) {
		return err_set(err, ERR_USAGE, "'--round-gps %lld': at most %d decimals",
			       round_gps, REDACT_ROUND_MOST);
	}
	if (!count && round_gps < 0) {
		return 0;
	}
	redact = xzalloc(sizeof(*redact));
	redact->decimals = round_gps < 0 ? -1 : (int)round_gps;
	for (size_t i = 0; i < count; i++) {
		sorted[i] = paths[i];
	}
	qsort(sorted, count, sizeof(*sorted), by_text);
	for (size_t i = 0; i < count && !rc; i++) {
		if (!i || strcmp(sorted[i - 1], sorted[i]) != 0) {
			rc = read_path(&redact->path[redact->count++], sorted[i], err);
		}
	}
	if (rc) {
		redact_free(redact);
	} else {
		*out = redact;
	}
	return rc;
}

const char *redact_path(const struct redact *redact, size_t n)
{
	return n < redact->count ? redact->path[n].text : NULL;
}

int redact_decimals(const struct redact *redact)
{
	return redact->decimals;
}

void redact_trailers(struct buf *out, const struct redact *redact,
		     const struct redact_matched *matched)
{
	for (size_t i = 0; redact && i < redact->count; i++) {
		buf_addf(out, TRAILER_DROP ": %s" MATCHED "%" PRIu64 "\n",
			 redact->path[i].text, matched->path[i]);
	}
	if (redact && redact->decimals >= 0) {
		buf_addf(out, TRAILER_ROUND ": %d" MATCHED "%" PRIu64 "\n",
			 redact->decimals, matched->places);
	}
}

/* Removes what is behind the option in a trailer. False: it is not there. */
static bool cut_matched(struct buf *value)
{
	size_t end = value->len, len = strlen(MATCHED);

	while (end && value->data[end - 1] >= '0' && value->data[end - 1] <= '9') {
		end--;
	}
	if (end == value->len || end < len ||
	    memcmp(value->data + end - len, MATCHED, len) != 0) {
		return false;
	}
	buf_setlen(value, end - len);
	return true;
}

static bool read_decimals(long long *decimals, const struct buf *value)
{
	if (value->len != 1 || *value->data < '0' ||
	    *value->data > '0' + REDACT_ROUND_MOST) {
		return false;
	}
	*decimals = *value->data - '0';
	return true;
}

int redact_recorded(struct redact **out, const char *message, struct err *err)
{
	struct commit_trailers drops = commit_trailers(message), rounds = drops;
	struct buf value = {0};
	char *path[REDACT_PATHS_MOST];
	size_t count = 0;
	long long decimals = -1;
	bool narrow = false;
	struct err why;
	int rc = 0;

	*out = NULL;
	while (!rc && commit_trailers_next(&drops, TRAILER_DROP, &value)) {
		cut_matched(&value);
		if (count < REDACT_PATHS_MOST) {
			path[count++] = xstrdup(value.data);
		} else {
			rc = err_set(err, ERR_INPUT, "there are too many trailers '%s'",
				     TRAILER_DROP);
		}
	}
	while (!rc && commit_trailers_next(&rounds, TRAILER_ROUND, &value)) {
		narrow = !cut_matched(&value);
		if (!read_decimals(&decimals, &value)) {
			rc = err_set(err, ERR_INPUT, "its trailer '%s: %s' is malformed",
				     TRAILER_ROUND, value.data);
		}
	}
	if (!rc && redact_new(out, (const char *const *)path, count, decimals, &why)) {
		rc = err_set(err, ERR_INPUT, "one of its trailers '%s' is malformed: %s",
			     TRAILER_DROP, why.msg);
	}
	if (*out) {
		(*out)->narrow = narrow;
	}
	while (count) {
		free(path[--count]);
	}
	buf_release(&value);
	return rc;
}

void redact_rules(struct buf *out, const struct redact *redact)
{
	for (size_t i = 0; redact && i < redact->count; i++) {
		buf_addf(out, "drop %s\n", redact->path[i].text);
	}
	if (redact && redact->decimals >= 0) {
		buf_addf(out, "round-gps %d%s\n", redact->decimals,
			 redact->narrow ? " of 0.1.0" : "");
	}
}

bool redact_is_same(const struct redact *a, const struct redact *b)
{
	struct buf left = {0}, right = {0};
	bool same;

	redact_rules(&left, a);
	redact_rules(&right, b);
	same = left.len == right.len &&
	       (!left.len || memcmp(left.data, right.data, left.len) == 0);
	buf_release(&left);
	buf_release(&right);
	return same;
}

/* Whether all that `path` leaves out is also left out by `by`. */
static bool is_covered(const struct path *path, const struct path *by)
{
	bool covered = (!by->kind || by->kind == path->kind) && by->names <= path->names;

	for (size_t i = 0; covered && i < by->names; i++) {
		covered = strcmp(by->name[i], path->name[i]) == 0;
	}
	return covered;
}

void redact_uncovered(struct buf *out, const struct redact *before,
		      const struct redact *now)
{
	for (size_t i = 0; before && i < before->count; i++) {
		bool covered = false;

		for (size_t n = 0; now && n < now->count; n++) {
			covered |= is_covered(&before->path[i], &now->path[n]);
		}
		if (!covered) {
			buf_addf(out, " --drop '%s'", before->path[i].text);
		}
	}
	if (before && before->decimals >= 0 &&
	    (!now || now->decimals < 0 || now->decimals > before->decimals)) {
		buf_addf(out, " --round-gps %d", before->decimals);
	}
}

static bool has_path(const struct redact *redact, const char *text)
{
	for (size_t i = 0; redact && i < redact->count; i++) {
		if (strcmp(redact->path[i].text, text) == 0) {
			return true;
		}
	}
	return false;
}

void redact_unmatched(struct buf *out, const struct redact *now,
		      const struct redact *before, const struct redact_matched *matched)
{
	for (size_t i = 0; now && i < now->count; i++) {
		if (!matched->path[i] && !has_path(before, now->path[i].text)) {
			buf_addf(out, " --drop '%s'", now->path[i].text);
		}
	}
}

/* --- bodies -------------------------------------------------------------------------- */

/*
 * A body is read once and copied in runs: a run ends where something is left out. A value
 * that no path reaches is skipped whole, unless numbers are rounded.
 *
 * This recurses: records are nested 512 deep at most (RECORD_DEPTH_MAX).
 */

/* What an object is; below a record's own level it is none of these. */
enum what {
	NO_RECORD,
	IMAGE = RECORD_IMAGE,
	TAG = RECORD_TAG,
	TAG_IMAGE = RECORD_TAG_IMAGE,
	TAG_FILE, /* QUERY_TAG: {"tag":{...},...} */
};

/* The paths that lead on from here: bit i is path[i]. Of each, `names` names were met on
 * the way down from the record. */
struct reach {
	uint64_t paths;
	size_t names;
};

struct copy {
	const struct redact *redact;
	struct redact_matched *matched;
	const char *at, *end;
	const char *copied; /* up to here */
	struct buf *out;
	bool left_out; /* only matches are counted */
};

static void copy_until(struct copy *copy, const char *until)
{
	if (until > copy->copied && !copy->left_out) {
		buf_add(copy->out, copy->copied, (size_t)(until - copy->copied));
	}
}

static struct reach begin_record(const struct redact *redact, enum what what)
{
	struct reach reach = {0};

	for (size_t i = 0; what != TAG_FILE && i < redact->count; i++) {
		if (!redact->path[i].kind || redact->path[i].kind == (int)what) {
			reach.paths |= UINT64_C(1) << i;
		}
	}
	return reach;
}

static bool is_key(const char *key, size_t len, const char *quoted)
{
	return len == strlen(quoted) && memcmp(key, quoted, len) == 0;
}

/* Enters a member. True: it is left out. */
static bool enter_member(struct copy *copy, struct reach *reach, const char *key,
			 size_t len)
{
	struct reach below = {.names = reach->names + 1};
	bool left_out = false;

	for (uint64_t rest = reach->paths; rest; rest &= rest - 1) {
		int n = __builtin_ctzll(rest);
		const struct path *path = &copy->redact->path[n];

		if (!is_key(key, len, path->name[reach->names])) {
			continue;
		}
		if (path->names == below.names) {
			copy->matched->path[n]++;
			left_out = true;
		} else {
			below.paths |= UINT64_C(1) << n;
		}
	}
	*reach = below;
	return left_out;
}

/* Whether the name of a member, in quotes, is that of a place. */
static bool is_place(const char *key, size_t len)
{
	static const char *const places[] = {"lat\"", "lng\"", "lon\"", "latitude\"",
					     "longitude\""};

	if (len > 4 && strncasecmp(key + 1, "gps", 3) == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (len == strlen(places[i]) + 1 &&
		    strncasecmp(key + 1, places[i], len - 1) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether places are rounded, and the member, which is not inside of one, is one. */
static bool begin_place(struct copy *copy, const char *key, size_t len)
{
	bool place = copy->redact->decimals >= 0 && is_place(key, len);

	copy->matched->places += place;
	return place;
}

static void copy_value(struct copy *copy, struct reach reach, enum what what, bool place);

/* Leaves out the member from `begin`, whose value is at copy->at, and one comma: the one in
 * front, or the one behind if no member was kept before. */
static void leave_out(struct copy *copy, const char *begin, bool kept, struct reach reach,
		      bool place)
{
	struct copy value = *copy;

	value.left_out = true;
	copy_value(&value, reach, NO_RECORD, place);
	copy->at = value.at;
	copy_until(copy, kept ? begin - 1 : begin);
	copy->copied = copy->at;
	if (*copy->at == ',') {
		copy->at++;
		copy->copied += !kept;
	}
}

/* What the member of such an object is. */
static enum what member_of(enum what what, const char *key, size_t len)
{
	if (what == TAG_IMAGE && is_key(key, len, "\"image\"")) {
		return IMAGE;
	}
	return (what == TAG_IMAGE || what == TAG_FILE) && is_key(key, len, "\"tag\"")
		       ? TAG
		       : NO_RECORD;
}

static void copy_object(struct copy *copy, struct reach reach, enum what what, bool place)
{
	bool kept = false;

	if (what) {
		reach = begin_record(copy->redact, what);
		copy->matched->records += what != TAG_FILE;
	}
	copy->at++;
	while (*copy->at != '}') {
		const char *begin = copy->at;
		size_t len = (size_t)(json_string_end(begin, copy->end) - begin);
		struct reach below = reach;
		enum what inner = member_of(what, begin, len);
		bool inside = !inner && (place || begin_place(copy, begin, len));

		copy->at += len + 1; /* the colon */
		if (enter_member(copy, &below, begin, len)) {
			leave_out(copy, begin, kept, below, inside);
			continue;
		}
		copy_value(copy, below, inner, inside);
		kept = true;
		copy->at += *copy->at == ',';
	}
	copy->at++;
}

/* Appends a value of a place that is no object and no array: numbers, and strings that are
 * numbers, are rounded; any other string or word might tell the place, and becomes null. */
static void add_rounded(struct buf *out, const char *value, size_t len, size_t decimals)
{
	size_t quote = *value == '"';

	if (decimal_is(value + quote, len - 2 * quote)) {
		buf_add(out, value, quote);
		decimal_round(out, value + quote, len - 2 * quote, decimals);
		buf_add(out, value, quote);
	} else {
		buf_addstr(out, "null");
	}
}

static void copy_value(struct copy *copy, struct reach reach, enum what what, bool place)
{
	const struct redact *redact = copy->redact;
	const char *begin = copy->at;
	bool enter = reach.paths || what || redact->decimals >= 0;

	if (enter && *begin == '{') {
		copy_object(copy, reach, what, place);
		return;
	}
	if (enter && *begin == '[') {
		copy->at++;
		while (*copy->at != ']') {
			copy_value(copy, reach, what, place);
			copy->at += *copy->at == ',';
		}
		copy->at++;
		return;
	}
	copy->at = json_value_end(begin, copy->end);
	if (place && !copy->left_out) {
		copy_until(copy, begin);
		add_rounded(copy->out, begin, (size_t)(copy->at - begin),
			    (size_t)redact->decimals);
		copy->copied = copy->at;
	}
}

void redact_body(const struct redact *redact, struct redact_matched *matched,
		 struct buf *out, enum query_response kind, const char *body, size_t len)
{
	struct copy copy = {.redact = redact,
			    .matched = matched,
			    .at = body,
			    .end = body + len,
			    .copied = body,
			    .out = out};
	struct reach none = {0};

	switch (kind) {
	case QUERY_TAG_IMAGES:
		copy_value(&copy, none, TAG_IMAGE, false);
		break;
	case QUERY_UNTAGGED:
	case QUERY_IMAGES:
		copy_value(&copy, none, IMAGE, false);
		break;
	case QUERY_TAG:
		copy_value(&copy, none, TAG_FILE, false);
		break;
	case QUERY_ALBUM_OF:
		break;
	}
	copy_until(&copy, copy.end);
}
