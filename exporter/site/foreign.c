/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/foreign.h"

#include <errno.h>
#include <limits.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "exporter/git/commit.h"
#include "exporter/git/history.h"
#include "exporter/git/repo.h"
#include "exporter/git/repo_folder.h"
#include "exporter/git/repo_trust.h"
#include "exporter/site/pending.h"
#include "exporter/site/place.h"
#include "exporter/site/state.h"
#include "exporter/snapshot/message.h"

static bool has(const char *folder, const char *name)
{
	struct buf path = {0};
	bool found;

	buf_addf(&path, "%s/%s", folder, name);
	found = access(path.data, F_OK) == 0;
	buf_release(&path);
	return found;
}

/* --- is it the site of another repository? --- */

/* Whether a label of an erasure says that main was at this commit. */
static int was_tip(bool *was, struct snapshot_repo *repo,
		   const struct snapshot_id *commit, struct err *err)
{
	struct buf tags = {0}, ref = {0}, body = {0}, line = {0};
	int rc = repo_tags(repo, &tags, err);

	buf_addf(&line, "\nAlbumen-Erased-Old: %s\n", commit->hex);
	for (size_t at = 0; !rc && !*was && at < tags.len;) {
		char hex[OBJECT_HEX + 1] = "";
		uint8_t id[OBJECT_ID];

		if (strncmp(tags.data + at, "erased/", 7) == 0) {
			buf_clear(&ref);
			buf_clear(&body);
			buf_addf(&ref, "refs/tags/%s", tags.data + at);
			*was = repo_ref(hex, repo, ref.data, NULL) == 0 &&
			       object_unhex(id, hex) &&
			       repo_object(repo, &body, id, OBJECT_TAG, NULL) == 0 &&
			       strstr(body.data, line.data);
		}
		at += strlen(tags.data + at) + 1;
	}
	buf_release(&tags);
	buf_release(&ref);
	buf_release(&body);
	buf_release(&line);
	return rc;
}

