/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/export/note.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/git/commit.h"
#include "exporter/git/pack/object.h"
#include "exporter/site/foreign.h"
#include "exporter/snapshot/message.h"

/*
 * The file has these lines; the second and the third may be missing. The sum is the id
 * that git gives a blob of the lines above it.
 *
 *	albumen-exporter note 1
 *	made COMMIT
 *	ended COMMIT INDEX EPOCH SEQUENCE SETTINGS
 *	sum SHA-1
 */

#define NOTE_MOST 4096

static struct snapshot_id hash(const char *text, size_t len)
{
	struct snapshot_id out = {0};
	uint8_t id[OBJECT_ID];

	object_hash(id, OBJECT_BLOB, text, len);
	object_hex(out.hex, id);
	return out;
}

struct snapshot_id note_settings(const char *rules, size_t len)
{
	return hash(rules, len);
}

static void path_of(struct buf *out, const struct snapshot_repo *repo)
{
	buf_addf(out, "%s/" NOTE_FILE, snapshot_path(repo));
}

static void print(struct buf *out, const struct note *note)
{
	const struct note_export *e = &note->ended;

	buf_addstr(out, "albumen-exporter note 1\n");
	if (*note->made.hex) {
		buf_addf(out, "made %s\n", note->made.hex);
	}
	if (*e->commit.hex) {
		buf_addf(out, "ended %s %s %016" PRIx64 " %" PRIu64 " %s\n",
			 e->commit.hex, e->index, e->epoch, e->sequence, e->settings.hex);
	}
	buf_addf(out, "sum %s\n", hash(out->data, out->len).hex);
}

/* False: this is not a whole note, since printing *out does not give `text`. */
static bool parse(struct note *out, const struct buf *text)
{
	struct note_export *e = &out->ended;
	struct buf again = {0};
	const char *line;
	bool whole;

	if ((line = strstr(text->data, "\nmade "))) {
		(void)!sscanf(line, " made %40[0-9a-f]", out->made.hex);
	}
	if ((line = strstr(text->data, "\nended "))) {
		(void)!sscanf(line,
			      " ended %40[0-9a-f] %36[0-9a-f-] %" SCNx64 " %" SCNu64
			      " %40[0-9a-f]",
			      e->commit.hex, e->index, &e->epoch, &e->sequence,
			      e->settings.hex);
	}
	print(&again, out);
	whole = again.len == text->len && memcmp(again.data, text->data, text->len) == 0;
	buf_release(&again);
	return whole;
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
		log_warning("%s; so it is not known where the last export left main",
			    err.msg);
	} else if (!rc && (!text.len || !parse(out, &text))) {
		*out = (struct note){0};
		log_warning("'%s' is damaged and is ignored; the next export writes it "
			    "anew",
			    path.data);
	}
	buf_release(&path);
	buf_release(&text);
}

/*
 * Writes over the note, if it exists and is not longer than the text. One write of less than
 * a page is done whole, also by a process that is killed, and most notes have the same length.
 * A new file would cost an inode and the freeing of the old one with each snapshot.
 */
static bool write_over(const char *path, const struct buf *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool done = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    st.st_nlink == 1 && st.st_size > 0 &&
		    (size_t)st.st_size <= text->len &&
		    pwrite(fd, text->data, text->len, 0) == (ssize_t)text->len;

	if (fd >= 0 && close(fd) < 0) {
		done = false;
	}
	return done;
}

void note_write(const struct note *note, const struct snapshot_repo *repo)
{
	struct buf path = {0}, text = {0};
	struct err err = {0};

	print(&text, note);
	path_of(&path, repo);
	/* Not flushed, as each export would pay for that. */
	if (!write_over(path.data, &text) &&
	    file_swap(path.data, text.data, text.len, &err) < 0) {
		log_warning("%s; the next export may have to render everything", err.msg);
	}
	buf_release(&path);
	buf_release(&text);
}

bool note_follows(const struct index_txn *txn, const struct note_export *at)
{
	return strcmp(at->index, index_uuid(txn)) == 0 &&
	       at->sequence >= index_feed_floor(txn) &&
	       index_epoch_holds(txn, at->epoch, at->sequence);
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

/* Reads the commit `parent`. ERR_NOTFOUND (no message): there is none. */
static int step_back(struct snapshot_repo *repo, const struct snapshot_id *parent,
		     struct snapshot_info *out, struct err *err)
{
	struct err unread;

	if (!*parent->hex) {
		return ERR_NOTFOUND;
	}
	return snapshot_resolve(repo, parent->hex, out, &unread) == 0
		       ? 0
		       : err_set(err, ERR_FAIL,
				 "the history of main cannot be read, because commit %s "
				 "is missing or damaged in '%s'; restore its objects "
				 "from "
				 "a copy or a clone: %s",
				 parent->hex, snapshot_path(repo), unread.msg);
}

/* Walks by first parents from the commit `from` back to `to`. *steps: how many.
 * *snapshots: all commits before `to` are snapshots, numbered without a gap.
 * ERR_NOTFOUND (no message): the walk does not reach `to`. */
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
		rc = err_set(err, ERR_REFUSED,
			     "main of '%s' is at %s, %s: this exporter did not make it, "
			     "and verify fails on it",
			     path, head->commit.hex,
			     number_of(head)
				     ? "and a commit on the way to it is no snapshot"
				     : "which is no snapshot");
		rc = *note->made.hex ? add_remedy(note, path, err) : rc;
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

int note_check_site(const struct note *note, struct place *site,
		    struct snapshot_repo *repo, struct accept *accept, struct err *err)
{
	int rc;

	if (!*note->made.hex || (accept && accept->used & 1u << ACCEPT_HISTORY)) {
		return 0;
	}
	rc = foreign_check_ahead(site, repo, err);
	return rc == ERR_REFUSED ? accept_check(accept, ACCEPT_HISTORY, err) : rc;
}

/* Reads the commit `id` or the nearest one before it that is a snapshot. ERR_NOTFOUND (no
 * message): there is none. */
static int nearest(struct snapshot_info *out, struct snapshot_repo *repo,
		   struct snapshot_id id, struct err *err)
{
	int rc = step_back(repo, &id, out, err);

	while (!rc && !number_of(out)) {
		id = out->parent;
		snapshot_info_release(out);
		rc = step_back(repo, &id, out, err);
	}
	return rc;
}

int note_last(struct snapshot_info *out, const struct note *note,
	      const struct snapshot_info *head, struct snapshot_repo *repo,
	      struct err *err)
{
	struct err unread;
	int rc;

	*out = (struct snapshot_info){0};
	if (number_of(head)) {
		*out = *head;
		out->message = xstrdup(head->message);
		return 0;
	}
	rc = nearest(out, repo, head->commit, err);
	if (rc == ERR_NOTFOUND) {
		/* What cannot be read any more binds nobody. */
		nearest(out, repo, note->made, &unread);
		rc = 0;
	}
	return rc;
}
