/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/refswap.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/reflist.h"
#include "exporter/git/reflock.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/shallow.h"

/* --- the files packed-refs and shallow --- */

static int write_packed(const char *repo, const struct reflist *list, struct err *err)
{
	struct buf path = {0}, text = {0};
	int rc;

	buf_addf(&path, "%s/packed-refs", repo);
	reflist_print(&text, list);
	rc = file_replace(path.data, text.data, text.len, err);
	buf_release(&path);
	buf_release(&text);
	return rc;
}

/* Durable on return, also if it is so already: a failed flush may have come before. */
static int write_shallow(const char *repo, const struct buf *text, struct err *err)
{
	struct buf path = {0};
	int rc = 0;

	buf_addf(&path, "%s/" SHALLOW_FILE, repo);
	if (text->len) {
		rc = file_replace(path.data, text->data, text->len, err);
	} else if (unlink(path.data) == 0) {
		rc = file_flush_folder(repo, err);
	} else if (errno != ENOENT) {
		rc = err_sys(err, "cannot remove '%s'", path.data);
	}
	buf_release(&path);
	return rc;
}

/* --- locks --- */

struct locks {
	char **lock;
	size_t count, cap;
};

static int lock(struct locks *locks, const char *repo, const char *name, struct err *err)
{
	locks->lock = xgrow(locks->lock, locks->count, &locks->cap, sizeof(*locks->lock));
	return reflock_lock(&locks->lock[locks->count++], repo, name, err);
}

static void unlock_all(struct locks *locks)
{
	while (locks->count) {
		reflock_unlock(&locks->lock[--locks->count]);
	}
	free(locks->lock);
	*locks = (struct locks){0};
}

/* git locks a reference before it locks packed-refs. */
static int lock_refs(struct locks *locks, const char *repo, const struct reflist *list,
		     const struct refswap *swap, struct err *err)
{
	bool *moves = xzalloc(list->count + 1);
	int rc = 0;

	for (size_t i = 0; !rc && i < swap->count; i++) {
		const struct reflist_ref *ref = reflist_find(list, swap->move[i].name);

		if (ref) {
			moves[ref - list->ref] = true;
		} else {
			rc = lock(locks, repo, swap->move[i].name, err);
		}
	}
	for (size_t i = 0; !rc && i < list->count; i++) {
		if (moves[i] || list->ref[i].loose) {
			rc = lock(locks, repo, list->ref[i].name, err);
		}
	}
	free(moves);
	rc = rc ? rc : lock(locks, repo, "packed-refs", err);
	return rc ? rc : lock(locks, repo, SHALLOW_FILE, err);
}

/* --- the steps --- */

static int check(const char *path, const struct reflist *list, const struct refswap *swap,
		 struct err *err)
{
	for (size_t i = 0; i < swap->count; i++) {
		const struct refswap_move *move = &swap->move[i];
		const struct reflist_ref *ref = reflist_find(list, move->name);
		const char *now = ref ? ref->id : "";

		if (strcmp(now, move->from) != 0) {
			return err_set(err, ERR_CHANGED,
				       "another program moved %s of '%s' from %s to %s",
				       move->name, path,
				       *move->from ? move->from : "nothing",
				       *now ? now : "nothing");
		}
	}
	return 0;
}

/* Flushes the folders of all references: neighbours share one. Where a file is gone already, a
 * run before this one may have failed to flush its folder. */
static int flush_folders(const char *repo, const struct reflist *list, struct err *err)
{
	struct buf folder = {0}, last = {0};
	int rc = 0;

	buf_addstr(&last, "");
	for (size_t i = 0; !rc && i < list->count; i++) {
		const char *name = list->ref[i].name;

		buf_clear(&folder);
		buf_addf(&folder, "%s/%.*s", repo, (int)(strrchr(name, '/') - name),
			 name);
		if (strcmp(folder.data, last.data) != 0 &&
		    access(folder.data, F_OK) == 0) {
			rc = file_flush_folder(folder.data, err);
		}
		buf_clear(&last);
		buf_addstr(&last, folder.data);
	}
	buf_release(&folder);
	buf_release(&last);
	return rc;
}

/* Packs all references as they are. Where a file came back after a power loss, it would hide
 * the new place of a reference, so that they are gone is durable, too. */
static int pack_refs(const char *repo, const struct reflist *list, struct err *err)
{
	struct buf path = {0};
	int rc = write_packed(repo, list, err);

	for (size_t i = 0; !rc && i < list->count; i++) {
		if (list->ref[i].loose) {
			buf_clear(&path);
			buf_addf(&path, "%s/%s", repo, list->ref[i].name);
			if (unlink(path.data) < 0 && errno != ENOENT) {
				rc = err_sys(err, "cannot remove '%s'", path.data);
			}
		}
	}
	buf_release(&path);
	return rc ? rc : flush_folders(repo, list, err);
}

