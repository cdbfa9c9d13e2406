/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/site.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <nettle/sha2.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/git/pack/object.h"
#include "exporter/snapshot/message.h"
#include "exporter/site/page_site.h"
#include "exporter/snapshot/response.h"
#include "exporter/collection/collection.h"
#include "exporter/site/place.h"
#include "exporter/site/relay.h"
#include "exporter/site/state.h"

/*
 * How a site stays right through kill -9 and power loss.
 *
 * snapshot.json names commit C: every file is as in C, except where a publication
 * towards P was interrupted. Such a P stands in the note `pending`, which is
 * durable before the first file is touched. So what the files are at is known
 * without reading them: each is as in C, or as in one of the P. The next
 * publication, towards T, looks at what differs between C and T, and between each
 * P and T, and at nothing else. snapshot.json is replaced when all files are
 * durable, and then `pending` says "done". While it does, no file has been touched
 * for what is written over it, so it is written in place; never over a P.
 *
 * A power loss may undo renames of files. Before snapshot.json is durable that
 * leaves files as in C or P, and `pending`; after, nothing is left to undo.
 *
 * A failed sync leaves files in memory that are on no disk, and says so once only
 * (fsync(2)). So where `pending` names a P, what reads right proves nothing: all
 * that differs is written again, and the whole file system is synced.
 *
 * The order: new and changed files, then the collection that repeats them, then
 * removals. What cannot be known so (no snapshot.json, commits that the
 * repository has not) is found out by comparing every file. A site without api/
 * has no file: there, everything is built aside and appears at once.
 *
 * The audit page is brought from the commit of snapshot.json to T by what differs,
 * too, where there is no `pending`; else it is compared as a whole.
 */

#define PENDING "pending"
#define DONE "done\n" /* nothing is pending, whatever else stands there */
#define PENDING_BYTES_MAX (64u << 10)
#define PENDING_MAX 64 /* unfinished publications; more are cheaper compared */
#define WHO "albumen-exporter, which publishes"

/* Up to here each file is synced by itself, and the folders after. More files are
 * written without, and the whole file system is synced once: some ten times as
 * quick, but it waits for what everybody else has written, too (HAZARDS F5). */
#define FEW 64

#define DIGEST 16

struct publish {
	struct place *place;
	const char *site; /* the folder */
	struct snapshot_repo *repo;
	const struct snapshot_info *to;
	bool collections;
	char mark[PAGE_SITE_MARK + 1]; /* of the audit page; "": none is wanted */
	struct site_result *result;
	struct err *err;
	/* What the site is at. */
	struct state at;          /* snapshot.json's word */
	struct snapshot_id *base; /* trees that its files may be of; none: unknown */
	size_t bases;
	struct buf pending;
	bool empty;   /* no api/ yet */
	bool compare; /* files may be as asked already: look */
	bool again;   /* a publication was not finished: looking is not enough */
	bool told;    /* by site_check: the state is known, but not trusted */
	struct site_check *check; /* while it looks */
	/* Files that a base has, but the site did not: the first, and how many. */
	struct buf missing;
	uint64_t missings;
	/* While files are put. */
	struct log_progress progress;
	struct relay *relay;
	struct page_site *page;
	struct buf path, body;
	struct buf kept;  /* where bases are unknown: DIGEST bytes of each path */
	unsigned changed; /* a set of 1 << kind: kinds of files that changed */
	bool some_removed;
	/* What differs between a base and the target, where that is little: to find
	 * it again costs more than to write it. Path is an offset in few_paths. */
	struct {
		size_t base, path;
		struct snapshot_id old_blob, new_blob;
	} few[FEW];
	size_t fews;
	struct buf few_paths;
	size_t at_base; /* while they are found */
};

/* --- what the site is at --- */

/* A note that was only just made is empty; no file was touched. */
static bool is_done(const struct buf *note)
{
	return !note->len || strncmp(note->data, DONE, strlen(DONE)) == 0;
}

static bool is_in(const char *site, const char *file)
{
	struct buf path = {0};
	struct stat st;
	bool in;

	buf_addf(&path, "%s/%s", site, file);
	in = lstat(path.data, &st) == 0 || errno != ENOENT;
	buf_release(&path);
	return in;
}

/* Finds what must be there by a snapshot's message and by snapshot.json, and is not. False:
 * nothing of the little that is looked at. */
