/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/packset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"

bool packset_is_name(const char *name, size_t len)
{
	uint8_t id[OBJECT_ID];

	return len == PACKSET_NAME && strncmp(name, "pack-", 5) == 0 &&
	       object_unhex(id, name + 5);
}

/* Names of packs, of which there may be thousands. */
struct names {
	char (*name)[PACKSET_NAME + 1];
	size_t count, cap;
};

static void add_name(struct names *names, const char *file)
{
	names->name = xgrow(names->name, names->count, &names->cap, sizeof(*names->name));
	memcpy(names->name[names->count], file, PACKSET_NAME);
	names->name[names->count++][PACKSET_NAME] = '\0';
}

static int compare_names(const void *a, const void *b)
{
	return memcmp(a, b, PACKSET_NAME);
}

/* Adds the pack to those with an index, or to those with a file that says not to replace it,
 * as its file's name has it. */
static void sort_in(struct names *indexed, struct names *theirs, const char *file)
{
	const char *suffix = strchr(file, '.');

	if (!suffix || !packset_is_name(file, (size_t)(suffix - file))) {
		return;
	}
	if (strcmp(suffix, ".idx") == 0) {
		add_name(indexed, file);
	} else if (strcmp(suffix, ".keep") == 0 || strcmp(suffix, ".promisor") == 0 ||
		   strcmp(suffix, ".mtimes") == 0) {
		add_name(theirs, file);
	}
}

/* Adds the pack, if its file is there. */
static void add(struct packset *set, size_t *cap, int dir_fd, const char *name,
		bool theirs)
{
	char file[PACKSET_NAME + sizeof(".pack")];
	struct stat st;

	snprintf(file, sizeof(file), "%s.pack", name);
	if (fstatat(dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode)) {
		return;
	}
	set->pack = xgrow(set->pack, set->count, cap, sizeof(*set->pack));
	set->pack[set->count] = (struct packset_pack){.size_bytes = (uint64_t)st.st_size,
						      .theirs = theirs};
	memcpy(set->pack[set->count++].name, name, PACKSET_NAME);
}

static int compare_packs(const void *a, const void *b)
{
	const struct packset_pack *left = a, *right = b;

	if (left->size_bytes != right->size_bytes) {
		return left->size_bytes < right->size_bytes ? -1 : 1;
	}
	return strcmp(left->name, right->name);
}

/* objects.h reads it all the same. */
static bool is_unusual(const char *file)
{
	size_t len = strlen(file);

	return strncmp(file, "pack-", 5) == 0 && len >= 9 &&
	       strcmp(file + len - 4, ".idx") == 0 && !packset_is_name(file, len - 4);
}

static int read_folder(struct packset *out, const char *dir, bool all, struct err *err)
{
	struct names indexed = {0}, theirs = {0};
	DIR *stream = opendir(dir);
	struct dirent *entry;
	size_t cap = 0;
	int rc = 0;

	*out = (struct packset){0};
	if (!stream) {
		return err_sys(err, "cannot open folder '%s'", dir);
	}
	while (!rc && (entry = readdir(stream))) {
		sort_in(&indexed, &theirs, entry->d_name);
		if (all && is_unusual(entry->d_name)) {
			rc = err_set(err, ERR_REFUSED,
				     "the pack '%s/%s' is not named as git does it; pack "
				     "its objects again with: git repack -a -d",
				     dir, entry->d_name);
		}
	}
	if (theirs.count) {
		qsort(theirs.name, theirs.count, sizeof(*theirs.name), compare_names);
	}
	for (size_t i = 0; !rc && i < indexed.count; i++) {
		const char *name = indexed.name[i];
		bool is = theirs.count && bsearch(name, theirs.name, theirs.count,
						  sizeof(*theirs.name), compare_names);

		if (all || !is) {
			add(out, &cap, dirfd(stream), name, is);
		}
	}
	closedir(stream);
	free(indexed.name);
	free(theirs.name);
	if (out->count) {
		qsort(out->pack, out->count, sizeof(*out->pack), compare_packs);
	}
	return rc;
}

int packset_read(struct packset *out, const char *dir, struct err *err)
{
	return read_folder(out, dir, false, err);
}

int packset_read_all(struct packset *out, const char *dir, struct err *err)
{
	return read_folder(out, dir, true, err);
}

void packset_release(struct packset *set)
{
	free(set->pack);
	*set = (struct packset){0};
}

int packset_remove(const char *dir, const char *name, struct err *err)
{
	/* git looks for indexes: without one no reader opens the pack, and a reader that
	 * has the pack open looks for the objects again. */
	static const char *const suffix[] = {"idx", "pack", "rev", "bitmap"};
	struct buf file = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(suffix) / sizeof(*suffix); i++) {
		buf_clear(&file);
		buf_addf(&file, "%s/%s.%s", dir, name, suffix[i]);
		if (unlink(file.data) < 0 && errno != ENOENT) {
			rc = err_sys(err, "cannot remove '%s'", file.data);
		}
	}
	buf_release(&file);
	return rc;
}
