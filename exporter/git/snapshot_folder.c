/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/snapshot_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/file.h"
#include "exporter/git/pack/packfile.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/packset.h"
#include "exporter/git/reflock.h"

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
			if ((entry->d_name[0] != '.' || prefix[i][0] == '.') &&
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

/* The names below are ours alone: no other program gives them to a file. What else lies
 * in the folder, whatever it looks like, is another program's: a pack whose index git is
 * about to name, its locks, what another libgit2 writes. */
int snapshot_folder_sweep(const char *path, struct err *err)
{
	static const char *const own[] = {SNAPSHOT_TEMP_REF, SNAPSHOT_TEMP_CONFIG,
					  ".albumen-tmp-", NULL};
	static const char *const packs[] = {PACKFILE_TEMP_PACK, PACKFILE_TEMP_IDX, NULL};
	int rc = sweep_prefixes(path, ".", own, err);

	if (!rc) {
		rc = sweep_prefixes(path, "objects/pack", packs, err);
	}
	if (!rc) {
		rc = snapshot_folder_unstage(path, err);
	}
	return rc ? rc : reflock_sweep(path, err);
}

/* The next line of *lines, which moves on. False: there is none (any more). */
static bool next_line(struct buf *line, const char **lines)
{
	size_t len;

	if (!*lines || !**lines) {
		return false;
	}
	len = strcspn(*lines, "\n");
	buf_clear(line);
	buf_add(line, *lines, len);
	*lines += len + ((*lines)[len] == '\n');
	return true;
}

static bool has_idx(const char *path, const char *pack)
{
	struct buf idx = {0};
	bool found;

	buf_addf(&idx, "objects/pack/%s.idx", pack);
	found = has(path, idx.data, S_IFREG);
	buf_release(&idx);
	return found;
}

void snapshot_folder_fresh(const char *path, struct buf *names)
{
	struct buf fresh = {0}, name = {0};
	const char *line = names->data;

	while (next_line(&name, &line)) {
		if (!has_idx(path, name.data)) {
			buf_addf(&fresh, "%s\n", name.data);
		}
	}
	buf_clear(names);
	buf_addstr(names, fresh.data ? fresh.data : "");
	buf_release(&fresh);
	buf_release(&name);
}

/* --- the note --- */

/* "ref NAME FROM TO" (if a reference moves), the names of the packs, "end", a line each. */
#define NOTE_MAX ((size_t)1 << 20)

static void write_note(struct buf *text, const struct snapshot_note *note)
{
	if (note->ref) {
		buf_addf(text, "ref %s %s %s\n", note->ref,
			 *note->from ? note->from : "-", note->to);
	}
	buf_addf(text, "%send\n", note->names);
}

int snapshot_folder_note(const char *path, const struct snapshot_note *note,
			 struct err *err)
{
	struct buf file = {0}, text = {0};
	int rc = 0;
	int fd;

	buf_addf(&file, "%s/%s", path, SNAPSHOT_NOTE);
	write_note(&text, note);
	if (!note->ref) {
		rc = file_replace(file.data, text.data, text.len, err);
		goto out;
	}
	fd = open(file.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0) {
		rc = err_sys(err, "cannot make '%s'", file.data);
	} else {
		rc = file_write_fd(fd, text.data, text.len, file.data, err);
		if (close(fd) < 0 && !rc) {
			rc = err_sys(err, "cannot write '%s'", file.data);
		}
	}
out:
	buf_release(&file);
	buf_release(&text);
	return rc;
}

/* The `.keep` of a pack: git's own way to say that what is in it is not referred to yet,
 * and that `git repack` must not drop it. */
int snapshot_folder_keep(const char *path, const char *names, bool keep, struct err *err)
{
	struct buf name = {0}, file = {0};
	int rc = 0;

	while (!rc && next_line(&name, &names)) {
		buf_clear(&file);
		buf_addf(&file, "%s/objects/pack/%s.keep", path, name.data);
		if (!keep) {
			rc = packset_is_name(name.data, name.len)
				     ? sweep_file(file.data, err)
				     : 0;
			continue;
		}
		if (reflock_mark(path, file.data) < 0 && errno != EEXIST) {
			rc = err_sys(err, "cannot make '%s'", file.data);
		}
	}
	buf_release(&name);
	buf_release(&file);
	return rc;
}

static int remove_packs(const char *path, const char *names, bool whole_too,
			struct err *err)
{
	struct buf dir = {0}, name = {0};
	int rc = 0;

	buf_addf(&dir, "%s/objects/pack", path);
	while (!rc && next_line(&name, &names)) {
		if (packset_is_name(name.data, name.len) &&
		    (whole_too || !has_idx(path, name.data))) {
			rc = packset_remove(dir.data, name.data, err);
		}
	}
	buf_release(&dir);
	buf_release(&name);
	return rc;
}

int snapshot_folder_forget(const char *path, const char *names, unsigned flags,
			   struct err *err)
{
	struct buf note = {0};
	int rc = remove_packs(path, names, flags & SNAPSHOT_FORGET_PACKS, err);

	if (!rc && (flags & SNAPSHOT_FORGET_KEEP)) {
		/* Last, as it keeps git from the pack. */
		rc = snapshot_folder_keep(path, names, false, err);
	}
	buf_addf(&note, "%s/%s", path, SNAPSHOT_NOTE);
	if (!rc) {
		rc = sweep_file(note.data, err);
	}
	buf_release(&note);
	return rc;
}

/* Parts the first line, if it is about a reference. */
static bool parse_ref(struct snapshot_found *found, const char **lines)
{
	const char *eol = strchr(*lines, '\n');
	const char *ref = *lines + strlen("ref "), *from, *to;

	if (!starts_with(*lines, "ref ") || !eol) {
		return false;
	}
	from = memchr(ref, ' ', (size_t)(eol - ref));
	to = from ? memchr(from + 1, ' ', (size_t)(eol - from - 1)) : NULL;
	if (!to || eol - to - 1 != OBJECT_HEX ||
	    (to - from - 1 != OBJECT_HEX && to - from - 1 != 1) ||
	    (!starts_with(ref, "refs/heads/") && !starts_with(ref, "refs/tags/"))) {
		return false;
	}
	buf_add(&found->ref, ref, (size_t)(from - ref));
	if (from[1] != '-') {
		memcpy(found->from, from + 1, OBJECT_HEX);
	}
	memcpy(found->to, to + 1, OBJECT_HEX);
	*lines = eol + 1;
	return true;
}

bool snapshot_folder_is_noted(const char *path)
{
	return has(path, SNAPSHOT_NOTE, S_IFREG);
}

int snapshot_folder_found(struct snapshot_found *found, const char *path, struct err *err)
{
	struct buf file = {0}, text = {0};
	const char *lines;
	struct err why;
	int rc;

	*found = (struct snapshot_found){0};
	buf_addf(&file, "%s/%s", path, SNAPSHOT_NOTE);
	rc = file_read(&text, file.data, NOTE_MAX, &why);
	found->is = rc != ERR_NOTFOUND;
	if (rc == ERR_NOTFOUND || rc == ERR_INPUT) {
		rc = 0;
	} else if (!rc &&
		   (strcmp(text.data, "end\n") == 0 || ends_with(text.data, "\nend\n"))) {
		lines = text.data;
		parse_ref(found, &lines);
		buf_addstr(&found->names, lines);
		buf_setlen(&found->names, found->names.len - strlen("end\n"));
	} else if (rc && err) {
		*err = why;
	}
	buf_release(&file);
	buf_release(&text);
	return rc;
}

void snapshot_found_release(struct snapshot_found *found)
{
	buf_release(&found->ref);
	buf_release(&found->names);
}

/* --- what is missing --- */

/* What is wrong with one pack, as "; ...". Nothing, if its name is none. */
static void mend_pack(struct buf *out, const char *path, const char *folder,
		      const char *name)
{
	struct packindex index = {0};
	struct err why;

	if (!packset_is_name(name, strlen(name))) {
		return;
	}
	if (!has_idx(path, name)) {
		buf_addf(out,
			 "; the pack %s.pack has lost its index: mend it with: "
			 "git -C '%s' index-pack 'objects/pack/%s.pack'",
			 name, path, name);
	} else if (packindex_open(&index, folder, name, &why) == ERR_INPUT) {
		buf_addf(out, "; %s: restore the file from a copy or a clone", why.msg);
	}
	packindex_close(&index);
}

void snapshot_folder_mend(struct buf *out, const char *path)
{
	struct buf folder = {0};
	struct dirent *entry;
	DIR *dir;

	buf_addf(&folder, "%s/objects/pack", path);
	dir = opendir(folder.data);
	while (dir && !out->len && (entry = readdir(dir))) {
		char *name = entry->d_name;

		if (ends_with(name, ".pack")) {
			name[strlen(name) - strlen(".pack")] = '\0';
			mend_pack(out, path, folder.data, name);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&folder);
}

/* --- files and folders of the repository --- */

int snapshot_folder_copy(const char *path, const char *from, const char *to,
			 struct err *err)
{
	struct buf file = {0}, text = {0};
	int fd = -1, rc;

	buf_addf(&file, "%s/%s", path, from);
	rc = file_read(&text, file.data, (size_t)16 << 20, err);
	buf_clear(&file);
	buf_addf(&file, "%s/%s", path, to);
	if (!rc) {
		fd = open(file.data,
			  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
		rc = fd < 0 ? err_sys(err, "cannot make '%s'", file.data)
			    : file_write_fd(fd, text.data, text.len, file.data, err);
	}
	if (!rc && fsync(fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", file.data);
	}
	if (fd >= 0 && close(fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", file.data);
	}
	buf_release(&file);
	buf_release(&text);
	return rc;
}

int snapshot_folder_settle(const char *path, const char *from, const char *to,
			   struct err *err)
{
	struct buf old = {0}, new = {0};
	int fd, rc = 0;

	buf_addf(&old, "%s/%s", path, from);
	buf_addf(&new, "%s/%s", path, to);
	fd = open(old.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fsync(fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", old.data);
	}
	if (fd >= 0) {
		close(fd);
	}
	if (!rc && rename(old.data, new.data) < 0) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", old.data, new.data);
	}
	buf_release(&old);
	buf_release(&new);
	return rc;
}

static uint64_t hash_name(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (; *name; name++) {
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	}
	return hash;
}

uint64_t snapshot_folder_print(const char *path)
{
	struct buf folder = {0};
	struct dirent *entry;
	struct stat st = {0};
	uint64_t print;
	DIR *dir;

	print = stat(path, &st) < 0 ? 0 : (uint64_t)st.st_ino ^ (uint64_t)st.st_dev << 32;
	buf_addf(&folder, "%s/objects/pack", path);
	dir = opendir(folder.data);
	/* A sum: the order of a folder's entries says nothing. */
	while (dir && (entry = readdir(dir))) {
		if (ends_with(entry->d_name, ".idx") ||
		    ends_with(entry->d_name, ".pack")) {
			print += hash_name(entry->d_name);
		}
	}
	if (dir) {
		closedir(dir);
	}
	buf_release(&folder);
	return print;
}
