/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/advance.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/reflock.h"
#include "exporter/git/refswap.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/repo_note.h"

/*
 * The order that makes a kill harmless at any point: objects in packs with temporary names,
 * durable; a note of what comes; packs renamed, so that git sees objects that nothing
 * refers to yet; the reference; its folder flushed; the note removed.
 *
 * After a failed fsync the kernel takes the pages for clean, so the next fsync succeeds
 * without having written them. What an attempt did not make durable is therefore written
 * again: packs are removed and made again, and a reference is replaced by a new file with
 * the same content.
 */

/* Flushes the folder of the reference, and those above it up to refs: they may be new. */
static int flush_folders(const char *repo, const char *name, struct err *err)
{
	struct buf path = {0};
	size_t depth = 0;
	int rc = 0;

	buf_addf(&path, "%s/%s", repo, name);
	for (const char *p = name; *p; p++) {
		depth += *p == '/';
	}
	do {
		buf_setlen(&path, (size_t)(strrchr(path.data, '/') - path.data));
		rc = file_flush_folder(path.data, err);
		/* refs/heads is as old as the repository. */
	} while (!rc && depth-- > 1 && strncmp(name, "refs/heads/", 11) != 0);
	buf_release(&path);
	return rc;
}

/* With the lock of the reference. */
static int replace(struct snapshot_repo *repo, const char *name, const char *from,
		   const char *to, struct err *err)
{
	char now[OBJECT_HEX + 1];
	struct buf text = {0}, temp = {0};
	int rc = repo_ref(now, repo, name, err);

	if (rc) {
		return rc;
	}
	if (strcmp(now, from) != 0) {
		return err_set(err, ERR_CHANGED,
			       "another program moved %s of '%s' from %s to %s", name,
			       repo->path, *from ? from : "nothing",
			       *now ? now : "nothing");
	}
	buf_addf(&text, "%s\n", to);
	rc = repo_folder_write(repo->path, REPO_FOLDER_TEMP_REF, text.data, text.len,
			       err);
	rc = rc ? rc : repo_folder_rename(repo->path, REPO_FOLDER_TEMP_REF, name, err);
	if (rc) {
		buf_addf(&temp, "%s/" REPO_FOLDER_TEMP_REF, repo->path);
		unlink(temp.data);
	}
	buf_release(&text);
	buf_release(&temp);
	return rc;
}

static int move(struct snapshot_repo *repo, const char *name, const char *from,
		const char *to, struct err *err)
{
	char *lock;
	int rc = reflock_lock(&lock, repo->path, name, err);

	if (!rc) {
		rc = replace(repo, name, from, to, err);
		reflock_unlock(&lock);
	}
	return rc ? rc : flush_folders(repo->path, name, err);
}

int advance_ref(struct snapshot_repo *repo, struct pack *pack, const char *name,
		const uint8_t *from, const uint8_t to[OBJECT_ID], struct err *err)
{
	struct repo_note note = {0};
	bool noted = false;
	int rc;

	assert(repo->lock >= 0);
	if (from) {
		object_hex(note.from, from);
	}
	object_hex(note.to, to);
	buf_addstr(&note.ref, name);
	buf_addstr(&note.packs, "");
	rc = pack_seal(pack, &note.packs, err);
	if (!rc) {
		repo_note_only_new(&note.packs, repo->path);
		rc = repo_note_write(repo->path, &note, err);
		noted = !rc;
	}
	rc = rc ? rc : repo_note_keep(repo->path, note.packs.data, err);
	if (!rc) {
		rc = pack_install(pack, err);
	}
	rc = rc ? rc : move(repo, name, note.from, note.to, err);
	if (!rc) {
		rc = repo_note_remove(repo->path, note.packs.data, REPO_NOTE_KEEP, err);
		repo_refresh(repo);
	} else if (noted && (rc == ERR_CHANGED || rc == ERR_LOCKED)) {
		/* After any other failure the reference may have moved: advance_recover
		 * looks when the repository is locked the next time. */
		repo_note_remove(repo->path, note.packs.data,
				 REPO_NOTE_PACKS | REPO_NOTE_KEEP, NULL);
	}
	repo_note_release(&note);
	return rc;
}

int advance_recover(struct snapshot_repo *repo, struct err *err)
{
	struct repo_note note;
	char now[OBJECT_HEX + 1] = "";
	unsigned flags = 0;
	bool done = false;
	int rc = repo_note_read(&note, repo->path, err);

	if (rc) {
		return rc == ERR_NOTFOUND ? 0 : rc;
	}
	if (note.swap) {
		rc = refswap_recover(&done, repo, &note, err);
		flags = REPO_NOTE_KEEP | (done ? 0 : REPO_NOTE_PACKS);
	} else if (note.ref.len) {
		rc = repo_ref(now, repo, note.ref.data, err);
		flags = REPO_NOTE_KEEP;
		if (!rc && strcmp(now, note.from) == 0) {
			flags |= REPO_NOTE_PACKS;
		} else if (!rc && strcmp(now, note.to) == 0) {
			rc = move(repo, note.ref.data, now, now, err);
		}
	}
	rc = rc ? rc : repo_note_remove(repo->path, note.packs.data, flags, err);
	repo_note_release(&note);
	return rc;
}
