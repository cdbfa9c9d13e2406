/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/advance.h"
#include "exporter/git/snapshot.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/base/clock.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/plain.h"
#include "data/base/threads.h"
#include "data/format/stamp.h"
#include "exporter/git/commit.h"
#include "exporter/git/pack/mapped.h"
#include "exporter/git/reflock.h"
#include "exporter/git/repo.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/repo_make.h"
#include "exporter/git/repo_note.h"
#include "exporter/git/repo_trust.h"
#include "exporter/git/tree/tree.h"

/* --- opening --- */

/* Checks the folder, and makes it with SNAPSHOT_CREATE. */
static int prepare(struct snapshot_repo *repo, unsigned flags, struct err *err)
{
	enum repo_folder_kind folder;
	int rc = repo_trust_check(repo->path, err);

	rc = rc ? rc : repo_folder_look(&folder, repo->path, err);

	if (rc || folder == REPO_FOLDER_REPO) {
		return rc;
	}
	if (folder == REPO_FOLDER_OTHER && flags & (SNAPSHOT_CREATE | SNAPSHOT_LOOK)) {
		return err_set(err, ERR_REFUSED,
			       "'%s' is neither empty nor a bare git repository; "
			       "name a new or an empty folder",
			       repo->path);
	}
	if (!(flags & SNAPSHOT_CREATE)) {
		return err_set(err, ERR_NOTFOUND, "no git repository in '%s'",
			       repo->path);
	}
	return file_mkdirs(repo->path, err);
}

static int try_lock(struct snapshot_repo *repo, const char *path, struct err *err)
{
	bool same = false;
	int rc = file_lock(&repo->lock, path, repo->who, err);

	/* The lock counts only while the next writer will open the same file. */
	if (!rc && (file_is_same(&same, repo->lock, path, err) || !same)) {
		close(repo->lock);
		repo->lock = -1;
		rc = err_set(err, ERR_LOCKED, "another program removed the lock '%s'",
			     path);
	}
	return rc;
}

#define LOCK_POLL_MS 20

/* Sleeps before the next attempt. */
static int await_lock(const struct snapshot_wait *wait, struct err *err)
{
	struct pollfd stop = {.fd = wait->stop ? wait->stop->fd : -1, .events = POLLIN};

	poll(&stop, 1, LOCK_POLL_MS);
	return wait->stop ? stop_check(wait->stop, err) : 0;
}

static int lock_folder(struct snapshot_repo *repo, const struct snapshot_wait *wait,
		       struct err *err)
{
	int64_t until = clock_now_ms() + (wait ? (int64_t)wait->seconds * 1000 : 0);
	struct buf lock = {0};
	bool logged = false;
	int rc;

	buf_addf(&lock, "%s/%s", repo->path, REFLOCK_FILE);
	rc = try_lock(repo, lock.data, err);
	while (rc == ERR_LOCKED && wait && clock_now_ms() < until) {
		if (!logged) {
			log_info("waiting for up to %u s: %s", wait->seconds, err->msg);
			logged = true;
		}
		rc = await_lock(wait, err);
		rc = rc ? rc : try_lock(repo, lock.data, err);
	}
	buf_release(&lock);
	return rc ? rc : repo_folder_sweep(repo->path, err);
}

/* Opens the repository, and (for writing) ends what a killed writer had begun before
 * the packs are looked at. */
static int open_repository(struct snapshot_repo *repo, struct err *err)
{
	int rc = repo_open(repo, err);

	if (!rc && repo->lock >= 0) {
		rc = advance_recover(repo, err);
	}
	return rc ? rc : repo_open_objects(repo, err);
}

/* Makes the repository if it is to be made, and opens it. For writing it is locked. */
static int enter(struct snapshot_repo *repo, unsigned flags, struct err *err)
{
	enum repo_folder_kind folder;
	bool incomplete = false;
	int rc = repo_folder_look(&folder, repo->path, err);

	if (!rc && (flags & SNAPSHOT_CREATE) && folder != REPO_FOLDER_REPO) {
		rc = repo_make(repo->path, SNAPSHOT_BRANCH, err);
	}
	rc = rc ? rc : open_repository(repo, err);
	if (!rc && flags & (SNAPSHOT_WRITE | SNAPSHOT_LOOK)) {
		rc = repo_is_incomplete(&incomplete, repo, err);
	}
	if (!rc && incomplete && flags & SNAPSHOT_LOOK) {
		return 0;
	}
	if (!rc && incomplete) {
		repo_close(repo);
		rc = repo_make(repo->path, SNAPSHOT_BRANCH, err);
		rc = rc ? rc : open_repository(repo, err);
	}
	return !rc && flags & (SNAPSHOT_WRITE | SNAPSHOT_LOOK)
		       ? repo_prepare(repo, SNAPSHOT_BRANCH, err)
		       : rc;
}

