/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/ingest.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/base/buf.h"
#include "data/format/json.h"
#include "data/format/record.h"
#include "data/format/secret.h"
#include "indexer/input.h"
#include "indexer/walk.h"

/*
 * A file that is not JSON must change nothing, and a file withdraws claims only if none
 * of its records was rejected. Both can be known before the first claim only by reading
 * the whole file. So:
 *
 *  - A small file (nearly all are) fits into the window. It is read once; its steps stay
 *    in the batch, and are removed from it if the file turns out not to be JSON.
 *  - A large `.json` is read twice: first to check it, without keeping the text, then for
 *    its claims. Its stat values show whether it is the same file both times.
 *  - A large `.ndjson` is merged while it is read, as each line stands alone. It is read
 *    a second time only if claim_end asks for that.
 */

#define WINDOW_EDGE 16 /* a token that the window's end cuts off is shorter */

enum stage { STAGE_IDLE, STAGE_CHECK, STAGE_CLAIM };

/* What may come next in a `.json` file. */
enum place {
	PLACE_START,   /* the document */
	PLACE_FIRST,   /* an element, or `]` */
	PLACE_ELEMENT, /* an element */
	PLACE_COMMA,   /* `,` or `]` */
	PLACE_END,     /* nothing but white space */
	PLACE_SKIP,    /* the rest of a value over the limit */
	PLACE_DONE,
};

struct ingest {
	int rootfd;
	struct batch *batch;
	struct input in;
	struct buf path;
	unsigned flags;
	bool lines; /* one record a line */
	bool whole; /* the window holds all of it: its steps can still be removed */
	enum stage stage;
	enum place place;
	struct skip {
		bool string, escape; /* inside a string; behind its backslash */
		size_t depth;
		enum place next; /* what follows the value */
	} skip;
	struct batch_mark mark; /* where the file began, if whole */
	struct record_reader reader;
	struct buf scratch; /* canonical text while checking */
	struct ingest_outcome outcome;
};

struct ingest *ingest_new(int rootfd, struct batch *batch)
{
	struct ingest *g = xzalloc(sizeof(*g));

	g->rootfd = rootfd;
	g->batch = batch;
	g->in.fd = -1;
	return g;
}

void ingest_free(struct ingest *g)
{
	if (g) {
		input_release(&g->in);
		buf_release(&g->path);
		buf_release(&g->scratch);
		record_reader_release(&g->reader);
		free(g);
	}
}

bool ingest_is_busy(const struct ingest *g)
{
	return g->stage != STAGE_IDLE;
}

struct ingest_outcome ingest_outcome(const struct ingest *g)
{
	return g->outcome;
}

/* Ends the file: its steps are removed, or its END is in the batch. */
static void end(struct ingest *g)
{
	input_close(&g->in);
	g->stage = STAGE_IDLE;
}

/* Drops what the file claimed: removes its steps from the batch; or, if some of them
 * were carried out already, tells the writer by a DROP. */
static void drop_claims(struct ingest *g)
{
	if (g->whole) {
		batch_rewind(g->batch, g->mark);
	} else if (g->stage == STAGE_CLAIM) {
		batch_drop(g->batch);
	}
}

void ingest_stop(struct ingest *g)
{
	if (g->stage != STAGE_IDLE) {
		drop_claims(g);
		end(g);
	}
}

/* Rejects what is at `off` of the window. `secret`: only because it holds one. */
static void reject_at(struct ingest *g, size_t off, const char *reason, bool secret)
{
	size_t line, column;

	g->outcome.rejects++;
	if (g->stage == STAGE_CLAIM) {
		input_position(&g->in, off, &line, &column);
		batch_reject(g->batch, line, column, reason, secret);
	}
}

/* Rejects the file as a whole. `again`: the next scan reads it again, whatever its stat
 * values are. */
static void end_rejected(struct ingest *g, size_t line, size_t column, const char *reason,
			 bool again)
{
	drop_claims(g);
	g->outcome.racy = g->in.file.racy;
	g->in.file.racy |= again;
	g->outcome.rejects = 1;
	batch_begin(g->batch, g->path.data, g->path.len, CLAIM_MERGE);
	batch_reject(g->batch, line, column, reason, false);
	batch_end(g->batch, &g->in.file);
	end(g);
}

static void end_unreadable(struct ingest *g, const char *what, int error)
{
	char reason[160];

	g->outcome.denied = error == EACCES || error == EPERM;
	snprintf(reason, sizeof(reason), "%s: %s", what, strerror(error));
	end_rejected(g, 0, 0, reason, true);
}

