/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/redact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/cli.h"
#include "data/format/json.h"
#include "data/format/record.h"

#define TRAILER_DROP "Albumen-Drop: "
#define TRAILER_ROUND "Albumen-Round-GPS: "

#define PATHS_MOST CLI_LIST_MAX
#define NAMES_MOST 64 /* names in one path */

struct path {
	char *text;             /* as it was given */
	int kind;               /* enum record_kind, or 0: of all kinds */
	char *name[NAMES_MOST]; /* canonical, in quotes */
	size_t names;
};

struct redact {
	struct path path[PATHS_MOST]; /* sorted by text, each once */
	size_t count;
	int decimals; /* -1: nothing is rounded */
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

/* A path becomes a line of the commit message. */
static int check_text(const char *text, struct err *err)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
			return err_set(err, ERR_USAGE,
				       "'--drop %s' has control characters", text);
		}
	}
	if (!json_is_utf8(text, len) || (len && (*text == ' ' || text[len - 1] == ' '))) {
		return err_set(err, ERR_USAGE, "'--drop %s' names no member", text);
	}
	return 0;
}

/* Members that make a record one (`name` and `label` make a tag), or that responses are
 * made of, cannot be left out. */
static int check_needed(const char *text, const char *name, size_t len, struct err *err)
{
	static const char *const needed[] = {
		"id",     "public_id",  "album_id",   "image", "tag",  "image_id",
		"tag_id", "created_at", "updated_at", "name",  "label"};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (strlen(needed[i]) == len && memcmp(needed[i], name, len) == 0) {
			return err_set(err, ERR_USAGE,
				       "'--drop %s': responses need '%s', so it cannot "
				       "be left out",
				       text, needed[i]);
		}
	}
	return 0;
}

static int read_path(struct path *out, const char *text, struct err *err)
{
	const char *at = text;
	int rc = check_text(text, err);

	out->text = xstrdup(text);
	if (!rc && (strncmp(at, "image.", 6) == 0 || strncmp(at, "tag.", 4) == 0)) {
		out->kind = *at == 'i' ? RECORD_IMAGE : RECORD_TAG;
		at = strchr(at, '.') + 1;
	}
	if (!rc && !strchr(at, '.')) {
		rc = check_needed(text, at, strlen(at), err);
	}
	while (!rc && at) {
		const char *dot = strchr(at, '.');
		size_t len = dot ? (size_t)(dot - at) : strlen(at);
		struct buf name = {0};

		if (!len || out->names == NAMES_MOST) {
			return err_set(err, ERR_USAGE,
				       "'--drop %s' has %s; a path is NAME.NAME...", text,
				       len ? "too many names" : "an empty name");
		}
		json_quote(&name, at, len);
		out->name[out->names++] = name.data;
		at = dot ? dot + 1 : NULL;
	}
	return rc;
}

