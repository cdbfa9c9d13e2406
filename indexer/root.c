/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "data/base/clock.h"
#include "data/base/log.h"
#include "data/base/ready.h"
#include "indexer/walk.h"

#define AWAIT_MS 1000 /* between two looks */
#define SAY_MS 60000  /* between two warnings that there is no folder */

/* A folder that is mounted twice has the same device and inode in both places; the
 * mount's id tells them apart. A kernel before 5.8 does not give it. */
static int identify(struct root_identity *out, int fd, const char *path)
{
	struct statx stx;

	if (statx(fd, path, AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx) < 0) {
		return -1;
	}
	out->dev = (uint64_t)stx.stx_dev_major << 32 | stx.stx_dev_minor;
	out->ino = stx.stx_ino;
	out->mount = stx.stx_mask & STATX_MNT_ID ? stx.stx_mnt_id : 0;
	return 0;
}

void root_init(struct root *root, int fd, const char *path)
{
	*root = (struct root){.fd = fd, .path = path};
	root->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	identify(&root->is, fd, "");
}

void root_release(struct root *root)
{
	if (root->mounts >= 0) {
		close(root->mounts);
	}
	root->mounts = -1;
}

int root_await(int *fd, const char *path, struct stop *stop, struct err *err)
{
	struct pollfd asked = {.fd = stop->fd, .events = POLLIN};
	int64_t say_at_ms = 0;
	int rc = 0;

	while ((*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 && !rc) {
		if (errno != ENOENT) {
			return err_sys(err, "cannot open metadata folder '%s'", path);
		}
		if (clock_now_ms() >= say_at_ms) {
			log_warning(
				"there is no metadata folder '%s' yet; waiting for it",
				path);
			ready_waiting("waiting for the metadata folder");
			say_at_ms = clock_now_ms() + SAY_MS;
		}
		poll(&asked, 1, AWAIT_MS);
		rc = stop_check(stop, err);
	}
	if (!rc && say_at_ms) {
		log_info("metadata folder '%s' is there", path);
	}
	return rc;
}

bool root_is_current(const struct root *root)
{
	struct root_identity now;

	return identify(&now, AT_FDCWD, root->path) == 0 && now.dev == root->is.dev &&
	       now.ino == root->is.ino && now.mount == root->is.mount;
}

/* Moves `fd` to the number of root->fd. */
static int replace(struct root *root, int fd, struct err *err)
{
	int rc = 0;

	if (dup3(fd, root->fd, O_CLOEXEC) < 0) {
		rc = err_sys(err, "cannot open the metadata folder '%s'", root->path);
	}
	close(fd);
	return rc;
}

int root_leave(struct root *root, struct err *err)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	if (fd < 0) {
		return err_sys(err, "cannot open '/'");
	}
	return replace(root, fd, err);
}

static int stop_at_file(const struct walk_file *file, void *payload, struct err *err)
{
	(void)file;
	(void)err;
	*(bool *)payload = true;
	return ERR_NOTFOUND; /* ends the walk */
}

bool root_is_filled(int fd)
{
	bool yes = false;
	struct walk_visitor visitor = {.file = stop_at_file, .payload = &yes};
	struct err ignored = {0};

	walk_run(fd, "", 0, &visitor, &ignored);
	return yes;
}

int root_find(struct root *root, bool filled, struct err *err)
{
	int fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (fd < 0) {
		return ERR_NOTFOUND;
	}
	if (filled && !root_is_filled(fd)) {
		close(fd);
		return ERR_NOTFOUND;
	}
	rc = replace(root, fd, err);
	if (!rc) {
		identify(&root->is, root->fd, "");
	}
	return rc;
}

/* Network file systems raise no events for what other machines change. */
static bool raises_no_events(const struct statfs *fs)
{
	switch ((unsigned long)fs->f_type) {
	case NFS_SUPER_MAGIC:
	case SMB_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case CODA_SUPER_MAGIC:
	case AFS_SUPER_MAGIC:
	case CEPH_SUPER_MAGIC:
	case V9FS_MAGIC:
	case FUSE_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

bool root_is_remote(const struct root *root)
{
	struct statfs fs;

	if (fstatfs(root->fd, &fs) < 0) {
		return false;
	}
	if (raises_no_events(&fs)) {
		log_warning(
			"'%s' lies on a network file system, which raises no events for "
			"what other machines change; it is polled every few seconds",
			root->path);
		return true;
	}
	if (fs.f_type == OVERLAYFS_SUPER_MAGIC) {
		log_info("'%s' lies on an overlay file system: changes made beneath it "
			 "raise no events",
			 root->path);
	}
	return false;
}
