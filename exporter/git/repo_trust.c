/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/repo_trust.h"

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "exporter/git/repo.h"

/* --- the owner --- */

/* As git's is_path_owned_by_current_user. */
static bool is_ours(const struct stat *st)
{
	const char *sudo = getenv("SUDO_UID");
	char *end = NULL;
	unsigned long uid;

	if (st->st_uid == geteuid()) {
		return true;
	}
	if (geteuid() != 0 || !sudo || *sudo < '0' || *sudo > '9') {
		return false;
	}
	errno = 0;
	uid = strtoul(sudo, &end, 10);
	return !errno && !*end && uid == st->st_uid;
}

static void add_user(struct buf *out, uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	if (user) {
		buf_addstr(out, user->pw_name);
	} else {
		buf_addf(out, "the user id %lu", (unsigned long)uid);
	}
}

static int refuse_owner(const char *path, const char *name, uid_t uid, struct err *err)
{
	struct buf owner = {0}, us = {0};
	int rc;

	add_user(&owner, uid);
	add_user(&us, geteuid());
	rc = err_set(
		err, ERR_REFUSED,
		"the repository '%s' belongs to %s, and this process to %s: run the "
		"command as %s, clone the repository, or, if you trust who can write "
		"to it: git config --global --add safe.directory '%s'",
		path, owner.data, us.data, owner.data, name);
	buf_release(&owner);
	buf_release(&us);
	return rc;
}

/* A command that keeps the HOME of another user, as with setpriv(1), cannot read his
 * configuration: then it allows nothing. */
static void add_unread(const struct err *why, struct err *err)
{
	const char *home = getenv("HOME");
	struct err found = *err;

	err_set(err, ERR_REFUSED, "%s; HOME is '%s': %s", found.msg, home ? home : "",
		why->msg);
}

/* git calls a clone that is not bare by the folder that .git is in. */
static void add_name(struct buf *name, const char *path)
{
	static const char git[] = "/.git";
	char *real = realpath(path, NULL);

	buf_addstr(name, real ? real : path);
	if (name->len > strlen(git) &&
	    strcmp(name->data + name->len - strlen(git), git) == 0) {
		buf_setlen(name, name->len - strlen(git));
	}
	free(real);
}

int repo_trust_owner(const char *path, struct err *err)
{
	struct buf name = {0};
	struct stat st, above;
	int rc = 0;

	if (stat(path, &st) < 0) {
		return 0; /* whoever opens it says why it cannot */
	}
	add_name(&name, path);
	if (stat(name.data, &above) < 0) {
		rc = err_sys(err, "cannot find '%s'", name.data);
	} else if (!is_ours(&st) || !is_ours(&above)) {
		struct err why = {0};
		bool safe;
		int unread = repo_is_safe_directory(&safe, name.data, &why);

		if (unread || !safe) {
			rc = refuse_owner(path, name.data,
					  is_ours(&st) ? above.st_uid : st.st_uid, err);
		}
		if (unread) {
			add_unread(&why, err);
		}
	}
	buf_release(&name);
	return rc;
}

/* --- what it borrows --- */

static bool exists(const char *path, const char *name)
{
	struct buf file = {0};
	struct stat st;
	bool found;

	buf_addf(&file, "%s/%s", path, name);
	found = lstat(file.data, &st) == 0;
	buf_release(&file);
	return found;
}

static int check_borrowed(const char *path, struct err *err)
{
	if (exists(path, "objects/info/alternates")) {
		return err_set(
			err, ERR_REFUSED,
			"the repository '%s' borrows objects from the folders that "
			"its file objects/info/alternates names; if you trust "
			"them, copy the objects with: git -C '%s' repack -a -d && "
			"rm '%s/objects/info/alternates'; otherwise remove that "
			"file",
			path, path, path);
	}
	if (exists(path, "commondir")) {
		return err_set(err, ERR_REFUSED,
			       "the repository '%s' is a part of the one that its file "
			       "commondir names; name that one",
			       path);
	}
	return 0;
}

int repo_trust_check(const char *path, struct err *err)
{
	int rc = repo_trust_owner(path, err);

	return rc ? rc : check_borrowed(path, err);
}
