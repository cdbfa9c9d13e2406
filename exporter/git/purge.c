/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/purge.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/lineage.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/pack/packmerge.h"
#include "exporter/git/reach.h"
#include "exporter/git/compacted.h"
#include "exporter/git/reflist.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/repo_note.h"
#include "exporter/git/shallow.h"
#include "exporter/git/snapshot.h"

#define DUE "albumen-exporter.purge"

struct purge {
	struct snapshot_repo *repo;
	struct buf dir; /* objects/pack */
	struct reflist refs;
	struct reach *reach;
	struct packset *set;     /* of `reach`; chosen: it goes */
	struct pack *loose;      /* new packs, of loose objects */
	struct packmerge *merge; /* new packs, of what stays of old ones */
	struct buf names;        /* of the new packs */
	struct buf orphans; /* names of packs without an index, a newline after each */
};

static void due_path(struct buf *out, const struct snapshot_repo *repo)
{
	buf_addf(out, "%s/" DUE, repo->path);
}

int purge_begin(struct snapshot_repo *repo, struct err *err)
{
	struct buf path = {0};
	int rc;

	due_path(&path, repo);
	rc = file_replace(path.data, "", 0, err);
	buf_release(&path);
	return rc;
}

void purge_cancel(struct snapshot_repo *repo)
{
	struct buf path = {0};

	due_path(&path, repo);
	unlink(path.data);
	buf_release(&path);
}

bool purge_is_due(const struct snapshot_repo *repo)
{
	return repo_folder_has(repo->path, DUE);
}

int purge_check(const struct snapshot_repo *repo, struct err *err)
{
	static const char *const none[] = {NULL};
	struct buf path = {0}, name = {0};
	int rc;

	buf_addf(&path, "%s/worktrees", repo->path);
	rc = file_find_entry(&name, path.data, none, err);
	if (!rc && name.len) {
		rc = err_set(err, ERR_REFUSED,
			     "'%s' has a work tree, '%s/%s', which may need what would "
			     "be removed; remove it with: git -C '%s' worktree remove",
			     repo->path, path.data, name.data, repo->path);
	}
	buf_release(&path);
	buf_release(&name);
	return rc;
}

