/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/receipt.h"

#include <assert.h>
#include <nettle/base64.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/base/hash.h"
#include "data/base/hex.h"
#include "data/base/log.h"
#include "data/format/json.h"
#include "exporter/evidence/digest.h"
#include "exporter/evidence/sign.h"
#include "exporter/git/commit.h"
#include "exporter/git/history.h"
#include "exporter/git/pack/spill.h"
#include "exporter/git/repo.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"

/* Of a path: api/v1/albums/xx/yy/N/images/untag.json. */
#define DEPTH_MAX 8
/* A larger tree is none of albumen's, which hold 256 folders, or the files of one shard of
 * 65,536. */
#define TREE_MAX ((size_t)16 << 20)
/* The last second of the year 9999. The first one is 1: ssh-keygen does not take 0. */
#define TIME_MAX_S INT64_C(253402300799)
/* So much of an answer is escaped, or of the trees copied, at a time. */
#define PIECE ((size_t)64 << 10)

/* The tree on the way to the last file, at one depth. */
struct level {
	bool is_set;
	uint8_t id[OBJECT_ID], sha256[DIGEST_ID];
	struct buf body, made; /* with SHA-1, with SHA-256 */
};

/* The file about one id. */
struct file {
	bool is_there;
	uint8_t blob[OBJECT_ID], sha256[DIGEST_ID];
};

struct receipt {
	struct snapshot_repo *repo;
	const struct snapshot_info *info;
	const struct request *request;
	struct oversize oversize;
	uint8_t tree[OBJECT_ID], sha256[DIGEST_ID]; /* of the snapshot */
	struct history *history;
	struct digest *digest;
	struct digest_source source;
	struct log_progress progress;
	bool contradicts; /* an object has not the SHA-256 that it should have */
	struct level level[DEPTH_MAX];
	struct file *file; /* of each id */
	/* The trees that are in the receipt, and the text of its array. */
	struct hash known;
	uint8_t (*tree_id)[DIGEST_ID];
	size_t cap;
	struct spill trees;
	/* One answer, and whose it is. */
	struct buf body;
	const struct file *read;
	struct buf commit, text;
	receipt_sink *sink;
	void *payload;
};

/* --- the commit --- */

static bool is_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Reads the SHA-256 that the message states. False: not exactly one. */
static bool read_trailer(uint8_t sha256[DIGEST_ID], const char *message)
{
	struct commit_trailers trailers = commit_trailers(message);
	struct buf value = {0};
	bool good = commit_trailers_next(&trailers, DIGEST_TRAILER, &value) &&
		    value.len == DIGEST_HEX;

	for (size_t i = 0; good && i < DIGEST_ID; i++) {
		const char *hex = value.data + 2 * i;

		good = is_digit(hex[0]) && is_digit(hex[1]);
		sha256[i] = good ? (uint8_t)hex_number(hex, 2) : 0;
	}
	good = good && !commit_trailers_next(&trailers, DIGEST_TRAILER, &value);
	buf_release(&value);
	return good;
}

/* How often the headers of a commit have this one: "\ngpgsig ". */
static size_t count_header(const struct buf *commit, const char *header)
{
	const char *end = strstr(commit->data, "\n\n"), *at = commit->data;
	size_t count = 0;

	while ((at = strstr(at, header)) && at < end) {
		count++;
		at++;
	}
	return count;
}

/* Reads the commit, which must be one that a receipt can have. */
static int read_commit(struct receipt *receipt, struct err *err)
{
	const struct snapshot_info *info = receipt->info;
	char time[WHEN_TEXT], key[SIGN_KEY];
	struct commit commit;
	uint8_t id[OBJECT_ID];
	int rc;

	when_format(time, info->time_s);
	if (!object_unhex(id, info->commit.hex)) {
		return err_set(err, ERR_INPUT, "'%.40s' is not the id of a commit",
			       info->commit.hex);
	}
	rc = repo_object(receipt->repo, &receipt->commit, id, OBJECT_COMMIT, err);
	if (rc) {
		return rc;
	}
	if (!commit_parse(&commit, &receipt->commit) ||
	    sign_signer(key, OBJECT_COMMIT, receipt->commit.data, receipt->commit.len)) {
		return err_set(
			err, ERR_REFUSED,
			"snapshot %s of %s is not signed, so nothing can prove what "
			"it answered; snapshots are signed with `export --sign KEY`",
			info->commit.hex, time);
	}
	if (!*key || count_header(&receipt->commit, "\ngpgsig ") != 1 ||
	    count_header(&receipt->commit, "\ncommitter ") != 1 ||
	    !read_trailer(receipt->sha256, commit.message) || commit.time_s < 1 ||
	    commit.time_s > TIME_MAX_S) {
		return err_set(
			err, ERR_INPUT,
			"snapshot %s of %s is signed, but not as albumen signs: it "
			"needs an SSH signature and one trailer " DIGEST_TRAILER,
			info->commit.hex, time);
	}
	memcpy(receipt->tree, commit.tree, OBJECT_ID);
	oversize_read(&receipt->oversize, commit.message);
	return 0;
}

