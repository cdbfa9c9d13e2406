/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/packset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

/* stat of NAME.SUFFIX in the folder. */
static bool look(struct stat *st, int dir_fd, const char *name, const char *suffix)
{
	struct buf file = {0};
	bool found;

	buf_addf(&file, "%s.%s", name, suffix);
	found = fstatat(dir_fd, file.data, st, AT_SYMLINK_NOFOLLOW) == 0;
	buf_release(&file);
	return found;
}

/* Whether this is the name of a pack's index. */
static bool is_index(const char *file)
{
	const char *dot = strrchr(file, '.');

	return dot && strcmp(dot, ".idx") == 0 &&
	       packset_is_name(file, (size_t)(dot - file));
}

/* Adds the pack of the index `file`, if we may replace it. */
static void add(struct packset *set, size_t *cap, int dir_fd, const char *file)
{
	static const char *const theirs[] = {"keep", "promisor", "mtimes"};
	struct packset_pack pack = {0};
	struct stat st;

	if (!is_index(file)) {
		return;
	}
	memcpy(pack.name, file, PACKSET_NAME);
	for (size_t i = 0; i < sizeof(theirs) / sizeof(*theirs); i++) {
		if (look(&st, dir_fd, pack.name, theirs[i])) {
			return;
		}
	}
	if (!look(&st, dir_fd, pack.name, "pack") || !S_ISREG(st.st_mode)) {
		return;
	}
	pack.size_bytes = (uint64_t)st.st_size;
	set->pack = xgrow(set->pack, set->count, cap, sizeof(*set->pack));
	set->pack[set->count++] = pack;
}

static int compare_packs(const void *a, const void *b)
{
	const struct packset_pack *left = a, *right = b;

	if (left->size_bytes != right->size_bytes) {
		return left->size_bytes < right->size_bytes ? -1 : 1;
	}
	return strcmp(left->name, right->name);
}

int packset_count(size_t *out, const char *dir, struct err *err)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;

	*out = 0;
	if (!stream) {
		return err_sys(err, "cannot open folder '%s'", dir);
	}
	while ((entry = readdir(stream))) {
		*out += is_index(entry->d_name);
	}
	closedir(stream);
	return 0;
}

int packset_read(struct packset *out, const char *dir, struct err *err)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	size_t cap = 0;

	*out = (struct packset){0};
	if (!stream) {
		return err_sys(err, "cannot open folder '%s'", dir);
	}
	while ((entry = readdir(stream))) {
		add(out, &cap, dirfd(stream), entry->d_name);
	}
	closedir(stream);
	if (out->count) {
		qsort(out->pack, out->count, sizeof(*out->pack), compare_packs);
	}
	return 0;
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
