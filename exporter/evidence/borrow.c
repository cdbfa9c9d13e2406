/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/borrow.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/evidence/tool.h"
#include "exporter/git/repo.h"
#include "exporter/git/shallow.h"

#define GIT_FOLDER "git"
#define TAGS "refs/tags/"
#define MEMORY_MIN ((size_t)1 << 30)
#define MEMORY_RATIO 8

static const char *const fixed[] = {
	"git",
	"-c",
	"protocol.allow=never",
	"-c",
	"core.hooksPath=/dev/null",
	"-c",
	"core.attributesFile=/dev/null",
	"-c",
	"core.commitGraph=false",
	"-c",
	"core.multiPackIndex=false",
	"-c",
	"core.bigFileThreshold=32m", /* larger ones are copied in parts */
	"-c",
	"pack.windowMemory=64m",
	"-c",
	"pack.threads=1", /* the same bytes each time */
};
#define FIXED (sizeof(fixed) / sizeof(*fixed))
#define ARGS_MAX 16

int borrow_run(const struct borrow *borrow, const struct buf *input, struct buf *out,
	       const char *const *args, struct err *err)
{
	const char *argv[FIXED + 4 + ARGS_MAX + 1];
	struct tool tool = {.argv = argv,
			    .input = input,
			    .output = out,
			    .stop = borrow->stop,
			    .memory_max = borrow->memory_max};
	struct buf git = {0};
	size_t n = FIXED;
	int rc;

	buf_addf(&git, "--git-dir=%s/" GIT_FOLDER, borrow->dir);
	memcpy(argv, fixed, sizeof(fixed));
	argv[n++] = "-C";
	argv[n++] = borrow->dir;
	argv[n++] = git.data; /* so that git does not look for one */
	for (size_t i = 0; i < ARGS_MAX && args[i]; i++) {
		argv[n++] = args[i];
	}
	argv[n] = NULL;
	rc = tool_run(&tool, err);
	if (!rc && tool.status &&
	    (file_disk_is_full(borrow->dir) ||
	     strstr(tool_why(&tool), strerror(ENOSPC)))) {
		/* git writes nowhere else. Its message depends on the file. */
		rc = err_set(err, ERR_FULL, "'git %s' cannot write into '%s': %s; %s",
			     args[0], borrow->dir, strerror(ENOSPC), tool_why(&tool));
	} else if (!rc && tool.status) {
		rc = err_set(err, ERR_FAIL, "'git %s' failed: %s; %s", args[0],
			     tool_why(&tool),
			     borrow->advice ? borrow->advice
					    : "`albumen-exporter verify` checks the "
					      "whole repository");
	}
	tool_release(&tool);
	buf_release(&git);
	return rc;
}

static int write_file(const struct borrow *borrow, const char *name,
		      const struct buf *text, struct err *err)
{
	struct buf path = {0};
	int rc;

	buf_addf(&path, "%s/" GIT_FOLDER "/%s", borrow->dir, name);
	rc = file_replace(path.data, text->data, text->len, err);
	buf_release(&path);
	return rc;
}

int borrow_set_shallow(const struct borrow *borrow, const struct buf *text,
		       struct err *err)
{
	return write_file(borrow, SHALLOW_FILE, text, err);
}

static int write_alternates(const struct borrow *borrow, struct snapshot_repo *from,
			    struct err *err)
{
	char *real = realpath(snapshot_path(from), NULL);
	struct buf text = {0};
	int rc;

	if (!real) {
		return err_sys(err, "cannot find '%s'", snapshot_path(from));
	}
	if (strchr(real, '\n')) {
		rc = err_set(err, ERR_REFUSED,
			     "the repository's path has a newline in it, which git does "
			     "not take");
	} else {
		buf_addf(&text, "%s/objects\n", real);
		rc = write_file(borrow, "objects/info/alternates", &text, err);
	}
	buf_release(&text);
	free(real);
	return rc;
}

static int copy_shallow(const struct borrow *borrow, struct snapshot_repo *from,
			struct err *err)
{
	struct buf text = {0};
	int rc = shallow_copy(&text, snapshot_path(from), err);

	if (!rc && text.len) {
		rc = borrow_set_shallow(borrow, &text, err);
	}
	buf_release(&text);
	return rc;
}

/* The branch, and all tags: git can tell which of them lie on the branch. */
static int write_refs(const struct borrow *borrow, struct snapshot_repo *from,
		      const struct snapshot_id *tip, struct err *err)
{
	struct buf names = {0}, refs = {0}, name = {0};
	int rc = repo_tags(from, &names, err);

	buf_addf(&refs, "%s " SNAPSHOT_BRANCH "\n", tip->hex);
	for (size_t at = 0; !rc && at < names.len; at += strlen(names.data + at) + 1) {
		char hex[OBJECT_HEX + 1];

		/* A line break in it would forge a reference. */
		if (!repo_tag_is_valid(names.data + at)) {
			log_warning("a tag whose name git does not take is left out");
			continue;
		}
		buf_clear(&name);
		buf_addf(&name, TAGS "%s", names.data + at);
		rc = repo_ref(hex, from, name.data, err);
		if (!rc && *hex) {
			buf_addf(&refs, "%s %s\n", hex, name.data);
		}
	}
	rc = rc ? rc : write_file(borrow, "packed-refs", &refs, err);
	buf_release(&names);
	buf_release(&refs);
	buf_release(&name);
	return rc;
}

int borrow_init(struct borrow *borrow, uint64_t size, struct err *err)
{
	static const char *const init[] = {
		"init", "--quiet", "--bare", "--template=", "--initial-branch=main",
		NULL};

	/* git needs a few hundred bytes for each object, which has about that on disk. */
	borrow->memory_max = MEMORY_MIN + (size_t)size * MEMORY_RATIO;
	return borrow_run(borrow, NULL, NULL, init, err);
}

/* The folder's blocks count, not its files' lengths: a hole costs nothing. */
static int measure(uint64_t *size, struct snapshot_repo *from, struct err *err)
{
	struct buf folder = {0};
	char *paths[] = {NULL, NULL};
	FTSENT *entry;
	FTS *walk;
	int rc = 0;

	buf_addf(&folder, "%s/objects", snapshot_path(from));
	paths[0] = folder.data;
	walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	if (!walk) {
		rc = err_sys(err, "cannot read folder '%s'", folder.data);
	}
	*size = 0;
	while (!rc && (entry = fts_read(walk))) {
		if (entry->fts_info == FTS_F) {
			*size += (uint64_t)entry->fts_statp->st_blocks * 512;
		}
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&folder);
	return rc;
}

int borrow_make(struct borrow *borrow, struct snapshot_repo *from,
		const struct snapshot_id *tip, struct err *err)
{
	uint64_t size;
	int rc = measure(&size, from, err);

	rc = rc ? rc : borrow_init(borrow, size, err);
	rc = rc ? rc : write_alternates(borrow, from, err);
	rc = rc ? rc : copy_shallow(borrow, from, err);
	return rc ? rc : write_refs(borrow, from, tip, err);
}
