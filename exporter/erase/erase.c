/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/erase/erase_commits.h"
#include "exporter/erase/erase_labels.h"
#include "exporter/erase/erase_message.h"
#include "exporter/erase/erase_records.h"
#include "exporter/erase/erase_store.h"
#include "exporter/erase/erase_tree.h"
#include "exporter/evidence/declared.h"
#include "exporter/evidence/digest.h"
#include "exporter/evidence/label.h"
#include "exporter/evidence/sign.h"
#include "exporter/evidence/sign_agent.h"
#include "exporter/git/commit.h"
#include "exporter/git/purge.h"
#include "exporter/git/refswap.h"
#include "exporter/git/shallow.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/response.h"

#define NEW_DIGESTS DIGEST_FOLDER ".new"

struct erase {
	struct erase_job *job;
	struct erase_result *result;
	struct snapshot_repo *repo;
	struct erase_store store;
	struct erase_what what;
	struct erase_records *records;
	struct reflist refs;
	struct erase_commits commits;
	struct sign_agent *agent;
	struct digest *digest;
	/* What else than main and labels reaches: the latest of main's commits. */
	uint32_t reached;
	const char *reached_by;
	const struct redact *declared; /* for the message of main's tip; or NULL */
	struct log_progress progress;
	/* Scratch. */
	struct buf body, payload, signature, message, out, hex;
	struct oversize lacks;
};

static int check_reason(const struct erase_job *job, struct err *err)
{
	struct body_text id;

	if (erase_job_names(&id, job, job->reason)) {
		return err_set(err, ERR_USAGE,
			       "the reason names '%.*s', and it stays in the repository; "
			       "give a reason without it",
			       (int)id.len, id.data);
	}
	return 0;
}

/* --- the images of albums --- */

struct albums {
	struct erase *e;
	const uint8_t *tree;
	struct body body;
	struct buf id;
	bool *found;
	struct err *err;
};

static int add_images(const char *path, const uint8_t *old, const uint8_t *new,
		      void *payload)
{
	struct albums *a = payload;
	struct erase *e = a->e;
	struct body_text album, id;
	int rc = 0;

	(void)old;
	body_path(&a->id, path);
	album = (struct body_text){a->id.data, a->id.len};
	if (new) {
		a->found[erase_ids_find(&e->job->albums, &album)] = true;
		rc = body_read(&a->body, e->store.history, new, QUERY_IMAGES, &album,
			       a->err);
	}
	for (size_t i = 0; !rc && new &&i < a->body.count; i++) {
		rc = body_record(&a->body, i, &id) ? 0 : body_fail(&a->body, a->err);
		if (!rc) {
			erase_ids_add(&e->job->images, &id);
		}
	}
	return rc;
}

/* Refuses an album whose list a snapshot does not have. */
static int check_lists(struct erase *e, const struct erase_commit *commit,
		       struct err *err)
{
	struct buf path = {0};
	int rc = 0;

	for (size_t i = 0; !rc && i < e->job->albums.count; i++) {
		const struct body_text *id = &e->job->albums.id[i];

		buf_clear(&path);
		response_snapshot_path(&path, response_of(QUERY_IMAGES), id->data,
				       id->len);
		if (oversize_has(&e->lacks, path.data)) {
			rc = err_set(err, ERR_REFUSED,
				     "snapshot %" PRIu64 " does not have the images of "
				     "the album '%.*s', as the list is too large, so "
				     "they are not known; name each with --image",
				     commit->number, (int)id->len, id->data);
		}
	}
	buf_release(&path);
	return rc;
}

static int read_commit(struct erase *e, const struct erase_commit *at,
		       struct commit *commit, struct err *err)
{
	int rc;

	buf_clear(&e->body);
	rc = repo_object(e->repo, &e->body, at->old, OBJECT_COMMIT, err);
	if (!rc && !commit_parse(commit, &e->body)) {
		rc = err_set(err, ERR_INPUT, "a commit is malformed");
	}
	oversize_clear(&e->lacks);
	if (!rc) {
		oversize_read(&e->lacks, commit->message);
	}
	return rc;
}

