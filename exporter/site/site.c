/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/site.h"

#include <inttypes.h>
#include <string.h>

#include "data/base/file.h"
#include "data/base/log.h"
#include "exporter/collection/collection.h"
#include "exporter/site/difference.h"
#include "exporter/site/foreign.h"
#include "exporter/site/kept.h"
#include "exporter/site/page_site.h"
#include "exporter/site/parts.h"
#include "exporter/site/pending.h"
#include "exporter/site/place.h"
#include "exporter/site/relay.h"
#include "exporter/site/state.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"

/*
 * How a site survives kill -9 and power loss.
 *
 * snapshot.json names commit C: every file is as in C, except where a publish of some
 * commit P was interrupted. Each P is in the note `pending` (pending.h), which is durable
 * before the first file is touched. So we know what the files are at without reading them:
 * each is as in C, or as in one of the P. The next publish, of commit T, looks at the
 * files that differ between C and T, and between each P and T, and at no others.
 *
 * The order of writes and fsyncs of a publish into a folder:
 *
 * 1. `pending` gets T. Write, fsync; and fsync of .albumen and of the site's folder if the
 *    note is new. If the note has a P, it must not be lost: then a temporary file, fsync,
 *    rename, and fsync of both folders.
 * 2. New and changed files are written to .albumen/tmp, then all are fsynced, then all are
 *    renamed (place_folder.c, finish_late).
 *    An empty file N.oversize stands in place of each file that a snapshot is too large for:
 *    it is put and removed like any other.
 * 3. The audit page and the collected responses likewise: they repeat what the files say.
 * 4. Files that T does not have are removed.
 * 5. Each folder that changed is fsynced (folders_flush).
 * 6. snapshot.json gets T: temporary file, fsync, rename, fsync of the site's folder.
 * 7. `pending` says "done". No fsync.
 *
 * If more than DIFFERENCE_FEW files change, 2 to 4 go without fsync, and 5 is one syncfs.
 * That is some ten times as fast, but also waits for what other programs have written.
 *
 * A power loss may undo renames. Before snapshot.json is durable that leaves files as in C
 * or P, and `pending` says so; after that, nothing is left to undo.
 *
 * A failed fsync leaves data in memory that are not on the disk, and the kernel reports
 * that once only (fsync(2)). So where `pending` has a P, a file that reads right may still
 * not be durable: all files that differ are written again, and 5 is a syncfs.
 *
 * If we cannot know what the files are at (no snapshot.json, or commits that the
 * repository does not have), every file is compared with T. A site without api/ has no
 * files: all of them are built aside and appear at once (place_build_begin).
 *
 * The audit page is brought from C to T by what differs, too, unless `pending` has a P;
 * then all of it is compared.
 */

#define PENDING_MAX 64 /* with more unfinished publishes, it is cheaper to compare */
#define HOLDER "albumen-exporter, which publishes"
#define REMEDY "'albumen-exporter publish --repair'"

struct publish {
	struct place *place;
	struct snapshot_repo *repo;
	const struct snapshot_info *to; /* the target */
	const char *key;                /* that it is signed with, or NULL */
	bool collections;
	char mark[PAGE_SITE_MARK + 1]; /* of the audit page; "": none is wanted */
	struct site_result *result;
	struct err *err;
	/* What the site is at. */
	struct state at; /* what snapshot.json says */
	struct pending pending;
	struct difference difference;
	/* The responses that the target, and that any base, is too large for. */
	struct oversize oversize, base_oversize;
	bool dry;         /* SITE_DRY_RUN */
	bool empty;       /* there is no api/ yet */
	bool compare;     /* files may be as in the target already */
	bool at_is_known; /* site_check: snapshot.json says which parts the site has */
	struct site_check *check; /* while nothing is changed, only compared */
	/* Files that a base has, but the site had not: the first, and how many. */
	struct buf missing;
	uint64_t missings;
	/* While files are put. */
	struct log_progress progress;
	struct relay *relay;
	struct page_site *page;
	struct buf path, body;
	struct kept kept; /* the site's paths in the target, if there is no base */
	unsigned changed; /* a set of 1 << kind: kinds of files that changed */
	bool some_removed;
};

/* --- what the site is at --- */

