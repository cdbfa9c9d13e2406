/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/json_print.h"

#include <inttypes.h>
#include <string.h>

#include "data/format/json.h"

void json_print_name(struct buf *out, const char *name)
{
	if (out->len && !memchr("{[:,\n", out->data[out->len - 1], 5)) {
		buf_addch(out, ',');
	}
	if (name) {
		buf_addf(out, "\"%s\":", name);
	}
}

void json_print_open(struct buf *out, const char *name, char bracket)
{
	json_print_name(out, name);
	buf_addch(out, bracket);
}

void json_print_document(struct buf *out)
{
	json_print_open(out, NULL, '{');
	json_print_number(out, "version", JSON_PRINT_VERSION);
}

void json_print_line(struct buf *out, bool *begun)
{
	if (*begun) {
		json_print_open(out, NULL, '{');
	} else {
		json_print_document(out);
	}
	*begun = true;
}

void json_print_string(struct buf *out, const char *name, const char *text)
{
	if (text) {
		json_print_bytes(out, name, text, strlen(text));
	} else {
		json_print_raw(out, name, NULL);
	}
}

void json_print_bytes(struct buf *out, const char *name, const char *text, size_t len)
{
	json_print_name(out, name);
	json_quote(out, text, len);
}

void json_print_number(struct buf *out, const char *name, uint64_t number)
{
	json_print_name(out, name);
	buf_addf(out, "%" PRIu64, number);
}

void json_print_maybe(struct buf *out, const char *name, uint64_t number, bool known)
{
	json_print_name(out, name);
	buf_addf(out, known ? "%" PRIu64 : "null", number);
}

void json_print_bool(struct buf *out, const char *name, bool value)
{
	json_print_raw(out, name, value ? "true" : "false");
}

void json_print_raw(struct buf *out, const char *name, const char *json)
{
	json_print_name(out, name);
	buf_addstr(out, json ? json : "null");
}
