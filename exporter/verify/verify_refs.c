/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_refs.h"

#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "exporter/git/snapshot.h"

#define REF_MAX ((size_t)4096)
#define PACKED_MAX ((size_t)256 << 20)
#define CONFIG_MAX ((size_t)1 << 20)
#define TAGS "refs/tags/"

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static struct verify_ref *add(struct verify_refs *refs, const char *name,
			      const uint8_t id[OBJECT_ID])
{
	struct verify_ref *ref;

	refs->ref = xgrow(refs->ref, refs->count, &refs->cap, sizeof(*refs->ref));
	ref = &refs->ref[refs->count++];
	*ref = (struct verify_ref){.name = xstrdup(name)};
	memcpy(ref->id, id, OBJECT_ID);
	return ref;
}

/* Whether it matters what the reference holds. */
static bool matters(const char *name)
{
	return starts_with(name, "refs/heads/") || starts_with(name, "refs/tags/") ||
	       starts_with(name, "refs/replace/");
}

/* A line of packed-refs: "ID NAME"; "^ID" of the commit that the tag before it is of; or
 * "#" and a comment. */
static void read_packed_line(struct verify_refs *refs, const char *line,
			     struct verify_report *report)
{
	struct verify_ref *last = refs->count ? &refs->ref[refs->count - 1] : NULL;
	uint8_t id[OBJECT_ID];

	if (*line == '^' && object_unhex(id, line + 1)) {
		if (last && last->is_packed) {
			last->has_peeled = true;
			memcpy(last->peeled, id, OBJECT_ID);
		}
	} else if (strlen(line) > OBJECT_HEX + 1 && line[OBJECT_HEX] == ' ' &&
		   object_unhex(id, line)) {
		add(refs, line + OBJECT_HEX + 1, id)->is_packed = true;
		if (!starts_with(line + OBJECT_HEX + 1, "refs/")) {
			verify_report_fail(report, "packed-refs",
					   "'%s' is no name of a reference",
					   line + OBJECT_HEX + 1);
		}
	} else if (*line != '#') {
		verify_report_fail(report, "packed-refs", "the file is damaged at '%s'",
				   line);
	}
}

/* In a file that says it is sorted, git searches for a name, and does not find one that is in
 * another place. */
static void check_order(const struct verify_refs *refs, size_t from,
			struct verify_report *report)
{
	for (size_t i = from + 1; i < refs->count; i++) {
		if (strcmp(refs->ref[i - 1].name, refs->ref[i].name) > 0) {
			verify_report_fail(report, "packed-refs",
					   "the file says that it is sorted, and is not, "
					   "at '%s'",
					   refs->ref[i].name);
			return;
		}
	}
}

static void read_packed(struct verify_refs *refs, const char *git_dir,
			struct verify_report *report)
{
	size_t from = refs->count;
	bool sorted;

	struct buf path = {0}, text = {0};
	char *save = NULL, *line;
	struct err err;
	int rc;

	buf_addf(&path, "%s/packed-refs", git_dir);
	rc = file_read(&text, path.data, PACKED_MAX, &err);
	if (rc && rc != ERR_NOTFOUND) {
		verify_report_fail(report, "packed-refs", "%s", err.msg);
	}
	if (!rc && text.len && memchr(text.data, '\0', text.len)) {
		verify_report_fail(report, "packed-refs", "the file has a NUL in it");
	}
	sorted = !rc && text.len && starts_with(text.data, "# pack-refs with:") &&
		 memmem(text.data, strcspn(text.data, "\n"), " sorted", 7);
	line = rc || !text.len ? NULL : strtok_r(text.data, "\n", &save);
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		read_packed_line(refs, line, report);
	}
	if (sorted) {
		check_order(refs, from, report);
	}
	buf_release(&path);
	buf_release(&text);
}

/* A reference with a file of its own. */
static void read_loose(struct verify_refs *refs, const char *name, const char *path,
		       struct verify_report *report)
{
	struct buf text = {0};
	uint8_t id[OBJECT_ID];
	struct err err;
	int rc = file_read(&text, path, REF_MAX, &err);

	if (rc == ERR_NOTFOUND) {
		/* It has been packed meanwhile, and is read there. */
	} else if (rc) {
		verify_report_fail(report, name, "%s", err.msg);
	} else if (text.len < OBJECT_HEX || !object_unhex(id, text.data) ||
		   strspn(text.data + OBJECT_HEX, "\n") != text.len - OBJECT_HEX) {
		verify_report_fail(report, name, "the reference names no object");
	} else {
		add(refs, name, id);
	}
	buf_release(&text);
}

static void read_all_loose(struct verify_refs *refs, const char *git_dir,
			   struct verify_report *report)
{
	struct buf root = {0};
	char *roots[2] = {NULL, NULL};
	FTSENT *entry;
	FTS *walk;

	buf_addf(&root, "%s/refs", git_dir);
	roots[0] = root.data;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	while (walk && (entry = fts_read(walk))) {
		const char *name = entry->fts_path + strlen(git_dir) + 1;
		size_t len = strlen(name);
		bool lock = len > 5 && strcmp(name + len - 5, ".lock") == 0;

		if (entry->fts_info != FTS_D && entry->fts_info != FTS_DP &&
		    matters(name) && !lock) {
			read_loose(refs, name, entry->fts_path, report);
		}
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&root);
}

