/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/sign_edit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/log.h"
#include "exporter/evidence/declared.h"
#include "exporter/evidence/digest.h"
#include "exporter/evidence/sign.h"
#include "exporter/git/pack/pack.h"
#include "exporter/git/pack/spill.h"
#include "exporter/git/repo.h"
#include "exporter/git/snapshot_edit.h"

/*
 * The new objects of an edit are in packs that cannot be read yet. So the SHA-256 of
 * each blob is computed when the blob is put, and each new tree is kept until the
 * commit. The digest calculator knows the rest of the tree from signed snapshots, or
 * reads it.
 */

struct tree_place {
	uint64_t at;
	size_t len;
};

struct signing {
	struct snapshot_repo *repo;
	char *key;
	struct spill sha256; /* of blobs, by their numbers in the pack */
	uint32_t blobs;
	struct spill bodies;     /* of new trees */
	struct tree_place *tree; /* in the order of their numbers in the pack */
	uint32_t trees;
	size_t cap;
	const struct pack *pack;      /* while the digest is computed */
	struct digest *digest;        /* NULL until then */
	struct log_progress progress; /* of reading files that no edit has put */
};

/* Opens the calculator that knows what is in signed snapshots. */
static int open_kept(struct digest **out, struct snapshot_repo *repo, struct err *err)
{
	struct buf dir = {0};
	struct err why;
	int rc;

	buf_addf(&dir, "%s/%s", snapshot_path(repo), DIGEST_FOLDER);
	rc = digest_open(out, dir.data, &why);
	if (rc) {
		log_warning("the whole snapshot has to be hashed: %s", why.msg);
		rc = digest_open(out, NULL, err);
	}
	buf_release(&dir);
	return rc;
}

static void save(struct digest *digest)
{
	struct err why;

	if (digest_save(digest, &why)) {
		log_warning("the next signed snapshot will take longer: %s", why.msg);
	}
}

/* --- an edit (struct snapshot_signer) --- */

static void keep_blob(uint32_t number, const void *body, size_t len, void *payload)
{
	struct signing *signing = payload;
	uint8_t sha256[DIGEST_ID];

	if (number < signing->blobs) {
		return;
	}
	assert(number == signing->blobs);
	digest_object(sha256, OBJECT_BLOB, body, len);
	spill_add(&signing->sha256, sha256, sizeof(sha256));
	signing->blobs++;
}

static void keep_tree(const void *body, size_t len, void *payload)
{
	struct signing *signing = payload;

	signing->tree = xgrow(signing->tree, signing->trees, &signing->cap,
			      sizeof(*signing->tree));
	signing->tree[signing->trees++] =
		(struct tree_place){.at = spill_length(&signing->bodies), .len = len};
	spill_add(&signing->bodies, body, len);
}

/* The digest's source. An object that this edit has added is looked up first: the
 * repository may not have it, and the look-up is quicker. */

static int read_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *err)
{
	struct signing *signing = payload;
	uint32_t number;

	if (pack_find(signing->pack, &number, id) && number >= signing->blobs) {
		const struct tree_place *place = &signing->tree[number - signing->blobs];

		return spill_read(&signing->bodies, body, place->at, place->len, err);
	}
	return repo_object(signing->repo, body, id, OBJECT_TREE, err);
}

static int hash_blob(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		     void *payload, struct err *err)
{
	struct signing *signing = payload;
	struct buf bytes = {0};
	uint32_t number;
	int rc;

	if (pack_find(signing->pack, &number, id) && number < signing->blobs) {
		rc = spill_read(&signing->sha256, &bytes, (uint64_t)number * DIGEST_ID,
				DIGEST_ID, err);
		if (!rc) {
			memcpy(sha256, bytes.data, DIGEST_ID);
		}
	} else {
		rc = repo_object(signing->repo, &bytes, id, OBJECT_BLOB, err);
		if (!rc) {
			digest_object(sha256, OBJECT_BLOB, bytes.data, bytes.len);
		}
		log_progress_step(&signing->progress, 1);
	}
	buf_release(&bytes);
	return rc;
}

static void add_trailer(struct buf *message, const char *hex)
{
	if (message->len && message->data[message->len - 1] != '\n') {
		buf_addch(message, '\n');
	}
	if (!strstr(message->data, "\n\n")) {
		buf_addch(message, '\n'); /* there are no trailers yet */
	}
	buf_addf(message, DIGEST_TRAILER ": %s\n", hex);
}

static int complete_message(struct buf *message, const struct pack *pack,
			    const uint8_t tree[OBJECT_ID], void *payload, struct err *err)
{
	struct signing *signing = payload;
	struct digest_source source = {
		.tree = read_tree, .blob = hash_blob, .payload = signing};
	uint8_t sha256[DIGEST_ID];
	char hex[DIGEST_HEX + 1];
	int rc = open_kept(&signing->digest, signing->repo, err);

	if (rc) {
		return rc;
	}
	signing->pack = pack;
	log_progress_start(&signing->progress, "hashing", 0);
	rc = digest_tree(sha256, signing->digest, &source, tree, err);
	log_progress_end(&signing->progress);
	if (!rc) {
		digest_hex(hex, sha256);
		add_trailer(message, hex);
	}
	return rc;
}

