/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <git2.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/clock.h"
#include "data/base/file.h"
#include "data/base/log.h"
#include "data/base/threads.h"
#include "exporter/git/pack/mapped.h"
#include "exporter/git/reflock.h"
#include "exporter/git/snapshot_inner.h"

struct snapshot_repo {
	char *path;
	char *who;
	git_repository *git;
	git_odb *odb;
	int lock;      /* -1: open for reading only, or unlocked */
	uint64_t seen; /* when it was unlocked: snapshot_folder_print */
	unsigned threads;
};

/* Turns libgit2's failure into ours. What it says of itself may be missing. */
static int git_failure(struct err *err, int git_rc, const char *what, const char *subject)
{
	const git_error *last = git_error_last();
	const char *why = last && last->message ? last->message : "no reason given";
	int code = ERR_FAIL;

	if (git_rc == GIT_ENOTFOUND) {
		code = ERR_NOTFOUND;
	} else if (git_rc == GIT_ELOCKED) {
		code = ERR_LOCKED;
	} else if (strstr(why, strerror(ENOSPC)) || strstr(why, strerror(EDQUOT))) {
		/* Failed system calls are known by their text alone. */
		code = ERR_FULL;
	} else if (!(last && last->message) &&
		   (errno == ENOSPC || errno == EDQUOT || file_disk_is_full(subject))) {
		why = strerror(ENOSPC);
		code = ERR_FULL;
	}
	return err_set(err, code, "cannot %s '%s': %s", what, subject, why);
}

/*
 * What holds for the whole process. Nothing of the user's configuration may
 * change what a snapshot is; new objects need no look-up of all
 * that they name; a moved branch is on the disk. Hashes are checked
 * by snapshot_object, with a faster SHA-1. Memory: 16 MiB of cached trees at
 * most, and files are mapped in small windows, a few at a time.
 */
static int set_up(struct err *err)
{
	static const int levels[] = {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_GLOBAL,
				     GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_PROGRAMDATA};
	int rc = git_libgit2_init();

	if (rc < 0) {
		return git_failure(err, rc, "start", "libgit2");
	}
	rc = 0;
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		rc |= git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
	}
	rc |= git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	rc |= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 0);
	rc |= git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	rc |= git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	rc |= git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, (ssize_t)16 << 20);
	rc |= git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)32 << 20);
	rc |= git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)512 << 20);
	rc |= git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, (size_t)128);
	return rc ? git_failure(err, rc, "set up", "libgit2") : 0;
}

/*
 * A repository is made in a folder of its own inside its folder, and its parts are then
 * renamed into their places, HEAD last: that makes it one. So what a kill leaves is known
 * to be ours, the locks of libgit2 with it. The folder goes when all is durable: as long as
 * it is there, the repository is not, and is made again of what there is.
 */
static int make_repository(const char *path, struct err *err)
{
	git_repository_init_options options = {
		.version = GIT_REPOSITORY_INIT_OPTIONS_VERSION,
		.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_DOTGIT_DIR |
			 GIT_REPOSITORY_INIT_MKDIR,
		.initial_head = SNAPSHOT_BRANCH,
	};
	git_repository *git = NULL;
	git_config *config = NULL;
	struct buf making = {0};
	int git_rc, rc = snapshot_making_begin(path, err);

	if (rc) {
		return rc;
	}
	buf_addf(&making, "%s/" SNAPSHOT_MAKING, path);
	git_rc = git_repository_init_ext(&git, making.data, &options);
	if (!git_rc) {
		git_rc = git_repository_config(&config, git);
	}
	if (!git_rc) {
		/* git's own housekeeping must not run behind a writer's back. */
		git_rc = git_config_set_int32(config, "gc.auto", 0);
	}
	git_config_free(config);
	git_repository_free(git);
	buf_release(&making);
	return git_rc ? git_failure(err, git_rc, "make a repository in", path)
		      : snapshot_making_end(path, err);
}

