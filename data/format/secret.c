/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/secret.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/hex.h"
#include "data/format/json.h"
#include "data/format/record.h"
#include "data/format/secret_rule.h"
#include "data/format/secret_sieve.h"

/*
 * The sieve looks at the whole text. Only if it may hold a secret, all strings of the record
 * are checked, one by one, those that pass the sieve by every rule.
 *
 * A string is checked layer by layer: as it is, then with one layer of JSON escapes and
 * percent signs undone, until there is nothing left to undo. Each layer shows what the
 * one above hides, so nothing needs parsing: JSON in a URL in JSON is three layers of
 * the same text.
 */

#define PATH_MOST 100 /* bytes of a path in a reason */
#define LAYERS 8

/* --- layers ----------------------------------------------------------------------- */

/* Reads the escape at `at`. Returns its length and the character; 0: there is none.
 * Characters outside ASCII become `?`. */
static size_t read_escape(const char *at, size_t left, char *out)
{
	static const char letters[] = "nrtbf\"\\/", values[] = "\n\r\t\b\f\"\\/";
	const char *letter;
	int value;

	if (*at == '%' && left >= 3) {
		value = hex_number(at + 1, 2);
		*out = (char)value;
		return value < 0 ? 0 : 3;
	}
	if (*at != '\\' || left < 2) {
		return 0;
	}
	if (at[1] == 'u' && left >= 6) {
		value = hex_number(at + 2, 4);
		*out = value < 0x80 ? (char)value : '?';
		return value < 0 ? 0 : 6;
	}
	letter = at[1] ? strchr(letters, at[1]) : NULL;
	if (!letter) {
		return 0;
	}
	*out = values[letter - letters];
	return 2;
}

/* Undoes one layer in place; false: there was none. */
static bool undo_layer(struct buf *text)
{
	char *in = text->data, *end = text->data + text->len, *out = in;
	bool undone = false;

	while (in < end) {
		size_t len = read_escape(in, (size_t)(end - in), out);

		if (len) {
			undone = true;
			in += len;
			out++;
		} else {
			*out++ = *in++;
		}
	}
	buf_setlen(text, (size_t)(out - text->data));
	return undone;
}

static const struct secret_rule *in_string(const char *canon, size_t len)
{
	const struct secret_rule *rule = NULL;
	struct buf layer = {0};
	bool more = true;

	buf_add(&layer, canon, len);
	for (int i = 0; i < LAYERS && more && !rule; i++) {
		rule = secret_rule_find(
			(struct secret_text){layer.data, layer.data + layer.len});
		more = undo_layer(&layer);
	}
	buf_release(&layer);
	return rule;
}

/* --- all strings of a record ------------------------------------------------------- */

struct level {
	struct json_span name; /* of the current member, without quotes */
	size_t element;        /* its number, in an array */
	bool object;
	bool name_due;
};

struct walk {
	const char *canon;
	struct level level[RECORD_DEPTH_MAX + 1];
	size_t depth;
};

/* Appends the path to the current member or element, at `depth` levels. */
static void add_path(struct buf *out, const struct walk *walk, size_t depth)
{
	size_t most = out->len + PATH_MOST;

	for (size_t i = 0; i < depth && out->len <= most; i++) {
		const struct level *level = &walk->level[i];

		if (!level->object) {
			buf_addf(out, "[%zu]", level->element);
			continue;
		}
		if (i) {
			buf_addch(out, '.');
		}
		buf_add(out, walk->canon + level->name.off, level->name.len);
	}
	if (out->len > most) {
		size_t len = most;

		while (((unsigned char)out->data[len] & 0xc0) == 0x80) {
			len--;
		}
		buf_setlen(out, len);
		buf_addstr(out, "...");
	}
}

/* The names on the path were checked before and contain no secret. */
static void report(struct secret *out, const struct walk *walk,
		   const struct secret_rule *rule, size_t at, bool is_name)
{
	struct buf path = {0};

	if (is_name) {
		buf_addstr(&path, "the name of a member");
	}
	if (walk->depth > is_name) {
		buf_addstr(&path, is_name ? " of '" : "'");
		add_path(&path, walk, walk->depth - is_name);
		buf_addch(&path, '\'');
	}
	out->at = at;
	snprintf(out->reason, sizeof(out->reason), "%s holds %s", path.data, rule->name);
	buf_release(&path);
}

/* Checks one string, whose content is `text`. */
static bool is_secret(struct secret *out, struct walk *walk, struct json_span text)
{
	const char *canon = walk->canon;
	struct level *top = walk->depth ? &walk->level[walk->depth - 1] : NULL;
	bool is_name = top && top->name_due;
	const struct secret_rule *rule = NULL;

	if (secret_sieve_may(canon + text.off, text.len)) {
		rule = in_string(canon + text.off, text.len);
	}
	if (!rule && top && top->object && !is_name) {
		const char *name = canon + top->name.off, *value = canon + text.off;

		rule = secret_rule_of_member(
			(struct secret_text){name, name + top->name.len},
			(struct secret_text){value, value + text.len});
	}
	if (rule) {
		report(out, walk, rule, text.off - 1, is_name);
	}
	if (is_name) {
		top->name = text;
		top->name_due = false;
	}
	return rule != NULL;
}

bool secret_find(struct secret *out, const char *canon, size_t len)
{
	const char *at = canon, *end = canon + len;
	struct walk walk;

	if (!secret_sieve_may(canon, len)) {
		return false;
	}
	walk.canon = canon;
	walk.depth = 0;
	while (at < end) {
		struct level *top = walk.depth ? &walk.level[walk.depth - 1] : NULL;
		const char *begin = at++;

		switch (*begin) {
		case '{':
		case '[':
			assert(walk.depth <= RECORD_DEPTH_MAX);
			walk.level[walk.depth++] = (struct level){
				.object = *begin == '{', .name_due = *begin == '{'};
			break;
		case '}':
		case ']':
			assert(top);
			walk.depth--;
			break;
		case ',':
			assert(top);
			top->name_due = top->object;
			top->element++;
			break;
		case '"':
			at = json_string_end(begin, end);
			if (is_secret(out, &walk,
				      (struct json_span){(size_t)(begin + 1 - canon),
							 (size_t)(at - begin) - 2})) {
				return true;
			}
			break;
		}
	}
	return false;
}
