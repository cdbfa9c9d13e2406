/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/unmounted.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/log.h"
#include "indexer/walk.h"

static bool is_mounted(int rootfd, const char *prefix)
{
	int fd = walk_open(rootfd, prefix, O_PATH | O_DIRECTORY);
	struct statx stx;
	bool yes = false;

	if (fd >= 0) {
		yes = statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) == 0 &&
		      (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
		close(fd);
	}
	return yes;
}

void unmounted_add(struct paths *unmounted, int rootfd, const char *prefix, size_t len)
{
	if (!unmounted_holds(unmounted, prefix, len) && !is_mounted(rootfd, prefix) &&
	    paths_add(unmounted, prefix, len)) {
		log_warning("the file system of folder './%s' was unmounted; the "
			    "index keeps what it knows of its files until it is mounted "
			    "again, or the watch is restarted",
			    prefix);
	}
}

bool unmounted_holds(const struct paths *unmounted, const char *path, size_t len)
{
	const char *prefix;
	size_t at = 0, prefix_len;

	while (paths_next(unmounted, &at, &prefix, &prefix_len)) {
		if (prefix_len <= len && memcmp(prefix, path, prefix_len) == 0) {
			return true;
		}
	}
	return false;
}

void unmounted_keep(const struct paths *unmounted, struct paths *removed,
		    struct paths *others)
{
	struct paths rest = {0};
	const char *path;
	size_t at = 0, len;

	if (!unmounted->count) {
		return;
	}
	while (paths_next(removed, &at, &path, &len)) {
		paths_add(unmounted_holds(unmounted, path, len) ? others : &rest, path,
			  len);
	}
	paths_release(removed);
	*removed = rest;
}

bool unmounted_check(struct paths *unmounted, int rootfd)
{
	struct paths mounted = {0}, rest = {0};
	const char *prefix;
	size_t at = 0, len;
	bool any;

	while (paths_next(unmounted, &at, &prefix, &len)) {
		if (is_mounted(rootfd, prefix)) {
			log_info("folder './%s' is mounted again", prefix);
			paths_append(&mounted, prefix, len);
		}
	}
	any = mounted.count > 0;
	at = 0;
	while (any && paths_next(unmounted, &at, &prefix, &len)) {
		if (!unmounted_holds(&mounted, prefix, len)) {
			paths_add(&rest, prefix, len);
		}
	}
	if (any) {
		paths_release(unmounted);
		*unmounted = rest;
	}
	paths_release(&mounted);
	return any;
}
