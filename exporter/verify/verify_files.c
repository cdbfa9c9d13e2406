/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"

#define BLOCK_BYTES ((size_t)256 << 10)
#define ALTERNATES_MAX ((size_t)1 << 16)

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static void add_file(struct verify_file **file, size_t *count, size_t *cap, size_t dir,
		     const char *name, size_t len)
{
	if (*count == *cap) {
		*cap = *cap ? *cap * 2 : 16;
		*file = xreallocarray(*file, *cap, sizeof(**file));
	}
	(*file)[(*count)++] = (struct verify_file){dir, xmemdup0(name, len)};
}

static void add_other(struct verify_files *files, size_t dir, const char *name)
{
	add_file(&files->other, &files->others, &files->other_cap, dir, name,
		 strlen(name));
}

static bool is_there(const char *dir, const char *name)
{
	struct buf path = {0};
	struct stat st;
	bool found;

	buf_addf(&path, "%s/%s", dir, name);
	found = lstat(path.data, &st) == 0;
	buf_release(&path);
	return found;
}

/* One name in objects/pack. A pack without an index is nothing to git: a writer is
 * at it, or was killed; but it has a checksum. Temporary files are not looked at. */
static void sort_in(struct verify_files *files, size_t dir, const char *name)
{
	struct buf path = {0};
	bool ours = strncmp(name, "pack-", 5) == 0;

	buf_addf(&path, "pack/%s", name);
	if (ours && ends_with(name, ".idx")) {
		add_file(&files->pack, &files->packs, &files->pack_cap, dir, path.data,
			 path.len - strlen(".idx"));
	} else if (ours && ends_with(name, ".pack")) {
		struct buf idx = {0};

		buf_addf(&idx, "%.*s.idx", (int)(path.len - strlen(".pack")), path.data);
		if (!is_there(files->dir[dir], idx.data)) {
			add_other(files, dir, path.data);
		}
		buf_release(&idx);
	} else if ((ours && (ends_with(name, ".rev") || ends_with(name, ".bitmap") ||
			     ends_with(name, ".mtimes"))) ||
		   (strncmp(name, "multi-pack-index", 16) == 0 &&
		    !ends_with(name, ".lock"))) {
		add_other(files, dir, path.data);
	}
	buf_release(&path);
}