/* --- the trees --- */

static int hash_blob(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		     void *payload, struct err *err)
{
	struct receipt *receipt = payload;
	struct buf body = {0};
	int rc = history_blob(receipt->history, &body, id, err);

	if (!rc) {
		digest_object(sha256, OBJECT_BLOB, body.data, body.len);
	}
	log_progress_step(&receipt->progress, 1);
	buf_release(&body);
	return rc;
}

static int read_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *err)
{
	struct receipt *receipt = payload;
	const struct tree_store *store = history_trees(receipt->history);

	return store->read(body, id, store->payload, err);
}

static int contradiction(struct receipt *receipt, const char *path, struct err *err)
{
	receipt->contradicts = true;
	return err_set(
		err, ERR_INPUT,
		"'%s' in snapshot %s has not the SHA-256 that the snapshot's "
		"signature covers, so no receipt would hold; see what `verify` says",
		path, receipt->info->commit.hex);
}

/* Adds a tree to the receipt, unless it is there. */
static void add_tree(struct receipt *receipt, const struct level *level)
{
	uint32_t hash = hash_bytes(level->sha256, DIGEST_ID, 0), n;
	size_t count = receipt->known.count, at = 0;
	char *base64;
	size_t len;

	while ((n = hash_next(&receipt->known, hash, &at))) {
		if (memcmp(receipt->tree_id[n - 1], level->sha256, DIGEST_ID) == 0) {
			return;
		}
	}
	receipt->tree_id =
		xgrow(receipt->tree_id, count, &receipt->cap, sizeof(*receipt->tree_id));
	memcpy(receipt->tree_id[count], level->sha256, DIGEST_ID);
	hash_add(&receipt->known, hash, (uint32_t)count + 1);
	len = BASE64_ENCODE_RAW_LENGTH(level->made.len);
	base64 = xmalloc(len + 1);
	base64_encode_raw(base64, level->made.len, (const uint8_t *)level->made.data);
	spill_add(&receipt->trees, count ? ",\"" : "\"", count ? 2 : 1);
	spill_add(&receipt->trees, base64, len);
	spill_add(&receipt->trees, "\"", 1);
	free(base64);
}

/* Makes the level that of the folder `path` ("api/v1/"), whose tree is `id`. */
static int enter(struct receipt *receipt, struct level *level, const char *path,
		 const uint8_t id[OBJECT_ID], struct err *err)
{
	int rc;

	if (level->is_set && memcmp(level->id, id, OBJECT_ID) == 0) {
		return 0;
	}
	level->is_set = false;
	memcpy(level->id, id, OBJECT_ID);
	buf_empty(&level->body);
	buf_empty(&level->made);
	rc = read_tree(&level->body, id, receipt, err);
	if (!rc && level->body.len > TREE_MAX) {
		rc = err_set(err, ERR_INPUT,
			     "the folder '%s' in snapshot %s is larger than %zu MiB",
			     path, receipt->info->commit.hex, TREE_MAX >> 20);
	}
	rc = rc ? rc
		: digest_body(&level->made, receipt->digest, &receipt->source, id, path,
			      err);
	if (!rc) {
		digest_object(level->sha256, OBJECT_TREE, level->made.data,
			      level->made.len);
		level->is_set = true;
	}
	return rc;
}

/* An entry on the way. */
struct way {
	bool is_there, is_tree;
	uint8_t id[OBJECT_ID], sha256[DIGEST_ID];
};

