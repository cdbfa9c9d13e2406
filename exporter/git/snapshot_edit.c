/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/advance.h"
#include "exporter/git/snapshot_edit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/git/commit.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/repo.h"
#include "exporter/git/tree/edits.h"
#include "exporter/git/tree/tree.h"

struct snapshot_edit {
	struct snapshot_repo *repo;
	struct pack *pack;
	struct edits edits;
	bool fresh;
	bool has_tip, built;
	uint8_t tip[OBJECT_ID], tip_tree[OBJECT_ID]; /* with has_tip */
	int64_t tip_time_s;
	uint8_t tree[OBJECT_ID];              /* with built */
	const struct snapshot_signer *signer; /* NULL: the snapshot is not signed */
	void *signer_payload;
	snapshot_removed_fn *removed; /* NULL: nobody asks */
	void *removed_payload;
	tree_fault_fn *fault;
	bool committed;
};

static bool known(const uint8_t id[OBJECT_ID], void *payload)
{
	return repo_has(payload, id);
}

/* Begins a change of the branch's tip, if there is one. */
static int begin(struct snapshot_edit **out, struct snapshot_repo *repo, bool fresh,
		 struct err *err)
{
	struct snapshot_edit *edit;
	struct snapshot_info head = {0};
	int rc = repo ? snapshot_head(repo, &head, err) : ERR_NOTFOUND;

	*out = NULL;
	if (rc && rc != ERR_NOTFOUND) {
		return rc;
	}
	edit = xzalloc(sizeof(*edit));
	edit->repo = repo;
	edit->fresh = fresh;
	edit->has_tip = rc == 0;
	if (edit->has_tip) {
		edit->tip_time_s = head.time_s;
		object_unhex(edit->tip, head.commit.hex);
		object_unhex(edit->tip_tree, head.tree.hex);
	}
	snapshot_info_release(&head);
	*out = edit;
	return 0;
}

int snapshot_edit_begin(struct snapshot_edit **out, struct snapshot_repo *repo,
			bool fresh, struct err *err)
{
	struct buf dir = {0};
	int rc = begin(out, repo, fresh, err);

	assert(snapshot_writable(repo));
	if (!rc) {
		buf_addf(&dir, "%s/objects/pack", snapshot_path(repo));
		/* Before the first snapshot the repository has no objects. */
		pack_open(&(*out)->pack, dir.data, repo->threads,
			  (*out)->has_tip ? known : NULL, repo);
		buf_release(&dir);
	}
	return rc;
}

int snapshot_edit_begin_dry(struct snapshot_edit **out, struct snapshot_repo *repo,
			    bool fresh, struct err *err)
{
	int rc = begin(out, repo, fresh, err);

	if (!rc) {
		pack_open(&(*out)->pack, NULL, 0, NULL, NULL);
	}
	return rc;
}

void snapshot_edit_sign(struct snapshot_edit *edit, const struct snapshot_signer *signer,
			void *payload)
{
	assert(!edit->signer && !edit->edits.count);
	edit->signer = signer;
	edit->signer_payload = payload;
}

int snapshot_put(struct snapshot_edit *edit, const char *path, const char *body,
		 size_t len, struct err *err)
{
	int rc = pack_check(edit->pack, err);

	assert(!edit->built);
	rc = rc ? rc : edits_add(&edit->edits, path, EDITS_REMOVE, err);
	if (!rc) {
		uint32_t number = pack_add(edit->pack, OBJECT_BLOB, body, len);

		edit->edits.edit[edit->edits.count - 1].object = number;
		if (edit->signer) {
			edit->signer->blob(number, body, len, edit->signer_payload);
		}
		rc = pack_check(edit->pack, err);
	}
	return rc;
}

void snapshot_remove(struct snapshot_edit *edit, const char *path)
{
	assert(!edit->built);
	/* A path that is not valid cannot be in the tree. */
	edits_add(&edit->edits, path, EDITS_REMOVE, NULL);
}

static void write_tree(uint8_t id[OBJECT_ID], const void *body, size_t len, void *payload)
{
	struct snapshot_edit *edit = payload;

	if (pack_add_id(edit->pack, id, OBJECT_TREE, body, len) != PACK_KNOWN &&
	    edit->signer) {
		edit->signer->tree(body, len, edit->signer_payload);
	}
}

static int read_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *err)
{
	struct snapshot_edit *edit = payload;

	return repo_tree(body, id, edit->repo, err);
}