/* Every image that was ever in the albums. */
static int find_images(struct erase *e, struct err *err)
{
	struct albums a = {.e = e, .err = err};
	const struct erase_ids *albums = &e->job->albums;
	struct pathset paths = {0};
	struct commit commit;
	int rc = 0;

	if (!albums->count) {
		return 0;
	}
	a.found = xzalloc(albums->count + 1);
	for (size_t i = 0; i < albums->count; i++) {
		body_add_path(&paths, QUERY_IMAGES, &albums->id[i]);
	}
	for (uint32_t i = 0; !rc && i < e->commits.count; i++) {
		const struct erase_commit *at = &e->commits.commit[i];
		const uint8_t *before = at->parent == ERASE_NONE
						? NULL
						: e->commits.commit[at->parent].old_tree;

		rc = read_commit(e, at, &commit, err);
		rc = rc ? rc : check_lists(e, at, err);
		rc = rc ? rc
			: pathset_diff(&paths, history_trees(e->store.history),
				       response_walk_fault, before, at->old_tree,
				       add_images, &a, err);
	}
	for (size_t i = 0; !rc && i < albums->count; i++) {
		if (!a.found[i + 1]) {
			rc = err_set(err, ERR_NOTFOUND,
				     "no snapshot has the album '%.*s'",
				     (int)albums->id[i].len, albums->id[i].data);
		}
	}
	pathset_release(&paths);
	body_release(&a.body);
	buf_release(&a.id);
	free(a.found);
	return rc;
}

/* --- a snapshot anew --- */

static int read_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *err)
{
	return erase_store_tree(body, id, payload, err);
}

static const uint8_t *object_of(uint32_t object, void *payload)
{
	struct erase_store *store = payload;

	return erase_records_object(store->records, object);
}

static int sha256_of(struct buf *hex, const uint8_t tree[OBJECT_ID], void *payload,
		     struct err *err)
{
	struct erase *e = payload;
	struct digest_source source = {.tree = erase_store_tree,
				       .blob = erase_store_sha256,
				       .payload = &e->store};
	uint8_t sha256[DIGEST_ID];
	char text[DIGEST_HEX + 1];
	int rc = digest_tree(sha256, e->digest, &source, tree, err);

	buf_clear(hex);
	if (!rc) {
		digest_hex(text, sha256);
		buf_addstr(hex, text);
	}
	return rc;
}

/* Copies the headers of the commit, with another tree and another parent. */
static void write_headers(struct erase *e, const struct erase_commit *at)
{
	const char *line = e->payload.data;
	const char *end = strstr(line, "\n\n");
	char hex[OBJECT_HEX + 1];

	object_hex(hex, at->new_tree);
	buf_addf(&e->out, "tree %s\n", hex);
	line = strchr(line, '\n') + 1;
	if (at->parent != ERASE_NONE) {
		object_hex(hex, e->commits.commit[at->parent].new);
		buf_addf(&e->out, "parent %s\n", hex);
		line = strchr(line, '\n') + 1;
	}
	buf_add(&e->out, line, (size_t)(end + 2 - line));
}

static int refuse_unsigned(const struct erase_commit *at, struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "snapshot %" PRIu64 " is signed, and would lose its signature; "
		       "give --sign KEY",
		       at->number);
}

/* Writes the commit, whose old body is e->body, anew. */
static int write_commit(struct erase *e, struct erase_commit *at,
			struct erase_message *changes, struct err *err)
{
	bool is_signed;
	int rc = 0;

	buf_clear(&e->payload);
	buf_clear(&e->signature);
	buf_clear(&e->out);
	is_signed = sign_split(&e->payload, &e->signature, OBJECT_COMMIT, e->body.data,
			       e->body.len) == 0;
	buf_addstr(&e->payload, "");
	if (is_signed && !e->job->key) {
		return refuse_unsigned(at, err);
	}
	if (is_signed && e->digest) {
		rc = sha256_of(&e->hex, at->new_tree, e, err);
		changes->sha256 = e->hex.data;
	}
	changes->was = at->old;
	write_headers(e, at);
	erase_message_write(&e->out, strstr(e->payload.data, "\n\n") + 2, changes);
	if (!rc && is_signed && e->agent) {
		rc = sign_agent_body(e->agent, &e->out, OBJECT_COMMIT, err);
	}
	if (!rc) {
		erase_store_add(&e->store, at->new, OBJECT_COMMIT, e->out.data,
				e->out.len);
	}
	return rc ? rc : pack_check(e->store.pack, err);
}