/* The file changed while it was read. */
static void end_changed(struct ingest *g)
{
	if (g->flags & INGEST_UNSTEADY) {
		end_rejected(g, 0, 0, "it changes while it is read", true);
	} else {
		ingest_stop(g);
		g->outcome.changed = true;
	}
}

/* The file is not JSON, at `off` of the window: it changes nothing. */
static void end_broken(struct ingest *g, size_t off, const char *reason)
{
	size_t line, column;

	if (!input_is_steady(&g->in) || (g->stage == STAGE_CLAIM && !g->whole)) {
		/* What was read mixes two versions; or the file was JSON when it was
		 * checked. */
		end_changed(g);
	} else {
		input_position(&g->in, off, &line, &column);
		end_rejected(g, line, column, reason, false);
	}
}

/* Reads on. False: that failed, and the file was ended. */
static bool read_more(struct ingest *g)
{
	if (input_more(&g->in) < 0) {
		end_unreadable(g, "cannot read", errno);
		return false;
	}
	return true;
}

/* Where canonical text goes; that of the check is not kept. */
static struct buf *canon_of(struct ingest *g)
{
	return g->stage == STAGE_CLAIM ? &g->batch->text : &g->scratch;
}

/* Claims or rejects the value at the start of the window. Its canonical text is what
 * canon_of holds from `text` on. */
static void add_value(struct ingest *g, const struct json_value *value, size_t text)
{
	struct buf *canon = canon_of(g);
	const char *reason = NULL;
	size_t at = value->begin;
	struct secret secret;
	bool refused = false;

	if (value->end - value->begin > RECORD_SIZE_MAX) {
		reason = "record is larger than 16 MiB";
	} else if (value->depth > RECORD_DEPTH_MAX) {
		reason = "record is nested deeper than 512";
	} else if (value->unusable) {
		reason = value->unusable;
		at = value->unusable_at;
	} else if (canon->data[text] != '{') {
		reason = "a record is an object";
	} else if (!(g->flags & INGEST_SECRETS) &&
		   secret_find(&secret, canon->data + text, canon->len - text)) {
		/* First: the reason of another reject might quote the secret. */
		refused = true;
		reason = secret.reason;
		at = json_source_offset(input_at(&g->in), value->end, secret.at);
	} else if (record_read(&g->reader, canon->data + text, canon->len - text) < 0) {
		reason = g->reader.reason;
		at = json_source_offset(input_at(&g->in), value->end,
					g->reader.failed_at);
	}
	if (reason) {
		buf_setlen(canon, text);
		reject_at(g, at, reason, refused);
	} else if (g->stage == STAGE_CLAIM) {
		/* A tag image needs its image and its tag: they go first. */
		for (size_t i = 1; i < g->reader.count; i++) {
			batch_claim(g->batch, &g->reader.record[i], text);
		}
		batch_claim(g->batch, &g->reader.record[0], text);
	}
	buf_clear(&g->scratch);
}

/* Skips the window's part of a value over the limit. Only its brackets and strings are
 * looked at, as nothing of it is claimed. */
static void step_skip(struct ingest *g)
{
	const char *at = input_at(&g->in);
	size_t left = input_left(&g->in), i = 0;
	struct skip *skip = &g->skip;
	bool done = false;

	for (; i < left && !done; i++) {
		bool closing = false;

		if (skip->string) {
			skip->string = skip->escape || at[i] != '"';
			skip->escape = !skip->escape && at[i] == '\\';
			closing = !skip->string;
		} else if (at[i] == '"') {
			skip->string = true;
		} else if (at[i] == '[' || at[i] == '{') {
			skip->depth++;
		} else if (skip->depth && (at[i] == ']' || at[i] == '}')) {
			skip->depth--;
			closing = true;
		} else if (!skip->depth && strchr("]}, \t\r\n", at[i])) {
			break; /* behind a number */
		}
		done = closing && !skip->depth;
	}
	input_skip(&g->in, i);
	if (done || i < left || g->in.eof) {
		g->place = skip->next;
	} else {
		read_more(g);
	}
}

