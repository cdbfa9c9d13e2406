/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_VERIFY_VERIFY_FILES_H
#define EXPORTER_VERIFY_VERIFY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/base/buf.h"
#include "data/base/err.h"
#include "exporter/git/pack/object.h"
#include "exporter/verify/verify_report.h"

/*
 * verify_files - the files in a repository's folder of objects, and in those that it
 * borrows from: packs, loose objects, and what git keeps beside them.
 */

#define VERIFY_FILES_DIRS 16 /* folders of objects: its own and borrowed ones */

struct verify_file {
	size_t dir;
	char *name; /* from objects/ on; a pack's without suffix: "pack/pack-..." */
};

struct verify_loose {
	uint8_t id[OBJECT_ID];
	uint8_t dir;
	bool bad; /* the caller's: false at first */
};

struct verify_files {
	char *dir[VERIFY_FILES_DIRS]; /* ".../objects" */
	size_t dirs;
	struct verify_file *pack; /* with both pack and index */
	size_t packs, pack_cap;
	struct verify_file *other; /* what git made of packs, with a checksum */
	size_t others, other_cap;
	struct verify_loose *loose; /* sorted by id */
	size_t looses, loose_cap;
};

/* Lists the files of the repository `git_dir`. ERR_FAIL: there is no such folder. */
int verify_files_list(struct verify_files *files, const char *git_dir, struct err *err);
void verify_files_release(struct verify_files *files);

/* Compares the `other` files with the checksum at their end. */
void verify_files_check(const struct verify_files *files, struct verify_report *report);

/* What to call the file `name` of a folder: "objects/..." if it is the repository's
 * own. *path is cleared first. */
void verify_files_path(struct buf *path, const struct verify_files *files, size_t dir,
		       const char *name);

/* A loose object, or NULL. */
struct verify_loose *verify_files_find(const struct verify_files *files,
				       const uint8_t id[OBJECT_ID]);
/* Its name, from objects/ on. */
void verify_files_loose_name(char name[OBJECT_HEX + 2], const struct verify_loose *loose);

#endif
