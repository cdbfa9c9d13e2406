/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/snapshot/redact.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "data/format/json.h"
#include "data/format/record.h"
#include "exporter/snapshot/redact_inner.h"

/*
 * A body is gone through once, and copied in runs: what is left out ends a run. On
 * the way down it is known of each path how many of its names have been met, so a
 * member costs a comparison a path and no more. Below what no path can reach, and
 * if nothing is rounded, values are passed over whole.
 *
 * It recurses: records are nested 512 deep at most (RECORD_DEPTH_MAX).
 */

#define DEAD 255 /* this path does not lead here */

/* What an object is; below a record's own level it is none. */
enum what {
	NO_RECORD,
	IMAGE = RECORD_IMAGE,
	TAG = RECORD_TAG,
	TAG_IMAGE = RECORD_TAG_IMAGE,
	TAG_FILE, /* QUERY_TAG: {"tag":{...},...} */
};

/* For each path, the names of it that were met. */
struct state {
	unsigned char met[REDACT_PATHS_MOST];
	bool alive; /* some path is not dead */
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
		const struct redact_path *path = &copy->redact->path[i];

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

/* Goes down into a member. True: it is left out. */
static bool enter_member(const struct copy *copy, struct state *below,
			 const struct state *state, const char *key, size_t len)
{
	set_dead(below);
	for (size_t i = 0; state->alive && i < copy->redact->count; i++) {
		const struct redact_path *path = &copy->redact->path[i];
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

/* The member from `begin` to copy->at is left out, and a comma with it: the one
 * before, or, where nothing was kept before, the one behind. */
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

/* The value of a member that stays. */
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
		redact_round(copy->out, begin, (size_t)(copy->at - begin),
			     (unsigned)redact->decimals);
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

/* --- rounding --------------------------------------------------------------------- */

#define EXPONENT_MOST 1000000000

/* A number's digits, and where their point is: 12.5e1 is 125 and 3. */
struct decimal {
	bool negative;
	struct buf digits;
	int64_t point, decimals;
};

static void read_decimal(struct decimal *out, const char *at, const char *end)
{
	int64_t exponent = 0, fraction = 0;
	bool down = false, behind_point = false;

	out->negative = *at == '-';
	at += out->negative;
	for (; at < end && *at != 'e' && *at != 'E'; at++) {
		if (*at == '.') {
			behind_point = true;
		} else {
			buf_addch(&out->digits, *at);
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
	exponent = down ? -exponent : exponent;
	out->decimals = fraction - exponent;
	out->point = (int64_t)out->digits.len - out->decimals;
}

/* Adds one to the last digit. */
static void count_up(struct buf *digits)
{
	size_t i = digits->len;

	while (i && digits->data[i - 1] == '9') {
		digits->data[--i] = '0';
	}
	if (i) {
		digits->data[i - 1]++;
	} else {
		buf_addch(digits, '0');
		digits->data[0] = '1';
	}
}

void redact_round(struct buf *out, const char *number, size_t len, unsigned decimals)
{
	struct decimal d = {0};
	struct buf *digits = &d.digits;
	size_t skip = 0, whole;
	int64_t keep;

	read_decimal(&d, number, number + len);
	if (d.decimals <= decimals) {
		buf_add(out, number, len);
		buf_release(digits);
		return;
	}
	keep = d.point + decimals;
	if (keep < 0) {
		buf_clear(digits);
	} else {
		bool up;

		assert(digits->data && keep < (int64_t)digits->len);
		up = digits->data[keep] >= '5';
		buf_setlen(digits, (size_t)keep);
		if (up) {
			count_up(digits);
		}
	}
	/* The digits count in units of the last decimal now. */
	buf_addstr(out, d.negative ? "-" : "");
	while (digits->len - skip > decimals && digits->data[skip] == '0') {
		skip++;
	}
	whole = digits->len - skip > decimals ? digits->len - skip - decimals : 0;
	if (whole) {
		buf_add(out, digits->data + skip, whole);
	} else {
		buf_addch(out, '0');
	}
	if (decimals) {
		buf_addch(out, '.');
		for (size_t n = digits->len - skip - whole; n < decimals; n++) {
			buf_addch(out, '0');
		}
		buf_add(out, digits->data + skip + whole, digits->len - skip - whole);
	}
	buf_release(digits);
}
