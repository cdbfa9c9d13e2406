/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_commits.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/git/commit.h"
#include "exporter/git/pack/objects.h"
#include "exporter/git/shallow.h"
#include "exporter/git/snapshot.h"
#include "exporter/snapshot/message.h"

#define TAGS "refs/tags/"

struct listing {
	struct erase_commits *out;
	struct snapshot_repo *repo;
	struct shallow shallow;
	struct buf body;
};

static bool is_tag(const struct reflist_ref *ref)
{
	return strncmp(ref->name, TAGS, strlen(TAGS)) == 0;
}

uint32_t erase_commits_find(const struct erase_commits *commits,
			    const uint8_t old[OBJECT_ID])
{
	uint32_t hash = hash_bytes(old, OBJECT_ID, 0), n;
	size_t at = 0;

	while ((n = hash_next(&commits->table, hash, &at))) {
		if (memcmp(commits->commit[n - 1].old, old, OBJECT_ID) == 0) {
			return n - 1;
		}
	}
	return ERASE_NONE;
}

/* Reads a commit. *parent: its first one, if it has one that the repository should have. */
static int read_commit(struct erase_commit *out, uint8_t parent[OBJECT_ID],
		       bool *has_parent, struct listing *l, const uint8_t id[OBJECT_ID],
		       struct err *err)
{
	char hex[OBJECT_HEX + 1];
	struct commit commit;
	const char *parents;
	int rc;

	object_hex(hex, id);
	buf_clear(&l->body);
	rc = repo_object(l->repo, &l->body, id, OBJECT_COMMIT, err);
	if (rc) {
		return rc;
	}
	if (!commit_parse(&commit, &l->body)) {
		return err_set(err, ERR_INPUT, "commit %s is malformed", hex);
	}
	/* The second one would follow the first. */
	parents = strstr(l->body.data, "\nparent ");
	if (commit.has_parent &&
	    strncmp(parents + strlen("\nparent ") + OBJECT_HEX, "\nparent ", 8) == 0) {
		return err_set(err, ERR_REFUSED,
			       "commit %s has several parents, so it is no snapshot, and "
			       "what they lead to would keep what is erased",
			       hex);
	}
	*out = (struct erase_commit){
		.parent = ERASE_NONE,
		.number = message_count(commit.message, MESSAGE_NUMBER, 0),
		.is_root = !commit.has_parent};
	memcpy(out->old, id, OBJECT_ID);
	memcpy(out->new, id, OBJECT_ID);
	memcpy(out->old_tree, commit.tree, OBJECT_ID);
	memcpy(out->new_tree, commit.tree, OBJECT_ID);
	*has_parent = commit.has_parent && !shallow_has(&l->shallow, id);
	memcpy(parent, commit.parent, OBJECT_ID);
	return 0;
}

static void reverse(struct erase_commit *commit, uint32_t count)
{
	for (uint32_t i = 0; i < count / 2; i++) {
		struct erase_commit spare = commit[i];

		commit[i] = commit[count - 1 - i];
		commit[count - 1 - i] = spare;
	}
}

/* Adds the line that ends at `tip`, as far as it is not listed. */
static int list_line(struct listing *l, const uint8_t tip[OBJECT_ID], struct err *err)
{
	struct erase_commits *out = l->out;
	uint32_t from = out->count, base = ERASE_NONE;
	uint8_t id[OBJECT_ID], parent[OBJECT_ID];
	bool more = true;
	int rc = 0;

	memcpy(id, tip, OBJECT_ID);
	while (!rc && more && (base = erase_commits_find(out, id)) == ERASE_NONE) {
		out->commit =
			xgrow(out->commit, out->count, &out->cap, sizeof(*out->commit));
		rc = read_commit(&out->commit[out->count], parent, &more, l, id, err);
		out->count += !rc;
		memcpy(id, parent, OBJECT_ID);
	}
	if (rc || out->count == from) {
		return rc;
	}
	reverse(out->commit + from, out->count - from);
	for (uint32_t i = from; i < out->count; i++) {
		out->commit[i].parent = i > from ? i - 1 : base;
		hash_add(&out->table, hash_bytes(out->commit[i].old, OBJECT_ID, 0),
			 i + 1);
	}
	out->line = xgrow(out->line, out->lines, &out->line_cap, sizeof(*out->line));
	out->line[out->lines++] = (struct erase_line){from, out->count};
	return 0;
}

