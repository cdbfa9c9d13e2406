/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/advance.h"
#include "exporter/git/maintain.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/git/compact.h"
#include "exporter/git/lineage.h"
#include "exporter/git/pack/packmerge.h"
#include "exporter/git/purge.h"
#include "exporter/git/compacted.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/repo_note.h"

/*
 * The order of a replacement: new packs are durable; a note of the packs that come and go;
 * the new ones get their names; the record (compacted.h); then the old packs go, each with its index first
 * (packset_remove). A kill in between leaves objects in two packs, which is harmless and
 * ends with the next merge. advance_recover removes a pack without an index.
 */

/* Packs are merged when there are more than this. */
#define PACKS_DUE 40
#define PACKS_DUE_BUSY 50
/*
 * They are merged before that if a merge will save much: each new version of a body is whole
 * in a pack of its own, and becomes a delta. So the packs that came since the last merge may
 * have half the size of the largest one that they would be merged with; or this size, so that
 * no merge is made for little; or this number, so that the snapshots share its cost.
 */
#define WAIT_BYTES ((uint64_t)512 << 10)
#define WAIT_PACKS 4
/* A pack from this size on is never merged: copying it would take too long. */
#define MERGE_BYTES_MAX ((uint64_t)256 << 20)

static void pack_dir(struct buf *out, struct snapshot_repo *repo)
{
	buf_addf(out, "%s/objects/pack", repo->path);
}

/* Notes that the packs `names` come and the chosen ones go, before the first of them gets
 * its name. */
static int write_note(const struct packset *set, struct snapshot_repo *repo,
		      const char *names, struct err *err)
{
	struct repo_note note = {0};
	int rc;

	buf_addstr(&note.packs, names);
	repo_note_only_new(&note.packs, repo->path);
	for (size_t i = 0; i < set->count; i++) {
		if (set->pack[i].chosen) {
			buf_addf(&note.packs, "%s\n", set->pack[i].name);
		}
	}
	rc = repo_note_write(repo->path, &note, err);
	repo_note_release(&note);
	return rc;
}

/* Removes the chosen packs, but not one that was made again under the same name. */
static int remove_chosen(const struct packset *set, struct snapshot_repo *repo,
			 const char *dir, const char *names, struct err *err)
{
	struct buf midx = {0};
	int rc = 0;

	/* git's index of many packs, if there is one, names packs that go. */
	buf_addf(&midx, "%s/multi-pack-index", dir);
	if (unlink(midx.data) < 0 && errno != ENOENT) {
		rc = err_sys(err, "cannot remove '%s'", midx.data);
	}
	for (size_t i = 0; !rc && i < set->count; i++) {
		if (set->pack[i].chosen && !strstr(names, set->pack[i].name)) {
			rc = packset_remove(dir, set->pack[i].name, err);
		}
	}
	buf_release(&midx);
	return rc ? rc : repo_note_remove(repo->path, "", 0, err);
}

/* --- merging --- */

/*
 * Chooses the smallest packs, as many as it takes that each pack that stays is at least
 * twice as large as all smaller ones together. Returns whether they are to be merged now.
 */
static bool choose_merge(struct packset *set, size_t due)
{
	uint64_t sum = 0, largest = 0; /* of the chosen ones: the others, and the last */
	size_t count = 0, end;

	while (count < set->count && set->pack[count].size_bytes < MERGE_BYTES_MAX) {
		sum += set->pack[count++].size_bytes;
	}
	for (end = count; end; end--) {
		largest = set->pack[end - 1].size_bytes;
		sum -= largest;
		if (largest < 2 * sum) {
			break;
		}
	}
	for (size_t i = 0; i < set->count; i++) {
		set->pack[i].chosen = i < end;
	}
	return end > 1 && (count > due ||
			   (end > WAIT_PACKS && sum > WAIT_BYTES && sum > largest / 2));
}

/* Merges the chosen packs under temporary names. */
static int make_merged(struct packmerge **out, struct buf *names,
		       struct snapshot_repo *repo, const char *dir,
		       const struct packset *set, struct err *err)
{
	struct buf commits = {0};
	uint64_t objects;
	int rc;

	packmerge_new(out, dir, repo->objects);
	rc = packmerge_add(*out, dir, set, PACKMERGE_RUNS, err);
	if (!rc) {
		packmerge_commits(*out, &commits);
		lineage_walk(repo, (const uint8_t *)commits.data, commits.len / OBJECT_ID,
			     packmerge_replace, *out);
		rc = packmerge_make(*out, &objects, names, err);
	}
	buf_release(&commits);
	return rc;
}