static bool find_lack(struct buf *lack, const struct publish *p, const char *site,
		      const char *message)
{
	static const char *const trailer[] = {
		[QUERY_TAG_IMAGES] = MESSAGE_IMAGES,
		[QUERY_UNTAGGED] = MESSAGE_ALBUMS,
		[QUERY_IMAGES] = MESSAGE_ALBUMS,
	};

	for (size_t i = 0; i < response_count; i++) {
		const struct response *row = &response_table[i];
		bool wanted =
			row->request &&
			(row->collected
				 ? p->at.collections && !response_is_many(row)
				 : message_count(message, trailer[row->kind], 0) > 0);

		buf_clear(lack);
		response_site_root(lack, row);
		if (wanted && !is_in(site, lack->data)) {
			return true;
		}
	}
	buf_clear(lack);
	buf_addstr(lack, "audit/index.html");
	return *p->at.mark && !is_in(site, lack->data);
}

#define REMEDY "'albumen-exporter publish --repair' mends it"

static void warn_of_lack(struct publish *p, const char *site, const char *message)
{
	struct buf lack = {0};

	if (find_lack(&lack, p, site, message)) {
		p->result->damaged = true;
		log_warning("site '%s' lacks '%s', which it had; " REMEDY, site,
			    lack.data);
	}
	buf_release(&lack);
}

/* True if the site is as asked: then not even its lock is touched. (A publication
 * that begins meanwhile writes `pending` first, and has the lock.) */
static bool is_there(const struct publish *p, const char *site)
{
	struct buf path = {0}, note = {0};
	struct err why;
	int rc;
	bool pending;

	buf_addf(&path, "%s/.albumen/" PENDING, site);
	rc = file_read(&note, path.data, PENDING_BYTES_MAX, &why);
	pending = rc != ERR_NOTFOUND && (rc || !is_done(&note));
	buf_release(&path);
	buf_release(&note);
	return !pending && p->at.collections == p->collections &&
	       strcmp(p->at.mark, p->mark) == 0 &&
	       strcmp(p->at.commit.hex, p->to->commit.hex) == 0;
}

/* Adds the tree of a commit to the bases; with a `tree`, it is what snapshot.json
 * names. ERR_NOTFOUND: it is not known here. */
static int add_base(struct publish *p, const char *site, const char *commit,
		    const struct snapshot_id *tree)
{
	struct snapshot_info info = {0};
	int rc = snapshot_resolve(p->repo, commit, &info, p->err);

	if (!rc && tree && strcmp(info.tree.hex, tree->hex) != 0) {
		rc = ERR_NOTFOUND;
	}
	if (!rc) {
		p->base = xreallocarray(p->base, p->bases + 1, sizeof(*p->base));
		p->base[p->bases++] = info.tree;
		if (tree) {
			warn_of_lack(p, site, info.message);
		}
	}
	snapshot_info_release(&info);
	return rc;
}

/* Reads the note of unfinished publications. */
static int read_pending(struct publish *p)
{
	int rc = place_note_read(&p->pending, p->place, PENDING, p->err);

	if (rc && rc != ERR_NOTFOUND) {
		return rc;
	}
	if (is_done(&p->pending)) {
		buf_clear(&p->pending);
	}
	p->again = p->compare = p->pending.len > 0;
	return 0;
}

/* Adds them to the bases. */
static int add_pending(struct publish *p, const char *site)
{
	size_t count = 0;
	int rc = 0;

	for (char *line = p->pending.data; line && *line && !rc; count++) {
		size_t len = strcspn(line, "\n");
		struct snapshot_id id = {0};
		uint8_t binary[OBJECT_ID];

		memcpy(id.hex, line, len < OBJECT_HEX ? len : OBJECT_HEX);
		rc = len == OBJECT_HEX && object_unhex(binary, id.hex)
			     ? add_base(p, site, id.hex, NULL)
			     : ERR_NOTFOUND;
		line += len + (line[len] == '\n');
	}
	return count > PENDING_MAX ? ERR_NOTFOUND : rc;
}

/* Neither api/ nor audit/ is there. */
static bool is_empty(const char *site)
{
	return !is_in(site, "api") && !is_in(site, "audit");
}

/* Finds the trees that the site's files may be of. */
static int find_bases(struct publish *p, const char *site)
{
	int rc = read_pending(p);

	if (!rc) {
		rc = *p->at.commit.hex ? add_base(p, site, p->at.commit.hex, &p->at.tree)
				       : ERR_NOTFOUND;
	}
	if (!rc) {
		rc = add_pending(p, site);
	}
	if (rc == ERR_NOTFOUND) {
		rc = 0;
		p->bases = 0;
		p->compare = true;
		p->empty = is_empty(site);
	}
	return rc;
}