/* Sets a key of the repository's configuration, as git would: with its lock. libgit2 writes
 * a copy, so that a kill leaves no lock of libgit2's behind. */
static int set_config(struct snapshot_repo *repo, const char *key, int64_t value,
		      struct err *err)
{
	git_config *config = NULL;
	struct buf copy = {0};
	int64_t now;
	char *lock = NULL;
	int git_rc, rc;

	git_rc = git_repository_config(&config, repo->git);
	if (!git_rc && git_config_get_int64(&now, config, key) == 0 && now == value) {
		git_config_free(config);
		return 0;
	}
	git_config_free(config);
	config = NULL;
	rc = reflock_take(&lock, repo->path, "config", err);
	if (rc) {
		return rc;
	}
	buf_addf(&copy, "%s/" SNAPSHOT_TEMP_CONFIG, repo->path);
	rc = snapshot_folder_copy(repo->path, "config", SNAPSHOT_TEMP_CONFIG, err);
	if (!rc) {
		git_rc = git_config_open_ondisk(&config, copy.data);
		if (!git_rc) {
			git_rc = git_config_set_int64(config, key, value);
		}
		git_config_free(config);
		rc = git_rc ? git_failure(err, git_rc, "configure", repo->path) : 0;
	}
	if (!rc) {
		rc = snapshot_folder_settle(repo->path, SNAPSHOT_TEMP_CONFIG, "config",
					    err);
	}
	if (rc) {
		unlink(copy.data);
	}
	reflock_drop(&lock);
	buf_release(&copy);
	return rc;
}

static int open_repository(struct snapshot_repo *repo, struct err *err)
{
	unsigned flags = GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_NO_DOTGIT;
	int rc = git_repository_open_ext(&repo->git, repo->path, flags, NULL);

	if (rc) {
		return git_failure(err, rc, "open repository", repo->path);
	}
	if (snapshot_writable(repo)) {
		/* Before libgit2 has looked at the packs. */
		rc = snapshot_recover(repo, err);
		if (rc) {
			return rc;
		}
	}
	rc = git_repository_odb(&repo->odb, repo->git);
	return rc ? git_failure(err, rc, "open the objects of", repo->path) : 0;
}

/* Completes what makes the repository ours, and refuses what is not. */
static int settle_repository(struct snapshot_repo *repo, struct err *err)
{
	git_config *config = NULL;
	git_reference *head = NULL;
	const char *target = NULL;
	int64_t gc;
	int rc = git_reference_lookup(&head, repo->git, "HEAD");

	if (rc) {
		return git_failure(err, rc, "read HEAD of", repo->path);
	}
	target = git_reference_symbolic_target(head);
	if (!target || strcmp(target, SNAPSHOT_BRANCH) != 0) {
		rc = err_set(err, ERR_REFUSED,
			     "HEAD of '%s' is at %s; make it %s with: "
			     "git -C '%s' symbolic-ref HEAD %s",
			     repo->path, target ? target : "no branch", SNAPSHOT_BRANCH,
			     repo->path, SNAPSHOT_BRANCH);
		goto out;
	}
	rc = git_repository_config(&config, repo->git);
	if (rc) {
		rc = git_failure(err, rc, "configure", repo->path);
	} else if (git_config_get_int64(&gc, config, "gc.auto") == GIT_ENOTFOUND) {
		rc = set_config(repo, "gc.auto", 0, err);
	}
out:
	git_config_free(config);
	git_reference_free(head);
	return rc;
}

/* A repository whose configuration was lost, or was being made when its maker died. */
static bool is_half_made(struct snapshot_repo *repo)
{
	git_config *config = NULL;
	int bare;
	bool half = snapshot_making_is(repo->path) ||
		    (git_repository_config(&config, repo->git) == 0 &&
		     git_config_get_bool(&bare, config, "core.bare") == GIT_ENOTFOUND);

	git_config_free(config);
	return half;
}

