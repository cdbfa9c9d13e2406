/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/note.h"

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
#include "exporter/git/commit.h"
#include "exporter/git/pack/object.h"
#include "exporter/snapshot/message.h"

/*
 * The file has these lines; the second and the third may be missing. The sum is the id
 * that git gives a blob of the lines above it.
 *
 *	albumen-exporter note 1
 *	made COMMIT
 *	ended COMMIT INDEX EPOCH SEQUENCE REDACTION
 *	sum SHA-1
 */

#define TITLE "albumen-exporter note 1\n"
#define NOTE_MOST 4096

static struct snapshot_id hash(const char *text, size_t len)
{
	struct snapshot_id out = {0};
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

/* False: this is not a whole note. */
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

static void read_note(struct note *out, const char *path)
{
	struct buf text = {0};
	struct err err = {0};
	int rc = file_read(&text, path, NOTE_MOST, &err);

	*out = (struct note){0};
	if (rc && rc != ERR_NOTFOUND) {
		log_warning("%s; the last export is not known from it", err.msg);
	} else if (!rc && !parse(out, &text)) {
		*out = (struct note){0};
		log_warning("'%s' is damaged and is ignored; the next export writes it "
			    "anew",
			    path);
	}
	buf_release(&text);
}

void note_read(struct note *out, const struct snapshot_repo *repo)
{
	struct buf path = {0};

	path_of(&path, repo);
	read_note(out, path.data);
	buf_release(&path);
}

/* Unlike file_replace this does not flush, as each export would pay for that. */
static int replace(const char *path, const struct buf *text, struct err *err)
{
	struct buf new = {0};
	int fd, rc;

	buf_addf(&new, "%s.new", path);
	fd = open(new.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	rc = fd < 0 ? err_sys(err, "cannot make '%s'", new.data)
		    : file_write_fd(fd, text->data, text->len, new.data, err);
	if (fd >= 0 && close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", new.data);
	}
	if (!rc && rename(new.data, path) < 0) {
		rc = err_sys(err, "cannot rename '%s'", new.data);
	}
	if (fd >= 0 && rc) {
		unlink(new.data);
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

/* --- is main where it was? ---------------------------------------------------------- */

static bool is_same(const struct snapshot_id *a, const struct snapshot_id *b)
{
	return strcmp(a->hex, b->hex) == 0;
}

/* The commit's number among the snapshots; 0: it is not a snapshot. */
static uint64_t number_of(const struct snapshot_info *info)
{
	struct buf value = {0};
	bool ours = info->message &&
		    commit_trailer(info->message, MESSAGE_INDEX, &value) == 0 &&
		    commit_trailer(info->message, MESSAGE_SEQUENCE, &value) == 0;

	buf_release(&value);
	return ours ? message_count(info->message, MESSAGE_NUMBER, 0) : 0;
}

/* Reads the commit `parent`. ERR_NOTFOUND, quietly: there is none, or a shallow
 * repository does not have it. */
static int step_back(struct snapshot_repo *repo, const struct snapshot_id *parent,
		     struct snapshot_info *out, struct err *err)
{
	struct buf shallow = {0};
	struct err unread;
	int rc = ERR_NOTFOUND;

	if (*parent->hex && snapshot_resolve(repo, parent->hex, out, &unread) == 0) {
		return 0;
	}
	buf_addf(&shallow, "%s/shallow", snapshot_path(repo));
	if (*parent->hex && access(shallow.data, F_OK) < 0) {
		rc = err_set(err, ERR_FAIL,
			     "the history of main cannot be read, because commit %s is "
			     "missing or damaged in '%s'; restore its objects from a "
			     "copy or a clone: %s",
			     parent->hex, snapshot_path(repo), unread.msg);
	}
	buf_release(&shallow);
	return rc;
}

/* Walks by first parents from the commit `from` back to `to`. *steps: how many.
 * *snapshots: all commits before `to` are snapshots, numbered without a gap.
 * ERR_NOTFOUND, quietly: the walk does not reach `to`. */
static int walk(struct snapshot_repo *repo, const struct snapshot_info *from,
		const struct snapshot_id *to, uint64_t *steps, bool *snapshots,
		struct err *err)
{
	struct snapshot_info at = {.commit = from->commit, .parent = from->parent};
	uint64_t number = number_of(from);
	int rc = 0;

	*steps = 0;
	*snapshots = true;
	while (!rc && !is_same(&at.commit, to)) {
		struct snapshot_id next = at.parent;
		uint64_t before;

		*snapshots &= number != 0;
		snapshot_info_release(&at);
		rc = step_back(repo, &next, &at, err);
		before = rc ? 0 : number_of(&at);
		/* Where the walk ends, `to` need not be a snapshot. */
		*snapshots &= !before || number == before + 1;
		number = before;
		(*steps)++;
	}
	snapshot_info_release(&at);
	return rc;
}

/* Adds to the refusal in *err the command that restores main. */
static int add_remedy(const struct note *note, const char *path, struct err *err)
{
	struct err found = *err;

	return err_set(err, ERR_REFUSED,
		       "%s; to restore it: git -C '%s' update-ref " SNAPSHOT_BRANCH " %s",
		       found.msg, path, note->made.hex);
}

/* Finds out how main came to be at `head`, from which note->made cannot be reached. */
static int explain(const struct note *note, struct snapshot_repo *repo,
		   const struct snapshot_info *head, struct err *err)
{
	const char *path = snapshot_path(repo);
	struct snapshot_info made = {0};
	struct err unread;
	uint64_t steps;
	bool all;
	int rc;

	if (snapshot_resolve(repo, note->made.hex, &made, &unread) < 0) {
		return err_set(err, ERR_REFUSED,
			       "main of '%s' is at %s, and snapshot %s, the last one "
			       "made here, is no longer in the repository: its history "
			       "was rewritten, it was restored from an older copy, or a "
			       "pack is missing",
			       path, head->commit.hex, note->made.hex);
	}
	rc = walk(repo, &made, &head->commit, &steps, &all, err);
	if (!rc) {
		err_set(err, ERR_REFUSED,
			"main of '%s' was set back by %" PRIu64 " snapshot%s, to %s",
			path, steps, steps == 1 ? "" : "s", head->commit.hex);
	} else if (rc == ERR_NOTFOUND) {
		err_set(err, ERR_REFUSED,
			"main of '%s' is at %s, whose history does not contain snapshot "
			"%s, the last one made here: it was rewritten, or replaced by "
			"another history",
			path, head->commit.hex, note->made.hex);
	}
	if (!rc || rc == ERR_NOTFOUND) {
		rc = add_remedy(note, path, err);
	}
	snapshot_info_release(&made);
	return rc;
}

static int check(const struct note *note, struct snapshot_repo *repo,
		 const struct snapshot_info *head, struct err *err)
{
	const char *path = snapshot_path(repo);
	uint64_t steps;
	bool all = true;
	int rc = 0;

	if (is_same(&head->commit, &note->made)) {
		return 0; /* or there is neither */
	}
	if (!*head->commit.hex) {
		err_set(err, ERR_REFUSED,
			"'%s' has no branch main, and snapshot %s was the last one made "
			"here",
			path, note->made.hex);
		return add_remedy(note, path, err);
	}
	if (*note->made.hex) {
		rc = walk(repo, head, &note->made, &steps, &all, err);
	}
	if (rc == ERR_NOTFOUND) {
		return explain(note, repo, head, err);
	}
	if (!rc && (!number_of(head) || !all)) {
		return err_set(err, ERR_REFUSED,
			       "main of '%s' is at %s, %s: this exporter did not make it",
			       path, head->commit.hex,
			       number_of(head)
				       ? "and a commit on the way to it is no snapshot"
				       : "which is no snapshot");
	}
	return rc;
}

int note_check(struct note *out, struct snapshot_info *head, struct snapshot_repo *repo,
	       struct accept *accept, struct err *err)
{
	int rc;

	/* The note first: another program's export moves main, then writes the note. */
	note_read(out, repo);
	rc = snapshot_head(repo, head, err);
	if (!rc || rc == ERR_NOTFOUND) {
		rc = check(out, repo, head, err);
	}
	return rc == ERR_REFUSED ? accept_check(accept, ACCEPT_HISTORY, err) : rc;
}