/* Notes durably that the files may be of the target from now on. */
static int note_pending(struct publish *p)
{
	if (!p->bases) {
		/* A word that is no commit: until this is done, the next one must
		 * compare, too. */
		buf_clear(&p->pending);
		buf_addstr(&p->pending, "unknown\n");
	}
	buf_addf(&p->pending, "%s\n", p->to->commit.hex);
	return p->again ? place_note_replace(p->place, PENDING, p->pending.data,
					     p->pending.len, p->err)
			: place_note_write(p->place, PENDING, p->pending.data,
					   p->pending.len, true, p->err);
}

/* --- files --- */

/* Notes one of a few differences; ends the search where there are many. */
static int note_one(const struct snapshot_change *change, void *payload)
{
	struct publish *p = payload;

	if (p->fews == FEW) {
		return 1;
	}
	p->few[p->fews].base = p->at_base;
	p->few[p->fews].path = p->few_paths.len;
	p->few[p->fews].old_blob = change->old_blob;
	p->few[p->fews++].new_blob = change->new_blob;
	buf_add(&p->few_paths, change->path, strlen(change->path) + 1);
	return 0;
}

/* More than a few files will change. */
static int find_many(struct publish *p, bool *many)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->bases; i++) {
		p->at_base = i;
		rc = snapshot_diff(p->repo, &p->base[i], &p->to->tree, note_one, p,
				   p->err);
	}
	*many = !p->bases || rc > 0;
	return rc < 0 ? rc : 0;
}

/* Calls `each` for what differs between base `i` (if there is one) and the target. */
static int each_difference(struct publish *p, size_t i, bool many,
			   snapshot_change_fn *each)
{
	int rc = 0;

	if (many) {
		return snapshot_diff(p->repo, p->bases ? &p->base[i] : NULL, &p->to->tree,
				     each, p, p->err);
	}
	for (size_t k = 0; !rc && k < p->fews; k++) {
		struct snapshot_change change = {
			.path = p->few_paths.data + p->few[k].path,
			.old_blob = p->few[k].old_blob,
			.new_blob = p->few[k].new_blob,
		};

		if (p->few[k].base == i) {
			rc = each(&change, p);
		}
	}
	return rc;
}

static void digest(uint8_t out[DIGEST], const char *path)
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(path), (const uint8_t *)path);
	sha256_digest(&ctx, DIGEST, out);
}

static void note_kept(struct publish *p, const char *path)
{
	uint8_t key[DIGEST];

	digest(key, path);
	buf_add(&p->kept, key, DIGEST);
}

static int compare_digests(const void *a, const void *b)
{
	return memcmp(a, b, DIGEST);
}

static bool is_kept(const char *path, void *payload)
{
	const struct publish *p = payload;
	uint8_t key[DIGEST];

	digest(key, path);
	return p->kept.len &&
	       bsearch(key, p->kept.data, p->kept.len / DIGEST, DIGEST, compare_digests);
}

/* A file that must be there, as the site is at one snapshot, was not. */
static void note_missing(struct publish *p, const char *path)
{
	if (!p->missings++) {
		buf_addstr(&p->missing, path);
	}
}

/* What the site is at is known, without a doubt. */
static bool is_sure(const struct publish *p)
{
	return p->bases == 1 && !p->again && !p->check;
}

/* Writes one file, if it is not there already. On the relay's thread: nothing else
 * touches the place, the counts and the progress until relay_end. */
static int put_file(const char *path, const char *body, size_t len, bool replaces,
		    void *payload, struct err *err)
{
	struct publish *p = payload;
	bool has = false;
	int rc = 0;

	if (p->compare && !p->again && !p->empty && !p->check) {
		rc = place_has(&has, p->place, path, body, len, err);
	}
	if (!rc && !has) {
		rc = place_put(p->place, path, body, len, err);
		p->result->written++;
		if (!rc && replaces && !place_was_there(p->place)) {
			note_missing(p, path);
		}
	}
	log_progress_step(&p->progress, 1);
	return rc;
}