static int by_text(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

int redact_new(struct redact **out, const char *const *paths, size_t count,
	       long long round_gps, struct err *err)
{
	const char *sorted[PATHS_MOST];
	struct redact *redact;
	int rc = 0;

	*out = NULL;
	if (round_gps > REDACT_ROUND_MOST) {
		return err_set(err, ERR_USAGE, "'--round-gps %lld': at most %d decimals",
			       round_gps, REDACT_ROUND_MOST);
	}
	if (count > PATHS_MOST) {
		return err_set(err, ERR_USAGE, "--drop is given more than %d times",
			       PATHS_MOST);
	}
	if (!count && round_gps < 0) {
		return 0;
	}
	redact = xzalloc(sizeof(*redact));
	redact->decimals = round_gps < 0 ? -1 : (int)round_gps;
	if (count) {
		memcpy(sorted, paths, count * sizeof(*sorted));
		qsort(sorted, count, sizeof(*sorted), by_text);
	}
	for (size_t i = 0; i < count && !rc; i++) {
		if (!i || strcmp(sorted[i - 1], sorted[i]) != 0) {
			rc = read_path(&redact->path[redact->count++], sorted[i], err);
		}
	}
	if (rc) {
		redact_free(redact);
		return rc;
	}
	*out = redact;
	return 0;
}

void redact_trailers(struct buf *out, const struct redact *redact)
{
	for (size_t i = 0; redact && i < redact->count; i++) {
		buf_addf(out, TRAILER_DROP "%s\n", redact->path[i].text);
	}
	if (redact && redact->decimals >= 0) {
		buf_addf(out, TRAILER_ROUND "%d\n", redact->decimals);
	}
}

bool redact_is_said(const struct redact *redact, const char *message)
{
	struct buf said = {0}, want = {0};
	const char *at = message, *blank;
	bool same;

	/* Trailers are the last paragraph. */
	while ((blank = strstr(at, "\n\n")) && blank[2]) {
		at = blank + 2;
	}
	while (*at) {
		size_t len = strcspn(at, "\n");

		if (strncmp(at, TRAILER_DROP, strlen(TRAILER_DROP)) == 0 ||
		    strncmp(at, TRAILER_ROUND, strlen(TRAILER_ROUND)) == 0) {
			buf_add(&said, at, len);
			buf_addch(&said, '\n');
		}
		at += len + (at[len] == '\n');
	}
	redact_trailers(&want, redact);
	same = said.len == want.len &&
	       (!want.len || memcmp(said.data, want.data, want.len) == 0);
	buf_release(&said);
	buf_release(&want);
	return same;
}

/* --- rounding ------------------------------------------------------------------------ */

#define EXPONENT_MOST 1000000000

/* Appends the digits of a JSON number, without its point. Returns how many of them are
 * decimals: 2 for 1.25 and 125e-2, -1 for 1e1. */
static int64_t read_digits(struct buf *digits, const char *at, const char *end)
{
	int64_t exponent = 0, fraction = 0;
	bool down = false, behind_point = false;

	for (; at < end && *at != 'e' && *at != 'E'; at++) {
		if (*at == '.') {
			behind_point = true;
		} else {
			buf_addch(digits, *at);
			fraction += behind_point;
		}
	}
	for (at++; at < end; at++) {
		if (*at == '-') {
			down = true;
		} else if (*at != '+' && exponent < EXPONENT_MOST) {
			exponent = exponent * 10 + (*at - '0');
		}
	}
	return down ? fraction + exponent : fraction - exponent;
}

/* Appends the JSON number, rounded. */
static void add_rounded(struct buf *out, const char *number, size_t len, size_t decimals)
{
	struct buf digits = {0};
	bool negative = *number == '-', up = false;
	size_t least = decimals + 1, skip = 0, last;
	int64_t drop; /* digits behind the last one that stays */

	/* Zeros in front: whatever is dropped, enough is left to print, and a carry ends
	 * in one of them. */
	for (size_t i = 0; i < least; i++) {
		buf_addch(&digits, '0');
	}
	drop = read_digits(&digits, number + negative, number + len) - (int64_t)decimals;
	if (drop <= 0) {
		buf_add(out, number, len);
		buf_release(&digits);
		return;
	}
	if (drop > (int64_t)(digits.len - least)) {
		buf_setlen(&digits, least);
	} else {
		up = digits.data[digits.len - (size_t)drop] >= '5';
		buf_setlen(&digits, digits.len - (size_t)drop);
	}
	if (up) {
		for (last = digits.len - 1; digits.data[last] == '9'; last--) {
			digits.data[last] = '0';
		}
		digits.data[last]++;
	}
	while (digits.len - skip > least && digits.data[skip] == '0') {
		skip++;
	}
	buf_addstr(out, negative ? "-" : "");
	buf_add(out, digits.data + skip, digits.len - skip - decimals);
	buf_addstr(out, decimals ? "." : "");
	buf_add(out, digits.data + digits.len - decimals, decimals);
	buf_release(&digits);
}

/* --- bodies -------------------------------------------------------------------------- */

/*
 * A body is read once and copied in runs: a run ends where something is left out. On the
 * way down, `struct state` holds for each path how many of its names have been met, so a
 * member costs one comparison a path. A value that no path reaches is skipped whole,
 * unless numbers are rounded.
 *
 * This recurses: records are nested 512 deep at most (RECORD_DEPTH_MAX).
 */

#define DEAD 255 /* this path does not lead here */

/* What an object is; below a record's own level it is none of these. */
enum what {
	NO_RECORD,
	IMAGE = RECORD_IMAGE,
	TAG = RECORD_TAG,
	TAG_IMAGE = RECORD_TAG_IMAGE,
	TAG_FILE, /* QUERY_TAG: {"tag":{...},...} */
};

struct state {
	unsigned char met[PATHS_MOST]; /* names of the path that were met, or DEAD */
	bool alive;                    /* some path is not DEAD */
};

struct copy {
	const struct redact *redact;
	const char *at, *end;
	const char *copied; /* up to here */
	struct buf *out;
};

static void flush(struct copy *copy, const char *until)
{
	if (until > copy->copied) {
		buf_add(copy->out, copy->copied, (size_t)(until - copy->copied));
	}
}

static void set_dead(struct state *state)
{
	memset(state->met, DEAD, sizeof(state->met));
	state->alive = false;
}

/* The top level of a record. */
static void begin_record(const struct copy *copy, struct state *state, enum what what)
{
	set_dead(state);
	for (size_t i = 0; i < copy->redact->count; i++) {
		const struct path *path = &copy->redact->path[i];

		if (!path->kind || path->kind == (int)what) {
			state->met[i] = 0;
			state->alive = true;
		}
	}
}

static bool is_key(const char *key, size_t len, const char *quoted)
{
	return len == strlen(quoted) && memcmp(key, quoted, len) == 0;
}

/* Enters a member. True: it is left out. */
static bool enter_member(const struct copy *copy, struct state *below,
			 const struct state *state, const char *key, size_t len)
{
	set_dead(below);
	for (size_t i = 0; state->alive && i < copy->redact->count; i++) {
		const struct path *path = &copy->redact->path[i];
		unsigned char met = state->met[i];

		if (met != DEAD && is_key(key, len, path->name[met])) {
			if (met + 1u == path->names) {
				return true;
			}
			below->met[i] = (unsigned char)(met + 1);
			below->alive = true;
		}
	}
	return false;
}

static bool is_place(const char *key, size_t len)
{
	static const char *const places[] = {"\"gps\"",       "\"gps_ip\"",
					     "\"gps_exifs\"", "\"gps_html\"",
					     "\"latitude\"",  "\"longitude\""};

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (is_key(key, len, places[i])) {
			return true;
		}
	}
	return false;
}