/* Reads what snapshot.json says. */
static int read_state(struct publish *p)
{
	int rc = state_read(&p->at, p->place, p->err);

	if (!rc && p->collections && p->at.collections &&
	    parts_are_of_tag_images(p->place)) {
		p->at.collections = false;
	}
	return rc;
}

static void warn_of_missing_part(struct publish *p, const char *message)
{
	struct buf path = {0};

	if (parts_missing(&path, p->place, &p->at, message)) {
		p->result->damaged = true;
		log_warning(
			"site '%s' lacks '%s', which an earlier publish wrote; " REMEDY
			" restores it",
			place_name(p->place), path.data);
	}
	buf_release(&path);
}

/* Whether the site is at the target: then we do not even touch its lock. (A publish that
 * begins at the same time locks the site and writes `pending` first.) */
static int is_there(bool *is, struct publish *p)
{
	struct pending pending = {0};
	int rc = read_state(p);

	*is = !rc && p->at.collections == p->collections &&
	      strcmp(p->at.mark, p->mark) == 0 &&
	      strcmp(p->at.commit.hex, p->to->commit.hex) == 0;
	if (*is) {
		rc = pending_read(&pending, p->place, p->err);
		*is = !rc && !pending.unfinished;
	}
	if (*is && *p->mark) {
		rc = page_site_is_current(is, p->place, p->repo, p->to, p->err);
	}
	pending_release(&pending);
	return rc;
}

/* Adds a commit to the bases. `tree`: the tree that snapshot.json says it has; or NULL.
 * ERR_NOTFOUND: the repository does not have it so. */
static int add_base(struct publish *p, const char *commit, const struct snapshot_id *tree)
{
	struct snapshot_info info = {0};
	int rc =
		*commit ? snapshot_resolve(p->repo, commit, &info, p->err) : ERR_NOTFOUND;

	if (!rc && tree && strcmp(info.tree.hex, tree->hex) != 0) {
		rc = ERR_NOTFOUND;
	}
	if (!rc) {
		difference_add(&p->difference, &info.tree);
		oversize_read(&p->base_oversize, info.message);
		if (tree) {
			warn_of_missing_part(p, info.message);
		}
	}
	snapshot_info_release(&info);
	return rc;
}

/* Finds the snapshots that the site's files may be at. */
static int find_bases(struct publish *p)
{
	struct snapshot_id commit;
	size_t at = 0;
	int rc = add_base(p, p->at.commit.hex, &p->at.tree);

	while (!rc && pending_next(&p->pending, &at, &commit)) {
		rc = add_base(p, commit.hex, NULL);
	}
	if (rc == ERR_NOTFOUND || p->difference.bases > PENDING_MAX + 1) {
		difference_forget(&p->difference);
		p->compare = true;
		rc = place_is_bare(&p->empty, p->place, p->err);
	}
	return rc;
}

/* True if the site is at one snapshot, and we know which. */
static bool is_sure(const struct publish *p)
{
	return p->difference.bases == 1 && !p->pending.unfinished && !p->check;
}

/* --- files --- */

/* Counts a file that the site must have had, as it is at one snapshot, and had not. */
static void note_missing(struct publish *p, const char *path)
{
	if (!p->missings++) {
		buf_addstr(&p->missing, path);
	}
}

/* True if a file that is right already may stay as it is. What is right in a blind place is
 * durable, too. While we only compare, place_put does the same and reports it. */
static bool may_stay(const struct publish *p)
{
	return (!p->pending.unfinished || place_is_blind(p->place)) && !p->empty &&
	       !p->check;
}

/* Counts a file that was put; `rc` says whether that worked. `replaces`: the site must have had
 * a file of this path. */
static int count_put(struct publish *p, const char *path, bool replaces, int rc)
{
	p->result->written++;
	if (!rc && replaces && !place_was_there(p->place)) {
		note_missing(p, path);
	}
	return rc;
}

/* Puts a file; with `compare`, unless it is there already and may stay. */
static int put(struct publish *p, const char *path, const char *body, size_t len,
	       bool compare, bool replaces, struct err *err)
{
	bool has = false;
	int rc = 0;

	if (compare && may_stay(p)) {
		rc = place_has(&has, p->place, path, body, len, err);
	}
	if (rc || has) {
		return rc;
	}
	p->result->bytes += len;
	return count_put(p, path, replaces, place_put(p->place, path, body, len, err));
}

/* Runs on the relay's thread: nothing else touches the place, the counts and the progress
 * until relay_end. */
