/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/snapshot.h"

#include <assert.h>
#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/threads.h"
#include "exporter/git/offline.h"
#include "exporter/git/snapshot_inner.h"

struct snapshot_repo {
	char *path;
	git_repository *git;
	git_odb *odb;
	int lock; /* -1: open for reading only */
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
	} else if (!(last && last->message) && file_disk_is_full(subject)) {
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
	int rc = offline_init();

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

static int make_repository(const char *path, struct err *err)
{
	git_repository_init_options options = {
		.version = GIT_REPOSITORY_INIT_OPTIONS_VERSION,
		.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_DOTGIT_DIR,
		.initial_head = SNAPSHOT_BRANCH,
	};
	/* libgit2 syncs the files; their names must be durable too. */
	static const char *const folders[] = {"objects/pack", "objects", "refs/heads",
					      "refs",         ".",       ".."};
	git_repository *git = NULL;
	struct buf folder = {0};
	int rc = git_repository_init_ext(&git, path, &options);

	if (rc) {
		return git_failure(err, rc, "make a repository in", path);
	}
	git_repository_free(git);
	for (size_t i = 0; !rc && i < sizeof(folders) / sizeof(folders[0]); i++) {
		buf_clear(&folder);
		buf_addf(&folder, "%s/%s", path, folders[i]);
		rc = file_sync_dir(folder.data, err);
	}
	buf_release(&folder);
	return rc;
}

/* Where the branch is; GIT_ENOTFOUND: nowhere yet. */
static int read_tip(git_oid *tip, struct snapshot_repo *repo)
{
	return git_reference_name_to_id(tip, repo->git, SNAPSHOT_BRANCH);
}

/* Ends what a killed writer had begun. */
static int recover(struct snapshot_repo *repo, struct err *err)
{
	char hex[OBJECT_HEX + 1] = "";
	git_oid tip;
	int rc = read_tip(&tip, repo);

	if (rc && rc != GIT_ENOTFOUND) {
		return git_failure(err, rc, "read " SNAPSHOT_BRANCH " of", repo->path);
	}
	if (!rc) {
		object_hex(hex, tip.id);
	}
	return snapshot_folder_recover(repo->path, hex, err);
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
		rc = recover(repo, err);
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
	int32_t gc;
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
	if (!rc && git_config_get_int32(&gc, config, "gc.auto") == GIT_ENOTFOUND) {
		/* git's own housekeeping must not run behind a writer's back. */
		rc = git_config_set_int32(config, "gc.auto", 0);
	}
	if (!rc) {
		rc = git_repository_set_ident(repo->git, "albumen-exporter",
					      "albumen@localhost");
	}
	if (rc) {
		rc = git_failure(err, rc, "configure", repo->path);
	}
out:
	git_config_free(config);
	git_reference_free(head);
	return rc;
}

/* A repository that was being made when its maker died may lack its settings. */
static bool is_half_made(git_repository *git)
{
	git_config *config = NULL;
	int bare;
	bool half = git_repository_config(&config, git) == 0 &&
		    git_config_get_bool(&bare, config, "core.bare") == GIT_ENOTFOUND;

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

static int take_lock(struct snapshot_repo *repo, const char *who, struct err *err)
{
	struct buf lock = {0};
	int rc;

	buf_addf(&lock, "%s/%s", repo->path, SNAPSHOT_LOCK);
	rc = file_lock(&repo->lock, lock.data, who, err);
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
	if (!rc && (flags & SNAPSHOT_CREATE) && is_half_made(repo->git)) {
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
	repo->lock = -1;
	repo->threads = threads_pay();
	rc = prepare(repo, flags, err);
	if (!rc && (flags & SNAPSHOT_WRITE)) {
		rc = take_lock(repo, who, err);
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
		free(repo->path);
		free(repo);
	}
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
		return git_failure(err, rc, "read object", hex);
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

static int set_config(git_config *config, const char *key, size_t value)
{
	int64_t now;

	return git_config_get_int64(&now, config, key) == 0 && now == (int64_t)value
		       ? 0
		       : git_config_set_int64(config, key, (int64_t)value);
}

/* libgit2 is told through the repository's configuration, and reads it but once. */
static int new_builder(git_packbuilder **out, git_repository *git, size_t delta_bytes_max)
{
	git_config *config = NULL;
	int rc = git_repository_config(&config, git);

	if (!rc) {
		rc = set_config(config, "pack.windowMemory", DELTA_WINDOW_BYTES);
	}
	if (!rc) {
		rc = set_config(config, "pack.deltaCacheSize", delta_bytes_max);
	}
	if (!rc) {
		rc = git_packbuilder_new(out, git);
	}
	if (!rc) {
		rc = set_config(config, "pack.deltaCacheSize", DELTA_CACHE_BYTES);
	}
	git_config_free(config);
	return rc;
}

int snapshot_packer_open(struct snapshot_packer **out, struct snapshot_repo *repo,
			 size_t delta_bytes_max, struct err *err)
{
	git_packbuilder *builder = NULL;
	int rc = new_builder(&builder, repo->git, delta_bytes_max);

	*out = NULL;
	if (rc) {
		git_packbuilder_free(builder);
		return git_failure(err, rc, "begin a pack for", repo->path);
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
	int rc = git_packbuilder_write(packer->builder, dir, 0, NULL, NULL);

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
	struct err why;
	git_oid oid;
	int rc = read_tip(&oid, repo);

	if (rc == GIT_ENOTFOUND) {
		return ERR_NOTFOUND;
	}
	if (rc) {
		return git_failure(err, rc, "read " SNAPSHOT_BRANCH " of", repo->path);
	}
	rc = read_commit(repo, out, &oid, &why);
	if (rc) {
		char hex[OBJECT_HEX + 1];

		/* That its commit is missing is not that there is no snapshot yet. */
		object_hex(hex, oid.id);
		rc = err_set(err, rc == ERR_NOTFOUND ? ERR_FAIL : rc,
			     "main of '%s' is at %s, which cannot be read: a pack is "
			     "missing or damaged; restore it from a copy or a clone (%s)",
			     repo->path, hex, why.msg);
	}
	return rc;
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
	if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC || rc == GIT_EAMBIGUOUS ||
	    rc == GIT_EPEEL) {
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

int snapshot_move(struct snapshot_repo *repo, const char *name, const uint8_t *from,
		  const uint8_t to[OBJECT_ID], struct err *err)
{
	git_reference *ref = NULL;
	git_oid old, new;
	int rc;

	memcpy(new.id, to, OBJECT_ID);
	if (from) {
		memcpy(old.id, from, OBJECT_ID);
		rc = git_reference_create_matching(&ref, repo->git, name, &new, 1, &old,
						   "snapshot");
	} else {
		rc = git_reference_create(&ref, repo->git, name, &new, 0, "snapshot");
	}
	git_reference_free(ref);
	if (rc == GIT_EMODIFIED || rc == GIT_EEXISTS || rc == GIT_ENOTFOUND) {
		return err_set(err, ERR_CHANGED, "somebody else moved %s of '%s'", name,
			       repo->path);
	}
	if (rc) {
		struct buf path = {0};

		buf_addf(&path, "%s/%s", repo->path, name);
		rc = git_failure(err, rc, "move", path.data);
		buf_release(&path);
	}
	return rc;
}