static const uint8_t *blob_id(uint32_t object, void *payload)
{
	struct snapshot_edit *edit = payload;

	return pack_id(edit->pack, object);
}

static void pass_removed(const char *path, void *payload)
{
	struct snapshot_edit *edit = payload;

	if (edit->removed) {
		edit->removed(path, edit->removed_payload);
	}
}

void snapshot_edit_watch(struct snapshot_edit *edit, tree_fault_fn *fault,
			 snapshot_removed_fn *removed, void *payload)
{
	edit->fault = fault;
	edit->removed = removed;
	edit->removed_payload = payload;
}

int snapshot_edit_build(struct snapshot_edit *edit, struct snapshot_id *tree, bool *same,
			struct snapshot_delta *delta, struct err *err)
{
	struct tree_store store = {.read = read_tree,
				   .write = write_tree,
				   .object = blob_id,
				   .removed = pass_removed,
				   .fault = edit->fault,
				   .payload = edit};
	struct tree_delta counts;
	int rc = pack_wait(edit->pack, err);

	assert(!edit->built);
	if (rc) {
		return rc;
	}
	edits_sort(&edit->edits);
	rc = tree_merge(edit->tree, &store, edit->has_tip ? edit->tip_tree : NULL,
			&edit->edits, edit->fresh, &counts, err);
	edits_release(&edit->edits);
	rc = rc ? rc : pack_wait(edit->pack, err);
	if (rc) {
		return rc;
	}
	edit->built = true;
	object_hex(tree->hex, edit->tree);
	*same = edit->has_tip && memcmp(edit->tree, edit->tip_tree, OBJECT_ID) == 0;
	*delta = (struct snapshot_delta){.added = counts.added,
					 .changed = counts.changed,
					 .removed = counts.removed};
	return 0;
}

/* Writes the commit into the pack, signed if that is asked for. */
static int write_commit(uint8_t id[OBJECT_ID], struct snapshot_edit *edit,
			const struct commit *commit, struct err *err)
{
	struct buf body = {0};
	int rc = 0;

	commit_write(&body, commit);
	if (edit->signer) {
		rc = edit->signer->commit(&body, edit->signer_payload, err);
	}
	if (!rc) {
		pack_add_id(edit->pack, id, OBJECT_COMMIT, body.data, body.len);
	}
	buf_release(&body);
	return rc;
}

int snapshot_edit_commit(struct snapshot_edit **edit_ptr, const char *message,
			 int64_t time_s, struct snapshot_info *out, struct err *err)
{
	struct snapshot_edit *edit = *edit_ptr;
	/* git takes no time before 1970. */
	struct commit commit = {.has_parent = edit->has_tip,
				.time_s = time_s < 0 ? 0 : time_s};
	struct buf text = {0};
	uint8_t id[OBJECT_ID];
	int rc = 0;

	*edit_ptr = NULL;
	*out = (struct snapshot_info){0};
	assert(edit->built);
	memcpy(commit.tree, edit->tree, OBJECT_ID);
	memcpy(commit.parent, edit->tip, OBJECT_ID);
	if (edit->has_tip && commit.time_s < edit->tip_time_s) {
		commit.time_s = edit->tip_time_s;
	}
	buf_addstr(&text, message);
	if (edit->signer) {
		rc = edit->signer->message(&text, edit->pack, edit->tree,
					   edit->signer_payload, err);
	}
	commit.message = text.data;
	rc = rc ? rc : write_commit(id, edit, &commit, err);
	if (!rc) {
		rc = advance_ref(edit->repo, edit->pack, SNAPSHOT_BRANCH,
				 edit->has_tip ? edit->tip : NULL, id, err);
	}
	edit->committed = !rc;
	if (!rc) {
		object_hex(out->commit.hex, id);
		object_hex(out->tree.hex, commit.tree);
		if (commit.has_parent) {
			object_hex(out->parent.hex, commit.parent);
		}
		out->time_s = commit.time_s;
		out->message = xmemdup0(text.data, text.len);
	}
	buf_release(&text);
	snapshot_edit_drop(&edit);
	return rc;
}

void snapshot_edit_drop(struct snapshot_edit **edit_ptr)
{
	struct snapshot_edit *edit = *edit_ptr;

	if (edit) {
		pack_close(edit->pack);
		edits_release(&edit->edits);
		if (edit->signer) {
			edit->signer->end(edit->committed, edit->signer_payload);
		}
		free(edit);
	}
	*edit_ptr = NULL;
}