/* For reading, the folder of a clone that is not bare is allowed: its repository is .git. */
static char *repository_path(const char *path, unsigned flags)
{
	struct buf git = {0};
	enum repo_folder_kind folder;
	struct err err;
	char *found;

	buf_addf(&git, "%s/.git", path);
	found = xstrdup(!(flags & (SNAPSHOT_WRITE | SNAPSHOT_LOOK)) &&
					repo_folder_look(&folder, git.data, &err) == 0 &&
					folder == REPO_FOLDER_REPO
				? git.data
				: path);
	buf_release(&git);
	return found;
}

int snapshot_open(struct snapshot_repo **out, const char *path, unsigned flags,
		  const char *who, struct err *err)
{
	return snapshot_open_wait(out, path, flags, who, NULL, err);
}

int snapshot_open_wait(struct snapshot_repo **out, const char *path, unsigned flags,
		       const char *who, const struct snapshot_wait *wait, struct err *err)
{
	struct snapshot_repo *repo;
	int rc;

	*out = NULL;
	assert(!(flags & SNAPSHOT_CREATE) || (flags & SNAPSHOT_WRITE));
	rc = repo_start(err);
	if (rc) {
		return rc;
	}
	repo = xzalloc(sizeof(*repo));
	repo->path = repository_path(path, flags);
	repo->who = xstrdup(who);
	repo->lock = -1;
	repo->threads = threads_pay();
	mapped_guard(repo->path);
	rc = prepare(repo, flags, err);
	if (!rc && (flags & SNAPSHOT_WRITE)) {
		rc = lock_folder(repo, wait, err);
	}
	rc = rc ? rc : enter(repo, flags, err);
	if (rc) {
		snapshot_close(repo);
		repo = NULL;
	}
	*out = repo;
	return rc;
}

void snapshot_close(struct snapshot_repo *repo)
{
	if (repo) {
		repo_close(repo);
		repo_stop();
		if (repo->lock >= 0) {
			close(repo->lock);
		}
		free(repo->who);
		free(repo->path);
		free(repo);
	}
}

int snapshot_reopen(struct snapshot_repo *repo, struct err *err)
{
	int rc;

	repo_close(repo);
	rc = open_repository(repo, err);
	return rc ? rc : repo_prepare(repo, SNAPSHOT_BRANCH, err);
}

/* --- the last failure --- */

#define FAILED "failed "
#define LOCK_MAX 8192

/* The file of the lock has what file_lock writes into it, a line; this is the second one. */
void snapshot_note_failure(struct snapshot_repo *repo, const char *why)
{
	struct buf line = {0};
	char at[STAMP_TEXT];
	struct stat st;

	stamp_format(at, (int64_t)time(NULL));
	buf_addf(&line, FAILED "%s ", at);
	plain_addstr(&line, why);
	buf_addch(&line, '\n');
	if (fstat(repo->lock, &st) == 0) {
		(void)!pwrite(repo->lock, line.data, line.len, st.st_size);
	}
	buf_release(&line);
}

bool snapshot_failure(struct buf *why, int64_t *at_s, const struct snapshot_repo *repo)
{
	struct buf path = {0}, text = {0};
	struct stamp stamp;
	struct err ignored;
	const char *line;
	bool failed = false;

	buf_addf(&path, "%s/" REFLOCK_FILE, repo->path);
	if (file_read(&text, path.data, LOCK_MAX, &ignored) == 0 && text.len &&
	    (line = strstr(text.data, "\n" FAILED))) {
		line += strlen("\n" FAILED);
		failed = strlen(line) > STAMP_TEXT &&
			 stamp_read(&stamp, line, STAMP_TEXT - 1) == 0;
	}
	if (failed) {
		*at_s = stamp_unix_s(&stamp);
		line += STAMP_TEXT;
		buf_add(why, line, strcspn(line, "\n"));
	}
	buf_release(&path);
	buf_release(&text);
	return failed;
}

/* --- unlocking for a while --- */

void snapshot_unlock(struct snapshot_repo *repo)
{
	assert(repo->lock >= 0);
	repo->seen = repo_folder_fingerprint(repo->path);
	close(repo->lock);
	repo->lock = -1;
}

/* A pack that another program has removed is still mapped here, and objects that were only
 * in that pack would pass for known; so would those in packs that recovery removes. Then
 * the repository is opened again. References are read again in any case. */
static int refresh(struct snapshot_repo *repo, struct err *err)
{
	if (repo->git && repo_folder_fingerprint(repo->path) == repo->seen &&
	    !repo_note_exists(repo->path)) {
		return 0;
	}
	repo_close(repo);
	return enter(repo, SNAPSHOT_WRITE, err);
}

int snapshot_lock(struct snapshot_repo *repo, const struct snapshot_wait *wait,
		  struct err *err)
{
	int rc = prepare(repo, 0, err);