/* One value of a `.json` file, at the start of the window. */
static void step_value(struct ingest *g)
{
	enum place next = g->place == PLACE_START ? PLACE_END : PLACE_COMMA;

	for (;;) {
		struct buf *canon = canon_of(g);
		size_t text = canon->len, left = input_left(&g->in);
		struct json_value value;
		bool good = json_read(canon, &value, input_at(&g->in), left) == 0;

		if (good && (g->in.eof || value.end < left)) {
			add_value(g, &value, text);
			input_skip(&g->in, value.end);
			break;
		}
		buf_setlen(canon, text);
		if (!good && (g->in.eof || value.failed_at + WINDOW_EDGE < left)) {
			end_broken(g, value.failed_at, value.reason);
			return;
		}
		/* The end of the window may cut it off. */
		if (left > RECORD_SIZE_MAX + WINDOW_EDGE) {
			reject_at(g, 0, "record is larger than 16 MiB", false);
			g->skip = (struct skip){.next = next};
			next = PLACE_SKIP;
			break;
		}
		if (!read_more(g)) {
			return;
		}
	}
	g->place = next;
}

/* One step through a `.json` file: a value, a bracket or a comma. */
static void step_document(struct ingest *g)
{
	const char *broken = NULL;
	enum place place = g->place;
	size_t space;
	char c;

	while ((space = json_skip_space(input_at(&g->in), input_left(&g->in), 0)) ==
	       input_left(&g->in)) {
		input_skip(&g->in, space);
		if (g->in.eof) {
			break;
		}
		if (!read_more(g)) {
			return;
		}
	}
	if (!input_left(&g->in)) {
		if (place == PLACE_END) {
			g->place = PLACE_DONE;
			return;
		}
		end_broken(g, 0,
			   place == PLACE_START ? "there is no JSON value"
						: "the document ends inside an array");
		return;
	}
	input_skip(&g->in, space);
	c = *input_at(&g->in);
	if (place == PLACE_START && c == '[') {
		g->place = PLACE_FIRST;
	} else if (c == ']' && (place == PLACE_FIRST || place == PLACE_COMMA)) {
		g->place = PLACE_END;
	} else if (c == ',' && place == PLACE_COMMA) {
		g->place = PLACE_ELEMENT;
	} else if (place == PLACE_COMMA) {
		broken = "expected ',' or ']' after an element";
	} else if (place == PLACE_END) {
		broken = "text after the end of the document";
	} else {
		step_value(g);
		return;
	}
	if (broken) {
		end_broken(g, 0, broken);
	} else {
		input_skip(&g->in, 1);
	}
}

/* The offset of the first hole (INGEST_HOLE), or `len`. */
static size_t find_hole(const char *text, size_t len)
{
	const char *end = text + len, *at = text;

	while ((at = memchr(at, '\0', (size_t)(end - at)))) {
		const char *from = at;

		while (at < end && !*at) {
			at++;
		}
		if (at - from >= INGEST_HOLE) {
			return (size_t)(from - text);
		}
	}
	return len;
}

/* Rejects a line that may not end, at `off` of the window, and reads no further. */
static void cut_off(struct ingest *g, size_t off, const char *reason)
{
	reject_at(g, off, reason, false);
	g->place = PLACE_DONE;
}

static void cut_off_hole(struct ingest *g, size_t off)
{
	cut_off(g, off,
		"NUL bytes: a hole, or a file that was not written to its end; the rest "
		"of "
		"the file is not read");
}

static void cut_off_long(struct ingest *g)
{
	cut_off(g, 0, "record is larger than 16 MiB; the rest of the file is not read");
}

/* One line: the window's first `len` bytes. */
static void add_line(struct ingest *g, size_t len)
{
	const char *at = input_at(&g->in);
	struct buf *canon = canon_of(g);
	size_t text = canon->len, rest, hole;
	struct json_value value;

	if (json_skip_space(at, len, 0) == len) {
		return;
	}
	if (json_read(canon, &value, at, len) < 0) {
		hole = find_hole(at, len);
		if (hole < len) {
			cut_off_hole(g, hole);
		} else {
			reject_at(g, value.failed_at, value.reason, false);
		}
		return;
	}
	rest = json_skip_space(at, len, value.end);
	if (rest < len) {
		buf_setlen(canon, text);
		hole = find_hole(at, len);
		if (hole < len) {
			cut_off_hole(g, hole);
		} else {
			reject_at(g, rest, "text after the end of the record", false);
		}
		return;
	}
	add_value(g, &value, text);
}