/* Refuses what would keep the old commit. */
static int check_reached(const struct erase *e, uint32_t n, struct err *err)
{
	if (e->reached == ERASE_NONE || n > e->reached || n >= e->commits.line[0].to) {
		return 0;
	}
	return err_set(
		err, ERR_REFUSED,
		"%s of '%s' reaches snapshots that would be written anew, and would "
		"keep what is erased; remove it first, with: git -C '%s' update-ref "
		"-d '%s'",
		e->reached_by, e->repo->path, e->repo->path, e->reached_by);
}

static bool has_counts(const struct erase_counts *counts)
{
	return counts->images || counts->untagged || counts->albums || counts->tags ||
	       counts->tag_images;
}

/* Whether the snapshot names a response of an erased image as too large. */
static bool lacks_erased(const struct erase *e)
{
	struct buf id = {0};
	size_t at = 0;
	const char *path;
	bool found = false;

	while (!found && (path = oversize_next(&e->lacks, &at))) {
		found = body_path(&id, path) == QUERY_TAG_IMAGES &&
			erase_ids_find(&e->what.images,
				       &(struct body_text){id.data, id.len});
	}
	buf_release(&id);
	return found;
}

/* A snapshot that is signed and stays: the digests are kept for receipts of it. */
static int keep_digest(struct erase *e, const struct erase_commit *at, struct err *err)
{
	buf_clear(&e->payload);
	buf_clear(&e->signature);
	if (!e->digest || sign_split(&e->payload, &e->signature, OBJECT_COMMIT,
				     e->body.data, e->body.len)) {
		return 0;
	}
	return sha256_of(&e->hex, at->old_tree, e, err);
}

/* One snapshot; `n` is its number among the commits. */
static int step(struct erase *e, uint32_t n, bool first, struct err *err)
{
	struct erase_commit *at = &e->commits.commit[n];
	const struct erase_commit *parent =
		at->parent == ERASE_NONE ? NULL : &e->commits.commit[at->parent];
	struct tree_store trees = {.read = read_tree,
				   .write = erase_store_write,
				   .object = object_of,
				   .payload = &e->store};
	struct erase_tree tree = {.now = at->old_tree};
	struct erase_tree_counts files = {0};
	struct erase_message changes = {.counts = erase_records_counts(e->records),
					.images = &e->what.images,
					.files = parent || at->is_root ? &files : NULL};
	bool tip = n + 1 == e->commits.line[0].to;
	struct commit commit;
	int rc = 0;

	/* What a label alone leads to begins after a snapshot that the records have left
	 * behind. */
	if (first && parent) {
		rc = read_commit(e, parent, &commit, err);
		rc = rc ? rc
			: erase_records_step(e->records, NULL, parent->old_tree,
					     &e->lacks, err);
	}
	rc = rc ? rc : read_commit(e, at, &commit, err);
	if (parent) {
		tree.before = parent->old_tree;
		tree.new_before = parent->new_tree;
	}
	rc = rc ? rc
		: erase_records_step(e->records, tree.before, at->old_tree, &e->lacks,
				     err);
	rc = rc ? rc
		: erase_tree_make(at->new_tree, &tree, erase_records_edits(e->records),
				  &trees, &files, err);
	if (rc) {
		return rc;
	}
	e->result->answers += files.answers;
	if (tip && e->declared) {
		changes.members = e->declared;
		changes.matched = erase_records_matched(e->records);
	}
	if (memcmp(at->old_tree, at->new_tree, OBJECT_ID) == 0 && !changes.members &&
	    !has_counts(changes.counts) && !lacks_erased(e) &&
	    (!parent || memcmp(parent->old, parent->new, OBJECT_ID) == 0)) {
		return keep_digest(e, at, err);
	}
	rc = check_reached(e, n, err);
	rc = rc ? rc : write_commit(e, at, &changes, err);
	if (!rc) {
		bool on_main = n < e->commits.line[0].to;

		e->result->snapshots++;
		e->result->held += !on_main;
		e->result->from =
			on_main && !e->result->from ? at->number : e->result->from;
	}
	return rc;
}

