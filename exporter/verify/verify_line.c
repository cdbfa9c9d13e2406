/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_line.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/snapshot/message.h"

/* --- one object --- */

/* Reads "KEY HEX\n" at *at, and moves behind it. */
static bool read_id(uint8_t id[OBJECT_ID], const char **at, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(*at, key, len) != 0 || !object_unhex(id, *at + len) ||
	    (*at)[len + OBJECT_HEX] != '\n') {
		return false;
	}
	*at += len + OBJECT_HEX + 1;
	return true;
}

/* Reads "KEY NAME <EMAIL> SECONDS ZONE\n" at *at, and moves behind it. */
static bool read_person(int64_t *time_s, const char **at, const char *key)
{
	size_t len = strcspn(*at, "\n");
	const char *end = *at + len, *p = end;
	char *digits_end;

	if (strncmp(*at, key, strlen(key)) != 0 || *end != '\n') {
		return false;
	}
	while (p > *at && p[-1] != '>') {
		p--;
	}
	if (*p != ' ' || p[1] < '0' || p[1] > '9') {
		return false;
	}
	*time_s = strtoll(p + 1, &digits_end, 10);
	if (end - digits_end != 6 || *digits_end != ' ' ||
	    (digits_end[1] != '+' && digits_end[1] != '-') ||
	    strspn(digits_end + 2, "0123456789") != 4) {
		return false;
	}
	*at = end + 1;
	return true;
}

/* Skips the rest of the head: of a commit, its signature alone. git shows a message by what an
 * `encoding` says, and another program may take the second of two lines of one name. Returns
 * what follows the empty line, or NULL, and then *problem. */