static int sign_commit(struct buf *commit, void *payload, struct err *err)
{
	struct signing *signing = payload;

	return sign_body(commit, OBJECT_COMMIT, signing->key, err);
}

static void end(bool committed, void *payload)
{
	struct signing *signing = payload;

	if (committed) {
		save(signing->digest);
	}
	digest_close(signing->digest);
	spill_release(&signing->sha256);
	spill_release(&signing->bodies);
	free(signing->tree);
	free(signing->key);
	free(signing);
}

void sign_edit(struct snapshot_edit *edit, struct snapshot_repo *repo, const char *key)
{
	static const struct snapshot_signer signer = {
		.blob = keep_blob,
		.tree = keep_tree,
		.message = complete_message,
		.commit = sign_commit,
		.end = end,
	};
	struct signing *signing = xzalloc(sizeof(*signing));

	signing->repo = repo;
	signing->key = xstrdup(key);
	signing->sha256.dir = snapshot_path(repo);
	signing->bodies.dir = snapshot_path(repo);
	snapshot_edit_sign(edit, &signer, signing);
}

/* --- a stored commit --- */

static int read_commit(struct buf *body, struct snapshot_repo *repo,
		       const struct snapshot_id *commit, struct err *err)
{
	uint8_t id[OBJECT_ID];

	if (!object_unhex(id, commit->hex)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of a commit",
			       commit->hex);
	}
	return repo_object(repo, body, id, OBJECT_COMMIT, err);
}

int sign_commit_key(char key[SIGN_KEY], struct snapshot_repo *repo,
		    const struct snapshot_id *commit, struct err *err)
{
	struct buf body = {0};
	int rc = read_commit(&body, repo, commit, err);

	rc = rc ? rc : sign_signer(key, OBJECT_COMMIT, body.data, body.len);
	buf_release(&body);
	return rc;
}

int sign_commit_signer(const char **signer, char key[SIGN_KEY],
		       struct snapshot_repo *repo, const struct snapshot_id *commit,
		       struct err *err)
{
	int rc = sign_commit_key(key, repo, commit, err);

	*signer = rc ? NULL : key;
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* What explains a key that was not allowed at the time of the commit. */
static const char *advise(const struct buf *body)
{
	const char *end = body->len ? strstr(body->data, "\n\n") : NULL;
	uint8_t was[OBJECT_ID];

	return end && declared_was(was, end + 2) == 0
		       ? "; an erasure wrote it anew: 'albumen-exporter verify' asks "
			 "whether the key was allowed at the time of that"
		       : "";
}

int sign_commit_verify(struct sign_result *out, struct snapshot_repo *repo,
		       const struct snapshot_id *commit, const char *signers,
		       struct err *err)
{
	struct sign_verifier *verifier = NULL;
	struct buf body = {0};
	int rc = sign_verifier_open(&verifier, signers, err);

	rc = rc ? rc : read_commit(&body, repo, commit, err);
	rc = rc ? rc
		: sign_verify(out, verifier, OBJECT_COMMIT, body.data, body.len, err);
	if (!rc && out->verdict != SIGN_GOOD) {
		rc = err_set(err, ERR_REFUSED,
			     "snapshot %.12s is not signed by a signer of '%s': %s%s",
			     commit->hex, signers, out->reason, advise(&body));
	}
	sign_verifier_close(verifier);
	buf_release(&body);
	return rc;
}

/* --- a stored tree --- */

static int hash_stored(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		       void *payload, struct err *err)
{
	struct buf body = {0};
	int rc = repo_object(payload, &body, id, OBJECT_BLOB, err);

	if (!rc) {
		digest_object(sha256, OBJECT_BLOB, body.data, body.len);
	}
	buf_release(&body);
	return rc;
}

int sign_digest(struct buf *hex, struct snapshot_repo *repo,
		const struct snapshot_id *tree, struct err *err)
{
	struct digest_source source = {
		.tree = repo_tree, .blob = hash_stored, .payload = repo};
	struct digest *digest = NULL;
	uint8_t id[OBJECT_ID], sha256[DIGEST_ID];
	char text[DIGEST_HEX + 1];
	int rc;

	if (!object_unhex(id, tree->hex)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of a tree",
			       tree->hex);
	}
	rc = open_kept(&digest, repo, err);
	rc = rc ? rc : digest_tree(sha256, digest, &source, id, err);
	if (!rc) {
		digest_hex(text, sha256);
		buf_addstr(hex, text);
	}
	if (!rc) {
		save(digest);
	}
	digest_close(digest);
	return rc;
}
