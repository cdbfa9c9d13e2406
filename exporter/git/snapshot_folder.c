/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/snapshot_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/packfile.h"
#include "exporter/git/packset.h"

static bool starts_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static bool has(const char *path, const char *name, mode_t kind)
{
	struct buf full = {0};
	struct stat st;
	bool found;

	buf_addf(&full, "%s/%s", path, name);
	found = stat(full.data, &st) == 0 && (st.st_mode & S_IFMT) == kind;
	buf_release(&full);
	return found;
}

int snapshot_folder_look(enum snapshot_folder *out, const char *path, struct err *err)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	*out = SNAPSHOT_FOLDER_ABSENT;
	if (!dir) {
		return errno == ENOENT ? 0
				       : err_sys(err, "cannot open folder '%s'", path);
	}
	*out = SNAPSHOT_FOLDER_EMPTY;
	if (has(path, "HEAD", S_IFREG) && has(path, "objects", S_IFDIR) &&
	    has(path, "refs", S_IFDIR)) {
		*out = SNAPSHOT_FOLDER_REPO;
	} else if (!has(path, SNAPSHOT_LOCK, S_IFREG)) {
		/* The lock comes first: a folder that has it is ours to complete. */
		errno = 0;
		while (*out == SNAPSHOT_FOLDER_EMPTY && (entry = readdir(dir))) {
			if (strcmp(entry->d_name, ".") != 0 &&
			    strcmp(entry->d_name, "..") != 0) {
				*out = SNAPSHOT_FOLDER_OTHER;
			}
		}
	}
	closedir(dir);
	return 0;
}

static int sweep_file(const char *path, struct err *err)
{
	if (unlink(path) < 0 && errno != ENOENT) {
		return err_sys(err, "cannot remove '%s', left by a killed process", path);
	}
	return 0;
}

/* Removes the files in `folder` whose names begin with one of the prefixes. */
static int sweep_prefixes(const char *repo, const char *folder, const char *const *prefix,
			  struct err *err)
{
	struct buf path = {0};
	struct dirent *entry;
	size_t base;
	DIR *dir;
	int rc = 0;