/* Looks for the entry `name` of the folder `path`. A tree proves something only if it is such
 * as albumen writes: each entry in its order, and what may be there. */
static int look(struct way *way, const struct level *level, const char *path,
		const char *name, size_t len, struct err *err)
{
	struct tree_cursor cursor = {level->body.data, level->body.data + level->body.len,
				     false};
	struct tree_entry entry, last = {0};
	const char *fault = NULL;
	struct buf full = {0};
	size_t n = 0;

	*way = (struct way){0};
	while (!fault && tree_next(&cursor, &entry)) {
		const char *mode = entry.is_tree ? "40000" : "100644";

		buf_clear(&full);
		buf_addf(&full, "%s%s", path, entry.name);
		fault = response_fault(full.data, entry.is_tree);
		if (entry.mode_len != strlen(mode) ||
		    memcmp(entry.mode, mode, entry.mode_len) != 0) {
			fault = "has a mode that snapshots do not have";
		} else if (n &&
			   tree_compare(last.name, last.name_len, last.is_tree,
					entry.name, entry.name_len, entry.is_tree) >= 0) {
			fault = "is out of order";
		}
		if (entry.name_len == len && memcmp(entry.name, name, len) == 0) {
			/* The tree with SHA-256 has the same entries, with longer ids. */
			size_t at = (size_t)((const char *)entry.id - level->body.data) +
				    n * (DIGEST_ID - OBJECT_ID);

			way->is_there = true;
			way->is_tree = entry.is_tree;
			memcpy(way->id, entry.id, OBJECT_ID);
			memcpy(way->sha256, level->made.data + at, DIGEST_ID);
		}
		last = entry;
		n++;
	}
	if (fault) {
		err_set(err, ERR_INPUT,
			"'%s' %s, so the snapshot proves nothing; see what "
			"`verify` says",
			full.data, fault);
	}
	buf_release(&full);
	return fault ? ERR_INPUT : tree_end(&cursor, level->id, err);
}

/* Goes from the root to the file `path`, adds the trees on the way, and sets *file. */
static int walk(struct receipt *receipt, struct file *file, const char *path,
		struct err *err)
{
	struct way way = {.is_there = true, .is_tree = true};
	struct buf folder = {0};
	const char *name = path;
	int rc = 0;

	memcpy(way.id, receipt->tree, OBJECT_ID);
	memcpy(way.sha256, receipt->sha256, DIGEST_ID);
	buf_addstr(&folder, "");
	for (size_t depth = 0; !rc && way.is_there && way.is_tree; depth++) {
		struct level *level = &receipt->level[depth];
		size_t len = strcspn(name, "/");

		assert(depth < DEPTH_MAX && *name);
		rc = enter(receipt, level, folder.data, way.id, err);
		if (!rc && memcmp(level->sha256, way.sha256, DIGEST_ID) != 0) {
			rc = contradiction(receipt, folder.data, err);
		}
		if (!rc) {
			add_tree(receipt, level);
			rc = look(&way, level, folder.data, name, len, err);
		}
		name += len + (name[len] == '/');
		buf_setlen(&folder, 0);
		buf_add(&folder, path, (size_t)(name - path));
	}
	*file = (struct file){.is_there = way.is_there};
	memcpy(file->blob, way.id, OBJECT_ID);
	memcpy(file->sha256, way.sha256, DIGEST_ID);
	buf_release(&folder);
	return rc;
}

/* --- the answers --- */

/* Reads the file into receipt->body, unless it is there. */
static int read_file(struct receipt *receipt, const struct file *file, struct err *err)
{
	int rc = 0;

	if (receipt->read != file) {
		buf_empty(&receipt->body);
		receipt->read = NULL;
		rc = history_blob(receipt->history, &receipt->body, file->blob, err);
		receipt->read = rc ? NULL : file;
	}
	return rc;
}

static int check_file(struct receipt *receipt, const struct file *file, const char *path,
		      struct err *err)
{
	const struct buf *body = &receipt->body;
	uint8_t sha256[DIGEST_ID];
	int rc = read_file(receipt, file, err);