static void close_repository(struct snapshot_repo *repo)
{
	git_odb_free(repo->odb);
	git_repository_free(repo->git);
	repo->odb = NULL;
	repo->git = NULL;
}

/* Checks the folder, and makes it if it is to be made. */
static int prepare(struct snapshot_repo *repo, unsigned flags, struct err *err)
{
	enum snapshot_folder folder;
	int rc = snapshot_folder_look(&folder, repo->path, err);

	if (rc || folder == SNAPSHOT_FOLDER_REPO) {
		return rc;
	}
	if (!(flags & SNAPSHOT_CREATE)) {
		return err_set(err, ERR_NOTFOUND, "no git repository in '%s'",
			       repo->path);
	}
	if (folder == SNAPSHOT_FOLDER_OTHER) {
		return err_set(err, ERR_REFUSED,
			       "'%s' is not empty and is no bare git repository; "
			       "name an empty folder, or a new one",
			       repo->path);
	}
	return file_mkdirs(repo->path, err);
}

/* The lock counts only while its file is the one that the next writer will open. */
static bool is_same_file(int fd, const char *path)
{
	struct stat ours, theirs;

	return fstat(fd, &ours) == 0 && stat(path, &theirs) == 0 &&
	       ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

static int try_lock(struct snapshot_repo *repo, const char *path, struct err *err)
{
	int rc = file_lock(&repo->lock, path, repo->who, err);

	if (!rc && !is_same_file(repo->lock, path)) {
		close(repo->lock);
		repo->lock = -1;
		rc = err_set(err, ERR_LOCKED, "lock '%s' was removed while it was taken",
			     path);
	}
	return rc;
}

#define LOCK_POLL_MS 20

/* Sleeps until the lock is worth another try. */
static int await_lock(const struct snapshot_wait *wait, struct err *err)
{
	struct pollfd stop = {.fd = wait->stop ? wait->stop->fd : -1, .events = POLLIN};

	poll(&stop, 1, LOCK_POLL_MS);
	return wait->stop ? stop_check(wait->stop, err) : 0;
}

static int take_lock(struct snapshot_repo *repo, const struct snapshot_wait *wait,
		     struct err *err)
{
	int64_t until = clock_now_ms() + (wait ? (int64_t)wait->seconds * 1000 : 0);
	struct buf lock = {0};
	bool told = false;
	int rc;

	buf_addf(&lock, "%s/%s", repo->path, SNAPSHOT_LOCK);
	rc = try_lock(repo, lock.data, err);
	while (rc == ERR_LOCKED && wait && clock_now_ms() < until) {
		if (!told) {
			log_info("waiting for up to %u s: %s", wait->seconds, err->msg);
			told = true;
		}
		rc = await_lock(wait, err);
		if (!rc) {
			rc = try_lock(repo, lock.data, err);
		}
	}
	buf_release(&lock);
	return rc ? rc : snapshot_folder_sweep(repo->path, err);
}

/* The repository itself, when its folder is there and (for writing) locked. */
static int enter(struct snapshot_repo *repo, unsigned flags, struct err *err)
{
	enum snapshot_folder folder;
	int rc = snapshot_folder_look(&folder, repo->path, err);

	if (!rc && (flags & SNAPSHOT_CREATE) && folder != SNAPSHOT_FOLDER_REPO) {
		rc = make_repository(repo->path, err);
	}
	if (!rc) {
		rc = open_repository(repo, err);
	}
	if (!rc && (flags & SNAPSHOT_WRITE) && is_half_made(repo)) {
		close_repository(repo);
		rc = make_repository(repo->path, err);
		if (!rc) {
			rc = open_repository(repo, err);
		}
	}
	if (!rc && (flags & SNAPSHOT_WRITE) && !git_repository_is_bare(repo->git)) {
		rc = err_set(err, ERR_REFUSED,
			     "the repository '%s' has a work tree; it must be bare",
			     repo->path);
	}
	if (!rc && (flags & SNAPSHOT_WRITE)) {
		rc = settle_repository(repo, err);
	}
	return rc;
}

/* To read, `git clone` without --bare will do: what it cloned lies in .git. */
static char *repository_path(const char *path, unsigned flags)
{
	struct buf git = {0};
	enum snapshot_folder folder;
	struct err err;
	char *found;

	buf_addf(&git, "%s/.git", path);
	found = xstrdup(!(flags & SNAPSHOT_WRITE) &&
					snapshot_folder_look(&folder, git.data, &err) ==
						0 &&
					folder == SNAPSHOT_FOLDER_REPO
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
	rc = set_up(err);
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
		rc = take_lock(repo, wait, err);
	}
	if (!rc) {
		rc = enter(repo, flags, err);
	}
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
		close_repository(repo);
		git_libgit2_shutdown();
		if (repo->lock >= 0) {
			close(repo->lock);
		}
		free(repo->who);
		free(repo->path);
		free(repo);
	}
}