/* Brings one file to what it is in the target, if it is there. */
static int put_one(const struct snapshot_change *change, void *payload)
{
	struct publish *p = payload;
	const struct response *row;
	struct layout_text name;
	int rc;

	/* Paths come from a repository, which others may write: what does not look
	 * like a row of the table is no file of the site. */
	row = response_parse(change->path, &name);
	if (!row) {
		return 0;
	}
	p->changed |= 1u << row->kind;
	if (!row->request) {
		return 0;
	}
	buf_clear(&p->path);
	layout_fill(&p->path, row->path, &name);
	if (!*change->new_blob.hex) {
		p->some_removed = true;
		return p->page ? page_site_change(p->page, change->path, NULL, p->err)
			       : 0;
	}
	if (!p->bases && !p->empty) {
		note_kept(p, p->path.data);
	}
	buf_clear(&p->body);
	rc = snapshot_read_blob(p->repo, &change->new_blob, &p->body, p->err);
	if (!rc && p->page) {
		rc = page_site_change(p->page, change->path, &p->body, p->err);
	}
	return rc ? rc
		  : relay_pass(p->relay, p->path.data, p->body.data, p->body.len,
			       is_sure(p) && *change->old_blob.hex, p->err);
}

static int remove_one(const struct snapshot_change *change, void *payload)
{
	struct publish *p = payload;
	uint64_t before = p->result->removed;
	int rc;

	if (*change->new_blob.hex) {
		return 0;
	}
	buf_clear(&p->path);
	if (!response_from_snapshot(&p->path, change->path)) {
		return 0;
	}
	rc = place_remove(p->place, p->path.data, &p->result->removed, p->err);
	if (!rc && p->result->removed == before && is_sure(p)) {
		note_missing(p, p->path.data);
	}
	return rc;
}

static bool is_stale(const struct publish *p, const struct response *row)
{
	return p->compare || !p->at.collections || p->changed & row->stale_by;
}

/* Removes files of the row that are not of the target: from the folder of all of them,
 * those that were not kept; else the only one. */
static int remove_row(struct publish *p, const struct response *row)
{
	struct buf root = {0};
	int rc;

	response_site_root(&root, row);
	rc = response_is_many(row)
		     ? place_prune(p->place, root.data, is_kept, p, &p->result->removed,
				   p->err)
		     : place_remove(p->place, root.data, &p->result->removed, p->err);
	if (!rc && row->collected && !p->collections && response_is_many(row)) {
		rc = place_remove_folder(p->place, root.data, p->err);
	}
	buf_release(&root);
	return rc;
}

/* Removes what is not of the target. */
static int remove_files(struct publish *p, bool many)
{
	int rc = 0;

	if (p->kept.len) {
		qsort(p->kept.data, p->kept.len / DIGEST, DIGEST, compare_digests);
	}
	for (size_t i = 0; !rc && i < response_count; i++) {
		const struct response *row = &response_table[i];

		if (row->collected &&
		    (!p->collections || (response_is_many(row) && is_stale(p, row)))) {
			rc = remove_row(p, row);
		}
	}
	if (!rc && !*p->mark && (*p->at.mark || (p->compare && !p->told))) {
		rc = page_site_remove(p->place, &p->result->removed, p->err);
	}
	if (p->bases) {
		/* Where they are many, a second look costs less than to remember them. */
		for (size_t i = 0; !rc && p->some_removed && i < p->bases; i++) {
			rc = each_difference(p, i, many, remove_one);
		}
		return rc;
	}
	for (size_t i = 0; !rc && i < response_count; i++) {
		const struct response *row = &response_table[i];

		/* The untagged images of an album lie in the folder of its images. */
		if (row->request && !row->collected && row->kind != QUERY_UNTAGGED) {
			rc = remove_row(p, row);
		}
	}
	return rc;
}

static int put_page_file(const char *path, const char *body, size_t len, void *payload,
			 struct err *err)
{
	struct publish *p = payload;

	return p->relay ? relay_pass(p->relay, path, body, len, false, err)
			: put_file(path, body, len, false, p, err);
}

/* Opens the audit page, if one is wanted. */
static int open_page(struct publish *p, const char *site)
{
	struct page_site_job job = {
		.repo = p->repo,
		.to = p->to,
		.told_all = !p->bases,
		.place = p->place,
		.site = site,
		.put = put_page_file,
		.payload = p,
	};

	if (!*p->mark) {
		return 0;
	}
	if (p->bases && !p->compare && strcmp(p->at.mark, p->mark) == 0) {
		job.base = p->at.commit;
	} else {
		p->compare = true;
	}
	return page_site_open(&p->page, &job, p->err);
}

/* --- what is collected of all files --- */

/* A collected file that is smaller is compared with what is there, and written only
 * where it differs: its validators stay. */