static const char *skip_head(struct verify_commit *out, const char *at,
			     const char **problem)
{
	*problem = "it has no message";
	while (*at && *at != '\n') {
		bool more = *at == ' ' && out->is_signed;

		if (!more && (out->is_signed || strncmp(at, "gpgsig ", 7) != 0)) {
			*problem = "its head has a line that no snapshot has";
			return NULL;
		}
		out->is_signed = true;
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	return *at == '\n' ? at + 1 : NULL;
}

const char *verify_commit_parse(struct verify_commit *out, const char **message,
				enum object_type type, const struct buf *body)
{
	const char *at = body->data;
	uint8_t ignored[OBJECT_ID];
	const char *problem;
	int64_t author_s;

	*out = (struct verify_commit){0};
	if (!body->len || strlen(at) != body->len) {
		return "it is empty, or has a NUL in it";
	}
	if (type == OBJECT_COMMIT) {
		if (!read_id(out->tree, &at, "tree ")) {
			return "it names no tree";
		}
		while (read_id(out->parents ? ignored : out->parent, &at, "parent ")) {
			out->parents++;
		}
		out->is_read = true;
		if (!read_person(&author_s, &at, "author ") ||
		    !read_person(&out->time_s, &at, "committer ")) {
			return "its author, committer or time is not well-formed";
		}
		if (author_s != out->time_s) {
			return "author and committer have different times";
		}
	} else {
		if (!read_id(out->tree, &at, "object ") ||
		    strncmp(at, "type commit\ntag ", 16) != 0) {
			return "it is not of a commit";
		}
		out->is_read = true;
		at += strlen("type commit\n");
		at += strcspn(at, "\n");
		at += *at == '\n';
		if (!read_person(&out->time_s, &at, "tagger ")) {
			return "its tagger or time is not well-formed";
		}
	}
	*message = skip_head(out, at, &problem);
	if (type == OBJECT_TAG && *message) {
		out->is_signed = strstr(at, "\n-----BEGIN ") != NULL;
	}
	return *message ? NULL : problem;
}

int verify_commit_read(struct verify_commit *out, const char **message, struct buf *body,
		       struct verify_store *store, const uint8_t id[OBJECT_ID])
{
	enum object_type type;
	int rc = verify_store_read(body, &type, store, id);

	*out = (struct verify_commit){0};
	*message = "";
	if (!rc && type != OBJECT_COMMIT) {
		rc = ERR_INPUT;
	}
	if (!rc) {
		if (verify_commit_parse(out, message, OBJECT_COMMIT, body)) {
			*message = "";
		}
		memcpy(out->id, id, OBJECT_ID);
		out->number = message_count(*message, MESSAGE_NUMBER, 0);
	}
	return rc;
}

/* --- the line --- */

static void add(struct verify_line *line, const struct verify_commit *commit)
{
	line->commit =
		xgrow(line->commit, line->count, &line->cap, sizeof(*line->commit));
	line->commit[line->count++] = *commit;
}

/* Reads a commit of the line, and reports what is wrong. False: there is none. */
static bool read_commit(struct verify_commit *out, struct buf *body,
			struct verify_store *store, struct verify_report *report,
			const uint8_t id[OBJECT_ID], const char *role)
{
	char hex[OBJECT_HEX + 1];
	const char *message, *problem;
	enum object_type type;
	int rc = verify_store_read(body, &type, store, id);

	object_hex(hex, id);
	verify_report_at(report, hex, 0);
	if (rc || type != OBJECT_COMMIT) {
		verify_report_fail(report, "", "%s: the commit is %s", role,
				   rc == ERR_NOTFOUND ? "missing"
				   : rc               ? "damaged"
						      : "no commit");
		return false;
	}
	problem = verify_commit_parse(out, &message, OBJECT_COMMIT, body);
	memcpy(out->id, id, OBJECT_ID);
	if (problem) {
		verify_report_fail(report, "", "%s", problem);
	}
	if (out->parents > 1) {
		verify_report_fail(report, "",
				   "it has %u parents: the history is not one line",
				   out->parents);
	}
	return out->is_read;
}

/* From the tip back. */
static void read_main(struct verify_line *line, struct verify_store *store,
		      struct verify_report *report, const uint8_t tip[OBJECT_ID],
		      const struct declared_pruned *begin)
{
	struct verify_commit commit = {.parents = 1};
	struct buf body = {0};
	uint8_t id[OBJECT_ID];
	bool end = false;

	memcpy(commit.parent, tip, OBJECT_ID);
	while (commit.parents && !end) {
		memcpy(id, commit.parent, OBJECT_ID);
		line->cut = !read_commit(&commit, &body, store, report, id,
					 "the history ends here");
		if (!line->cut) {
			add(line, &commit);
		}
		end = line->cut || (begin && memcmp(id, begin->first.id, OBJECT_ID) == 0);
	}
	buf_release(&body);
}

/* From the newest on, as the whole line is turned round. */
static void read_held(struct verify_line *line, struct verify_store *store,
		      struct verify_report *report, const struct declared_list *list)
{
	struct verify_commit commit;
	struct buf body = {0};

	for (size_t i = list->count; i > 0 && !verify_report_is_full(report); i--) {
		if (read_commit(&commit, &body, store, report, list->at[i - 1].id,
				"a label declares that this snapshot is held")) {
			commit.number = list->at[i - 1].number;
			add(line, &commit);
			line->held++;
		}
	}
	buf_release(&body);
}

static void turn_round(struct verify_line *line)
{
	for (size_t i = 0; i < line->count / 2; i++) {
		struct verify_commit *a = &line->commit[i];
		struct verify_commit *b = &line->commit[line->count - 1 - i];
		struct verify_commit commit = *a;

		*a = *b;
		*b = commit;
	}
}

/* If the beginning of main is lost, its oldest commit says its own number. */
static void number_main(struct verify_line *line, struct verify_store *store,
			const struct declared_pruned *begin)
{
	size_t first = line->held;
	struct verify_commit commit;
	struct buf body = {0};
	const char *message;
	uint64_t number = 1;

	if (line->cut && first < line->count) {
		verify_commit_read(&commit, &message, &body, store,
				   line->commit[first].id);
		number = commit.number ? commit.number : 1;
	} else if (begin && first < line->count &&
		   memcmp(line->commit[first].id, begin->first.id, OBJECT_ID) == 0) {
		number = begin->first.number;
	}
	for (size_t i = first; i < line->count; i++) {
		line->commit[i].number = number++;
	}
	buf_release(&body);
}

void verify_line_read(struct verify_line *line, struct verify_store *store,
		      struct verify_report *report, const uint8_t tip[OBJECT_ID],
		      const struct declared_pruned *begin)
{
	*line = (struct verify_line){0};
	read_main(line, store, report, tip, begin);
	if (begin && line->count) {
		read_held(line, store, report, &begin->held);
	}
	turn_round(line);
	number_main(line, store, begin);
	verify_report_at(report, NULL, 0);
}

void verify_line_release(struct verify_line *line)
{
	free(line->commit);
	*line = (struct verify_line){0};
}

size_t verify_line_find(const struct verify_line *line, const uint8_t id[OBJECT_ID])
{
	size_t i = 0;

	while (i < line->count && memcmp(line->commit[i].id, id, OBJECT_ID) != 0) {
		i++;
	}
	return i;
}
