/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/edge/run_as.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exporter/snapshot/response.h"

/* What nginx runs as if it is not told. */
#define NOBODY "nobody"

/* True if every user may search the folder `path` and all folders above it. */
static bool is_open_to_all(const char *path)
{
	char *copy = xstrdup(path);
	bool open = true;

	for (char *p = copy + strlen(copy); open; p--) {
		struct stat st;

		if (*p != '/' && *p != '\0') {
			continue;
		}
		*p = '\0';
		open = stat(p == copy ? "/" : copy, &st) == 0 && (st.st_mode & S_IXOTH);
		if (p == copy) {
			break;
		}
	}
	free(copy);
	return open;
}

/* True if every user may read the files of the site. They were all made with one umask, so
 * one file and one folder show whether it was strict. */
static bool is_readable_by_all(const char *site)
{
	struct buf path = {0};
	struct stat st;
	bool readable;

	buf_addf(&path, "%s/", site);
	response_site_root(&path, response_of(QUERY_TAG_IMAGES));
	readable = access(path.data, F_OK) < 0 || is_open_to_all(path.data);
	buf_clear(&path);
	buf_addf(&path, "%s/snapshot.json", site);
	if (stat(path.data, &st) == 0 && !(st.st_mode & S_IROTH)) {
		readable = false;
	}
	buf_release(&path);
	return readable && is_open_to_all(site);
}

/* A user and a group of the system, by number and by name. */
struct who {
	uid_t uid;
	gid_t gid;
	char *user, *group;
};

static void who_release(struct who *who)
{
	free(who->user);
	free(who->group);
	*who = (struct who){0};
}

/* Sets *who to this user and its own group. False: one of them has no name, which nginx
 * needs. */
static bool who_set(struct who *who, const struct passwd *user)
{
	const struct group *group;

	who_release(who);
	if (!user) {
		return false;
	}
	who->uid = user->pw_uid;
	who->gid = user->pw_gid;
	who->user = xstrdup(user->pw_name);
	if (!(group = getgrgid(who->gid))) {
		return false;
	}
	who->group = xstrdup(group->gr_name);
	return true;
}

/* Puts the user into another group. False: it has no name, or is that of root. */
static bool who_join(struct who *who, gid_t gid)
{
	const struct group *group = gid != 0 ? getgrgid(gid) : NULL;

	if (group) {
		free(who->group);
		who->gid = gid;
		who->group = xstrdup(group->gr_name);
	}
	return group;
}

/* True if a worker that runs like that can read the file. Asked of the kernel, so folders on
 * the way and access lists count. */
static bool who_can_read(const struct who *who, const char *path)
{
	pid_t child = fork();
	int status = 1;

	if (child == 0) {
		_exit(initgroups(who->user, who->gid) == 0 && setgid(who->gid) == 0 &&
				      setuid(who->uid) == 0 &&
				      open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) >= 0
			      ? 0
			      : 1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* Changes *who, as little as possible, so that it can read the file. `is_free`: it need not
 * stay the same user. */
static int reach_tokens(struct who *who, bool is_free, const char *tokens,
			struct err *err)
{
	struct buf was = {0};
	struct stat st;
	bool can;

	if (stat(tokens, &st) < 0) {
		return err_sys(err, "cannot stat '%s'", tokens);
	}
	buf_addstr(&was, who->user);
	can = who_can_read(who, tokens) ||
	      (who_join(who, st.st_gid) && who_can_read(who, tokens)) ||
	      (is_free && st.st_uid != 0 && who_set(who, getpwuid(st.st_uid)) &&
	       who_can_read(who, tokens));
	if (!can) {
		err_set(err, ERR_FAIL,
			"nginx's workers, which run as %s, cannot read '%s'; give the "
			"file "
			"to a group that is for it alone, with chgrp and chmod 640, in a "
			"folder that all may search",
			was.data, tokens);
	}
	buf_release(&was);
	return can ? 0 : ERR_FAIL;
}

bool run_as_can_read(const char *user, const char *path)
{
	struct who who = {0};
	bool can = geteuid() != 0 || !who_set(&who, getpwnam(user)) ||
		   who_can_read(&who, path);

	who_release(&who);
	return can;
}

int run_as_add(struct buf *out, const char *site, const char *tokens, struct err *err)
{
	bool is_open = is_readable_by_all(site);
	struct who who = {0};
	struct stat st;
	int rc = 0;

	if (geteuid() != 0 || (is_open && !tokens)) {
		return 0;
	}
	if (stat(site, &st) < 0) {
		return err_sys(err, "cannot stat '%s'", site);
	}
	if (!who_set(&who, is_open ? getpwnam(NOBODY) : getpwuid(st.st_uid))) {
		rc = is_open ? err_set(err, ERR_FAIL, "there is no user '" NOBODY "'")
			     : err_set(err, ERR_FAIL,
				       "nginx's workers cannot read '%s': only its owner "
				       "can, "
				       "and the owner's user id %lu has no name, which "
				       "nginx "
				       "needs",
				       site, (unsigned long)st.st_uid);
	} else if (!tokens || (rc = reach_tokens(&who, is_open, tokens, err)) == 0) {
		buf_addf(out, "\n# %s\nuser %s %s;\n",
			 !tokens   ? "Only the owner of the site can read it."
			 : is_open ? "Who can read the keys of tokens."
				   : "Who can read the site and the keys of tokens.",
			 who.user, who.group);
	}
	who_release(&who);
	return rc;
}