static int missing(const char *what, const struct body_text *id, struct err *err)
{
	return err_set(err, ERR_NOTFOUND, "no snapshot has the %s '%.*s'", what,
		       (int)id->len, id->data);
}

/* Refuses what was in no snapshot: it may be misspelt. */
static int check_found(const struct erase *e, size_t named_images, struct err *err)
{
	const struct erase_records *r = e->records;
	const struct erase_job *job = e->job;

	for (uint32_t i = 0; i < named_images; i++) {
		if (!erase_records_found_image(r, i + 1)) {
			return missing("image", &job->images.id[i], err);
		}
	}
	for (uint32_t i = 0; i < job->tag_images.count; i++) {
		if (!erase_records_found_tag_image(r, i + 1)) {
			return missing("tag image", &job->tag_images.id[i], err);
		}
	}
	for (uint32_t i = 0; i < job->tags.count; i++) {
		if (!erase_records_found_tag(r, i + 1)) {
			return missing("tag", &job->tags.id[i], err);
		}
	}
	for (size_t i = 0; job->members && redact_path(job->members, i); i++) {
		const char *path = redact_path(job->members, i);

		if (!erase_records_found_member(r, i)) {
			return missing("member", &(struct body_text){path, strlen(path)},
				       err);
		}
	}
	return 0;
}

/* Finds the members that main's tip does not declare as left out yet. */
static int find_declared(struct erase *e, struct redact **out, struct err *err)
{
	const struct erase_commit *tip = &e->commits.commit[e->commits.line[0].to - 1];
	const char *path[REDACT_PATHS_MOST];
	struct redact *recorded = NULL;
	struct commit commit;
	size_t count = 0;
	int rc;

	*out = NULL;
	if (!e->job->members) {
		return 0;
	}
	rc = read_commit(e, tip, &commit, err);
	rc = rc ? rc : redact_recorded(&recorded, commit.message, err);
	for (size_t i = 0; !rc && redact_path(e->job->members, i); i++) {
		struct redact *one = NULL;
		struct buf uncovered = {0};

		path[count] = redact_path(e->job->members, i);
		rc = redact_new(&one, &path[count], 1, -1, err);
		if (!rc) {
			redact_uncovered(&uncovered, one, recorded);
			count += uncovered.len != 0;
		}
		redact_free(one);
		buf_release(&uncovered);
	}
	if (!rc && count) {
		rc = redact_new(out, path, count, -1, err);
	}
	redact_free(recorded);
	return rc;
}

static int walk(struct erase *e, struct err *err)
{
	int rc = 0;

	log_progress_start(&e->progress, "erasing", e->commits.count);
	for (size_t i = 0; !rc && i < e->commits.lines; i++) {
		const struct erase_line *line = &e->commits.line[i];

		for (uint32_t n = line->from; !rc && n < line->to; n++) {
			rc = step(e, n, n == line->from, err);
			log_progress_step(&e->progress, 1);
		}
	}
	log_progress_end(&e->progress);
	return rc;
}

/* --- references --- */

struct moves {
	struct refswap_move *move;
	char (*hex)[OBJECT_HEX + 1]; /* the new ids */
	size_t count;
};