static int put_file(const char *path, const char *body, size_t len, bool replaces,
		    void *payload, struct err *err)
{
	struct publish *p = payload;
	/* To put what may be there already costs no more than to ask, if it is not all. */
	bool compare = p->compare && !(p->difference.bases && place_is_blind(p->place));
	int rc = put(p, path, body, len, compare, replaces, err);

	log_progress_step(&p->progress, 1);
	return rc;
}

/* Passes a changed file on to put_file, and to the audit page. */
static int put_one(const struct snapshot_change *change, void *payload)
{
	struct publish *p = payload;
	const struct response *row;
	struct layout_text name;
	int rc;

	/* Paths come from a repository, which others may write to. A path that is no row
	 * of the table is not a file of the site. */
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
	if (!p->difference.bases && !p->empty) {
		kept_add(&p->kept, p->path.data);
	}
	buf_empty(&p->body);
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

	buf_clear(&p->path);
	if (*change->new_blob.hex || !response_from_snapshot(&p->path, change->path)) {
		return 0;
	}
	rc = place_remove(p->place, p->path.data, &p->result->removed, p->err);
	if (!rc && p->result->removed == before && is_sure(p)) {
		note_missing(p, p->path.data);
	}
	return rc;
}

/* --- responses that are too large --- */

/* Notes the kinds of responses of which one is too large now, or no longer. */
static void note_kinds(struct publish *p, const struct oversize *one,
		       const struct oversize *other)
{
	struct layout_text name;
	const char *path;
	size_t at = 0;

	while ((path = oversize_next(one, &at))) {
		const struct response *row = response_parse(path, &name);

		if (row && !oversize_has(other, path)) {
			p->changed |= 1u << row->kind;
		}
	}
}

/* Puts the empty files that stand for them. */
static int put_oversize(struct publish *p)
{
	const char *path;
	size_t at = 0;
	int rc = 0;

	note_kinds(p, &p->oversize, &p->base_oversize);
	note_kinds(p, &p->base_oversize, &p->oversize);

	while (!rc && (path = oversize_next(&p->oversize, &at))) {
		bool had = oversize_has(&p->base_oversize, path);

		buf_clear(&p->path);
		if (!oversize_site_path(&p->path, path)) {
			continue;
		}
		if (!p->difference.bases && !p->empty) {
			kept_add(&p->kept, p->path.data);
		}
		if (!had || !is_sure(p)) {
			rc = put(p, p->path.data, "", 0, true, false, p->err);
		}
	}
	return rc;
}

/* Removes those that the target does not have. */
static int remove_oversize(struct publish *p)
{
	const char *path;
	size_t at = 0;
	int rc = 0;

	while (!rc && (path = oversize_next(&p->base_oversize, &at))) {
		buf_clear(&p->path);
		if (!oversize_has(&p->oversize, path) &&
		    oversize_site_path(&p->path, path)) {
			rc = place_remove(p->place, p->path.data, &p->result->removed,
					  p->err);
		}
	}
	return rc;
}

/* --- collected responses that are stale, and files to be removed --- */

/* True if the collected row has to be written again. */
static bool is_stale(const struct publish *p, const struct response *row)
{
	return p->compare || !p->at.collections || p->changed & row->stale_by;
}

static bool is_kept(const char *path, void *payload)
{
	struct publish *p = payload;

	return kept_has(&p->kept, path);
}

/* Removes the row's files that the target does not have. */
static int remove_row(struct publish *p, const struct response *row)
{
	struct buf root = {0};
	int rc;

	response_site_root(&root, row);
	rc = response_is_many(row)
		     ? place_prune(p->place, root.data, is_kept, p, &p->result->removed,
				   p->err)
		     : place_remove(p->place, root.data, &p->result->removed, p->err);
	if (!rc && !response_is_many(row)) {
		struct buf mark = {0};

		oversize_add_mark(&mark, root.data);
		rc = place_remove(p->place, mark.data, &p->result->removed, p->err);
		buf_release(&mark);
	}
	if (!rc && row->collected && !p->collections && response_is_many(row)) {
		rc = place_remove_folder(p->place, root.data, p->err);
	}
	buf_release(&root);
	return rc;
}

/* True if the site may have files of the collected row that the target does not have. A
 * folder that no publish of ours has filled is left to whoever made it. */