/* One line of an `.ndjson` file. */
static void step_line(struct ingest *g)
{
	const char *at = input_at(&g->in);
	size_t left = input_left(&g->in);
	const char *newline = left ? memchr(at, '\n', left) : NULL;
	size_t len = newline ? (size_t)(newline - at) : left;

	if (!newline && !g->in.eof) {
		size_t hole = find_hole(at, left);

		if (hole < left) {
			cut_off_hole(g, hole);
		} else if (left > INGEST_LINE_MAX) {
			cut_off_long(g);
		} else {
			read_more(g);
		}
		return;
	}
	if (!newline) {
		g->place = PLACE_DONE;
	}
	if (len > INGEST_LINE_MAX) {
		cut_off_long(g);
	} else {
		add_line(g, len);
	}
	input_skip(&g->in, len + (newline ? 1 : 0));
}

/* The end of the file was reached. */
static void finish(struct ingest *g)
{
	bool clean = !g->outcome.rejects && !(g->flags & INGEST_UNSTEADY);

	if (!input_is_steady(&g->in)) {
		end_changed(g);
		return;
	}
	if (g->stage == STAGE_CHECK) {
		if (input_rewind(&g->in) < 0) {
			end_unreadable(g, "cannot read", errno);
			return;
		}
		batch_begin(g->batch, g->path.data, g->path.len,
			    clean ? CLAIM_REPLACE : CLAIM_MERGE);
		g->stage = STAGE_CLAIM;
		g->place = PLACE_START;
		g->outcome.rejects = 0;
		return;
	}
	if (g->whole && clean) {
		g->batch->step[g->mark.count].mode = CLAIM_REPLACE;
	}
	batch_end(g->batch, &g->in.file);
	g->outcome.racy = g->in.file.racy;
	end(g);
}

void ingest_more(struct ingest *g)
{
	uint64_t start = g->in.base + g->in.begin;

	while (g->stage != STAGE_IDLE) {
		if (!g->whole && (batch_is_full(g->batch) ||
				  g->in.base + g->in.begin - start >= INGEST_SLICE)) {
			break;
		}
		if (g->place == PLACE_DONE) {
			finish(g);
			start = 0;
		} else if (g->place == PLACE_SKIP) {
			step_skip(g);
		} else if (g->lines) {
			step_line(g);
		} else {
			step_document(g);
		}
	}
}

/* The path cannot be opened, or is not a regular file. */
static int end_unopened(struct ingest *g, int error, struct err *err)
{
	struct stat st;

	if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSYS) {
		errno = error;
		return err_sys(err, "cannot open '%s'", g->path.data);
	}
	if (!walk_is_gone(error)) {
		bool seen = walk_stat(g->rootfd, g->path.data, &st) == 0;

		if (!seen || S_ISREG(st.st_mode)) {
			g->in.file = (struct claim_file){0};
			if (seen) {
				input_stat(&g->in.file, &st);
			}
			end_unreadable(g, "cannot open", error);
			return 0;
		}
	}
	if (g->flags & INGEST_WITHDRAW) {
		batch_withdraw(g->batch, g->path.data, g->path.len);
		g->outcome.withdrawn = true;
	} else {
		g->outcome.gone = true;
	}
	end(g);
	return 0;
}

int ingest_begin(struct ingest *g, const char *path, size_t len, unsigned flags,
		 struct err *err)
{
	assert(g->stage == STAGE_IDLE);
	buf_clear(&g->path);
	buf_add(&g->path, path, len);
	g->flags = flags;
	g->outcome = (struct ingest_outcome){0};
	g->place = PLACE_START;
	g->mark = batch_mark(g->batch);
	g->whole = true;
	if (input_open(&g->in, g->rootfd, g->path.data) < 0) {
		return end_unopened(g, errno, err);
	}
	if (!g->in.regular) {
		return end_unopened(g, ENOENT, err);
	}
	g->outcome.bytes = (uint64_t)g->in.file.size;
	g->lines = len < 5 || memcmp(path + len - 5, ".json", 5) != 0;
	if (!g->lines && g->outcome.bytes > INGEST_DOCUMENT_MAX) {
		end_rejected(g, 0, 0, "file is larger than 1 GiB", false);
		return 0;
	}
	if (g->outcome.bytes > INGEST_SLICE && (flags & INGEST_SMALL)) {
		g->outcome.large = true;
		end(g);
		return 0;
	}
	g->whole = g->outcome.bytes <= INPUT_CHUNK;
	g->stage = STAGE_CHECK;
	if (g->whole || (g->lines && !(flags & INGEST_REPLACE))) {
		g->stage = STAGE_CLAIM;
		batch_begin(g->batch, path, len, CLAIM_MERGE);
	}
	ingest_more(g);
	return 0;
}