/* The labels that move. The first move is kept for the label of the erasure. */
static int move_labels(struct erase *e, struct moves *moves, struct err *err)
{
	struct erase_labels labels = {.store = &e->store,
				      .commits = &e->commits,
				      .has_key = e->job->key,
				      .agent = e->agent,
				      .sha256 = sha256_of,
				      .payload = e};
	int rc = 0;

	moves->move = xreallocarray(NULL, e->refs.count + 1, sizeof(*moves->move));
	moves->hex = xreallocarray(NULL, e->refs.count + 1, sizeof(*moves->hex));
	moves->count = 1;
	for (size_t i = 0; !rc && i < e->refs.count; i++) {
		const struct reflist_ref *ref = &e->refs.ref[i];
		bool is_tag = strncmp(ref->name, "refs/tags/", 10) == 0;
		uint8_t old[OBJECT_ID], new[OBJECT_ID];

		object_unhex(old, ref->id);
		memcpy(new, old, OBJECT_ID);
		if (is_tag) {
			rc = erase_labels_move(new, &labels, ref, err);
		} else if (strcmp(ref->name, SNAPSHOT_BRANCH) == 0) {
			memcpy(new, e->commits.commit[e->commits.line[0].to - 1].new,
			       OBJECT_ID);
		}
		if (!rc && memcmp(old, new, OBJECT_ID) != 0) {
			object_hex(moves->hex[moves->count], new);
			moves->move[moves->count] = (struct refswap_move){
				ref->name, ref->id, moves->hex[moves->count]};
			moves->count++;
			e->result->labels += is_tag;
		}
	}
	return rc;
}

/* The file `shallow` with the new ids. */
static int move_shallow(struct erase *e, struct buf *text, struct err *err)
{
	struct shallow old = {0}, new = {0};
	int rc = shallow_read(&old, e->repo->path, err);

	for (size_t i = 0; !rc && i < old.count; i++) {
		const uint8_t *id = old.id + i * OBJECT_ID;
		uint32_t n = erase_commits_find(&e->commits, id);

		shallow_add(&new, n == ERASE_NONE ? id : e->commits.commit[n].new);
	}
	buf_addstr(text, "");
	shallow_format(text, &new);
	shallow_release(&old);
	shallow_release(&new);
	return rc;
}

/*
 * The label's time, and its name of it. It is not before that of its snapshot, and after those
 * of all labels of erasures, also of this second or if the clock was set back: by their times
 * it is known which of them a later erasure wrote anew.
 */
static int64_t name_label(const struct erase *e, char name[40], int64_t snapshot_s)
{
	static const char form[] = DECLARED_ERASED "%Y%m%dT%H%M%SZ";
	static const char tags[] = "refs/tags/";
	int64_t time_s = e->job->time_s > snapshot_s ? e->job->time_s : snapshot_s;
	struct tm tm = {0};
	time_t at;

	for (size_t i = 0; i < e->refs.count; i++) {
		const char *ref = e->refs.ref[i].name;

		tm = (struct tm){0};
		if (strncmp(ref, tags, strlen(tags)) == 0 &&
		    strptime(ref + strlen(tags), form, &tm)) {
			at = timegm(&tm);
			time_s = at < time_s ? time_s : at + 1;
		}
	}
	at = (time_t)time_s;
	gmtime_r(&at, &tm);
	strftime(name, 40, form, &tm);
	return time_s;
}