static bool has_extra_files(const struct publish *p, const struct response *row)
{
	bool may_have =
		p->at.collections || p->pending.unfinished || !p->difference.bases;

	if (!row->collected) {
		return false;
	}
	if (!response_is_many(row)) {
		return !p->collections && (may_have || !place_is_blind(p->place));
	}
	return p->collections ? is_stale(p, row) : may_have;
}

/* Removes all files that the target does not have. */
static int remove_files(struct publish *p)
{
	bool compare = !p->difference.bases;
	int rc = 0;

	for (size_t i = 0; !rc && i < response_count; i++) {
		const struct response *row = &response_table[i];

		if (has_extra_files(p, row)) {
			rc = remove_row(p, row);
		}
	}
	if (!rc && !*p->mark && (*p->at.mark || (p->compare && !p->at_is_known))) {
		rc = page_site_remove(p->place, &p->result->removed, p->err);
	}
	for (size_t i = 0; !rc && compare && i < response_count; i++) {
		const struct response *row = &response_table[i];

		/* The untagged images of an album lie in the folder of its images. */
		if (row->request && !row->collected && row->kind != QUERY_UNTAGGED) {
			rc = remove_row(p, row);
		}
	}
	rc = rc ? rc : remove_oversize(p);
	/* If there are many, finding them again is cheaper than remembering them. */
	if (!rc && !compare && p->some_removed) {
		rc = difference_each(&p->difference, remove_one, p, p->err);
	}
	return rc;
}

/* --- the audit page --- */

static int put_page_file(const char *path, const char *body, size_t len, void *payload,
			 struct err *err)
{
	struct publish *p = payload;

	return p->relay ? relay_pass(p->relay, path, body, len, false, err)
			: put_file(path, body, len, false, p, err);
}

/* Opens the audit page, if one is wanted. */
static int open_page(struct publish *p)
{
	struct page_site_job job = {
		.repo = p->repo,
		.to = p->to,
		.every_file = !p->difference.bases,
		.place = p->place,
		.signature = {.key = p->key},
		.looks = p->check,
		.put = put_page_file,
		.payload = p,
	};

	if (!*p->mark) {
		return 0;
	}
	if (p->difference.bases && !p->compare && strcmp(p->at.mark, p->mark) == 0) {
		job.base = p->at.commit;
	} else {
		p->compare = true;
	}
	return page_site_open(&p->page, &job, p->err);
}

/* --- collected responses --- */

/* A collected file up to this size is compared with the site's, and written only if it
 * differs: so its ETag stays. */
#define COMPARED_MAX ((size_t)1 << 20)

struct collected {
	struct publish *p;
	const struct response *row;
	struct buf path, mark, body;
	bool begun; /* it is larger, and is being written without comparing */
	/* Files that would lack records: how many, and the first. */
	uint64_t lacking;
	struct buf lacking_first;
};

static bool wants_collected(const struct response *row, void *payload)
{
	const struct collected *file = payload;

	return is_stale(file->p, row);
}

/* Begins a file, or puts the empty one that stands for it. */
static int begin_collected(const struct response *row, const struct record_id *id,
			   bool whole, void *payload, struct err *err)
{
	struct collected *file = payload;
	struct publish *p = file->p;
	struct buf *path = &file->path, *mark = &file->mark;
	bool may_have;
	int rc;

	file->row = row;
	buf_clear(&file->path);
	buf_clear(&file->body);
	response_site_path(&file->path, file->row, id->bytes, id->len);
	file->begun = false;
	buf_clear(mark);
	oversize_add_mark(mark, path->data);
	if (id->len) {
		kept_add(&p->kept, whole ? path->data : mark->data);
	}
	if (!whole && !file->lacking++) {
		buf_addstr(&file->lacking_first, mark->data);
	}
	rc = whole ? 0 : put(p, mark->data, "", 0, true, false, err);
	/* Where there are many, what is not kept is removed in the end. */
	may_have = !place_is_blind(p->place) || !is_sure(p) ||
		   (whole ? p->base_oversize.count : p->at.collections);
	return rc || id->len || p->empty || !may_have
		       ? rc
		       : place_remove(p->place, whole ? mark->data : path->data,
				      &p->result->removed, err);
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
		file->p->result->bytes += file->body.len;
		buf_clear(&file->body);
	}
	return rc;
}