	buf_addf(&path, "%s/%s/", repo, folder);
	base = path.len;
	dir = opendir(path.data);
	while (!rc && dir && (entry = readdir(dir))) {
		for (size_t i = 0; !rc && prefix[i]; i++) {
			if (entry->d_name[0] != '.' &&
			    starts_with(entry->d_name, prefix[i])) {
				buf_setlen(&path, base);
				buf_addstr(&path, entry->d_name);
				rc = sweep_file(path.data, err);
			}
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&path);
	return rc;
}

/* A pack without an index is nothing to git: what a removal left that was killed
 * between the two (the index goes first), or an installation (it comes last). What
 * such a pack held is elsewhere, or nothing refers to it yet. */
static int sweep_orphans(const char *repo, struct err *err)
{
	struct buf folder = {0}, idx = {0};
	struct dirent *entry;
	DIR *dir;
	int rc = 0;

	buf_addf(&folder, "%s/objects/pack", repo);
	dir = opendir(folder.data);
	while (!rc && dir && (entry = readdir(dir))) {
		char *name = entry->d_name;

		if (!ends_with(name, ".pack")) {
			continue;
		}
		name[strlen(name) - strlen(".pack")] = '\0';
		buf_clear(&idx);
		buf_addf(&idx, "objects/pack/%s.idx", name);
		if (packset_is_name(name, strlen(name)) &&
		    !has(repo, idx.data, S_IFREG)) {
			rc = packset_remove(folder.data, name, err);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&folder);
	buf_release(&idx);
	return rc;
}

/* No reference ends in `.lock`, so below refs and logs such a file is a lock. */
static int sweep_locks(const char *repo, struct err *err)
{
	struct buf refs = {0}, logs = {0};
	char *roots[3];
	FTSENT *entry;
	FTS *walk;
	int rc = 0;

	buf_addf(&refs, "%s/refs", repo);
	buf_addf(&logs, "%s/logs", repo);
	roots[0] = refs.data;
	roots[1] = logs.data;
	roots[2] = NULL;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	while (!rc && walk && (entry = fts_read(walk))) {
		if ((entry->fts_info == FTS_F || entry->fts_info == FTS_NSOK) &&
		    ends_with(entry->fts_name, ".lock")) {
			rc = sweep_file(entry->fts_accpath, err);
		}
	}
	if (walk) {
		fts_close(walk);
	}
	buf_release(&refs);
	buf_release(&logs);
	return rc;
}

int snapshot_folder_unstage(const char *path, struct err *err)
{
	static const char *const all[] = {"", NULL};
	struct buf folder = {0};
	int rc = sweep_prefixes(path, SNAPSHOT_STAGE, all, err);

	buf_addf(&folder, "%s/%s", path, SNAPSHOT_STAGE);
	if (!rc && rmdir(folder.data) < 0 && errno != ENOENT) {
		rc = err_sys(err, "cannot remove folder '%s'", folder.data);
	}
	buf_release(&folder);
	return rc;
}

int snapshot_folder_sweep(const char *path, struct err *err)
{
	static const char *const locks[] = {"HEAD.lock", "packed-refs.lock",
					    "config.lock", NULL};
	static const char *const packs[] = {PACKFILE_TEMP_PACK, PACKFILE_TEMP_IDX,
					    "pack_git2_", NULL};
	static const char *const loose[] = {"tmp_object_git2_", NULL};
	int rc = sweep_prefixes(path, ".", locks, err);

	if (!rc) {
		rc = sweep_prefixes(path, "objects/pack", packs, err);
	}
	if (!rc) {
		rc = sweep_orphans(path, err);
	}
	if (!rc) {
		rc = sweep_prefixes(path, "objects", loose, err);
	}
	if (!rc) {
		rc = snapshot_folder_unstage(path, err);
	}
	return rc ? rc : sweep_locks(path, err);
}

/* The next line of *lines, which moves on. False: there is none (any more). */
static bool next_name(struct buf *name, const char **lines)
{
	size_t len;

	if (!*lines || !**lines) {
		return false;
	}
	len = strcspn(*lines, "\n");
	buf_clear(name);
	buf_add(name, *lines, len);
	*lines += len + ((*lines)[len] == '\n');
	return true;
}

void snapshot_folder_fresh(const char *path, struct buf *names)
{
	struct buf fresh = {0}, name = {0}, idx = {0};
	const char *line = names->data;

	while (next_name(&name, &line)) {
		buf_clear(&idx);
		buf_addf(&idx, "objects/pack/%s.idx", name.data);
		if (!has(path, idx.data, S_IFREG)) {
			buf_addf(&fresh, "%s\n", name.data);
		}
	}
	buf_clear(names);
	buf_addstr(names, fresh.data ? fresh.data : "");
	buf_release(&fresh);
	buf_release(&name);
	buf_release(&idx);
}

/* The note: "tip TIP", the names of the packs, "end", a line each. It is not
 * synced: a power loss that takes it leaves packs that nothing refers to, which is
 * untidy but sound. */
int snapshot_folder_note(const char *path, const char *tip, const char *names,
			 struct err *err)
{
	struct buf file = {0}, text = {0};
	int rc = 0;
	int fd;

	buf_addf(&file, "%s/%s", path, SNAPSHOT_NOTE);
	buf_addf(&text, "tip %s\n%send\n", tip, names);
	fd = open(file.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0) {
		rc = err_sys(err, "cannot make '%s'", file.data);
	} else {
		rc = file_write_fd(fd, text.data, text.len, file.data, err);
		if (close(fd) < 0 && !rc) {
			rc = err_sys(err, "cannot write '%s'", file.data);
		}
	}
	buf_release(&file);
	buf_release(&text);
	return rc;
}

int snapshot_folder_done(const char *path, const char *names, struct err *err)
{
	struct buf note = {0}, dir = {0}, name = {0};
	int rc = 0;

	buf_addf(&dir, "%s/objects/pack", path);
	while (!rc && next_name(&name, &names)) {
		if (packset_is_name(name.data, name.len)) {
			rc = packset_remove(dir.data, name.data, err);
		}
	}
	buf_addf(&note, "%s/%s", path, SNAPSHOT_NOTE);
	if (!rc) {
		rc = sweep_file(note.data, err);
	}
	buf_release(&note);
	buf_release(&dir);
	buf_release(&name);
	return rc;
}

int snapshot_folder_recover(const char *path, const char *tip, struct err *err)
{
	struct buf file = {0}, text = {0}, head = {0};
	struct err unread;
	bool unmoved = false;
	int rc;

	buf_addf(&file, "%s/%s", path, SNAPSHOT_NOTE);
	rc = file_read(&text, file.data, (size_t)1 << 20, &unread);
	if (rc == ERR_NOTFOUND) {
		rc = 0;
		goto out;
	}
	buf_addf(&head, "tip %s\n", tip);
	if (!rc && ends_with(text.data, "\nend\n")) {
		unmoved = starts_with(text.data, head.data);
	}
	rc = snapshot_folder_done(path, unmoved ? text.data + head.len : NULL, err);
out:
	buf_release(&file);
	buf_release(&text);
	buf_release(&head);
	return rc;
}