static int by_number(const void *a, const void *b)
{
	const struct declared_snapshot *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void declare(struct buf *trailers, const struct erase *e)
{
	const struct erase_commit *tip = &e->commits.commit[e->commits.line[0].to - 1];
	struct declared_erased erased = {.from = e->result->from ? e->result->from
								 : tip->number,
					 .snapshots = e->result->snapshots,
					 .answers = e->result->answers};

	memcpy(erased.old_tip, tip->old, OBJECT_ID);
	memcpy(erased.new_tip, tip->new, OBJECT_ID);
	for (uint32_t n = e->commits.line[0].to; n < e->commits.count; n++) {
		const struct erase_commit *held = &e->commits.commit[n];

		if (memcmp(held->old, held->new, OBJECT_ID) != 0) {
			declared_list_add(&erased.held, held->number, held->new);
		}
	}
	if (erased.held.count) {
		qsort(erased.held.at, erased.held.count, sizeof(*erased.held.at),
		      by_number);
	}
	declared_erased_write(trailers, &erased);
	free(erased.held.at);
}

/* The label of the erasure, on main's tip. */
static int make_label(struct erase *e, uint8_t tag[OBJECT_ID], struct err *err)
{
	const struct erase_commit *tip = &e->commits.commit[e->commits.line[0].to - 1];
	struct snapshot_info info = {0};
	struct buf reason = {0}, trailers = {0}, body = {0};
	struct commit commit;
	struct label label = {
		.name = e->result->label, .snapshot = &info, .key = e->job->key};
	int rc = read_commit(e, tip, &commit, err);

	if (rc) {
		return rc;
	}
	label.time_s = name_label(e, e->result->label, commit.time_s);
	object_hex(info.commit.hex, tip->new);
	object_hex(info.tree.hex, tip->new_tree);
	info.time_s = commit.time_s;
	/* Its number alone is of interest; its digest may be that of the old tree. */
	buf_clear(&e->message);
	buf_addf(&e->message, "snapshot\n\n" MESSAGE_NUMBER ": %" PRIu64 "\n",
		 tip->number);
	info.message = e->message.data;
	if (e->digest && label.key) {
		rc = sha256_of(&e->hex, tip->new_tree, e, err);
		label.sha256 = e->hex.data;
	}
	buf_addf(&reason, "Records were taken out of %" PRIu64 " snapshot%s.\n\n%s",
		 e->result->snapshots, e->result->snapshots == 1 ? "" : "s",
		 e->job->reason);
	declare(&trailers, e);
	label.reason = reason.data;
	label.trailers = trailers.data;
	rc = rc ? rc : label_write(&body, e->repo, &label, err);
	if (!rc) {
		erase_store_add(&e->store, tag, OBJECT_TAG, body.data, body.len);
	}
	buf_release(&reason);
	buf_release(&trailers);
	buf_release(&body);
	return rc;
}

/* Puts the digests of the new objects in the place of those of all that ever was. They are true
 * whatever comes; so a kill before the swap costs a computation at most. */
static int change_digests(struct erase *e, struct err *err)
{
	struct buf old = {0}, new = {0};
	int rc = e->digest ? digest_save(e->digest, err) : 0;

	digest_close(e->digest);
	digest_keep_close(e->store.known);
	e->digest = NULL;
	e->store.known = NULL;
	buf_addf(&old, "%s/" DIGEST_FOLDER, e->repo->path);
	buf_addf(&new, "%s/" NEW_DIGESTS, e->repo->path);
	rc = rc ? rc : digest_keep_remove(old.data, err);
	if (!rc && rename(new.data, old.data) < 0 && errno != ENOENT) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", new.data, old.data);
	}
	rc = rc ? rc : file_flush_folder(e->repo->path, err);
	buf_release(&old);
	buf_release(&new);
	return rc;
}

static int swap(struct erase *e, struct moves *moves, struct err *err)
{
	struct buf shallow = {0}, ref = {0};
	uint8_t tag[OBJECT_ID];
	int rc = make_label(e, tag, err);

	rc = rc ? rc : move_shallow(e, &shallow, err);
	buf_addf(&ref, "refs/tags/%s", e->result->label);
	object_hex(moves->hex[0], tag);
	moves->move[0] = (struct refswap_move){ref.data, "", moves->hex[0]};
	rc = rc ? rc : pack_wait(e->store.pack, err);
	rc = rc ? rc : change_digests(e, err);
	if (!rc && e->job->ready) {
		rc = e->job->ready(e->job->payload, err);
	}
	rc = rc ? rc : purge_begin(e->repo, err);
	if (!rc) {
		rc = refswap_run(e->repo,
				 &(struct refswap){.pack = e->store.pack,
						   .move = moves->move,
						   .count = moves->count,
						   .shallow = shallow.data},
				 err);
		if (rc == ERR_CHANGED || rc == ERR_LOCKED) {
			purge_cancel(e->repo);
		}
	}
	buf_release(&shallow);
	buf_release(&ref);
	return rc;
}

/* --- all of it --- */

static int open_digests(struct erase *e, struct err *err)
{
	struct buf dir = {0};
	int rc;

	buf_addf(&dir, "%s/" DIGEST_FOLDER, e->repo->path);
	digest_keep_open_reader(&e->store.known, dir.data);
	buf_clear(&dir);
	buf_addf(&dir, "%s/" NEW_DIGESTS, e->repo->path);
	rc = digest_keep_remove(dir.data, err); /* left by a kill */
	rc = rc ? rc : digest_open(&e->digest, dir.data, err);
	e->store.digests = true;
	buf_release(&dir);
	return rc;
}