static void list_packs(struct verify_files *files, size_t at)
{
	struct buf path = {0};
	struct dirent *entry;
	DIR *dir;

	buf_addf(&path, "%s/pack", files->dir[at]);
	dir = opendir(path.data);
	while (dir && (entry = readdir(dir))) {
		sort_in(files, at, entry->d_name);
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
}

/* What makes walks of the history quicker: in one file, or several. */
static void list_graphs(struct verify_files *files, size_t at)
{
	struct buf path = {0};
	struct dirent *entry;
	DIR *dir;

	if (is_there(files->dir[at], "info/commit-graph")) {
		add_other(files, at, "info/commit-graph");
	}
	buf_addf(&path, "%s/info/commit-graphs", files->dir[at]);
	dir = opendir(path.data);
	while (dir && (entry = readdir(dir))) {
		if (ends_with(entry->d_name, ".graph")) {
			buf_clear(&path);
			buf_addf(&path, "info/commit-graphs/%s", entry->d_name);
			add_other(files, at, path.data);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
}

static void list_loose_of(struct verify_files *files, size_t at, unsigned first)
{
	struct buf path = {0};
	struct dirent *entry;
	char hex[OBJECT_HEX + 1];
	DIR *dir;

	buf_addf(&path, "%s/%02x", files->dir[at], first);
	dir = opendir(path.data);
	while (dir && (entry = readdir(dir))) {
		struct verify_loose loose = {.dir = (uint8_t)at};

		snprintf(hex, sizeof(hex), "%02x%.38s", first, entry->d_name);
		if (strlen(entry->d_name) != OBJECT_HEX - 2 ||
		    !object_unhex(loose.id, hex)) {
			continue;
		}
		if (files->looses == files->loose_cap) {
			files->loose_cap = files->loose_cap ? files->loose_cap * 2 : 64;
			files->loose = xreallocarray(files->loose, files->loose_cap,
						     sizeof(*files->loose));
		}
		files->loose[files->looses++] = loose;
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
}

/* Adds the folders that the folder `at` borrows from: a line each, relative ones
 * from objects/ on. */
static void list_alternates(struct verify_files *files, size_t at)
{
	struct buf path = {0}, text = {0};

	buf_addf(&path, "%s/info/alternates", files->dir[at]);
	file_read(&text, path.data, ALTERNATES_MAX, NULL);
	for (char *save = NULL,
		  *line = text.len ? strtok_r(text.data, "\n", &save) : NULL;
	     line && files->dirs < VERIFY_FILES_DIRS;
	     line = strtok_r(NULL, "\n", &save)) {
		bool known = false;

		buf_clear(&path);
		if (*line == '/') {
			buf_addstr(&path, line);
		} else if (*line != '#') {
			buf_addf(&path, "%s/%s", files->dir[at], line);
		}
		for (size_t i = 0; path.len && i < files->dirs; i++) {
			known |= strcmp(files->dir[i], path.data) == 0;
		}
		if (path.len && !known) {
			files->dir[files->dirs++] = xstrdup(path.data);
		}
	}
	buf_release(&path);
	buf_release(&text);
}

static int by_id(const void *a, const void *b)
{
	const struct verify_loose *left = a, *right = b;

	return memcmp(left->id, right->id, OBJECT_ID);
}

static int by_name(const void *a, const void *b)
{
	const struct verify_file *left = a, *right = b;
	int order = left->dir < right->dir ? -1 : left->dir > right->dir;

	return order ? order : strcmp(left->name, right->name);
}

int verify_files_list(struct verify_files *files, const char *git_dir, struct err *err)
{
	struct buf dir = {0};

	buf_addf(&dir, "%s/objects", git_dir);
	*files = (struct verify_files){.dirs = 1};
	files->dir[0] = dir.data;
	if (!is_there(git_dir, "objects")) {
		return err_set(err, ERR_FAIL, "'%s' has no folder 'objects'", git_dir);
	}
	for (size_t at = 0; at < files->dirs; at++) {
		list_packs(files, at);
		list_graphs(files, at);
		for (unsigned first = 0; first < 256; first++) {
			list_loose_of(files, at, first);
		}
		list_alternates(files, at);
	}
	if (files->packs) {
		qsort(files->pack, files->packs, sizeof(*files->pack), by_name);
	}
	if (files->others) {
		qsort(files->other, files->others, sizeof(*files->other), by_name);
	}
	if (files->looses) {
		qsort(files->loose, files->looses, sizeof(*files->loose), by_id);
	}
	return 0;
}

void verify_files_release(struct verify_files *files)
{
	for (size_t i = 0; i < files->dirs; i++) {
		free(files->dir[i]);
	}
	for (size_t i = 0; i < files->packs; i++) {
		free(files->pack[i].name);
	}
	for (size_t i = 0; i < files->others; i++) {
		free(files->other[i].name);
	}
	free(files->pack);
	free(files->other);
	free(files->loose);
	*files = (struct verify_files){0};
}

/* Whether the file ends with the SHA-1 of all before. */
static bool has_own_sha1(int fd)
{
	uint8_t *block = xmalloc(BLOCK_BYTES + OBJECT_ID), digest[OBJECT_ID];
	struct sha1_ctx ctx;
	size_t held = 0;
	ssize_t n;

	sha1_init(&ctx);
	/* The last bytes read are held back: they may be the end. */
	while ((n = read(fd, block + held, BLOCK_BYTES)) > 0) {
		held += (size_t)n;
		if (held > OBJECT_ID) {
			sha1_update(&ctx, held - OBJECT_ID, block);
			memmove(block, block + held - OBJECT_ID, OBJECT_ID);
			held = OBJECT_ID;
		}
	}
	sha1_digest(&ctx, OBJECT_ID, digest);
	n = n < 0 || held < OBJECT_ID ? 1 : memcmp(digest, block, OBJECT_ID);
	free(block);
	return n == 0;
}

void verify_files_check(const struct verify_files *files, struct verify_report *report)
{
	struct buf path = {0};

	for (size_t i = 0; i < files->others; i++) {
		const struct verify_file *file = &files->other[i];
		struct stat st;
		int fd;

		buf_clear(&path);
		buf_addf(&path, "%s/%s", files->dir[file->dir], file->name);
		fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
		if (fd < 0 && errno == ENOENT) {
			continue;
		}
		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		    !has_own_sha1(fd)) {
			verify_files_path(&path, files, file->dir, file->name);
			verify_report_fail(
				report, path.data,
				"the file is damaged: it does not have its own SHA-1");
		}
		if (fd >= 0) {
			close(fd);
		}
	}
	buf_release(&path);
}

void verify_files_path(struct buf *path, const struct verify_files *files, size_t dir,
		       const char *name)
{
	buf_clear(path);
	buf_addf(path, "%s/%s", dir ? files->dir[dir] : "objects", name);
}

struct verify_loose *verify_files_find(const struct verify_files *files,
				       const uint8_t id[OBJECT_ID])
{
	struct verify_loose key = {.dir = 0};

	memcpy(key.id, id, OBJECT_ID);
	return files->looses ? bsearch(&key, files->loose, files->looses,
				       sizeof(*files->loose), by_id)
			     : NULL;
}

void verify_files_loose_name(char name[OBJECT_HEX + 2], const struct verify_loose *loose)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, loose->id);
	snprintf(name, OBJECT_HEX + 2, "%.2s/%s", hex, hex + 2);
}