	assert(repo->lock < 0);
	repo_forget_shallow(repo);
	rc = rc ? rc : lock_folder(repo, wait, err);
	if (!rc) {
		rc = refresh(repo, err);
	}
	if (rc && repo->lock >= 0) {
		close(repo->lock);
		repo->lock = -1;
	}
	return rc;
}

const char *snapshot_path(const struct snapshot_repo *repo)
{
	return repo->path;
}

bool snapshot_writable(const struct snapshot_repo *repo)
{
	return repo->lock >= 0;
}

/* --- commits --- */

void snapshot_info_release(struct snapshot_info *info)
{
	if (info) {
		free(info->message);
		*info = (struct snapshot_info){0};
	}
}

static int read_commit(struct snapshot_repo *repo, struct snapshot_info *out,
		       const uint8_t id[OBJECT_ID], struct err *err)
{
	struct buf body = {0};
	struct commit commit;
	char hex[OBJECT_HEX + 1];
	bool cut = false;
	int rc = repo_object(repo, &body, id, OBJECT_COMMIT, err);

	rc = rc ? rc : repo_is_shallow(&cut, repo, id, err);
	object_hex(hex, id);
	if (!rc && !commit_parse(&commit, &body)) {
		rc = err_set(err, ERR_INPUT, "commit %s is malformed", hex);
	}
	if (!rc) {
		*out = (struct snapshot_info){0};
		memcpy(out->commit.hex, hex, sizeof(hex));
		object_hex(out->tree.hex, commit.tree);
		if (commit.has_parent && !cut) {
			object_hex(out->parent.hex, commit.parent);
		}
		out->time_s = commit.time_s;
		out->message = xstrdup(commit.message);
	}
	buf_release(&body);
	return rc;
}

int snapshot_head(struct snapshot_repo *repo, struct snapshot_info *out, struct err *err)
{
	char hex[OBJECT_HEX + 1];
	uint8_t id[OBJECT_ID];
	int rc = repo_ref(hex, repo, SNAPSHOT_BRANCH, err);

	if (rc || !*hex) {
		return rc ? rc : ERR_NOTFOUND;
	}
	object_unhex(id, hex);
	return read_commit(repo, out, id, err);
}

int snapshot_resolve(struct snapshot_repo *repo, const char *rev,
		     struct snapshot_info *out, struct err *err)
{
	uint8_t id[OBJECT_ID];
	int rc = repo_resolve(id, repo, rev, err);

	return rc ? rc : read_commit(repo, out, id, err);
}

/* --- files --- */

static int parse_id(uint8_t id[OBJECT_ID], const struct snapshot_id *hex, struct err *err)
{
	if (!object_unhex(id, hex->hex) || hex->hex[OBJECT_HEX]) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of an object",
			       hex->hex);
	}
	return 0;
}

int snapshot_read(struct snapshot_repo *repo, const struct snapshot_id *tree,
		  const char *path, struct buf *out, struct err *err)
{
	struct tree_store store = {.read = repo_tree, .payload = repo};
	uint8_t root[OBJECT_ID], blob[OBJECT_ID];
	int rc = parse_id(root, tree, err);

	rc = rc ? rc : tree_find(blob, &store, root, path, err);
	return rc ? rc : repo_object(repo, out, blob, OBJECT_BLOB, err);
}

int snapshot_read_blob(struct snapshot_repo *repo, const struct snapshot_id *id,
		       struct buf *out, struct err *err)
{
	uint8_t blob[OBJECT_ID];
	int rc = parse_id(blob, id, err);

	return rc ? rc : repo_object(repo, out, blob, OBJECT_BLOB, err);
}

struct relay {
	snapshot_change_fn *each;
	void *payload;
};

static int relay_change(const char *path, const uint8_t *old_blob,
			const uint8_t *new_blob, void *payload)
{
	struct relay *relay = payload;
	struct snapshot_change change = {.path = path};

	if (old_blob) {
		object_hex(change.old_blob.hex, old_blob);
	}
	if (new_blob) {
		object_hex(change.new_blob.hex, new_blob);
	}
	return relay->each(&change, relay->payload);
}

int snapshot_diff(struct snapshot_repo *repo, tree_fault_fn *fault,
		  const struct snapshot_id *from, const struct snapshot_id *to,
		  const char *only, snapshot_change_fn *each, void *payload,
		  struct err *err)
{
	struct tree_store store = {.read = repo_tree, .payload = repo};
	struct tree_paths paths = {.path = &only, .count = 1};
	struct relay relay = {.each = each, .payload = payload};
	uint8_t old[OBJECT_ID], new[OBJECT_ID];
	bool has_old = from && *from->hex;
	int rc = parse_id(new, to, err);

	if (!rc && has_old) {
		rc = parse_id(old, from, err);
	}
	return rc ? rc
		  : tree_diff_paths(&store, fault, has_old ? old : NULL, new,
				    only ? &paths : NULL, relay_change, &relay, err);
}
