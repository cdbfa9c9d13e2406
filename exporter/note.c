/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/note.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/git/object.h"
#include "exporter/message.h"

/*
 * The file, a line each:
 *
 *	albumen-exporter note 1
 *	made COMMIT
 *	ended COMMIT INDEX EPOCH SEQUENCE REDACTION
 *	sum SHA-1
 *
 * The second and the third may be missing. The sum is git's of a blob of the lines
 * above it.
 */

#define TITLE "albumen-exporter note 1\n"
#define NOTE_MOST 4096

static struct snapshot_id hash(const char *text, size_t len)
{
	struct snapshot_id out;
	uint8_t id[OBJECT_ID];

	object_hash(id, OBJECT_BLOB, text, len);
	object_hex(out.hex, id);
	return out;
}

struct snapshot_id note_redaction(const char *trailers, size_t len)
{
	return hash(trailers, len);
}

static void path_of(struct buf *out, const struct snapshot_repo *repo)
{
	buf_addf(out, "%s/" NOTE_FILE, snapshot_path(repo));
}

/* False: it is not a whole note. */
static bool parse(struct note *out, const struct buf *text)
{
	struct note_export *e = &out->ended;
	const char *sum = text->data ? strstr(text->data, "\nsum ") : NULL;
	struct snapshot_id is;
	const char *line;

	if (!sum || strncmp(text->data, TITLE, strlen(TITLE)) != 0) {
		return false;
	}
	sum++;
	is = hash(text->data, (size_t)(sum - text->data));
	if (strncmp(sum + 4, is.hex, SNAPSHOT_HEX) != 0 ||
	    strcmp(sum + 4 + SNAPSHOT_HEX, "\n") != 0) {
		return false;
	}
	line = strstr(text->data, "\nmade ");
	if (line && sscanf(line, " made %40[0-9a-f]", out->made.hex) != 1) {
		return false;
	}
	line = strstr(text->data, "\nended ");
	return !line || sscanf(line,
			       " ended %40[0-9a-f] %36[0-9a-f-] %" SCNx64 " %" SCNu64
			       " %40[0-9a-f]",
			       e->commit.hex, e->index, &e->epoch, &e->sequence,
			       e->redact.hex) == 5;
}

void note_read(struct note *out, const struct snapshot_repo *repo)
{
	struct buf path = {0}, text = {0};
	struct err err = {0};
	int rc;

	*out = (struct note){0};
	path_of(&path, repo);
	rc = file_read(&text, path.data, NOTE_MOST, &err);
	if (rc && rc != ERR_NOTFOUND) {
		log_warning("%s; what was exported last is not known from it", err.msg);
	} else if (!rc && !parse(out, &text)) {
		*out = (struct note){0};
		log_warning("'%s' is damaged and is left out of account; the next "
			    "export writes it anew",
			    path.data);
	}
	buf_release(&path);
	buf_release(&text);
}

static int replace(const char *path, const struct buf *text, struct err *err)
{
	struct buf new = {0};
	int rc = 0;
	int fd;

	buf_addf(&new, "%s.new", path);
	fd = open(new.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0) {
		rc = err_sys(err, "cannot make '%s'", new.data);
	} else {
		rc = file_write_fd(fd, text->data, text->len, new.data, err);
		if (close(fd) < 0 && !rc) {
			rc = err_sys(err, "cannot write '%s'", new.data);
		}
		if (!rc && rename(new.data, path) < 0) {
			rc = err_sys(err, "cannot rename '%s'", new.data);
		}
	}
	buf_release(&new);
	return rc;
}

void note_write(const struct note *note, const struct snapshot_repo *repo)
{
	const struct note_export *e = &note->ended;
	struct buf path = {0}, text = {0};
	struct snapshot_id sum;
	struct err err = {0};

	buf_addstr(&text, TITLE);
	if (*note->made.hex) {
		buf_addf(&text, "made %s\n", note->made.hex);
	}
	if (*e->commit.hex) {
		buf_addf(&text, "ended %s %s %016" PRIx64 " %" PRIu64 " %s\n",
			 e->commit.hex, e->index, e->epoch, e->sequence, e->redact.hex);
	}
	sum = hash(text.data, text.len);
	buf_addf(&text, "sum %s\n", sum.hex);
	path_of(&path, repo);
	if (replace(path.data, &text, &err) < 0) {
		log_warning("%s; the next export may have to render everything", err.msg);
	}
	buf_release(&path);
	buf_release(&text);
}
