/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/pending.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/pack/object.h"

#define NAME "pending"
#define DONE "done\n" /* whatever follows it does not count */
#define BYTES_MAX (64u << 10)

/* A note that was just made is empty: no file was touched yet. */
static bool is_done(const struct buf *note)
{
	return !note->len || strncmp(note->data, DONE, strlen(DONE)) == 0;
}

static int look(struct pending *out, const char *site)
{
	struct buf path = {0};
	struct err why;
	int rc;

	*out = (struct pending){0};
	buf_addf(&path, "%s/" PLACE_OWN "/" NAME, site);
	rc = file_read(&out->text, path.data, BYTES_MAX, &why);
	if (rc || is_done(&out->text)) {
		buf_clear(&out->text);
	}
	out->unfinished = out->text.len > 0;
	buf_release(&path);
	return rc;
}

int pending_check(const char *site, struct err *err)
{
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/" PLACE_OWN "/" NAME, site);
	if (access(path.data, R_OK) < 0 && errno == EACCES) {
		rc = err_sys(err, "cannot read '%s'", path.data);
	}
	buf_release(&path);
	return rc;
}

int64_t pending_since_s(const char *site)
{
	struct buf path = {0};
	struct stat st;
	int rc;

	buf_addf(&path, "%s/" PLACE_OWN "/" NAME, site);
	rc = stat(path.data, &st);
	buf_release(&path);
	return rc < 0 ? 0 : (int64_t)st.st_mtim.tv_sec;
}

void pending_look(struct pending *out, const char *site)
{
	(void)look(out, site);
}

bool pending_is_done(const char *site)
{
	struct pending pending;
	int rc = look(&pending, site);
	bool done = rc == ERR_NOTFOUND || (!rc && !pending.unfinished);

	pending_release(&pending);
	return done;
}

int pending_read(struct pending *out, struct place *place, struct err *err)
{
	int rc = place_note_read(&out->text, place, NAME, err);

	if (rc && rc != ERR_NOTFOUND) {
		return rc;
	}
	if (is_done(&out->text)) {
		buf_clear(&out->text);
	}
	out->unfinished = out->text.len > 0;
	return 0;
}

void pending_release(struct pending *pending)
{
	buf_release(&pending->text);
}

bool pending_next(const struct pending *pending, size_t *at, struct snapshot_id *commit)
{
	const char *line = pending->text.data + *at;
	uint8_t id[OBJECT_ID];
	size_t len;

	*commit = (struct snapshot_id){0};
	if (*at == pending->text.len) {
		return false;
	}
	len = strcspn(line, "\n");
	if (len == SNAPSHOT_HEX && object_unhex(id, line)) {
		memcpy(commit->hex, line, len);
	}
	*at += len + (line[len] == '\n');
	return true;
}

int pending_begin(struct pending *pending, struct place *place,
		  const struct snapshot_id *commit, bool known, struct err *err)
{
	struct buf *text = &pending->text;

	if (!known) {
		buf_clear(text);
		buf_addstr(text, "unknown\n");
	}
	buf_addf(text, "%s\n", commit->hex);
	/* While the note says "done", no file has been touched for what is written over
	 * it, so it may be written in place; a commit in it must not be lost. */
	return pending->unfinished
		       ? place_note_replace(place, NAME, text->data, text->len, err)
		       : place_note_write(place, NAME, text->data, text->len, true, err);
}

int pending_end(struct place *place, struct err *err)
{
	return place_note_write(place, NAME, DONE, strlen(DONE), false, err);
}