static int end_collected(void *payload, struct err *err)
{
	struct collected *file = payload;
	struct publish *p = file->p;
	const char *path = file->path.data;
	bool replaces = is_sure(p) && p->at.collections && !response_is_many(file->row);

	return file->begun ? count_put(p, path, replaces, place_end(p->place, err))
			   : put(p, path, file->body.data, file->body.len, true, replaces,
				 err);
}

/* Writes the collected rows that are stale. */
static int put_collected(struct publish *p)
{
	struct collected file = {.p = p};
	const struct collection_sink sink = {wants_collected, begin_collected,
					     write_collected, end_collected, &file};
	/* While nothing is changed, the site may not be written to. */
	const char *site = p->check || p->dry ? NULL : place_folder(p->place);
	const char *folder = site ? site : file_temp_folder();
	int rc = collection_read(p->repo, &p->to->tree, &p->oversize, folder, &sink,
				 p->err);

	buf_release(&file.path);
	if (!rc && file.lacking) {
		log_warning(
			"%" PRIu64 " collected response%s would lack tag images, as the "
			"snapshot does; in their place, empty files stand in site '%s', "
			"the first is '%s'",
			file.lacking, file.lacking == 1 ? "" : "s", place_name(p->place),
			file.lacking_first.data);
	}
	buf_release(&file.mark);
	buf_release(&file.lacking_first);
	buf_release(&file.body);
	return rc;
}

/* --- publish --- */

static int put_files(struct publish *p)
{
	int rc, ended;

	p->relay = relay_new(put_file, p);
	rc = difference_each(&p->difference, put_one, p, p->err);
	ended = relay_end(&p->relay, rc ? NULL : p->err);
	rc = rc ? rc : ended;
	rc = rc ? rc : put_oversize(p);
	if (!rc && p->page) {
		rc = page_site_write(p->page, &p->result->removed, p->err);
	}
	return !rc && p->collections ? put_collected(p) : rc;
}

static int put_state(struct publish *p)
{
	struct buf text = {0};
	int rc;

	state_write(&text, p->to, p->collections, p->mark);
	rc = place_put_state(p->place, text.data, text.len, p->err);
	buf_release(&text);
	return rc;
}

static void start_progress(struct publish *p, const char *what)
{
	uint64_t images = message_count(p->to->message, MESSAGE_IMAGES, 0);
	uint64_t albums = message_count(p->to->message, MESSAGE_ALBUMS, 0);

	log_progress_start(&p->progress, what,
			   p->difference.bases ? 0 : images + 2 * albums);
}

/* Puts and removes files, and makes all of that durable. */
static int publish_files(struct publish *p)
{
	bool known = p->difference.bases;
	int rc = open_page(p);

	if (rc) {
		return rc;
	}
	start_progress(p, "publishing");
	place_set_many(p->place, p->difference.many || p->pending.unfinished);
	if (p->pending.unfinished || !known) {
		place_doubt(p->place);
	}
	if (p->empty) {
		rc = place_build_begin(p->place, p->err);
	}
	rc = rc ? rc : put_files(p);
	if (!rc) {
		rc = p->empty ? place_build_end(p->place, p->err) : remove_files(p);
	}
	log_progress_end(&p->progress);
	if (p->missings) {
		log_warning(
			"%" PRIu64 " file%s that an earlier publish wrote %s missing "
			"from site '%s', the first is '%s'; there may be more; " REMEDY
			" restores them",
			p->missings, p->missings == 1 ? "" : "s",
			p->missings == 1 ? "was" : "were", place_name(p->place),
			p->missing.data);
	}
	return rc ? rc : place_flush(p->place, p->err);
}

/* The order of these calls is explained at the top. */
static int publish(struct publish *p)
{
	int rc;

	if ((rc = difference_find(&p->difference, p->err)) ||
	    (rc = pending_begin(&p->pending, p->place, &p->to->commit,
				p->difference.bases > 0, p->err)) ||
	    (rc = publish_files(p)) || (rc = put_state(p))) {
		return rc;
	}
	return place_pending_end(p->place, p->err);
}

static void release(struct publish *p)
{
	page_site_close(p->page);
	place_close(p->place);
	pending_release(&p->pending);
	difference_release(&p->difference);
	oversize_release(&p->oversize);
	oversize_release(&p->base_oversize);
	kept_release(&p->kept);
	buf_release(&p->path);
	buf_release(&p->body);
	buf_release(&p->missing);
}

