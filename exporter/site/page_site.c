/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/page_site.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "data/base/hex.h"
#include "data/format/json_print.h"
#include "data/format/name.h"
#include "exporter/body/body.h"
#include "exporter/snapshot/message.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/page/page.h"
#include "exporter/page/page_albums.h"
#include "exporter/page/page_history.h"
#include "exporter/site/kept.h"
#include "exporter/snapshot/response.h"

/*
 * The cost of one changed image must not depend on the number of albums. So files of albums
 * are patched: the file in the site, which is at the base, has the lines of the albums that
 * did not change. A line is one album, in the order of ids, so that a patched file has the
 * same bytes as a new one. A file that is not like that (somebody else changed it) is written
 * anew from the snapshot.
 */

#define INDEX "audit/index.html"
#define DATA "audit/data/"
#define SUMMARY DATA "summary.js"
#define LABELS DATA "labels.js"
#define FILE_MAX (64u << 20)

/* What these files begin with; in a file of albums the number of its folder XX follows. */
#define ALBUMS_CALL "albumen.albums("
#define SUMMARY_CALL "albumen.summary("

struct page_site {
	struct page_site_job job;
	bool whole; /* all of it is written; what the site has is not known */
	struct snapshot_info base;
	struct page page;
	struct oversize oversize;       /* of the target */
	struct page_albums albums;      /* that changed */
	uint8_t shard[PAGE_SHARDS / 8]; /* a bit for each file of albums that exists */
	uint64_t first; /* number of the first snapshot of history; 0: none */
	struct page_history history;
	struct kept kept; /* if `whole`: files that were put */
	struct buf gone; /* else: files to be removed: paths, each with a NUL behind it */
	struct buf path, body, id; /* scratch */
};

int page_site_mark(char mark[PAGE_SITE_MARK + 1], struct err *err)
{
	uint8_t digest[PAGE_SITE_MARK / 2];
	struct sha256_ctx ctx;
	struct page page;
	int rc = page_read(&page, PAGE_SITE, err);

	if (!rc) {
		sha256_init(&ctx);
		sha256_update(&ctx, page.text.len, (const uint8_t *)page.text.data);
		sha256_digest(&ctx, sizeof(digest), digest);
		hex_write(mark, digest, sizeof(digest));
	}
	page_release(&page);
	return rc;
}

/* --- what the site has --- */

/* Reads a file of the page into page->body. ERR_NOTFOUND: it cannot be read. */
static int read_own(struct page_site *page, const char *path)
{
	struct err why;

	buf_clear(&page->body);
	return place_read(&page->body, page->job.place, path, FILE_MAX, &why);
}

/* Reads from the summary which other files there are. False: it is not the summary of the
 * base. */
static bool read_summary(struct page_site *page)
{
	struct buf canon = {0};
	struct body_object object = {0};
	struct json_value value;
	uint8_t shard[sizeof(page->shard)];
	bool good = read_own(page, SUMMARY) == 0 &&
		    page->body.len > strlen(SUMMARY_CALL) &&
		    json_read(&canon, &value, page->body.data + strlen(SUMMARY_CALL),
			      page->body.len - strlen(SUMMARY_CALL)) == 0 &&
		    body_object(&object, &(struct body_text){canon.data, canon.len});

	if (good) {
		struct body_text commit = body_string(&object, "commit");
		struct body_text shards = body_string(&object, "shards");
		struct body_text first = body_member(&object, "first");

		good = commit.len == SNAPSHOT_HEX + 2 && first.len &&
		       memcmp(commit.data + 1, page->job.base.hex, SNAPSHOT_HEX) == 0 &&
		       shards.len == 2 * sizeof(shard) + 2 &&
		       hex_read(shard, sizeof(shard), shards.data + 1);
		if (good) {
			memcpy(page->shard, shard, sizeof(shard));
			page->first = strtoull(first.data, NULL, 10);
		}
	}
	body_object_release(&object);
	buf_release(&canon);
	return good;
}