#define COMPARED_MAX ((size_t)1 << 20)

struct collected {
	struct publish *p;
	const struct response *row;
	struct buf path, body;
	bool begun; /* the body is too large to be compared: it is being written */
};

static int begin_collected(const struct record_id *id, void *payload, struct err *err)
{
	struct collected *file = payload;

	(void)err;
	buf_clear(&file->path);
	buf_clear(&file->body);
	response_site_path(&file->path, file->row, id->bytes, id->len);
	file->begun = false;
	if (id->len) {
		note_kept(file->p, file->path.data);
	}
	return 0;
}

static int write_collected(const void *bytes, size_t len, void *payload, struct err *err)
{
	struct collected *file = payload;
	struct place *place = file->p->place;
	int rc = 0;

	buf_add(&file->body, bytes, len);
	if (!file->begun && file->body.len > COMPARED_MAX) {
		rc = place_begin(place, file->path.data, err);
		file->begun = !rc;
	}
	if (file->begun) {
		place_write(place, file->body.data, file->body.len);
		buf_clear(&file->body);
	}
	return rc;
}

static int end_collected(void *payload, struct err *err)
{
	struct collected *file = payload;
	struct publish *p = file->p;
	bool has = false;
	int rc = 0;

	if (!file->begun && !p->again && !p->empty && !p->check) {
		rc = place_has(&has, p->place, file->path.data, file->body.data,
			       file->body.len, err);
	}
	if (rc || has) {
		return rc;
	}
	rc = file->begun ? place_end(p->place, err)
			 : place_put(p->place, file->path.data, file->body.data,
				     file->body.len, err);
	p->result->written++;
	if (!rc && is_sure(p) && p->at.collections && !response_is_many(file->row) &&
	    !place_was_there(p->place)) {
		note_missing(p, file->path.data);
	}
	return rc;
}

/* Writes what is collected and stale. */
static int put_collected(struct publish *p)
{
	struct collected file = {.p = p};
	const struct collection_sink sink = {begin_collected, write_collected,
					     end_collected, &file};
	/* A site that is only looked at may not be written to. */
	const char *folder = p->check ? file_temp_folder() : p->site;
	int rc = 0;

	for (size_t i = 0; !rc && i < response_count; i++) {
		file.row = &response_table[i];
		if (file.row->collected && is_stale(p, file.row)) {
			rc = collection_read(p->repo, &p->to->tree, file.row, folder,
					     &sink, p->err);
		}
	}
	buf_release(&file.path);
	buf_release(&file.body);
	return rc;
}

static int put_files(struct publish *p, bool many)
{
	size_t i = 0;
	int rc, put;

	p->relay = relay_new(put_file, p);
	do {
		rc = each_difference(p, i, many, put_one);
	} while (!rc && ++i < p->bases);
	put = relay_end(&p->relay, rc ? NULL : p->err);
	rc = rc ? rc : put;
	if (!rc && p->page) {
		rc = page_site_write(p->page, &p->result->removed, p->err);
	}
	return !rc && p->collections ? put_collected(p) : rc;
}

/* --- snapshot.json --- */

static int write_state(struct publish *p)
{
	struct buf text = {0};
	int rc;

	state_write(&text, p->to, p->collections, p->mark);
	rc = place_put(p->place, STATE_FILE, text.data, text.len, p->err);
	buf_release(&text);
	return rc;
}

/* --- the whole --- */

static int publish(struct publish *p, const char *site)
{
	bool many;
	uint64_t images, albums;
	int rc = find_many(p, &many);

	if (rc || (rc = note_pending(p))) {
		return rc;
	}
	images = p->bases ? 0 : message_count(p->to->message, MESSAGE_IMAGES, 0);
	albums = p->bases ? 0 : message_count(p->to->message, MESSAGE_ALBUMS, 0);
	if ((rc = open_page(p, site))) {
		return rc;
	}
	log_progress_start(&p->progress, "publishing", images + 2 * albums);
	place_set_many(p->place, many || p->again);
	if (p->again || !p->bases) {
		place_doubt(p->place);
	}
	if (p->empty) {
		rc = place_build_begin(p->place, p->err);
	}
	if (!rc) {
		rc = put_files(p, many);
	}
	if (!rc) {
		rc = p->empty ? place_build_end(p->place, p->err) : remove_files(p, many);
	}
	log_progress_end(&p->progress);
	if (p->missings) {
		log_warning("site '%s': %" PRIu64 " files that it must have had were "
			    "missing, first '%s'; others may be: " REMEDY,
			    site, p->missings, p->missing.data);
	}
	if (rc || (rc = place_sync(p->place, p->err))) {
		return rc;
	}
	place_set_many(p->place, false);
	if ((rc = write_state(p)) || (rc = place_sync(p->place, p->err))) {
		return rc;
	}
	return place_note_write(p->place, PENDING, DONE, strlen(DONE), false, p->err);
}