/* --- the lock, given away and taken again --- */

void snapshot_unlock(struct snapshot_repo *repo)
{
	assert(snapshot_writable(repo));
	repo->seen = snapshot_folder_print(repo->path);
	close(repo->lock);
	repo->lock = -1;
}

/* A pack that another writer or git removed is still mapped, and what was only in it would
 * be taken for known; so would what is in packs that the end of a failed try removes. Then
 * all is opened anew. References are read anew in any case. */
static int look_again(struct snapshot_repo *repo, struct err *err)
{
	if (repo->git && snapshot_folder_print(repo->path) == repo->seen &&
	    !snapshot_folder_is_noted(repo->path)) {
		return 0;
	}
	close_repository(repo);
	return enter(repo, SNAPSHOT_WRITE, err);
}

int snapshot_lock(struct snapshot_repo *repo, const struct snapshot_wait *wait,
		  struct err *err)
{
	int rc = prepare(repo, 0, err);

	assert(!snapshot_writable(repo));
	if (!rc) {
		rc = take_lock(repo, wait, err);
	}
	if (!rc) {
		rc = look_again(repo, err);
	}
	if (rc && repo->lock >= 0) {
		close(repo->lock);
		repo->lock = -1;
	}
	return rc;
}

int snapshot_reopen(struct snapshot_repo *repo, struct err *err)
{
	int rc;

	close_repository(repo);
	rc = open_repository(repo, err);
	return rc ? rc : settle_repository(repo, err);
}

const char *snapshot_path(const struct snapshot_repo *repo)
{
	return repo->path;
}

void snapshot_set_threads(struct snapshot_repo *repo, unsigned threads)
{
	repo->threads = threads;
}

unsigned snapshot_threads(const struct snapshot_repo *repo)
{
	return repo->threads;
}

bool snapshot_writable(const struct snapshot_repo *repo)
{
	return repo->lock >= 0;
}

/* --- objects --- */

/* An object that something refers to and that is not there is damage, never "none yet"
 * or "no such file": so it is not ERR_NOTFOUND. */
static int unreadable(struct snapshot_repo *repo, int git_rc, const char *hex,
		      struct err *err)
{
	struct buf mend = {0};
	int rc;

	buf_addstr(&mend, "");
	snapshot_folder_mend(&mend, repo->path);
	if (git_rc == GIT_ENOTFOUND) {
		rc = err_set(err, ERR_FAIL,
			     "cannot read object '%s': it is missing from '%s'%s", hex,
			     repo->path,
			     mend.len ? mend.data
				      : "; restore its pack from a copy or a clone");
	} else {
		rc = git_failure(err, git_rc, "read object", hex);
	}
	buf_release(&mend);
	return rc;
}