/* Whether a snapshot of main was this commit before an erasure. */
static int was_snapshot(bool *was, struct snapshot_repo *repo,
			const struct snapshot_id *commit, struct err *err)
{
	struct history *history = history_new(repo);
	struct snapshot_info head = {0};
	struct history_step step;
	uint8_t id[OBJECT_ID];
	int rc = snapshot_head(repo, &head, err);

	if (!rc && object_unhex(id, head.commit.hex)) {
		history_start(history, id);
	}
	while (!rc && !*was && (rc = history_next(history, &step, err)) == 0) {
		struct buf value = {0};

		*was = commit_trailer(step.message, MESSAGE_WAS, &value) == 0 &&
		       strcmp(value.data, commit->hex) == 0;
		buf_release(&value);
	}
	snapshot_info_release(&head);
	history_free(history);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* *known: the repository has the commit, or had it before an erasure, so that the site is of
 * this history. */
static int look_up(bool *known, struct snapshot_repo *repo,
		   const struct snapshot_id *commit, struct err *err)
{
	struct snapshot_info info = {0};
	int rc = repo ? snapshot_resolve(repo, commit->hex, &info, err) : ERR_NOTFOUND;

	*known = !rc;
	snapshot_info_release(&info);
	if (rc == ERR_NOTFOUND && repo) {
		rc = was_tip(known, repo, commit, err);
		rc = rc || *known ? rc : was_snapshot(known, repo, commit, err);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* Looks for the commits that the site names. *named: the first of them, "" if there is
 * none. *known: the repository has one of them. */
static int find_commit(struct snapshot_id *named, bool *known, struct place *place,
		       struct snapshot_repo *repo, struct err *err)
{
	struct state at;
	struct pending pending = {0};
	struct snapshot_id commit;
	size_t next = 0;
	int rc = state_read(&at, place, err);

	*named = at.commit;
	*known = false;
	if (!rc && *at.commit.hex) {
		rc = look_up(known, repo, &at.commit, err);
	}
	if (!rc && !*known) {
		rc = pending_read(&pending, place, err);
	}
	while (!rc && !*known && pending_next(&pending, &next, &commit)) {
		if (*commit.hex) {
			*named = *named->hex ? *named : commit;
			rc = look_up(known, repo, &commit, err);
		}
	}
	pending_release(&pending);
	return rc;
}

static int refuse_commit(struct place *place, const struct snapshot_id *commit,
			 struct snapshot_repo *repo, struct err *err)
{
	if (!repo) {
		return err_set(err, ERR_REFUSED,
			       "site '%s' is at snapshot %s, and there is no "
			       "repository yet: check --repo and --site",
			       place_name(place), commit->hex);
	}
	return err_set(err, ERR_REFUSED,
		       "site '%s' is at snapshot %s, which the repository '%s' does not "
		       "have: the site is of another repository, or this one is an "
		       "older copy, or its history was rewritten or pruned",
		       place_name(place), commit->hex, snapshot_path(repo));
}

/* --- is it ahead of the branch? --- */

/* Whether a label is on the snapshot: then it may be published, wherever main leads. */
static int find_label(bool *labelled, struct snapshot_repo *repo,
		      const struct snapshot_id *commit, struct err *err)
{
	struct buf tags = {0}, ref = {0};
	int rc = repo_tags(repo, &tags, err);

	*labelled = false;
	for (size_t at = 0; !rc && !*labelled && at < tags.len;) {
		struct snapshot_info info = {0};
		struct err unread;

		buf_clear(&ref);
		buf_addf(&ref, "refs/tags/%s", tags.data + at);
		*labelled = snapshot_resolve(repo, ref.data, &info, &unread) == 0 &&
			    strcmp(info.commit.hex, commit->hex) == 0;
		snapshot_info_release(&info);
		at += strlen(tags.data + at) + 1;
	}
	buf_release(&tags);
	buf_release(&ref);
	return rc;
}

static int compare(struct place *place, struct snapshot_repo *repo,
		   const struct snapshot_info *site, struct err *err)
{
	uint64_t number = message_count(site->message, MESSAGE_NUMBER, 0), tip_number;
	struct snapshot_info tip = {0};
	bool labelled = false;
	int rc = snapshot_head(repo, &tip, err);

	tip_number = rc ? 0 : message_count(tip.message, MESSAGE_NUMBER, 0);
	if (!rc && tip_number && number >= tip_number &&
	    strcmp(site->commit.hex, tip.commit.hex) != 0) {
		rc = find_label(&labelled, repo, &site->commit, err);
		rc = rc || labelled
			     ? rc
			     : err_set(err, ERR_REFUSED,
				       "site '%s' is at snapshot %s, number %" PRIu64
				       ", and main of '%s' is at another one, number "
				       "%" PRIu64
				       ": it was set back, or an older copy was put over "
				       "the repository; to restore it: git -C '%s' "
				       "update-ref " SNAPSHOT_BRANCH " %s",
				       place_name(place), site->commit.hex, number,
				       snapshot_path(repo), tip_number,
				       snapshot_path(repo), site->commit.hex);
	}
	snapshot_info_release(&tip);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int foreign_check_ahead(struct place *place, struct snapshot_repo *repo, struct err *err)
{
	struct snapshot_info site = {0};
	struct state at;
	struct err unread;
	/* The site first: another program moves main, then publishes. */
	int rc = state_read(&at, place, err);

	if (!rc && *at.commit.hex &&
	    snapshot_resolve(repo, at.commit.hex, &site, &unread) == 0) {
		rc = compare(place, repo, &site, err);
	}
	snapshot_info_release(&site);
	return rc;
}

/* --- is it a folder of other things? --- */

static int check_entries(struct place *place, struct err *err)
{
	const char *what = place_folder(place) ? "folder" : "prefix";
	struct buf name = {0};
	int rc = place_find_entry(&name, place, err);

	if (!rc && name.len) {
		rc = err_set(err, ERR_REFUSED,
			     "%s '%s' is neither empty nor a site: it has '%s'; "
			     "name a %s of its own for the site",
			     what, place_name(place), name.data, what);
	}
	buf_release(&name);
	return rc;
}

/* --- would git see it? --- */

/* Appends `path` from the root on, without links; the end of it need not exist. */
static void resolve(struct buf *out, const char *path)
{
	char *part = xstrdup(path), *found = realpath(part, NULL);

	while (!found) {
		char *slash = strrchr(part, '/');

		*(slash ? slash : part) = '\0';
		found = realpath(*part ? part : slash ? "/" : ".", NULL);
	}
	buf_addstr(out, strcmp(found, "/") == 0 ? "" : found);
	path += strlen(part);
	buf_addf(out, "%s%s", *path && *path != '/' ? "/" : "", path);
	while (out->len && out->data[out->len - 1] == '/') {
		buf_setlen(out, out->len - 1);
	}
	free(found);
	free(part);
}

/* Cuts `folder` off at the first folder on the way up that is a work tree or a
 * repository. False: none is. */
static bool find_git(char *folder, bool *bare)
{
	enum repo_folder_kind kind;
	struct err why;

	for (;;) {
		const char *here = *folder ? folder : "/";

		*bare = repo_folder_look(&kind, here, &why) == 0 &&
			kind == REPO_FOLDER_REPO;
		if (*bare || has(here, ".git")) {
			return true;
		}
		if (!*folder) {
			return false;
		}
		*strrchr(folder, '/') = '\0';
	}
}

/* Appends the folder that git keeps of the work tree `top`: `.git`, or what that names where
 * it is a file (gitrepository-layout(5)), as in what `git worktree add` makes. */
static void find_git_dir(struct buf *out, const char *top)
{
	static const char key[] = "gitdir: ";
	struct buf path = {0}, text = {0};
	struct err why;

	buf_addf(&path, "%s/.git", top);
	if (file_read(&text, path.data, PATH_MAX, &why) == 0 && text.len > strlen(key) &&
	    strncmp(text.data, key, strlen(key)) == 0) {
		const char *named = text.data + strlen(key);

		if (*named != '/') {
			buf_addf(out, "%s/", top);
		}
		buf_add(out, named, strcspn(named, "\n"));
	} else {
		buf_add(out, path.data, path.len);
	}
	buf_release(&path);
	buf_release(&text);
}

/* Whether git would not see `path` in the work tree `top`. A stranger's work tree is not
 * asked: its .gitignore may be a pipe. */
static bool is_ignored(const char *top, const char *path)
{
	struct buf git = {0};
	struct err why;
	bool ignored;

	find_git_dir(&git, top);
	ignored = repo_trust_owner(*top ? top : "/", &why) == 0 &&
		  repo_trust_owner(git.data, &why) == 0 &&
		  repo_ignores(git.data, top, path + strlen(top) + 1);
	buf_release(&git);
	return ignored;
}

static int check_git(const char *path, struct err *err)
{
	struct buf full = {0};
	char *top;
	bool bare;
	int rc = 0;

	resolve(&full, path);
	top = xstrdup(full.data);
	if (find_git(top, &bare) && (bare || !is_ignored(top, full.data))) {
		rc = err_set(err, ERR_REFUSED,
			     "site '%s' would be among the files of the git %s '%s'; "
			     "name a folder outside it%s",
			     path, bare ? "repository" : "work tree", *top ? top : "/",
			     bare ? "" : ", or one that git ignores");
	}
	buf_release(&full);
	free(top);
	return rc;
}

int foreign_check(struct place *place, struct snapshot_repo *repo, struct err *err)
{
	struct snapshot_id named;
	bool known, is_site;
	int rc = find_commit(&named, &known, place, repo, err);

	if (rc || known) {
		return rc;
	}
	if (*named.hex) {
		return refuse_commit(place, &named, repo, err);
	}
	if ((rc = place_is_site(&is_site, place, err)) || is_site ||
	    (rc = check_entries(place, err)) || !place_folder(place)) {
		return rc;
	}
	return check_git(place_folder(place), err);
}