static bool begins(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool has_no_index(const struct snapshot_repo *repo, const char *name)
{
	const char *suffix = strchr(name, '.');
	struct buf idx = {0};
	bool none = false;

	if (begins(name, "pack-") && suffix) {
		buf_addf(&idx, "objects/pack/%.*s.idx", (int)(suffix - name), name);
		none = !repo_folder_has(repo->path, idx.data);
	}
	buf_release(&idx);
	return none;
}

/* git gives a pack its name before its index: what has none now and at the end has lost it. */
static int list_orphans(struct purge *purge, struct err *err)
{
	DIR *dir = opendir(purge->dir.data);
	struct dirent *entry;

	if (!dir) {
		return err_sys(err, "cannot open folder '%s'", purge->dir.data);
	}
	buf_addstr(&purge->orphans, "");
	while ((entry = readdir(dir))) {
		if (has_no_index(purge->repo, entry->d_name)) {
			buf_addf(&purge->orphans, "%s\n", entry->d_name);
		}
	}
	closedir(dir);
	return 0;
}

/* --- what stays --- */

static int find_reached(struct purge *purge, struct err *err)
{
	struct shallow shallow = {0};
	int rc = purge_check(purge->repo, err);

	rc = rc ? rc : list_orphans(purge, err);
	rc = rc ? rc : reflist_read(&purge->refs, purge->repo, err);
	rc = rc ? rc : shallow_read(&shallow, purge->repo->path, err);
	rc = rc ? rc : reach_open(&purge->reach, purge->repo, err);
	for (size_t i = 0; !rc && i < purge->refs.count; i++) {
		uint8_t id[OBJECT_ID];

		object_unhex(id, purge->refs.ref[i].id);
		rc = reach_from(purge->reach, id, &shallow, err);
	}
	shallow_release(&shallow);
	return rc;
}

/* --- new packs --- */

static int pack_loose(struct purge *purge, struct err *err)
{
	struct buf ids = {0}, body = {0};
	uint8_t id[OBJECT_ID];
	int rc = 0;

	reach_loose(purge->reach, &ids);
	if (ids.len) {
		pack_open(&purge->loose, purge->dir.data, 0, NULL, NULL);
	}
	for (size_t at = 0; !rc && at < ids.len; at += OBJECT_ID) {
		enum object_type type = OBJECT_BLOB;

		buf_empty(&body);
		rc = objects_read(&body, &type, purge->repo->objects,
				  (const uint8_t *)ids.data + at, err);
		if (!rc) {
			pack_add_id(purge->loose, id, type, body.data, body.len);
		}
	}
	if (!rc && ids.len) {
		rc = pack_seal(purge->loose, &purge->names, err);
	}
	buf_release(&ids);
	buf_release(&body);
	return rc;
}

static int pack_rest(struct purge *purge, struct err *err)
{
	struct buf commits = {0};
	uint64_t count;
	int rc;

	packmerge_new(&purge->merge, purge->dir.data, purge->repo->objects);
	packmerge_only(purge->merge, reach_has, purge->reach);
	rc = packmerge_add(purge->merge, purge->dir.data, purge->set, PACKMERGE_RUNS,
			   err);
	if (!rc) {
		packmerge_commits(purge->merge, &commits);
		lineage_walk(purge->repo, (const uint8_t *)commits.data,
			     commits.len / OBJECT_ID, packmerge_replace, purge->merge);
		rc = packmerge_make(purge->merge, &count, &purge->names, err);
	}
	buf_release(&commits);
	return rc;
}

/* Another program's push or fetch has come to its end meanwhile. */
static int check_refs(struct purge *purge, struct err *err)
{
	struct reflist now = {0};
	int rc = reflist_read(&now, purge->repo, err);

	if (!rc && !reflist_is_same(&now, &purge->refs)) {
		rc = err_set(err, ERR_CHANGED,
			     "another program moved a reference of '%s'; run the "
			     "command again",
			     purge->repo->path);
	}
	reflist_release(&now);
	return rc;
}

/* Names the packs that come and go, before the first of them gets its name. */
static int write_note(struct purge *purge, struct err *err)
{
	struct repo_note note = {0};
	int rc;

	buf_addstr(&note.packs, purge->names.data);
	repo_note_only_new(&note.packs, purge->repo->path);
	for (size_t i = 0; i < purge->set->count; i++) {
		if (purge->set->pack[i].chosen) {
			buf_addf(&note.packs, "%s\n", purge->set->pack[i].name);
		}
	}
	rc = repo_note_write(purge->repo->path, &note, err);
	repo_note_release(&note);
	return rc;
}

/* --- removing --- */

static int remove_file(const char *path, struct err *err)
{
	return unlink(path) < 0 && errno != ENOENT
		       ? err_sys(err, "cannot remove '%s'", path)
		       : 0;
}

/* Removes a file, or a folder with all that is in it, without following links. */
static int remove_below(struct snapshot_repo *repo, const char *name, struct err *err)
{
	struct buf path = {0};
	char *roots[2] = {NULL, NULL};
	FTSENT *entry;
	FTS *walk;
	int rc = 0;

	buf_addf(&path, "%s/%s", repo->path, name);
	roots[0] = path.data;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (!rc && walk && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_DP) {
			if (rmdir(entry->fts_accpath) < 0 && errno != ENOENT) {
				rc = err_sys(err, "cannot remove folder '%s'",
					     entry->fts_path);
			}
		} else if (entry->fts_info != FTS_D && entry->fts_info != FTS_NS) {
			rc = remove_file(entry->fts_accpath, err);
		}
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&path);
	return rc;
}

/* Whether a file of objects/pack belongs to a pack that stays. */
static bool is_kept(const struct purge *purge, const char *name)
{
	const char *suffix = strchr(name, '.');

	if (!begins(name, "pack-") || !suffix) {
		return false;
	}
	for (size_t i = 0; i < purge->set->count; i++) {
		const struct packset_pack *pack = &purge->set->pack[i];

		if (strncmp(pack->name, name, PACKSET_NAME) == 0 &&
		    name[PACKSET_NAME] == '.') {
			return !pack->chosen || strstr(purge->names.data, pack->name);
		}
	}
	return true;
}

/* A pack without an index. One that was not there at the beginning may get it yet. */
static bool is_orphan(const struct purge *purge, const char *name)
{
	return has_no_index(purge->repo, name) && strstr(purge->orphans.data, name);
}

/* What git derives from a pack that stays, and what says not to replace it, goes if it tells
 * of objects that are gone or hides the pack. */
static bool is_derived(const char *name)
{
	static const char *const suffix[] = {".bitmap", ".mtimes", ".promisor"};
	const char *dot = strchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(suffix) / sizeof(*suffix); i++) {
		if (strcmp(dot, suffix[i]) == 0) {
			return true;
		}
	}
	return begins(name, "multi-pack-index") || begins(name, "tmp_") ||
	       begins(name, ".tmp-") || /* of a killed git repack */
	       begins(name, "pack_git2_");
}