int snapshot_object(struct snapshot_repo *repo, struct buf *body,
		    const uint8_t id[OBJECT_ID], enum object_type type, struct err *err)
{
	char hex[OBJECT_HEX + 1];
	uint8_t actual[OBJECT_ID];
	git_odb_object *object = NULL;
	git_oid oid;
	int rc;

	object_hex(hex, id);
	memcpy(oid.id, id, OBJECT_ID);
	rc = git_odb_read(&object, repo->odb, &oid);
	if (rc) {
		return unreadable(repo, rc, hex, err);
	}
	/* The numbers of the types are libgit2's too: both have them from git. */
	object_hash(actual, type, git_odb_object_data(object),
		    git_odb_object_size(object));
	if (memcmp(actual, id, OBJECT_ID) != 0) {
		rc = err_set(err, ERR_FAIL,
			     "object %s in '%s' is damaged, or not what it should be",
			     hex, repo->path);
	} else {
		buf_add(body, git_odb_object_data(object), git_odb_object_size(object));
	}
	git_odb_object_free(object);
	return rc;
}

int snapshot_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		  struct err *err)
{
	return snapshot_object(payload, body, id, OBJECT_TREE, err);
}

bool snapshot_has(struct snapshot_repo *repo, const uint8_t id[OBJECT_ID])
{
	git_oid oid;

	memcpy(oid.id, id, OBJECT_ID);
	return git_odb_exists_ext(repo->odb, &oid, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

void snapshot_refresh(struct snapshot_repo *repo)
{
	/* What it misses now, it looks for again when it is asked for it. */
	git_odb_refresh(repo->odb);
}

/* --- packs with deltas --- */

/* A window full of large albums would take gigabytes. */
#define DELTA_WINDOW_BYTES (32 << 20)
/* git's own reading of the key that libgit2 1.5 takes for core.bigFileThreshold. */
#define DELTA_CACHE_BYTES (1 << 20)

struct snapshot_packer {
	git_packbuilder *builder;
	const char *path;
};

/* libgit2 is told through the repository's configuration, and reads it but once. */
static int new_builder(git_packbuilder **out, struct snapshot_repo *repo,
		       size_t delta_bytes_max, struct err *err)
{
	int rc = set_config(repo, "pack.windowMemory", DELTA_WINDOW_BYTES, err);

	if (!rc) {
		rc = set_config(repo, "pack.deltaCacheSize", (int64_t)delta_bytes_max,
				err);
	}
	if (!rc) {
		int git_rc = git_packbuilder_new(out, repo->git);

		rc = git_rc ? git_failure(err, git_rc, "begin a pack for", repo->path)
			    : 0;
	}
	return rc ? rc : set_config(repo, "pack.deltaCacheSize", DELTA_CACHE_BYTES, err);
}

int snapshot_packer_open(struct snapshot_packer **out, struct snapshot_repo *repo,
			 size_t delta_bytes_max, struct err *err)
{
	git_packbuilder *builder = NULL;
	int rc = new_builder(&builder, repo, delta_bytes_max, err);

	*out = NULL;
	if (rc) {
		git_packbuilder_free(builder);
		return rc;
	}
	git_packbuilder_set_threads(builder, repo->threads + 1);
	*out = xzalloc(sizeof(**out));
	(*out)->builder = builder;
	(*out)->path = repo->path;
	return 0;
}

int snapshot_packer_add(struct snapshot_packer *packer, const uint8_t id[OBJECT_ID],
			const char *name, struct err *err)
{
	git_oid oid;
	int rc;

	memcpy(oid.id, id, OBJECT_ID);
	rc = git_packbuilder_insert(packer->builder, &oid, name);
	return rc ? git_failure(err, rc, "pack an object of", packer->path) : 0;
}

int snapshot_packer_write(struct snapshot_packer *packer, const char *dir,
			  struct err *err)
{
	int rc;

	errno = 0; /* libgit2 does not say why it could not write the index */
	rc = git_packbuilder_write(packer->builder, dir, 0, NULL, NULL);
	return rc ? git_failure(err, rc, "write a pack into", dir) : 0;
}

void snapshot_packer_free(struct snapshot_packer *packer)
{
	if (packer) {
		git_packbuilder_free(packer->builder);
		free(packer);
	}
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
		       const git_oid *oid, struct err *err)
{
	struct buf body = {0};
	git_commit *commit = NULL;
	int rc = snapshot_object(repo, &body, oid->id, OBJECT_COMMIT, err);

	buf_release(&body);
	if (rc) {
		return rc;
	}
	rc = git_commit_lookup(&commit, repo->git, oid);
	if (rc) {
		return git_failure(err, rc, "read a commit of", repo->path);
	}
	*out = (struct snapshot_info){0};
	object_hex(out->commit.hex, oid->id);
	object_hex(out->tree.hex, git_commit_tree_id(commit)->id);
	if (git_commit_parentcount(commit)) {
		object_hex(out->parent.hex, git_commit_parent_id(commit, 0)->id);
	}
	out->time_s = git_commit_time(commit);
	out->message = xstrdup(git_commit_message(commit));
	git_commit_free(commit);
	return 0;
}

int snapshot_head(struct snapshot_repo *repo, struct snapshot_info *out, struct err *err)
{
	char hex[OBJECT_HEX + 1];
	git_oid oid;
	int rc = snapshot_ref(hex, repo, SNAPSHOT_BRANCH, err);

	if (rc || !*hex) {
		return rc ? rc : ERR_NOTFOUND;
	}
	object_unhex(oid.id, hex);
	return read_commit(repo, out, &oid, err);
}

int snapshot_resolve(struct snapshot_repo *repo, const char *rev,
		     struct snapshot_info *out, struct err *err)
{
	git_object *named = NULL, *commit = NULL;
	git_oid oid;
	int rc = git_revparse_single(&named, repo->git, rev);

	if (!rc) {
		rc = git_object_peel(&commit, named, GIT_OBJECT_COMMIT);
	}
	if (rc == GIT_ENOTFOUND && git_reference_name_to_id(&oid, repo->git, rev) == 0) {
		char hex[OBJECT_HEX + 1];

		object_hex(hex, oid.id);
		rc = unreadable(repo, rc, hex, err);
	} else if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC ||
		   rc == GIT_EAMBIGUOUS || rc == GIT_EPEEL) {
		rc = err_set(err, ERR_NOTFOUND, "no snapshot '%s' in '%s'", rev,
			     repo->path);
	} else if (rc) {
		rc = git_failure(err, rc, "look up", rev);
	} else {
		oid = *git_object_id(commit);
	}
	git_object_free(named);
	git_object_free(commit);
	return rc ? rc : read_commit(repo, out, &oid, err);
}

int snapshot_tags(struct snapshot_repo *repo, struct buf *names, struct err *err)
{
	git_strarray tags = {0};
	int rc = git_tag_list(&tags, repo->git);

	for (size_t i = 0; i < tags.count; i++) {
		buf_add(names, tags.strings[i], strlen(tags.strings[i]) + 1);
	}
	git_strarray_dispose(&tags);
	return rc ? git_failure(err, rc, "list the tags of", repo->path) : 0;
}

bool snapshot_tag_is_valid(const char *name)
{
	int valid = 0;

	return git_tag_name_is_valid(&valid, name) == 0 && valid;
}

int snapshot_ref(char hex[OBJECT_HEX + 1], struct snapshot_repo *repo, const char *name,
		 struct err *err)
{
	git_oid oid;
	int rc = git_reference_name_to_id(&oid, repo->git, name);

	*hex = '\0';
	if (rc == GIT_ENOTFOUND) {
		return 0;
	}
	if (rc) {
		return git_failure(err, rc, "read a reference of", repo->path);
	}
	object_hex(hex, oid.id);
	return 0;
}
