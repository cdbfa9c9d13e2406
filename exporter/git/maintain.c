/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/maintain.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/git/maintain_inner.h"
#include "exporter/git/publish.h"
#include "exporter/git/repo_note.h"

/*
 * A file beside the repository's names the packs that are compact: made by
 * maintain_pack, or found to hold deltas (by git's own gc, say). Merging leaves
 * them alone, as a delta cannot be copied on its own. The file is only a hint: were
 * it lost, the next compaction would do more than it must.
 *
 * The order of a replacement: new packs are durable; a note of what comes and goes; the
 * new ones have their names; the hint; then the old packs go, the index first
 * (packset_remove). A kill in between leaves objects in two packs, which git does not
 * mind and the next merge ends; a pack without its index is removed (publish_recover).
 */

#define RECORD "albumen-exporter.compact"

/* Packs that are not compact: merged when there are more than this. */
#define PACKS_DUE 40
#define PACKS_DUE_BUSY 50
/* A pack from this size on is never merged: copying it would take its time. */
#define MERGE_BYTES_MAX ((uint64_t)256 << 20)

static void pack_dir(struct buf *out, struct snapshot_repo *repo)
{
	buf_addf(out, "%s/objects/pack", snapshot_path(repo));
}

/* Reads which packs there are, and which of them are compact. */
static int read_packs(struct packset *set, struct snapshot_repo *repo, const char *dir,
		      struct err *err)
{
	struct buf path = {0}, text = {0};
	int rc = packset_read(set, dir, err);

	if (rc) {
		return rc;
	}
	buf_addf(&path, "%s/%s", snapshot_path(repo), RECORD);
	rc = file_read(&text, path.data, (size_t)1 << 20, err);
	for (size_t i = 0; !rc && i < set->count; i++) {
		/* A name is as long as any other: none is part of another. */
		set->pack[i].compact = text.len && strstr(text.data, set->pack[i].name);
	}
	buf_release(&path);
	buf_release(&text);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Writes the names of the compact packs that stay, and the `names` of new ones. */
static int write_record(const struct packset *set, struct snapshot_repo *repo,
			const char *names, struct err *err)
{
	struct buf path = {0}, text = {0};
	int rc;

	buf_addf(&path, "%s/%s", snapshot_path(repo), RECORD);
	buf_addstr(&text, names);
	for (size_t i = 0; i < set->count; i++) {
		if (set->pack[i].compact && !set->pack[i].chosen) {
			buf_addf(&text, "%s\n", set->pack[i].name);
		}
	}
	rc = file_replace(path.data, text.data, text.len, err);
	buf_release(&path);
	buf_release(&text);
	return rc;
}

int maintain_note(struct snapshot_repo *repo, const struct packset *set,
		  const char *names, struct err *err)
{
	struct repo_note note = {0};
	int rc;

	buf_addstr(&note.packs, names);
	repo_note_only_new(&note.packs, snapshot_path(repo));
	for (size_t i = 0; i < set->count; i++) {
		if (set->pack[i].chosen) {
			buf_addf(&note.packs, "%s\n", set->pack[i].name);
		}
	}
	rc = repo_note_write(snapshot_path(repo), &note, err);
	repo_note_release(&note);
	return rc;
}

/* Removes the chosen packs, save one that was made again: then the new one has its
 * name. */
static int remove_chosen(const struct packset *set, struct snapshot_repo *repo,
			 const char *dir, const char *names, struct err *err)
{
	struct buf midx = {0};
	int rc = 0;

	/* Were there one, it would be about packs that go. */
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
	return rc ? rc : repo_note_remove(snapshot_path(repo), "", 0, err);
}

/* --- merging --- */

static bool may_merge(const struct packset_pack *pack)
{
	return !pack->compact && pack->size_bytes < MERGE_BYTES_MAX;
}

/*
 * Chooses the smallest packs, so many that each one that stays is at least twice
 * as large as all the smaller ones together. Returns how many.
 */
static size_t choose_merge(struct packset *set)
{
	uint64_t sum = 0, kept = 0;
	size_t end = 0, chosen = 0;

	for (size_t i = 0; i < set->count; i++) {
		if (may_merge(&set->pack[i])) {
			sum += set->pack[i].size_bytes;
			end = i + 1;
		}
	}
	while (end) {
		const struct packset_pack *pack = &set->pack[end - 1];

		if (may_merge(pack)) {
			kept += pack->size_bytes;
			if (pack->size_bytes < 2 * (sum - kept)) {
				break;
			}
		}
		end--;
	}
	for (size_t i = 0; i < set->count; i++) {
		set->pack[i].chosen = i < end && may_merge(&set->pack[i]);
		chosen += set->pack[i].chosen;
	}
	return chosen;
}

static size_t count_merge(const struct packset *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		count += may_merge(&set->pack[i]);
	}
	return count;
}

/* *changed: packs have gone. */
static int merge(bool *changed, struct snapshot_repo *repo, const char *dir, size_t due,
		 struct err *err)
{
	struct packset set = {0};
	struct buf names = {0};
	size_t count;
	int rc = packset_count(&count, dir, err);

	if (rc || count <= due) {
		return rc;
	}
	rc = read_packs(&set, repo, dir, err);
	/* Again as often as a pack turns out to be compact. */
	while (!rc && !names.len && count_merge(&set) > due && choose_merge(&set) > 1) {
		rc = maintain_merge(&names, repo, dir, &set, err);
		if (!rc && !names.len) {
			rc = write_record(&set, repo, "", err);
		}
	}
	if (!rc && names.len) {
		*changed = true;
		rc = remove_chosen(&set, repo, dir, names.data, err);
	}
	packset_release(&set);
	buf_release(&names);
	return rc;
}

int maintain_when_due(struct snapshot_repo *repo, bool busy, struct err *err)
{
	struct buf dir = {0};
	struct err why;
	bool changed = false;

	pack_dir(&dir, repo);
	if (merge(&changed, repo, dir.data, busy ? PACKS_DUE_BUSY : PACKS_DUE, &why)) {
		log_warning("cannot merge the packs of '%s': %s", snapshot_path(repo),
			    why.msg);
		/* What this does not end, the next writer does. */
		publish_recover(repo, NULL);
	}
	buf_release(&dir);
	return changed ? snapshot_reopen(repo, err) : 0;
}

/* --- compaction --- */

/*
 * Chooses what is not compact, and those compact packs that are small beside it:
 * so that a pack each day does not become a pile, and yet a large one is
 * packed anew only when as much again has come. Returns how many.
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
	struct buf names = {0};
	int rc = read_packs(&set, repo, dir, err);

	measure(&result->packs_before, &result->bytes_before, &set);
	measure(&result->packs, &result->bytes, &set);
	if (rc || !choose_pack(&set)) {
		goto out;
	}
	rc = maintain_pack(&names, &result->objects, repo, dir, &set, err);
	if (!rc) {
		rc = write_record(&set, repo, names.data, err);
	}
	if (!rc) {
		rc = remove_chosen(&set, repo, dir, names.data, err);
	}
	if (!rc) {
		rc = snapshot_reopen(repo, err);
	}
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
	struct buf dir = {0};
	int rc;

	*result = (struct maintain_result){0};
	pack_dir(&dir, repo);
	rc = compact(result, repo, dir.data, err);
	buf_release(&dir);
	return rc;
}
