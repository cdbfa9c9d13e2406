/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/commit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/err.h"

/* The id in the line "NAME ID\n" at *line, which then points behind the line. */
static bool read_id(uint8_t id[OBJECT_ID], const char **line, const char *name)
{
	size_t len = strlen(name);
	const char *hex = *line + len + 1;

	if (strncmp(*line, name, len) != 0 || (*line)[len] != ' ' ||
	    !object_unhex(id, hex) || hex[OBJECT_HEX] != '\n') {
		return false;
	}
	*line = hex + OBJECT_HEX + 1;
	return true;
}

/* The time in "committer NAME <ADDRESS> TIME ZONE\n". Neither a name nor an address can
 * hold a '>', so the time follows the last one of the line. */
static bool read_time(int64_t *time_s, const char *line)
{
	const char *eol = strchr(line, '\n');
	const char *bracket = eol ? memrchr(line, '>', (size_t)(eol - line)) : NULL;
	char *end;

	if (!bracket || bracket[1] != ' ') {
		return false;
	}
	errno = 0;
	*time_s = strtoll(bracket + 2, &end, 10);
	return errno == 0 && end > bracket + 2 && *end == ' ' && end < eol;
}

/*
 * A commit has the lines `tree`, `parent` (none, or several), `author`, `committer` and
 * others (a signature goes on in lines that begin with a space), then an empty line and
 * the message.
 */
bool commit_parse(struct commit *out, const struct buf *body)
{
	const char *line = body->data;
	const char *message = line ? strstr(line, "\n\n") : NULL;
	const char *committer = line ? strstr(line, "\ncommitter ") : NULL;

	*out = (struct commit){0};
	if (!message || !committer || committer > message || strlen(line) != body->len ||
	    !read_id(out->tree, &line, "tree")) {
		return false;
	}
	out->has_parent = read_id(out->parent, &line, "parent");
	out->message = message + 2;
	return read_time(&out->time_s, committer + 1);
}

void commit_write(struct buf *body, const struct commit *commit)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, commit->tree);
	buf_addf(body, "tree %s\n", hex);
	if (commit->has_parent) {
		object_hex(hex, commit->parent);
		buf_addf(body, "parent %s\n", hex);
	}
	buf_addf(body,
		 "author " COMMIT_AUTHOR " %" PRId64 " +0000\ncommitter " COMMIT_AUTHOR
		 " %" PRId64 " +0000\n\n%s",
		 commit->time_s, commit->time_s, commit->message);
	if (body->data[body->len - 1] != '\n') {
		buf_addch(body, '\n');
	}
}

struct commit_trailers commit_trailers(const char *message)
{
	struct commit_trailers out = {.end = message + strlen(message)};

	while (out.end > message && (out.end[-1] == '\n' || out.end[-1] == ' ')) {
		out.end--;
	}
	out.at = out.end;
	for (const char *p = message; p + 1 < out.end; p++) {
		if (p[0] == '\n' && p[1] == '\n') {
			out.at = p + 2;
		}
	}
	return out;
}

/* Appends a value without the spaces around it. */
static void add_value(struct buf *out, const char *at, const char *end)
{
	while (at < end && *at == ' ') {
		at++;
	}
	while (end > at && end[-1] == ' ') {
		end--;
	}
	buf_add(out, at, (size_t)(end - at));
}

bool commit_trailers_next(struct commit_trailers *trailers, const char *name,
			  struct buf *value)
{
	size_t name_len = strlen(name);

	while (trailers->at < trailers->end) {
		const char *p = trailers->at;
		const char *eol = memchr(p, '\n', (size_t)(trailers->end - p));

		eol = eol ? eol : trailers->end;
		trailers->at = eol + 1;
		if ((size_t)(eol - p) > name_len && p[name_len] == ':' &&
		    memcmp(p, name, name_len) == 0) {
			buf_clear(value);
			add_value(value, p + name_len + 1, eol);
			return true;
		}
	}
	return false;
}

int commit_trailer(const char *message, const char *name, struct buf *value)
{
	struct commit_trailers trailers = commit_trailers(message);
	struct buf last = {0};
	int rc = ERR_NOTFOUND;

	while (commit_trailers_next(&trailers, name, &last)) {
		rc = 0;
	}
	if (!rc) {
		buf_add(value, last.data, last.len);
	}
	buf_release(&last);
	return rc;
}