	if (rc) {
		return rc;
	}
	digest_object(sha256, OBJECT_BLOB, body->data, body->len);
	if (memcmp(sha256, file->sha256, DIGEST_ID) != 0) {
		return contradiction(receipt, path, err);
	}
	if (body->len < 2 || *body->data != '[' || body->data[body->len - 1] != ']' ||
	    !json_is_utf8(body->data, body->len)) {
		return err_set(err, ERR_INPUT,
			       "'%s' is not an array; see what `verify` says", path);
	}
	return 0;
}

static int prove_id(struct receipt *receipt, size_t n, struct err *err)
{
	const struct record_id *id = &receipt->request->id[n];
	struct file *file = &receipt->file[n];
	struct buf path = {0};
	int rc;

	response_snapshot_path(&path, receipt->request->row, id->bytes, id->len);
	rc = walk(receipt, file, path.data, err);
	if (!rc && file->is_there) {
		rc = check_file(receipt, file, path.data, err);
	} else if (!rc && oversize_has(&receipt->oversize, path.data)) {
		rc = err_set(err, ERR_LARGE,
			     "the response is larger than %zu MiB, so the snapshot lacks "
			     "it, and there is no receipt: '%s'",
			     RESPONSE_MAX >> 20, path.data);
	}
	buf_release(&path);
	return rc;
}

/* Finds the trees and the files, and checks all that the receipt will state. */
static int prove(struct receipt *receipt, struct err *err)
{
	int rc = 0;

	log_progress_start(&receipt->progress, "hashing", 0);
	for (size_t i = 0; !rc && i < receipt->request->count; i++) {
		rc = prove_id(receipt, i, err);
	}
	log_progress_end(&receipt->progress);
	/* Whether all trees could be kept. */
	return rc ? rc : spill_read(&receipt->trees, &receipt->text, 0, 0, err);
}

/* As prove, without the store. */
static int prove_again(struct receipt *receipt, struct err *err)
{
	int rc;

	digest_close(receipt->digest);
	rc = digest_open(&receipt->digest, NULL, err);
	for (size_t i = 0; i < DEPTH_MAX; i++) {
		receipt->level[i].is_set = false;
	}
	hash_clear(&receipt->known);
	spill_release(&receipt->trees);
	return rc ? rc : prove(receipt, err);
}

/* --- printing --- */

static void print(struct receipt *receipt, const void *bytes, size_t len)
{
	receipt->sink(bytes, len, receipt->payload);
}

static void print_str(struct receipt *receipt, const char *text)
{
	print(receipt, text, strlen(text));
}

/* Prints the inside of a JSON string. */
static void print_escaped(struct receipt *receipt, const char *bytes, size_t len)
{
	while (len) {
		size_t n = len;

		if (n > PIECE) {
			for (n = PIECE; (bytes[n] & 0xc0) == 0x80; n--) {
			}
		}
		buf_clear(&receipt->text);
		json_quote(&receipt->text, bytes, n);
		print(receipt, receipt->text.data + 1, receipt->text.len - 2);
		bytes += n;
		len -= n;
	}
}

/* Prints the request in its canonical form. */
static void print_request(struct receipt *receipt)
{
	const struct request *request = receipt->request;
	const struct response *row = request->row;
	struct buf name = {0}, text = {0};

	buf_addch(&text, '/');
	for (size_t i = 0; i < request->count; i++) {
		buf_clear(&name);
		layout_add_name(&name, LAYOUT_SITE, request->id[i].bytes,
				request->id[i].len);
		if (!i) {
			layout_fill(&text, row->request,
				    &(struct layout_text){name.data, name.len});
		}
		if (row->parameter) {
			buf_addf(&text, "%c%s=%s", i ? '&' : '?', row->parameter,
				 name.data);
		}
	}
	print_escaped(receipt, text.data, text.len);
	buf_release(&text);
	buf_release(&name);
}

static int print_trees(struct receipt *receipt, struct err *err)
{
	uint64_t len = spill_length(&receipt->trees);
	int rc = 0;

	for (uint64_t at = 0; !rc && at < len; at += PIECE) {
		size_t n = len - at < PIECE ? (size_t)(len - at) : PIECE;

		buf_clear(&receipt->text);
		rc = spill_read(&receipt->trees, &receipt->text, at, n, err);
		if (!rc) {
			print(receipt, receipt->text.data, receipt->text.len);
		}
	}
	return rc;
}