/* *changed: packs have gone. */
static int merge(bool *changed, struct snapshot_repo *repo, const char *dir, size_t due,
		 struct err *err)
{
	struct packmerge *made = NULL;
	struct packset set = {0};
	struct buf names = {0};
	int rc = packset_read(&set, dir, err);

	buf_addstr(&names, "");
	if (!rc && choose_merge(&set, due)) {
		rc = make_merged(&made, &names, repo, dir, &set, err);
		rc = rc ? rc : write_note(&set, repo, names.data, err);
		rc = rc ? rc : packmerge_install(made, err);
		if (!rc) {
			*changed = true;
			rc = remove_chosen(&set, repo, dir, names.data, err);
		}
	}
	packmerge_free(made);
	packset_release(&set);
	buf_release(&names);
	return rc;
}

/* What a killed prune has left. A failure is only logged, as the next snapshot tries again. */
static int complete_purge(struct snapshot_repo *repo, struct err *err)
{
	struct purge_result result;
	struct err why;

	if (!purge_is_due(repo) || purge_run(repo, &result, &why) == 0) {
		return 0;
	}
	log_warning("objects that nothing refers to are still in '%s': %s", repo->path,
		    why.msg);
	return snapshot_reopen(repo, err);
}

int maintain_when_due(struct snapshot_repo *repo, bool busy, struct err *err)
{
	struct buf dir = {0};
	struct err why;
	bool changed = false;
	int rc = complete_purge(repo, err);

	if (rc) {
		return rc;
	}
	pack_dir(&dir, repo);
	if (merge(&changed, repo, dir.data, busy ? PACKS_DUE_BUSY : PACKS_DUE, &why)) {
		log_warning("cannot merge the packs of '%s': %s", repo->path, why.msg);
		/* If this fails, the next writer does it. */
		advance_recover(repo, NULL);
	}
	buf_release(&dir);
	return changed ? snapshot_reopen(repo, err) : 0;
}

/* --- compaction --- */

/*
 * Chooses all packs that are not compact, and those compact packs that are small beside
 * them. So daily runs do not pile up small packs, and a large pack is packed again only when
 * half as much has come. Returns how many.
 */
static size_t choose_pack(struct packset *set)
{
	uint64_t sum = 0;
	size_t chosen = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (!set->pack[i].compact) {
			set->pack[i].chosen = true;
			sum += set->pack[i].size_bytes;
			chosen++;
		}
	}
	for (size_t i = 0; chosen && i < set->count; i++) {
		if (set->pack[i].compact && set->pack[i].size_bytes < 2 * sum) {
			set->pack[i].chosen = true;
			sum += set->pack[i].size_bytes;
			chosen++;
		}
	}
	return chosen;
}

static void measure(uint64_t *packs, uint64_t *bytes, const struct packset *set)
{
	*packs = set->count;
	*bytes = 0;
	for (size_t i = 0; i < set->count; i++) {
		*bytes += set->pack[i].size_bytes;
	}
}

static int compact(struct maintain_result *result, struct snapshot_repo *repo,
		   const char *dir, struct err *err)
{
	struct packset set = {0}, after = {0};
	struct packmerge *made = NULL;
	struct buf names = {0};
	int rc = packset_read(&set, dir, err);

	rc = rc ? rc : compacted_read(&set, repo->path, err);
	buf_addstr(&names, "");
	measure(&result->packs_before, &result->bytes_before, &set);
	measure(&result->packs, &result->bytes, &set);
	if (rc || !choose_pack(&set)) {
		goto out;
	}
	rc = compact_make(&made, &names, &result->objects, repo, &set, err);
	rc = rc ? rc : write_note(&set, repo, names.data, err);
	rc = rc ? rc : packmerge_install(made, err);
	packmerge_free(made);
	/* What a failure leaves there need not wait for the next writer. */
	repo_folder_unstage(repo->path, NULL);
	rc = rc ? rc : compacted_write(&set, repo->path, names.data, err);
	if (!rc) {
		rc = remove_chosen(&set, repo, dir, names.data, err);
	}
	rc = rc ? rc : snapshot_reopen(repo, err);
	if (!rc) {
		rc = packset_read(&after, dir, err);
	}
	if (!rc) {
		result->done = true;
		measure(&result->packs, &result->bytes, &after);
	}
out:
	packset_release(&set);
	packset_release(&after);
	buf_release(&names);
	return rc;
}

int maintain_compact(struct snapshot_repo *repo, struct maintain_result *result,
		     struct err *err)
{
	struct purge_result purged;
	struct buf dir = {0};
	int rc = purge_is_due(repo) ? purge_run(repo, &purged, err) : 0;

	*result = (struct maintain_result){0};
	pack_dir(&dir, repo);
	rc = rc ? rc : compact(result, repo, dir.data, err);
	buf_release(&dir);
	return rc;
}