/* The commit that a reference leads to. */
static int commit_of(uint8_t id[OBJECT_ID], struct snapshot_repo *repo,
		     const struct reflist_ref *ref, struct err *err)
{
	enum object_type type = OBJECT_BLOB;
	size_t size;
	int rc;

	object_unhex(id, *ref->end ? ref->end : ref->id);
	rc = objects_head(&size, &type, repo->objects, id, err);
	if (rc || type != OBJECT_COMMIT) {
		return err_set(err, ERR_REFUSED,
			       "%s of '%s' leads to no commit, so it cannot be told "
			       "whether it has what is erased; remove it with: "
			       "git -C '%s' update-ref -d '%s'",
			       ref->name, repo->path, repo->path, ref->name);
	}
	return 0;
}

int erase_commits_list(struct erase_commits *out, struct snapshot_repo *repo,
		       const struct reflist *refs, struct err *err)
{
	struct listing l = {.out = out, .repo = repo};
	const struct reflist_ref *main = reflist_find(refs, SNAPSHOT_BRANCH);
	uint8_t id[OBJECT_ID];
	int rc = shallow_read(&l.shallow, repo->path, err);

	*out = (struct erase_commits){0};
	if (!rc && !main) {
		rc = err_set(err, ERR_NOTFOUND, "'%s' has no snapshot yet", repo->path);
	}
	rc = rc ? rc : commit_of(id, repo, main, err);
	rc = rc ? rc : list_line(&l, id, err);
	for (size_t i = 0; !rc && i < refs->count; i++) {
		if (is_tag(&refs->ref[i])) {
			rc = commit_of(id, repo, &refs->ref[i], err);
			rc = rc ? rc : list_line(&l, id, err);
		}
	}
	shallow_release(&l.shallow);
	buf_release(&l.body);
	return rc;
}

void erase_commits_release(struct erase_commits *commits)
{
	free(commits->commit);
	free(commits->line);
	hash_release(&commits->table);
	*commits = (struct erase_commits){0};
}

/* --- other references --- */

/* Goes through what the commit `id` reaches, up to listed commits. *last: the latest of
 * those. */
static int reach(uint32_t *last, const struct erase_commits *commits,
		 struct snapshot_repo *repo, const uint8_t id[OBJECT_ID], struct err *err)
{
	struct hash seen = {0};
	struct buf todo = {0}, done = {0}, body = {0};
	int rc = 0;

	buf_add(&todo, id, OBJECT_ID);
	buf_addstr(&done, "");
	while (!rc && todo.len) {
		uint8_t at[OBJECT_ID];
		uint32_t hash, n, listed;
		size_t k = 0;

		memcpy(at, todo.data + todo.len - OBJECT_ID, OBJECT_ID);
		buf_setlen(&todo, todo.len - OBJECT_ID);
		listed = erase_commits_find(commits, at);
		if (listed != ERASE_NONE) {
			*last = *last == ERASE_NONE || listed > *last ? listed : *last;
			continue;
		}
		hash = hash_bytes(at, OBJECT_ID, 0);
		while ((n = hash_next(&seen, hash, &k)) &&
		       memcmp(done.data + (size_t)(n - 1) * OBJECT_ID, at, OBJECT_ID) !=
			       0) {
		}
		if (n) {
			continue;
		}
		buf_add(&done, at, OBJECT_ID);
		hash_add(&seen, hash, (uint32_t)(done.len / OBJECT_ID));
		buf_clear(&body);
		if (!repo_has(repo, at)) {
			continue; /* a shallow clone ends here */
		}
		rc = repo_object(repo, &body, at, OBJECT_COMMIT, err);
		for (const char *p = rc ? NULL : strstr(body.data, "\nparent ");
		     p && strncmp(p, "\nparent ", 8) == 0; p += 8 + OBJECT_HEX) {
			uint8_t parent[OBJECT_ID];

			if (!object_unhex(parent, p + 8)) {
				break;
			}
			buf_add(&todo, parent, OBJECT_ID);
		}
	}
	hash_release(&seen);
	buf_release(&todo);
	buf_release(&done);
	buf_release(&body);
	return rc;
}

int erase_commits_reached(uint32_t *last, const char **name,
			  const struct erase_commits *commits, struct snapshot_repo *repo,
			  const struct reflist *refs, struct err *err)
{
	int rc = 0;

	*last = ERASE_NONE;
	*name = NULL;
	for (size_t i = 0; !rc && i < refs->count; i++) {
		const struct reflist_ref *ref = &refs->ref[i];
		uint32_t reached = ERASE_NONE;
		uint8_t id[OBJECT_ID];

		if (is_tag(ref) || strcmp(ref->name, SNAPSHOT_BRANCH) == 0) {
			continue;
		}
		rc = commit_of(id, repo, ref, err);
		rc = rc ? rc : reach(&reached, commits, repo, id, err);
		if (reached != ERASE_NONE && (*last == ERASE_NONE || reached > *last)) {
			*last = reached;
			*name = ref->name;
		}
	}
	return rc;
}