int page_site_is_current(bool *is, struct place *place, struct snapshot_repo *repo,
			 const struct snapshot_info *at, struct err *err)
{
	struct page_site page = {.job = {.place = place, .base = at->commit}};
	bool read = read_summary(&page);
	uint64_t first = 0;
	int rc = read ? page_history_beginning(&first, repo, err) : 0;

	buf_release(&page.body);
	/* A snapshot that is held from before the beginning has a history of its own. A damaged
	 * page is a matter of `publish --check`. */
	*is = !(first > page.first &&
		message_count(at->message, MESSAGE_NUMBER, 0) >= first);
	return rc;
}

int page_site_open(struct page_site **out, const struct page_site_job *job,
		   struct err *err)
{
	struct page_site *page = xzalloc(sizeof(*page));
	int rc = page_read(&page->page, PAGE_SITE, err);

	page->job = *job;
	oversize_read(&page->oversize, job->to->message);
	page->whole = !*job->base.hex || job->every_file;
	if (!rc && !page->whole) {
		rc = snapshot_resolve(job->repo, job->base.hex, &page->base, err);
		page->whole = !rc && !read_summary(page);
	}
	if (rc) {
		page_site_close(page);
		return rc;
	}
	*out = page;
	return 0;
}

void page_site_close(struct page_site *page)
{
	if (!page) {
		return;
	}
	snapshot_info_release(&page->base);
	page_release(&page->page);
	oversize_release(&page->oversize);
	page_albums_release(&page->albums);
	kept_release(&page->kept);
	page_history_release(&page->history);
	buf_release(&page->path);
	buf_release(&page->body);
	buf_release(&page->id);
	buf_release(&page->gone);
	free(page);
}

/* --- one album --- */

/* Puts a file about the album page->id, data/untagged/N.js or N.rest.js: `rows` are the
 * arguments of the function `call` after the id. Without rows there is no such file. */
static int put_images(struct page_site *page, const struct layout_text *name,
		      bool is_rest, const struct buf *rows, struct err *err)
{
	struct buf text = {0};
	int rc = 0;

	buf_clear(&page->path);
	buf_addf(&page->path, DATA "untagged/%.*s%s.js", (int)name->len, name->at,
		 is_rest ? ".rest" : "");
	if (!rows->len) {
		if (!page->whole) {
			buf_add(&page->gone, page->path.data, page->path.len + 1);
		}
		return 0;
	}
	buf_addf(&text, "albumen.%s(", is_rest ? "rest" : "untagged");
	json_quote(&text, page->id.data, page->id.len);
	buf_addch(&text, ',');
	buf_add(&text, rows->data, rows->len);
	buf_addstr(&text, ");\n");
	kept_add(&page->kept, page->path.data);
	rc = page->job.put(page->path.data, text.data, text.len, page->job.payload, err);
	buf_release(&text);
	return rc;
}

static int change(struct page_site *page, const char *path, const struct buf *body,
		  struct err *err)
{
	uint64_t count = body                                  ? page_images_count(body)
			 : oversize_has(&page->oversize, path) ? PAGE_TOO_LARGE
							       : 0;
	struct layout_text name;
	const struct response *row = response_parse(path, &name);
	struct buf head = {0}, rest = {0};
	int64_t oldest = PAGE_NO_TIME;
	unsigned shard;
	int rc = 0;

	buf_clear(&page->id);
	if (!row || (row->kind != QUERY_IMAGES && row->kind != QUERY_UNTAGGED) ||
	    name_to_id(&page->id, name.at, name.len)) {
		return 0;
	}
	shard = (unsigned)strtoul(name.at - strlen("xx/yy/"), NULL, 16);
	if (row->kind == QUERY_UNTAGGED && count && body) {
		rc = page_images_add(&head, &rest, &oldest, PAGE_HEAD, path, body, err);
	}
	page_albums_note(&page->albums, shard, page->id.data, page->id.len,
			 row->kind == QUERY_IMAGES ? count : PAGE_UNKNOWN,
			 row->kind == QUERY_UNTAGGED ? count : PAGE_UNKNOWN, oldest);
	if (!rc && row->kind == QUERY_UNTAGGED) {
		rc = put_images(page, &name, false, &head, err);
		rc = rc ? rc : put_images(page, &name, true, &rest, err);
	}
	buf_release(&head);
	buf_release(&rest);
	return rc;
}