/* The lines of `from`, and those of `to` that name objects which the repository has not. */
static void widen(struct buf *out, struct snapshot_repo *repo, const struct buf *from,
		  const struct buf *to)
{
	uint8_t id[OBJECT_ID];

	buf_add(out, from->data, from->len);
	for (size_t at = 0; at < to->len;) {
		size_t len = strcspn(to->data + at, "\n");

		if (len == OBJECT_HEX && object_unhex(id, to->data + at) &&
		    !repo_has(repo, id)) {
			buf_add(out, to->data + at, len);
			buf_addch(out, '\n');
		}
		at += len + 1;
	}
}

static int change(struct snapshot_repo *repo, struct reflist *list,
		  const struct refswap *swap, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < swap->count; i++) {
		rc = reflist_set(list, repo, swap->move[i].name, swap->move[i].to, err);
	}
	return rc ? rc : write_packed(repo->path, list, err);
}

/* What comes after the note. */
static int apply(struct snapshot_repo *repo, struct reflist *list,
		 const struct refswap *swap, const struct repo_note *note,
		 const struct buf *wide, struct err *err)
{
	int rc = repo_note_keep(repo->path, note->packs.data, err);

	if (!rc && swap->pack) {
		rc = pack_install(swap->pack, err);
		repo_refresh(repo);
	}
	rc = rc ? rc : pack_refs(repo->path, list, err);
	if (!rc && wide->len != note->shallow_from.len) {
		rc = write_shallow(repo->path, wide, err);
	}
	rc = rc ? rc : change(repo, list, swap, err);
	if (!rc && swap->shallow) {
		rc = write_shallow(repo->path, &note->shallow_to, err);
	}
	return rc ? rc
		  : repo_note_remove(repo->path, note->packs.data, REPO_NOTE_KEEP, err);
}

int refswap_run(struct snapshot_repo *repo, const struct refswap *swap, struct err *err)
{
	const struct refswap_move *first = swap->move;
	struct repo_note note = {.swap = true};
	struct reflist list = {0};
	struct locks locks = {0};
	struct buf wide = {0};
	int rc = 0;

	assert(repo->lock >= 0 && swap->count && strcmp(first->from, first->to) != 0);
	assert(strlen(first->to) == OBJECT_HEX);
	buf_addstr(&note.packs, "");
	if (swap->pack) {
		rc = pack_seal(swap->pack, &note.packs, err);
		repo_note_only_new(&note.packs, repo->path);
	}
	rc = rc ? rc : reflist_read(&list, repo, err);
	rc = rc ? rc : lock_refs(&locks, repo->path, &list, swap, err);
	/* Once more: before the locks others could change them. */
	reflist_release(&list);
	rc = rc ? rc : reflist_read(&list, repo, err);
	rc = rc ? rc : check(repo->path, &list, swap, err);
	rc = rc ? rc : shallow_copy(&note.shallow_from, repo->path, err);
	if (!rc) {
		buf_addstr(&note.ref, first->name);
		memcpy(note.from, first->from, strlen(first->from));
		memcpy(note.to, first->to, OBJECT_HEX);
		if (swap->shallow) {
			buf_addstr(&note.shallow_to, swap->shallow);
		} else {
			buf_add(&note.shallow_to, note.shallow_from.data,
				note.shallow_from.len);
		}
		widen(&wide, repo, &note.shallow_from, &note.shallow_to);
		rc = repo_note_write(repo->path, &note, err);
	}
	rc = rc ? rc : apply(repo, &list, swap, &note, &wide, err);
	repo_forget_shallow(repo);
	unlock_all(&locks);
	reflist_release(&list);
	repo_note_release(&note);
	buf_release(&wide);
	return rc;
}

/* Writes packed-refs anew, as it may not be durable. */
static int renew(struct snapshot_repo *repo, struct err *err)
{
	struct buf path = {0}, text = {0};
	char *lock;
	int rc = reflock_lock(&lock, repo->path, "packed-refs", err);

	buf_addf(&path, "%s/packed-refs", repo->path);
	rc = rc ? rc : file_read(&text, path.data, (size_t)32 << 20, err);
	rc = rc ? rc : file_replace(path.data, text.data, text.len, err);
	reflock_unlock(&lock);
	buf_release(&path);
	buf_release(&text);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int refswap_recover(bool *done, struct snapshot_repo *repo, const struct repo_note *note,
		    struct err *err)
{
	char now[OBJECT_HEX + 1] = "";
	int rc = repo_ref(now, repo, note->ref.data, err);

	*done = !rc && strcmp(now, note->from) != 0;
	if (!rc && *done) {
		rc = renew(repo, err);
	}
	/* Nothing else may change it in the meantime: a writer of ours waits, and git does
	 * not fetch into a repository of ours. */
	return rc ? rc
		  : write_shallow(repo->path,
				  *done ? &note->shallow_to : &note->shallow_from, err);
}
