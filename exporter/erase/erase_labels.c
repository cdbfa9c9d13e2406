/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_labels.h"

#include <stdlib.h>
#include <string.h>

#include "exporter/erase/erase_message.h"
#include "exporter/evidence/declared.h"
#include "exporter/evidence/sign.h"
#include "exporter/git/commit.h"
#include "exporter/git/pack/objects.h"
#include "exporter/lookback/labels.h"

#define TAGS "refs/tags/"

/* --- what a label says --- */

static int read_object(struct buf *body, enum object_type *type,
		       struct snapshot_repo *repo, const uint8_t id[OBJECT_ID],
		       struct err *err)
{
	char hex[OBJECT_HEX + 1];
	int rc;

	buf_clear(body);
	rc = objects_read(body, type, repo->objects, id, err);
	if (rc == ERR_NOTFOUND) {
		object_hex(hex, id);
		rc = err_set(err, ERR_FAIL, "cannot read object '%s': it is missing",
			     hex);
	}
	return rc;
}

/* Reads a tag, and what it names. */
static bool parse(uint8_t named[OBJECT_ID], const struct buf *body)
{
	return body->len > 7 + OBJECT_HEX && memcmp(body->data, "object ", 7) == 0 &&
	       object_unhex(named, body->data + 7) &&
	       body->data[7 + OBJECT_HEX] == '\n' &&
	       memmem(body->data, body->len, "\n\n", 2);
}

/* Looks through the text of a tag and of those that it leads to. */
static int check_tag(struct snapshot_repo *repo, const struct reflist_ref *ref,
		     const struct erase_job *job, struct err *err)
{
	const char *name = ref->name + strlen(TAGS);
	enum object_type type = OBJECT_TAG;
	struct buf body = {0}, payload = {0}, signature = {0};
	struct body_text id;
	uint8_t at[OBJECT_ID];
	int rc = 0;

	object_unhex(at, ref->id);
	if (erase_job_names(&id, job, name)) {
		rc = err_set(err, ERR_REFUSED,
			     "a label has '%.*s' in its name; remove it first, with: "
			     "git -C '%s' tag -d '%s'",
			     (int)id.len, id.data, repo->path, name);
	}
	for (unsigned i = 0; !rc && type == OBJECT_TAG && i <= REPO_TAGS_MAX; i++) {
		rc = read_object(&body, &type, repo, at, err);
		if (rc || type != OBJECT_TAG || !parse(at, &body)) {
			break;
		}
		buf_clear(&payload);
		buf_clear(&signature);
		sign_split(&payload, &signature, OBJECT_TAG, body.data, body.len);
		buf_addstr(&payload, "");
		if (!labels_is_own(name) &&
		    erase_job_names(&id, job, strstr(payload.data, "\n\n"))) {
			rc = err_set(
				err, ERR_REFUSED,
				"the label '%s' names '%.*s' in its reason; remove it "
				"first, with: git -C '%s' tag -d '%s'",
				name, (int)id.len, id.data, repo->path, name);
		}
	}
	buf_release(&body);
	buf_release(&payload);
	buf_release(&signature);
	return rc;
}

int erase_labels_check(struct snapshot_repo *repo, const struct reflist *refs,
		       const struct erase_job *job, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < refs->count; i++) {
		if (strncmp(refs->ref[i].name, TAGS, strlen(TAGS)) == 0) {
			rc = check_tag(repo, &refs->ref[i], job, err);
		}
	}
	return rc;
}

/* --- a label anew --- */

/* Whether the line, of what albumen's own labels declare, names a snapshot by its present id. */
static bool names_snapshot(const char *line)
{
	static const char *const name[] = {
		"Albumen-First: ", "Albumen-Held: ", "Albumen-Erased-New: ",
		"Albumen-Erased-Held: "};

	for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
		if (strncmp(line, name[i], strlen(name[i])) == 0) {
			return true;
		}
	}
	return false;
}

/* Puts the new ids of snapshots into what the message declares. True: one is another one. */
static bool rename_snapshots(struct buf *message, const struct erase_commits *commits)
{
	bool changed = false;

	for (char *line = message->data; line && *line;) {
		char *eol = strchr(line, '\n');
		size_t len = eol ? (size_t)(eol - line) : strlen(line);
		uint8_t id[OBJECT_ID];
		char hex[OBJECT_HEX + 1];
		uint32_t n = ERASE_NONE;

		if (names_snapshot(line) && len > OBJECT_HEX &&
		    object_unhex(id, line + len - OBJECT_HEX)) {
			n = erase_commits_find(commits, id);
		}
		if (n != ERASE_NONE &&
		    memcmp(commits->commit[n].new, id, OBJECT_ID) != 0) {
			object_hex(hex, commits->commit[n].new);
			memcpy(line + len - OBJECT_HEX, hex, OBJECT_HEX);
			changed = true;
		}
		line = eol ? eol + 1 : NULL;
	}
	return changed;
}