int page_site_change(struct page_site *page, const char *path, const struct buf *body,
		     struct err *err)
{
	return page->whole && !page->job.every_file ? 0 : change(page, path, body, err);
}

/* --- the rest --- */

struct walk {
	struct page_site *page;
	struct buf body;
	struct err *err;
};

static int walk_one(const struct snapshot_change *found, void *payload)
{
	struct walk *walk = payload;
	int rc;

	buf_empty(&walk->body);
	rc = snapshot_read_blob(walk->page->job.repo, &found->new_blob, &walk->body,
				walk->err);
	return rc ? rc : change(walk->page, found->path, &walk->body, walk->err);
}

/* Adds the albums of the folder XX (`shard` < 0: of all) whose lists are too large. */
static int add_oversize(struct page_site *page, int shard, struct err *err)
{
	const char *path;
	size_t at = 0;
	int rc = 0;

	while (!rc && (path = oversize_next(&page->oversize, &at))) {
		struct layout_text name;
		const struct response *row = response_parse(path, &name);

		if (row && (shard < 0 ||
			    strtol(name.at - strlen("xx/yy/"), NULL, 16) == shard)) {
			rc = change(page, path, NULL, err);
		}
	}
	return rc;
}

/* Adds the albums in a folder XX of the snapshot (`shard` < 0: in all of them) as if they
 * had changed. */
static int read_albums(struct page_site *page, int shard, struct err *err)
{
	struct walk walk = {.page = page, .err = err};
	struct buf folder = {0};
	int rc;

	response_site_root(&folder, response_of(QUERY_IMAGES));
	buf_addch(&folder, '/');
	if (shard >= 0) {
		buf_addf(&folder, "%02x/", (unsigned)shard);
	}
	rc = snapshot_diff(page->job.repo, response_walk_fault, NULL, &page->job.to->tree,
			   folder.data, walk_one, &walk, err);
	rc = rc ? rc : add_oversize(page, shard, err);
	buf_release(&walk.body);
	buf_release(&folder);
	return rc;
}

/* Puts a file, unless it is there already. */
static int put(struct page_site *page, const char *path, const struct buf *body,
	       struct err *err)
{
	bool has;
	int rc;

	kept_add(&page->kept, path);
	rc = place_has(&has, page->job.place, path, body->data, body->len, err);

	if (!rc && !has) {
		rc = page->job.put(path, body->data, body->len, page->job.payload, err);
	}
	return rc;
}

/* Reads the albums of the site's file `path`. False: it is not a file as we write it. */
static bool read_shard(struct page_site *page, struct page_albums *out, const char *path,
		       unsigned shard)
{
	struct buf call = {0};
	bool good;

	buf_addf(&call, ALBUMS_CALL "%u,", shard);
	good = read_own(page, path) == 0 && page->body.len > call.len + 3 &&
	       memcmp(page->body.data, call.data, call.len) == 0 &&
	       memcmp(page->body.data + page->body.len - 3, ");\n", 3) == 0 &&
	       page_albums_parse(out, shard, page->body.data + call.len,
				 page->body.len - call.len - 3) == 0;
	buf_release(&call);
	return good;
}

/* Lists the albums for the file `path`: those that the site's file has, with the new counts of
 * page->albums[from .. end - 1], which changed. False: the file is not as we write it, or a
 * count is not known. */
static bool patch_shard(struct page_site *page, struct page_albums *out, const char *path,
			size_t from, size_t end, unsigned shard)
{
	bool has = !page->whole && page->shard[shard / 8] & 0x80 >> shard % 8;

	if (has && !read_shard(page, out, path, shard)) {
		return false;
	}
	for (; from < end; from++) {
		const struct page_album *album = &page->albums.album[from];

		page_albums_note(out, shard, page->albums.ids.data + album->id,
				 album->len, album->images, album->untagged,
				 album->oldest);
	}
	return page_albums_finish(out) == 0 || page->whole;
}