/* Prints the file, or the array of all files' elements. */
static int print_body(struct receipt *receipt, struct err *err)
{
	const struct request *request = receipt->request;
	bool any = false;
	int rc = 0;

	if (!request->row->parameter && !receipt->file[0].is_there) {
		print_str(receipt, "null");
		return 0;
	}
	print_str(receipt, "\"[");
	for (size_t i = 0; !rc && i < request->count; i++) {
		const struct buf *body = &receipt->body;

		if (!receipt->file[i].is_there) {
			continue;
		}
		rc = read_file(receipt, &receipt->file[i], err);
		if (!rc && body->len > 2) {
			print_str(receipt, any ? "," : "");
			print_escaped(receipt, body->data + 1, body->len - 2);
			any = true;
		}
	}
	print_str(receipt, "]\"");
	return rc;
}

static int print_receipt(struct receipt *receipt, struct err *err)
{
	size_t len = BASE64_ENCODE_RAW_LENGTH(receipt->commit.len);
	char time[WHEN_TEXT], *base64 = xmalloc(len + 1);
	int rc;

	when_format(time, receipt->info->time_s);
	base64_encode_raw(base64, receipt->commit.len,
			  (const uint8_t *)receipt->commit.data);
	print_str(receipt, "{\"request\":\"");
	print_request(receipt);
	print_str(receipt, "\",\"time\":\"");
	print_str(receipt, time);
	print_str(receipt, "\",\"commit\":\"");
	print_str(receipt, receipt->info->commit.hex);
	print_str(receipt, "\",\"signed_commit\":\"");
	print(receipt, base64, len);
	print_str(receipt, "\",\"trees\":[");
	free(base64);
	rc = print_trees(receipt, err);
	if (!rc) {
		print_str(receipt, "],\"body\":");
		rc = print_body(receipt, err);
	}
	if (!rc) {
		print_str(receipt, "}\n");
	}
	return rc;
}

/* --- all of it --- */

static void open_digest(struct receipt *receipt)
{
	struct buf dir = {0};

	buf_addf(&dir, "%s/" DIGEST_FOLDER, snapshot_path(receipt->repo));
	digest_open_reader(&receipt->digest, dir.data);
	buf_release(&dir);
}

static void release(struct receipt *receipt)
{
	for (size_t i = 0; i < DEPTH_MAX; i++) {
		buf_release(&receipt->level[i].body);
		buf_release(&receipt->level[i].made);
	}
	oversize_release(&receipt->oversize);
	history_free(receipt->history);
	digest_close(receipt->digest);
	free(receipt->file);
	hash_release(&receipt->known);
	free(receipt->tree_id);
	spill_release(&receipt->trees);
	buf_release(&receipt->body);
	buf_release(&receipt->commit);
	buf_release(&receipt->text);
}

static int check_request(const struct request *request, struct err *err)
{
	if (request->row->collected) {
		return err_set(err, ERR_INPUT,
			       "a collection has no receipt, as it is made of the whole "
			       "snapshot: ask for an album's images, or for tag images "
			       "with image_ids[]");
	}
	if (!request->count) {
		return err_set(
			err, ERR_INPUT,
			"no image_ids[] of the request is an id that an image could "
			"have, so there is nothing to prove");
	}
	return 0;
}

int receipt_write(struct snapshot_repo *repo, const struct snapshot_info *info,
		  const struct request *request, receipt_sink *sink, void *payload,
		  struct err *err)
{
	struct receipt receipt = {.repo = repo,
				  .info = info,
				  .request = request,
				  .trees = {.dir = file_temp_folder()},
				  .sink = sink,
				  .payload = payload};
	int rc = check_request(request, err);

	rc = rc ? rc : read_commit(&receipt, err);
	if (!rc) {
		receipt.source = (struct digest_source){
			.tree = read_tree, .blob = hash_blob, .payload = &receipt};
		receipt.file = xzalloc(request->count * sizeof(*receipt.file));
		receipt.history = history_new(repo);
		open_digest(&receipt);
		rc = prove(&receipt, err);
	}
	if (rc && receipt.contradicts) {
		rc = prove_again(&receipt, err);
	}
	rc = rc ? rc : print_receipt(&receipt, err);
	release(&receipt);
	return rc;
}
