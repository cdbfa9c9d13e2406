/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_refs.h"

#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "exporter/git/snapshot.h"

#define REF_MAX ((size_t)4096)
#define PACKED_MAX ((size_t)256 << 20)

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static struct verify_ref *add(struct verify_refs *refs, const char *name, size_t len)
{
	struct verify_ref *ref;

	refs->ref = xgrow(refs->ref, refs->count, &refs->cap, sizeof(*refs->ref));
	ref = &refs->ref[refs->count++];
	*ref = (struct verify_ref){.name = xmemdup0(name, len)};
	return ref;
}

/* Only of these does it matter what they hold. */
static bool matters(const char *name)
{
	return starts_with(name, "refs/heads/") || starts_with(name, "refs/tags/");
}

static int by_name(const void *a, const void *b)
{
	const struct verify_ref *left = a, *right = b;

	return strcmp(left->name, right->name);
}

/* Among the first `count`, which are sorted. */
static struct verify_ref *find(struct verify_refs *refs, size_t count, const char *name)
{
	struct verify_ref key = {.name = (char *)name};

	return count ? bsearch(&key, refs->ref, count, sizeof(key), by_name) : NULL;
}

/* packed-refs: "ID NAME" lines, "^ID" for what the tag before is of, "#" comments. */
static void read_packed(struct verify_refs *refs, const char *git_dir,
			struct verify_report *report)
{
	struct buf path = {0}, text = {0};
	struct verify_ref *last = NULL;
	size_t loose = refs->count;
	struct err err;
	int rc;

	buf_addf(&path, "%s/packed-refs", git_dir);
	rc = file_read(&text, path.data, PACKED_MAX, &err);
	if (rc && rc != ERR_NOTFOUND) {
		verify_report_fail(report, "packed-refs", "%s", err.msg);
	}
	for (char *save = NULL,
		  *line = rc || !text.len ? NULL : strtok_r(text.data, "\n", &save);
	     line; line = strtok_r(NULL, "\n", &save)) {
		uint8_t id[OBJECT_ID];

		if (*line == '#') {
			continue;
		}
		if (*line == '^' && object_unhex(id, line + 1)) {
			if (last) {
				last->has_peeled = true;
				memcpy(last->peeled, id, OBJECT_ID);
			}
		} else if (strlen(line) > OBJECT_HEX + 1 && line[OBJECT_HEX] == ' ' &&
			   object_unhex(id, line)) {
			const char *name = line + OBJECT_HEX + 1;

			/* One with a file of its own is what that says. */
			last = NULL;
			if (!find(refs, loose, name)) {
				last = add(refs, name, strlen(name));
				memcpy(last->id, id, OBJECT_ID);
			}
		} else {
			verify_report_fail(report, "packed-refs",
					   "the file is damaged at '%s'", line);
		}
	}
	buf_release(&path);
	buf_release(&text);
}

/* A reference with a file of its own. */
static void read_loose(struct verify_refs *refs, const char *name, const char *path,
		       struct verify_report *report)
{
	struct buf text = {0};
	struct verify_ref *ref;
	uint8_t id[OBJECT_ID];
	struct err err;
	int rc = file_read(&text, path, REF_MAX, &err);

	if (rc == ERR_NOTFOUND) {
		/* Packed meanwhile: then it is read there. */
	} else if (rc) {
		verify_report_fail(report, name, "%s", err.msg);
	} else if (text.len < OBJECT_HEX || !object_unhex(id, text.data) ||
		   strspn(text.data + OBJECT_HEX, "\n") != text.len - OBJECT_HEX) {
		verify_report_fail(report, name, "the reference names no object");
	} else {
		ref = add(refs, name, strlen(name));
		memcpy(ref->id, id, OBJECT_ID);
	}
	buf_release(&text);
}

static void read_all_loose(struct verify_refs *refs, const char *git_dir,
			   struct verify_report *report)
{
	struct buf root = {0};
	char *roots[2] = {NULL, NULL};
	size_t base = strlen(git_dir) + 1;
	FTSENT *entry;
	FTS *walk;

	buf_addf(&root, "%s/refs", git_dir);
	roots[0] = root.data;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	while (walk && (entry = fts_read(walk))) {
		const char *name = entry->fts_path + base;
		size_t len = strlen(name);
		bool lock = len > 5 && strcmp(name + len - 5, ".lock") == 0;

		if (entry->fts_info != FTS_D && entry->fts_info != FTS_DP &&
		    (matters(name) || starts_with(name, "refs/replace/")) && !lock) {
			read_loose(refs, name, entry->fts_path, report);
		}
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&root);
}

static void refuse_file(const char *git_dir, const char *name, const char *problem,
			struct verify_report *report)
{
	struct buf path = {0};
	struct stat st;

	buf_addf(&path, "%s/%s", git_dir, name);
	if (lstat(path.data, &st) == 0 && st.st_size > 0) {
		verify_report_fail(report, name, "%s", problem);
	}
	buf_release(&path);
}

/* In a clone with a work tree HEAD may be anywhere: that is what was checked out. */
static void check_head(const char *git_dir, struct verify_report *report)
{
	size_t len = strlen(git_dir);
	struct buf path = {0}, text = {0};
	struct err err;

	if (len >= 5 && strcmp(git_dir + len - 5, "/.git") == 0) {
		return;
	}
	buf_addf(&path, "%s/HEAD", git_dir);
	if (file_read(&text, path.data, REF_MAX, &err)) {
		verify_report_fail(report, "HEAD", "%s", err.msg);
	} else if (strcmp(text.data, "ref: " SNAPSHOT_BRANCH "\n") != 0) {
		verify_report_fail(report, "HEAD", "it is not on " SNAPSHOT_BRANCH);
	}
	buf_release(&path);
	buf_release(&text);
}

void verify_refs_read(struct verify_refs *refs, const char *git_dir,
		      struct verify_report *report)
{
	*refs = (struct verify_refs){0};
	/* This order: a reference that is packed between the two is met once at least. */
	read_all_loose(refs, git_dir, report);
	if (refs->count) {
		qsort(refs->ref, refs->count, sizeof(*refs->ref), by_name);
	}
	read_packed(refs, git_dir, report);
	if (refs->count) {
		qsort(refs->ref, refs->count, sizeof(*refs->ref), by_name);
	}
	check_head(git_dir, report);
	refuse_file(git_dir, "shallow", "the clone is shallow: its history is cut off",
		    report);
	refuse_file(git_dir, "info/grafts", "git shows another history than there is",
		    report);
	for (size_t i = 0; i < refs->count; i++) {
		const struct verify_ref *ref = &refs->ref[i];

		if (strcmp(ref->name, SNAPSHOT_BRANCH) == 0) {
			refs->has_main = true;
			memcpy(refs->main, ref->id, OBJECT_ID);
		} else if (starts_with(ref->name, "refs/heads/")) {
			verify_report_fail(report, ref->name, "a branch beside main");
		} else if (starts_with(ref->name, "refs/replace/")) {
			verify_report_fail(report, ref->name,
					   "git shows another object in place of one");
		}
	}
}

void verify_refs_release(struct verify_refs *refs)
{
	for (size_t i = 0; i < refs->count; i++) {
		free(refs->ref[i].name);
	}
	free(refs->ref);
	*refs = (struct verify_refs){0};
}
