/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/shallow.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"

/* The number of the first id that is not less. */
static size_t lower(const struct shallow *shallow, const uint8_t *id)
{
	size_t from = 0, to = shallow->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (memcmp(shallow->id + middle * OBJECT_ID, id, OBJECT_ID) < 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, OBJECT_ID);
}

static void sort(struct shallow *shallow)
{
	size_t count = 0;

	if (shallow->count) {
		qsort(shallow->id, shallow->count, OBJECT_ID, compare);
	}
	for (size_t i = 0; i < shallow->count; i++) {
		const uint8_t *id = shallow->id + i * OBJECT_ID;

		if (!count || memcmp(id - OBJECT_ID, id, OBJECT_ID) != 0) {
			memmove(shallow->id + count++ * OBJECT_ID, id, OBJECT_ID);
		}
	}
	shallow->count = count;
}

/* git allows white space at the end of a line, and an end without a newline. */
static int parse(struct shallow *out, const char *text, const char *path, struct err *err)
{
	size_t lines = 1;

	for (const char *p = text; (p = strchr(p, '\n')); p++) {
		lines++;
	}
	out->id = xreallocarray(NULL, lines, OBJECT_ID);
	while (*text) {
		size_t len = strcspn(text, "\n"), end = len;

		while (end && strchr(" \t\r", text[end - 1])) {
			end--;
		}
		if (end != OBJECT_HEX ||
		    !object_unhex(out->id + out->count * OBJECT_ID, text)) {
			return err_set(err, ERR_INPUT,
				       "'%s' has a line that is not the id of a commit; "
				       "restore the file from a copy",
				       path);
		}
		out->count++;
		text += len + (text[len] == '\n');
	}
	sort(out);
	return 0;
}

int shallow_read(struct shallow *out, const char *path, struct err *err)
{
	struct buf file = {0}, text = {0};
	int rc;

	*out = (struct shallow){0};
	buf_addf(&file, "%s/" SHALLOW_FILE, path);
	rc = file_read(&text, file.data, SHALLOW_MAX, err);
	if (!rc && text.len) {
		rc = parse(out, text.data, file.data, err);
	}
	buf_release(&file);
	buf_release(&text);
	if (rc) {
		shallow_release(out);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

bool shallow_has(const struct shallow *shallow, const uint8_t id[OBJECT_ID])
{
	size_t at = lower(shallow, id);

	return at < shallow->count &&
	       memcmp(shallow->id + at * OBJECT_ID, id, OBJECT_ID) == 0;
}

void shallow_add(struct shallow *shallow, const uint8_t id[OBJECT_ID])
{
	size_t at = lower(shallow, id);

	if (shallow_has(shallow, id)) {
		return;
	}
	shallow->id = xreallocarray(shallow->id, shallow->count + 1, OBJECT_ID);
	memmove(shallow->id + (at + 1) * OBJECT_ID, shallow->id + at * OBJECT_ID,
		(shallow->count - at) * OBJECT_ID);
	memcpy(shallow->id + at * OBJECT_ID, id, OBJECT_ID);
	shallow->count++;
}

void shallow_format(struct buf *out, const struct shallow *shallow)
{
	char hex[OBJECT_HEX + 1];

	for (size_t i = 0; i < shallow->count; i++) {
		object_hex(hex, shallow->id + i * OBJECT_ID);
		buf_addf(out, "%s\n", hex);
	}
}

int shallow_copy(struct buf *out, const char *path, struct err *err)
{
	struct shallow shallow;
	int rc = shallow_read(&shallow, path, err);

	if (!rc) {
		shallow_format(out, &shallow);
	}
	shallow_release(&shallow);
	return rc;
}

void shallow_release(struct shallow *shallow)
{
	free(shallow->id);
	*shallow = (struct shallow){0};
}