/* Lists the albums of the snapshot's folder XX. */
static int reread_shard(struct page_site *page, struct page_albums *out, unsigned shard,
			struct err *err)
{
	struct page_albums aside = page->albums;
	int rc;

	page->albums = (struct page_albums){0};
	rc = read_albums(page, (int)shard, err);
	*out = page->albums;
	page->albums = aside;
	page_albums_finish(out);
	return rc;
}

/* Writes the file of the albums of a folder XX; page->albums[from .. end - 1] are those of
 * them that changed. */
static int write_shard(struct page_site *page, size_t from, size_t end, struct err *err)
{
	unsigned shard = page->albums.album[from].shard;
	uint8_t bit = (uint8_t)(0x80 >> shard % 8);
	struct page_albums merged = {0};
	struct buf body = {0}, path = {0};
	int rc = 0;

	buf_addf(&path, DATA "albums/%02x.js", shard);
	if (!patch_shard(page, &merged, path.data, from, end, shard)) {
		page_albums_release(&merged);
		rc = reread_shard(page, &merged, shard, err);
	}
	page->shard[shard / 8] &= (uint8_t)~bit;
	if (!rc && merged.count) {
		page->shard[shard / 8] |= bit;
		buf_addf(&body, ALBUMS_CALL "%u,", shard);
		page_albums_add(&body, &merged);
		buf_addstr(&body, ");\n");
		rc = put(page, path.data, &body, err);
	} else if (!rc) {
		buf_add(&page->gone, path.data, path.len + 1);
	}
	page_albums_release(&merged);
	buf_release(&body);
	buf_release(&path);
	return rc;
}

static int write_albums(struct page_site *page, struct err *err)
{
	int rc = 0;

	page_albums_sort(&page->albums);
	for (size_t i = 0, end; !rc && i < page->albums.count; i = end) {
		end = i + 1;
		while (end < page->albums.count &&
		       page->albums.album[end].shard == page->albums.album[i].shard) {
			end++;
		}
		rc = write_shard(page, i, end, err);
	}
	return rc;
}

static uint64_t chunk_of(uint64_t number)
{
	return (number - 1) / PAGE_CHUNK;
}

static void add_gone(struct page_site *page, uint64_t chunk)
{
	buf_addf(&page->gone, DATA "history/%" PRIu64 ".js", chunk);
	buf_addch(&page->gone, '\0');
}

static int write_history(struct page_site *page, struct err *err)
{
	struct page_history *history = &page->history;
	struct buf body = {0}, path = {0};
	uint64_t chunk, old = page->first;
	int rc = page_history_read(history, page->job.repo, page->job.to,
				   page->whole ? NULL : &page->base, page->first, err);

	if (rc) {
		return rc;
	}
	if (!history->kept) {
		page->first = page_history_first(history);
	}
	/* History begins later: chunks that only the base has. */
	for (chunk = old ? chunk_of(old) : 0; old && chunk < chunk_of(page->first);
	     chunk++) {
		add_gone(page, chunk);
	}
	chunk = history->count ? chunk_of(page_history_first(history))
			       : chunk_of(history->last) + 1;
	for (; !rc && chunk <= chunk_of(history->last); chunk++) {
		uint64_t first = chunk * PAGE_CHUNK + 1;
		uint64_t last = first + PAGE_CHUNK - 1;

		buf_clear(&path);
		buf_clear(&body);
		buf_addf(&path, DATA "history/%" PRIu64 ".js", chunk);
		buf_addf(&body, "albumen.history(%" PRIu64 ",[", chunk);
		page_history_add(&body, history,
				 first < page->first ? page->first : first,
				 last > history->last ? history->last : last);
		buf_addstr(&body, "]);\n");
		rc = put(page, path.data, &body, err);
	}
	/* Back to an older snapshot: chunks that only the base has. */
	for (; history->base_last && chunk <= chunk_of(history->base_last); chunk++) {
		add_gone(page, chunk);
	}
	buf_release(&body);
	buf_release(&path);
	return rc;
}