static int sweep_packs(struct purge *purge, struct err *err)
{
	DIR *dir = opendir(purge->dir.data);
	struct buf path = {0};
	struct dirent *entry;
	int rc = dir ? 0 : err_sys(err, "cannot open folder '%s'", purge->dir.data);

	while (!rc && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (is_derived(name) ||
		    (begins(name, "pack-") &&
		     (!is_kept(purge, name) || is_orphan(purge, name)))) {
			buf_clear(&path);
			buf_addf(&path, "objects/pack/%s", name);
			rc = remove_below(purge->repo, path.data, err);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
	return rc;
}

/* Removes the folders of loose objects, and what a killed git left beside them. */
static int sweep_objects(struct purge *purge, struct err *err)
{
	struct buf path = {0};
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	buf_addf(&path, "%s/objects", purge->repo->path);
	dir = opendir(path.data);
	if (!dir) {
		rc = err_sys(err, "cannot open folder '%s'", path.data);
	}
	while (!rc && dir && (entry = readdir(dir))) {
		const char *name = entry->d_name;

		/* incoming-: of git before 2.35. */
		if (begins(name, "tmp_") || begins(name, "incoming-") ||
		    (strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2)) {
			buf_clear(&path);
			buf_addf(&path, "objects/%s", name);
			rc = remove_below(purge->repo, path.data, err);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
	return rc;
}

static int remove_gone(struct purge *purge, struct err *err)
{
	/* Derived from objects, or naming them. */
	static const char *const others[] = {
		"objects/info/commit-graph",
		"objects/info/commit-graphs",
		"logs",
		"lost-found", /* git fsck --lost-found */
		"FETCH_HEAD",
		"ORIG_HEAD",
		"AUTO_MERGE",
		"MERGE_HEAD",
		"CHERRY_PICK_HEAD",
		"REVERT_HEAD",
		"REBASE_HEAD",
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(others) / sizeof(*others); i++) {
		rc = remove_below(purge->repo, others[i], err);
	}
	/* Indexes first: without its index no reader opens a pack. */
	for (size_t i = 0; !rc && i < purge->set->count; i++) {
		const struct packset_pack *pack = &purge->set->pack[i];

		if (pack->chosen && !strstr(purge->names.data, pack->name)) {
			rc = packset_remove(purge->dir.data, pack->name, err);
		}
	}
	rc = rc ? rc : sweep_packs(purge, err);
	return rc ? rc : sweep_objects(purge, err);
}

static int flush_folders(const struct purge *purge, struct err *err)
{
	struct buf path = {0};
	int rc = file_flush_folder(purge->dir.data, err);

	buf_addf(&path, "%s/objects", purge->repo->path);
	rc = rc ? rc : file_flush_folder(path.data, err);
	rc = rc ? rc : file_flush_folder(purge->repo->path, err);
	buf_release(&path);
	return rc;
}

/* --- all of it --- */

static int install(struct purge *purge, struct err *err)
{
	int rc = check_refs(purge, err);

	rc = rc ? rc : write_note(purge, err);
	if (!rc && purge->loose) {
		rc = pack_install(purge->loose, err);
	}
	return rc ? rc : packmerge_install(purge->merge, err);
}

static int count_gone(struct purge_result *result, const struct purge *purge,
		      struct err *err)
{
	struct reach_sum all, reached;
	int rc = reach_sum(&all, &reached, purge->reach, err);

	if (!rc) {
		result->objects = all.objects - reached.objects;
		result->bytes_before = all.bytes;
	}
	return rc;
}

static int measure(struct purge_result *result, const struct purge *purge,
		   struct err *err)
{
	struct packset set;
	int rc = packset_read_all(&set, purge->dir.data, err);

	for (size_t i = 0; !rc && i < set.count; i++) {
		result->bytes += set.pack[i].size_bytes;
	}
	packset_release(&set);
	return rc;
}

static int run(struct purge *purge, struct purge_result *result, struct err *err)
{
	int rc = find_reached(purge, err);

	rc = rc ? rc : count_gone(result, purge, err);
	if (rc) {
		return rc;
	}
	purge->set = reach_packs(purge->reach);
	rc = pack_loose(purge, err);
	rc = rc ? rc : pack_rest(purge, err);
	rc = rc ? rc : install(purge, err);
	rc = rc ? rc
		: compacted_replace(purge->set, purge->repo->path, purge->names.data,
				    err);
	rc = rc ? rc : remove_gone(purge, err);
	rc = rc ? rc : flush_folders(purge, err);
	rc = rc ? rc : repo_note_remove(purge->repo->path, "", 0, err);
	return rc ? rc : measure(result, purge, err);
}

int purge_run(struct snapshot_repo *repo, struct purge_result *result, struct err *err)
{
	struct purge purge = {.repo = repo};
	int rc;

	assert(repo->lock >= 0);
	*result = (struct purge_result){0};
	buf_addf(&purge.dir, "%s/objects/pack", repo->path);
	buf_addstr(&purge.names, "");
	rc = purge_begin(repo, err);
	rc = rc ? rc : run(&purge, result, err);
	packmerge_free(purge.merge);
	pack_close(purge.loose);
	reach_close(purge.reach);
	reflist_release(&purge.refs);
	buf_release(&purge.dir);
	buf_release(&purge.names);
	buf_release(&purge.orphans);
	rc = rc ? rc : snapshot_reopen(repo, err);
	if (!rc) {
		/* If it comes back after a power loss, another purge finds nothing. */
		purge_cancel(repo);
	}
	return rc;
}