static void copy_value(struct copy *copy, const struct state *state, enum what what,
		       bool place);

/* Leaves out the member from `begin` to copy->at, and one comma: the one in front, or the
 * one behind if no member was kept before. */
static void leave_out(struct copy *copy, const char *begin, bool kept)
{
	flush(copy, kept ? begin - 1 : begin);
	if (!kept && *copy->at == ',') {
		copy->at++;
		copy->copied = copy->at;
	} else {
		copy->copied = copy->at;
		copy->at += *copy->at == ',';
	}
}

/* Copies the value of a member that stays. */
static void copy_member(struct copy *copy, const struct state *below, enum what what,
			const char *key, size_t len, bool place)
{
	struct state record;
	enum what inner = NO_RECORD;

	if (what == TAG_IMAGE && is_key(key, len, "\"image\"")) {
		inner = IMAGE;
	} else if ((what == TAG_IMAGE || what == TAG_FILE) &&
		   is_key(key, len, "\"tag\"")) {
		inner = TAG;
	}
	if (inner) {
		begin_record(copy, &record, inner);
		copy_value(copy, &record, inner, false);
	} else {
		copy_value(copy, below, NO_RECORD, place || is_place(key, len));
	}
}

static void copy_object(struct copy *copy, const struct state *state, enum what what,
			bool place)
{
	bool kept = false;

	copy->at++;
	while (*copy->at != '}') {
		const char *begin = copy->at;
		size_t len = (size_t)(json_string_end(begin, copy->end) - begin);
		struct state below;

		copy->at += len + 1; /* the colon */
		if (enter_member(copy, &below, state, begin, len)) {
			copy->at = json_value_end(copy->at, copy->end);
			leave_out(copy, begin, kept);
			continue;
		}
		copy_member(copy, &below, what, begin, len, place);
		kept = true;
		copy->at += *copy->at == ',';
	}
	copy->at++;
}

static void copy_array(struct copy *copy, const struct state *state, enum what what,
		       bool place)
{
	copy->at++;
	while (*copy->at != ']') {
		struct state record;

		if (what) {
			begin_record(copy, &record, what);
		}
		copy_value(copy, what ? &record : state, what, place);
		copy->at += *copy->at == ',';
	}
	copy->at++;
}

static bool is_number(char c)
{
	return c == '-' || (c >= '0' && c <= '9');
}

static void copy_value(struct copy *copy, const struct state *state, enum what what,
		       bool place)
{
	const struct redact *redact = copy->redact;
	const char *begin = copy->at;

	if ((state->alive || what || redact->decimals >= 0) &&
	    (*begin == '{' || *begin == '[')) {
		if (*begin == '{') {
			copy_object(copy, state, what, place);
		} else {
			copy_array(copy, state, what, place);
		}
		return;
	}
	copy->at = json_value_end(begin, copy->end);
	if (place && redact->decimals >= 0 && is_number(*begin)) {
		flush(copy, begin);
		add_rounded(copy->out, begin, (size_t)(copy->at - begin),
			    (size_t)redact->decimals);
		copy->copied = copy->at;
	}
}

void redact_body(const struct redact *redact, struct buf *out, enum query_response kind,
		 const char *body, size_t len)
{
	struct copy copy = {.redact = redact,
			    .at = body,
			    .end = body + len,
			    .copied = body,
			    .out = out};
	struct state none;

	set_dead(&none);
	switch (kind) {
	case QUERY_TAG_IMAGES:
		copy_value(&copy, &none, TAG_IMAGE, false);
		break;
	case QUERY_UNTAGGED:
	case QUERY_IMAGES:
		copy_value(&copy, &none, IMAGE, false);
		break;
	case QUERY_TAG:
		copy_value(&copy, &none, TAG_FILE, false);
		break;
	case QUERY_ALBUM_OF:
		break;
	}
	flush(&copy, copy.end);
}