static int refuse_unsigned(const char *name, struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "the label '%s' is signed, and would lose its signature; give "
		       "--sign KEY",
		       name);
}

/* Signs what was signed. */
static int sign(struct buf *body, const struct erase_labels *labels, const char *name,
		struct err *err)
{
	if (!labels->has_key) {
		return refuse_unsigned(name, err);
	}
	return labels->agent ? sign_agent_body(labels->agent, body, OBJECT_TAG, err) : 0;
}

/* Writes the tag `id`, with the body `body`, for what it names to be at `named`. *commit: what
 * it leads to. */
static int write_tag(uint8_t new[OBJECT_ID], const struct erase_labels *labels,
		     const uint8_t id[OBJECT_ID], const struct buf *body,
		     const uint8_t named[OBJECT_ID], const struct erase_commit *commit,
		     const char *name, struct err *err)
{
	struct buf payload = {0}, signature = {0}, message = {0}, out = {0}, sha = {0};
	struct erase_message changes = {.was = id};
	bool is_signed, moved, declared = false;
	uint8_t old[OBJECT_ID];
	char hex[OBJECT_HEX + 1];
	size_t head;
	int rc = 0;

	parse(old, body);
	moved = memcmp(old, named, OBJECT_ID) != 0;
	is_signed =
		sign_split(&payload, &signature, OBJECT_TAG, body->data, body->len) == 0;
	buf_addstr(&payload, "");
	head = (size_t)(strstr(payload.data, "\n\n") + 2 - payload.data);
	buf_addstr(&message, payload.data + head);
	if (labels_is_own(name)) {
		declared = rename_snapshots(&message, labels->commits);
	}
	memcpy(new, id, OBJECT_ID);
	if (moved || declared) {
		if (is_signed && labels->agent) {
			rc = labels->sha256(&sha, commit->new_tree, labels->payload, err);
			changes.sha256 = sha.data;
		}
		object_hex(hex, named);
		buf_addf(&out, "object %s", hex);
		buf_add(&out, payload.data + 7 + OBJECT_HEX, head - 7 - OBJECT_HEX);
		erase_message_write(&out, message.data, &changes);
		rc = rc || !is_signed ? rc : sign(&out, labels, name, err);
		erase_store_add(labels->store, new, OBJECT_TAG, out.data, out.len);
	}
	buf_release(&payload);
	buf_release(&signature);
	buf_release(&message);
	buf_release(&out);
	buf_release(&sha);
	return rc;
}

/* Moves the object `id`, a tag or a commit. *commit: the commit that it leads to. */
static int move(uint8_t new[OBJECT_ID], const struct erase_commit **commit,
		const struct erase_labels *labels, const uint8_t id[OBJECT_ID],
		const char *name, unsigned depth, struct err *err)
{
	uint32_t n = erase_commits_find(labels->commits, id);
	uint8_t named[OBJECT_ID], moved[OBJECT_ID];
	enum object_type type;
	struct buf body = {0};
	int rc;

	if (n != ERASE_NONE) {
		*commit = &labels->commits->commit[n];
		memcpy(new, (*commit)->new, OBJECT_ID);
		return 0;
	}
	rc = read_object(&body, &type, labels->store->repo, id, err);
	if (!rc &&
	    (type != OBJECT_TAG || depth == REPO_TAGS_MAX || !parse(named, &body))) {
		rc = err_set(err, ERR_REFUSED, "the label '%s' leads to no snapshot",
			     name);
	}
	rc = rc ? rc : move(moved, commit, labels, named, name, depth + 1, err);
	rc = rc ? rc : write_tag(new, labels, id, &body, moved, *commit, name, err);
	buf_release(&body);
	return rc;
}

int erase_labels_move(uint8_t new[OBJECT_ID], const struct erase_labels *labels,
		      const struct reflist_ref *ref, struct err *err)
{
	const struct erase_commit *commit;
	uint8_t id[OBJECT_ID];

	object_unhex(id, ref->id);
	return move(new, &commit, labels, id, ref->name + strlen(TAGS), 0, err);
}