static void release(struct publish *p)
{
	page_site_close(p->page);
	place_close(p->place);
	free(p->base);
	buf_release(&p->pending);
	buf_release(&p->path);
	buf_release(&p->body);
	buf_release(&p->kept);
	buf_release(&p->few_paths);
	buf_release(&p->missing);
}

int site_publish(const char *path, struct snapshot_repo *repo,
		 const struct snapshot_info *to, unsigned flags,
		 struct site_result *result, struct err *err)
{
	struct publish p = {
		.site = path,
		.repo = repo,
		.to = to,
		.collections = flags & SITE_COLLECTIONS,
		.result = result,
		.err = err,
	};
	int rc;

	*result = (struct site_result){0};
	rc = flags & SITE_AUDIT_PAGE ? page_site_mark(p.mark, err) : 0;
	state_read(&p.at, path);
	if (!rc && is_there(&p, path)) {
		warn_of_lack(&p, path, to->message);
		goto out;
	}
	if (!rc) {
		rc = place_open(&p.place, path, WHO, err);
	}
	/* Again, now that nobody else can change it. */
	if (!rc) {
		state_read(&p.at, path);
	}
	if (rc || is_there(&p, path)) {
		goto out;
	}
	result->touched = true;
	rc = find_bases(&p, path);
	if (!rc) {
		rc = publish(&p, path);
	}
out:
	release(&p);
	return rc;
}

/* --- a look at all of it --- */

static void count_fault(const char *path, enum place_fault fault, void *payload)
{
	struct site_check *check = payload;

	switch (fault) {
	case PLACE_MISSING:
		check->missing++;
		break;
	case PLACE_CHANGED:
		check->changed++;
		break;
	case PLACE_EXTRA:
		check->extra++;
		break;
	}
	check->found(path, fault, check->payload);
}

/* Nothing is known of the files: all of them are brought to the target. */
static int look(struct publish *p, const char *site)
{
	uint64_t images = message_count(p->to->message, MESSAGE_IMAGES, 0);
	uint64_t albums = message_count(p->to->message, MESSAGE_ALBUMS, 0);
	int rc = open_page(p, site);

	place_set_look(p->place, count_fault, p->check);
	place_set_many(p->place, true);
	log_progress_start(&p->progress, "comparing", images + 2 * albums);
	if (!rc) {
		rc = put_files(p, true);
	}
	if (!rc) {
		rc = remove_files(p, true);
	}
	log_progress_end(&p->progress);
	return rc ? rc : write_state(p);
}

/* Brings the site to the target after a look that found something. */
static int mend(struct publish *p, const char *site)
{
	page_site_close(p->page);
	p->page = NULL;
	buf_clear(&p->kept);
	place_set_look(p->place, NULL, NULL);
	p->check = NULL;
	p->empty = is_empty(site);
	return publish(p, site);
}

int site_check(const char *path, struct snapshot_repo *repo,
	       const struct snapshot_info *to, unsigned flags, bool mends,
	       struct site_check *check, struct err *err)
{
	struct site_result result = {0};
	struct publish p = {
		.site = path,
		.repo = repo,
		.to = to,
		.result = &result,
		.compare = true,
		.told = true,
		.check = check,
		.err = err,
	};
	int rc = mends ? place_open(&p.place, path, WHO, err)
		       : place_open_look(&p.place, path, WHO, err);

	if (!rc) {
		state_read(&p.at, path);
		p.told = *p.at.commit.hex;
		p.collections = flags & SITE_COLLECTIONS || p.at.collections;
		if (flags & SITE_AUDIT_PAGE || *p.at.mark) {
			rc = page_site_mark(p.mark, err);
		}
	}
	if (!rc) {
		rc = read_pending(&p);
		p.compare = true;
		check->unfinished = p.again;
	}
	if (!rc) {
		rc = look(&p, path);
	}
	if (!rc && mends &&
	    (check->missing || check->changed || check->extra || check->unfinished)) {
		rc = mend(&p, path);
		check->mended = !rc;
	}
	release(&p);
	return rc;
}