/* Opens the place for writing, unless another repository took it meanwhile. */
static int open_place(struct publish *p, unsigned flags)
{
	int rc = p->dry ? place_open_dry(p->place, p->err)
			: place_open(p->place, p->repo, HOLDER, p->err);

	return rc || flags & SITE_FOREIGN ? rc : foreign_check(p->place, p->repo, p->err);
}

int site_publish(struct place *place, struct snapshot_repo *repo,
		 const struct snapshot_info *to, const char *key, unsigned flags,
		 struct site_result *result, struct err *err)
{
	struct publish p = {
		.place = place,
		.repo = repo,
		.to = to,
		.key = key,
		.collections = flags & SITE_COLLECTIONS,
		.dry = flags & SITE_DRY_RUN,
		.result = result,
		.err = err,
		.difference = {.repo = repo, .target = &to->tree},
	};
	bool there = false;
	int rc;

	*result = (struct site_result){0};
	oversize_read(&p.oversize, to->message);
	rc = flags & SITE_AUDIT_PAGE ? page_site_mark(p.mark, err) : 0;
	rc = rc ? rc : is_there(&there, &p);
	if (there) {
		warn_of_missing_part(&p, to->message);
	}
	if (rc || there || (rc = open_place(&p, flags)) ||
	    /* Again, now that nobody else can change it. */
	    (rc = is_there(&there, &p)) || there) {
		goto out;
	}
	result->touched = true;
	if ((rc = pending_read(&p.pending, p.place, err))) {
		goto out;
	}
	p.compare = p.pending.unfinished;
	if ((rc = find_bases(&p)) == 0) {
		rc = publish(&p);
	}
	result->requests = place_requests(place, result->written, result->removed);
out:
	release(&p);
	return rc;
}

/* --- publish --check and --repair --- */

static void count_fault(const char *path, enum place_fault fault, void *payload)
{
	struct site_check *check = payload;

	check->missing += fault == PLACE_MISSING;
	check->changed += fault == PLACE_CHANGED;
	check->extra += fault == PLACE_EXTRA;
	check->found(path, fault, check->payload);
}

/* Compares every file with the target. */
static int look(struct publish *p)
{
	int rc = open_page(p);

	place_set_look(p->place, count_fault, p->check);
	place_set_many(p->place, true);
	start_progress(p, "comparing");
	rc = rc ? rc : put_files(p);
	if (!rc) {
		rc = remove_files(p);
	}
	log_progress_end(&p->progress);
	return rc ? rc : put_state(p);
}

/* Brings the site to the target after look() has found something. */
static int repair_site(struct publish *p)
{
	int rc;

	page_site_close(p->page);
	p->page = NULL;
	kept_clear(&p->kept);
	place_set_look(p->place, NULL, NULL);
	p->check = NULL;
	rc = place_is_bare(&p->empty, p->place, p->err);
	return rc ? rc : publish(p);
}

int site_check(struct place *place, struct snapshot_repo *repo,
	       const struct snapshot_info *to, const char *key, unsigned flags,
	       bool repair, struct site_check *check, struct err *err)
{
	struct site_result result = {0};
	struct publish p = {
		.place = place,
		.repo = repo,
		.to = to,
		.key = key,
		.result = &result,
		.compare = true,
		.check = check,
		.err = err,
		.difference = {.repo = repo, .target = &to->tree},
	};
	int rc = repair ? open_place(&p, flags)
			: place_open_look(place, repo, HOLDER, err);

	oversize_read(&p.oversize, to->message);
	rc = rc ? rc : state_read(&p.at, place, err);
	if (!rc) {
		p.at_is_known = *p.at.commit.hex;
		p.collections = flags & SITE_COLLECTIONS || p.at.collections;
		if (flags & SITE_AUDIT_PAGE || *p.at.mark) {
			rc = page_site_mark(p.mark, err);
		}
	}
	if (!rc) {
		rc = pending_read(&p.pending, p.place, err);
		check->unfinished = p.pending.unfinished;
	}
	rc = rc ? rc : look(&p);
	if (!rc && repair &&
	    (check->missing || check->changed || check->extra || check->unfinished)) {
		rc = repair_site(&p);
		check->repaired = !rc;
	}
	release(&p);
	return rc;
}