static int check_worktrees(struct erase *e, struct err *err)
{
	static const char *const none[] = {NULL};
	struct buf path = {0}, name = {0};
	int rc;

	buf_addf(&path, "%s/worktrees", e->repo->path);
	rc = file_find_entry(&name, path.data, none, err);
	if (!rc && name.len) {
		rc = err_set(err, ERR_REFUSED,
			     "'%s' has the work tree '%s', which would keep what is "
			     "erased; remove it first, with: git worktree remove",
			     e->repo->path, name.data);
	}
	buf_release(&path);
	buf_release(&name);
	return rc;
}

static int begin(struct erase *e, struct redact **declared, struct err *err)
{
	int rc = check_worktrees(e, err);

	rc = rc ? rc : reflist_read(&e->refs, e->repo, err);
	rc = rc ? rc : erase_commits_list(&e->commits, e->repo, &e->refs, err);
	rc = rc ? rc
		: erase_commits_reached(&e->reached, &e->reached_by, &e->commits, e->repo,
					&e->refs, err);
	rc = rc ? rc : find_images(e, err);
	/* Images of albums are known now. */
	rc = rc ? rc : check_reason(e->job, err);
	rc = rc || !e->job->check ? rc : e->job->check(e->job->payload, err);
	rc = rc ? rc : erase_labels_check(e->repo, &e->refs, e->job, err);
	rc = rc ? rc : find_declared(e, declared, err);
	if (!rc && e->job->key && !e->job->dry) {
		rc = sign_agent_open(&e->agent, e->job->key, err);
		rc = rc ? rc : open_digests(e, err);
	}
	e->declared = *declared;
	e->what = (struct erase_what){.images = e->job->images,
				      .tag_images = e->job->tag_images,
				      .tags = e->job->tags,
				      .members = e->job->members};
	e->records = erase_records_new(&e->what, &e->store);
	e->store.records = e->records;
	return rc;
}

static void end(struct erase *e)
{
	struct buf unused = {0};

	if (e->digest) {
		digest_close(e->digest);
		buf_addf(&unused, "%s/" NEW_DIGESTS, e->repo->path);
		digest_keep_remove(unused.data, NULL);
		buf_release(&unused);
	}
	erase_records_free(e->records);
	erase_store_close(&e->store);
	sign_agent_close(e->agent);
	reflist_release(&e->refs);
	erase_commits_release(&e->commits);
	oversize_release(&e->lacks);
	buf_release(&e->body);
	buf_release(&e->payload);
	buf_release(&e->signature);
	buf_release(&e->message);
	buf_release(&e->out);
	buf_release(&e->hex);
}

static void report_tips(struct erase *e)
{
	const struct erase_commit *tip = &e->commits.commit[e->commits.line[0].to - 1];

	object_hex(e->result->old_tip.hex, tip->old);
	if (!e->job->dry) {
		object_hex(e->result->new_tip.hex, tip->new);
	}
}

int erase_run(struct erase_result *result, struct snapshot_repo *repo,
	      struct erase_job *job, struct err *err)
{
	struct erase e = {.job = job, .result = result, .repo = repo};
	size_t named_images = job->images.count;
	struct redact *declared = NULL;
	struct moves moves = {0};
	int rc;

	*result = (struct erase_result){0};
	erase_store_open(&e.store, repo, job->dry);
	rc = begin(&e, &declared, err);
	rc = rc ? rc : walk(&e, err);
	rc = rc ? rc : check_found(&e, named_images, err);
	rc = rc ? rc : move_labels(&e, &moves, err);
	if (!rc && !job->dry) {
		rc = swap(&e, &moves, err);
	}
	if (!rc) {
		report_tips(&e);
	}
	end(&e);
	redact_free(declared);
	free(moves.move);
	free(moves.hex);
	return rc || job->dry ? rc : snapshot_reopen(repo, err);
}

int erase_finish(struct purge_result *result, struct snapshot_repo *repo, struct err *err)
{
	int rc = purge_run(repo, result, err);

	return rc ? rc : snapshot_reopen(repo, err);
}