static int write_summary(struct page_site *page, struct err *err)
{
	static const struct {
		const char *name, *trailer;
	} count[] = {
		{"images", MESSAGE_IMAGES},
		{"untagged", MESSAGE_UNTAGGED},
		{"albums", MESSAGE_ALBUMS},
	};
	const struct snapshot_info *to = page->job.to;
	char shards[2 * sizeof(page->shard) + 1];
	struct buf body = {0};
	int rc;

	hex_write(shards, page->shard, sizeof(page->shard));
	buf_addstr(&body, SUMMARY_CALL "{");
	page_add_origin(&body, to->message, &page->job.signature);
	json_print_string(&body, "commit", to->commit.hex);
	json_print_name(&body, "time");
	buf_addf(&body, "%" PRId64, to->time_s);
	json_print_number(&body, "number", page->history.last);
	for (size_t i = 0; i < sizeof(count) / sizeof(*count); i++) {
		uint64_t n = message_count(to->message, count[i].trailer, PAGE_UNKNOWN);

		if (n != PAGE_UNKNOWN) {
			json_print_number(&body, count[i].name, n);
		}
	}
	json_print_number(&body, "first", page->first);
	json_print_number(&body, "chunk", PAGE_CHUNK);
	json_print_number(&body, "head", PAGE_HEAD);
	json_print_string(&body, "shards", shards);
	buf_addstr(&body, "});\n");
	rc = put(page, SUMMARY, &body, err);
	buf_release(&body);
	return rc;
}

static int write_labels(struct page_site *page, struct err *err)
{
	struct buf body = {0};
	int rc;

	if (page->job.looks && read_own(page, LABELS) == 0) {
		kept_add(&page->kept, LABELS);
		return 0;
	}
	buf_addstr(&body, "albumen.labels(");
	rc = page_add_labels(&body, page->job.repo, err);
	buf_addstr(&body, ");\n");
	rc = rc ? rc : put(page, LABELS, &body, err);
	buf_release(&body);
	return rc;
}

static bool is_ours(const char *path)
{
	return strcmp(path, INDEX) == 0 || strncmp(path, DATA, strlen(DATA)) == 0;
}

/* Keeps the files that were put, and those that are not ours. */
static bool is_kept(const char *path, void *payload)
{
	struct page_site *page = payload;

	return !is_ours(path) || kept_has(&page->kept, path);
}

static int remove_gone(struct page_site *page, uint64_t *removed, struct err *err)
{
	int rc = 0;

	if (page->whole) {
		return place_prune(page->job.place, "audit", is_kept, page, removed, err);
	}
	for (size_t i = 0; !rc && i < page->gone.len;) {
		const char *path = page->gone.data + i;

		rc = place_remove(page->job.place, path, removed, err);
		i += strlen(path) + 1;
	}
	return rc;
}

int page_site_write(struct page_site *page, uint64_t *removed, struct err *err)
{
	int rc = 0;

	rc = page->whole && !page->job.every_file ? read_albums(page, -1, err)
						  : add_oversize(page, -1, err);
	rc = rc ? rc : put(page, INDEX, &page->page.text, err);
	if (!rc) {
		rc = write_albums(page, err);
	}
	rc = rc ? rc : write_history(page, err);
	rc = rc ? rc : write_labels(page, err);
	if (!rc) {
		rc = write_summary(page, err);
	}
	return rc ? rc : remove_gone(page, removed, err);
}

static bool is_not_ours(const char *path, void *payload)
{
	(void)payload;
	return !is_ours(path);
}

int page_site_remove(struct place *place, uint64_t *removed, struct err *err)
{
	int rc = place_prune(place, "audit", is_not_ours, NULL, removed, err);

	return rc ? rc : place_remove_folder(place, "audit", err);
}