/* By name; a packed reference comes after the one with a file of its own. */
static int compare_refs(const void *a, const void *b)
{
	const struct verify_ref *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : left->is_packed - right->is_packed;
}

/* Of several references with one name keeps the first one. A file of its own counts before
 * packed-refs; of two names in that, git may take either. */
static void sort_refs(struct verify_refs *refs, struct verify_report *report)
{
	size_t kept = 0;

	if (refs->count) {
		qsort(refs->ref, refs->count, sizeof(*refs->ref), compare_refs);
	}
	for (size_t i = 0; i < refs->count; i++) {
		if (kept && strcmp(refs->ref[kept - 1].name, refs->ref[i].name) == 0) {
			if (i && refs->ref[i - 1].is_packed) {
				verify_report_fail(report, refs->ref[kept - 1].name,
						   "the reference is there twice");
			}
			free(refs->ref[i].name);
		} else {
			refs->ref[kept++] = refs->ref[i];
		}
	}
	refs->count = kept;
}

/* --- what would show another history --- */

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

/* Whether git takes the file for a reference: it begins with an id, or with "ref:", or it is a
 * link, which git follows. */
static bool is_reference(const char *path)
{
	char text[OBJECT_HEX + 1] = "";
	uint8_t id[OBJECT_ID];
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0 || S_ISDIR(st.st_mode)) {
		return false;
	}
	fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd < 0) {
		return true;
	}
	if (read(fd, text, OBJECT_HEX) < 0) {
		text[0] = '\0';
	}
	close(fd);
	return starts_with(text, "ref:") || object_unhex(id, text);
}

static int compare_name(const void *name, const void *ref)
{
	return strcmp(name, ((const struct verify_ref *)ref)->name);
}

static bool has(const struct verify_refs *refs, const char *name)
{
	return refs->count &&
	       bsearch(name, refs->ref, refs->count, sizeof(*refs->ref), compare_name);
}

/* A short name is looked for beside refs/, then in it, then among tags, then among branches
 * (gitrevisions(7)). So these would be shown in place of what is verified under that name. */
static void check_hidden(const struct verify_refs *refs, const char *git_dir,
			 const char *name, const char *what, struct verify_report *report)
{
	static const char *const before[] = {"", "refs/", TAGS};
	struct buf path = {0};

	for (size_t i = 0; i < 3; i++) {
		const char *ref;

		buf_clear(&path);
		buf_addf(&path, "%s/%s%s", git_dir, before[i], name);
		ref = path.data + strlen(git_dir) + 1;
		if (strcmp(ref, what) == 0) {
			break;
		}
		if (has(refs, ref) || is_reference(path.data)) {
			verify_report_fail(report, ref,
					   "with the name '%s' git shows this in place "
					   "of %s",
					   name, what);
		}
	}
	buf_release(&path);
}

/* git may be told to read references from elsewhere than their files (git-config(1),
 * extensions.refStorage); then those are not what was verified. A comment is none. */
static void check_storage(const char *git_dir, struct verify_report *report)
{
	struct buf path = {0}, text = {0};
	char *save = NULL, *line;
	struct err err;
	int rc;

	buf_addf(&path, "%s/config", git_dir);
	rc = file_read(&text, path.data, CONFIG_MAX, &err);
	if (rc && rc != ERR_NOTFOUND) {
		verify_report_fail(report, "config", "%s", err.msg);
	}
	for (size_t i = 0; !rc && i < text.len; i++) {
		/* git reads on behind a NUL in a comment. */
		text.data[i] = text.data[i] ? text.data[i] : ' ';
	}
	line = rc || !text.len ? NULL : strtok_r(text.data, "\n", &save);
	for (; line; line = strtok_r(NULL, "\n", &save)) {
		line += strspn(line, " \t");
		if (*line != '#' && *line != ';' && strcasestr(line, "refstorage")) {
			verify_report_fail(report, "config",
					   "git reads references from elsewhere "
					   "because of '%s'",
					   line);
		}
	}
	buf_release(&path);
	buf_release(&text);
}

/* HEAD of a clone with a work tree is what is checked out, and may be anywhere. */
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
	/* In this order a reference that is packed meanwhile is read at least once. */
	read_all_loose(refs, git_dir, report);
	read_packed(refs, git_dir, report);
	sort_refs(refs, report);
	check_head(git_dir, report);
	check_storage(git_dir, report);
	refuse_file(git_dir, "info/grafts", "git shows another history than there is",
		    report);
	check_hidden(refs, git_dir, "main", SNAPSHOT_BRANCH, report);
	for (size_t i = 0; i < refs->count; i++) {
		const struct verify_ref *ref = &refs->ref[i];

		if (starts_with(ref->name, TAGS)) {
			check_hidden(refs, git_dir, ref->name + strlen(TAGS), ref->name,
				     report);
		}
	}
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
