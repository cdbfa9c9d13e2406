/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/page/page.h"
#include "exporter/page/page_history.h"

/*
 * A report's data: elements <script type="application/json">, which a browser does
 * not run, and which the page parses when it needs them: the summary, the history,
 * the albums, and the albums' images in blocks, of which an album names its own.
 * All text is canonical JSON, which has no `<` (CONTRACT.md, section 3), so nothing
 * in it can end its element.
 */

#define ALBUMS 1024              /* rows of a block of albums */
#define BLOCK_BYTES (256u << 10) /* of a block of images, where albums are smaller */

struct report {
	FILE *out;
	struct buf text;  /* on its way out */
	struct buf album; /* rows of the block of albums */
	size_t rows;
	uint64_t block; /* number of the block of images */
};

static void begin(struct report *r, const char *class)
{
	buf_addf(&r->text, "<script type=\"application/json\" class=\"%s\">", class);
}

/* Whether it could be written is asked once, at the end of all. */
static void end(struct report *r)
{
	buf_addstr(&r->text, "</script>\n");
	fwrite(r->text.data, 1, r->text.len, r->out);
	buf_clear(&r->text);
}

static void add_id(struct buf *out, const char *id)
{
	json_quote(out, id, strlen(id));
}

/* `json`, or null where the data say nothing. */
static void add_json(struct buf *out, const char *json)
{
	buf_addstr(out, json ? json : "null");
}

static void add_since(struct buf *out, const struct audit_since *since)
{
	if (since) {
		buf_addf(out, ",%" PRId64 ",\"%s\"", since->time_s, since->commit);
	} else {
		buf_addstr(out, ",null,null");
	}
}

static void add_image(struct buf *out, const struct audit_image *image)
{
	buf_addch(out, '[');
	add_id(out, image->id);
	buf_addch(out, ',');
	add_json(out, image->created_at);
	buf_addch(out, ',');
	add_json(out, image->thumbnail);
	add_since(out, image->since);
	buf_addch(out, ']');
}

/* [ID,LABEL,IMAGES] of each tag. */
static void add_tags(struct buf *out, const struct audit_counts *counts)
{
	buf_addch(out, '[');
	for (size_t i = 0; i < counts->tag_count; i++) {
		const struct audit_tag_count *count = &counts->tag[i];

		buf_addstr(out, i ? ",[" : "[");
		add_id(out, count->tag->id);
		buf_addch(out, ',');
		add_json(out, count->tag->label);
		buf_addf(out, ",%" PRIu64 "]", count->images);
	}
	buf_addch(out, ']');
}

/* [IMAGE,CREATED_AT,BY] of the last tag image, or null. */
static void add_last(struct buf *out, const struct audit_last *last)
{
	if (!last->tag_image) {
		buf_addstr(out, "null");
		return;
	}
	buf_addch(out, '[');
	add_id(out, last->image);
	buf_addch(out, ',');
	add_json(out, last->created_at);
	buf_addch(out, ',');
	add_json(out, last->by);
	buf_addch(out, ']');
}

static void add_summary(struct report *r, const struct audit *audit)
{
	struct buf *out = &r->text;

	begin(r, "summary");
	buf_addf(out, "{\"commit\":\"%s\",\"time\":%" PRId64 ",\"as_of\":%" PRId64,
		 audit->commit.hex, audit->time_s, audit->as_of_s);
	if (audit->number) {
		buf_addf(out, ",\"number\":%" PRIu64, audit->number);
	}
	buf_addf(out,
		 ",\"images\":%" PRIu64 ",\"untagged\":%" PRIu64
		 ",\"albums\":%zu,\"tags\":",
		 audit->all.images, audit->all.untagged, audit->album_count);
	add_tags(out, &audit->all);
	buf_addstr(out, ",\"last\":");
	add_last(out, &audit->all.last);
	if (audit->all.oldest) {
		buf_addstr(out, ",\"oldest\":");
		add_image(out, audit->all.oldest);
	}
	buf_addch(out, '}');
	end(r);
}

static int add_history(struct report *r, struct snapshot_repo *repo,
		       const struct audit *audit, struct err *err)
{
	struct page_history history = {0};
	struct snapshot_info info = {0};
	int rc = snapshot_resolve(repo, audit->commit.hex, &info, err);

	if (!rc) {
		rc = page_history_read(&history, repo, &info, NULL, err);
	}
	if (!rc && history.count) {
		begin(r, "history");
		page_history_add(&r->text, &history, page_history_first(&history),
				 history.last);
		end(r);
	}
	page_history_release(&history);
	snapshot_info_release(&info);
	return rc;
}

static void end_albums(struct report *r)
{
	if (r->rows) {
		begin(r, "albums");
		buf_addf(&r->text, "[%s]", r->album.data);
		end(r);
	}
	buf_clear(&r->album);
	r->rows = 0;
}

static void end_block(struct report *r)
{
	if (r->text.len) {
		buf_addch(&r->text, ']');
		end(r);
		r->block++;
	}
}

/* The album into the block of images, and its row into that of albums. A block ends
 * between two albums; one of a million images is a block by itself. */
static void add_album(struct report *r, const struct audit_album *album)
{
	const struct audit_counts *counts = &album->counts;

	if (r->rows == ALBUMS) {
		end_block(r);
		end_albums(r);
	}
	buf_addstr(&r->album, r->rows++ ? ",\n[" : "\n[");
	add_id(&r->album, album->id);
	buf_addf(&r->album, ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", counts->images,
		 counts->untagged, r->block);

	if (!r->text.len) {
		begin(r, "block");
		buf_addch(&r->text, '[');
	} else {
		buf_addch(&r->text, ',');
	}
	buf_addstr(&r->text, "\n[");
	add_id(&r->text, album->id);
	buf_addstr(&r->text, ",[");
	for (uint64_t i = 0; i < counts->untagged; i++) {
		if (i) {
			buf_addch(&r->text, ',');
		}
		add_image(&r->text, &album->image[i]);
	}
	buf_addstr(&r->text, "],");
	add_tags(&r->text, counts);
	buf_addch(&r->text, ',');
	add_last(&r->text, &counts->last);
	buf_addch(&r->text, ']');
	if (r->text.len >= BLOCK_BYTES) {
		end_block(r);
	}
}

int page_print(FILE *out, struct snapshot_repo *repo, const struct audit *audit,
	       struct err *err)
{
	struct report r = {.out = out};
	struct page page;
	int rc = page_read(&page, PAGE_REPORT, err);

	if (!rc) {
		fwrite(page.text.data, 1, page.data_at, out);
		add_summary(&r, audit);
		rc = add_history(&r, repo, audit, err);
	}
	if (!rc) {
		for (size_t i = 0; i < audit->album_count; i++) {
			add_album(&r, &audit->album[i]);
		}
		end_block(&r);
		end_albums(&r);
		fwrite(page.text.data + page.data_at, 1, page.text.len - page.data_at,
		       out);
		if (fflush(out) != 0 || ferror(out)) {
			rc = err_sys(err, "cannot write the report");
		}
	}
	page_release(&page);
	buf_release(&r.text);
	buf_release(&r.album);
	return rc;
}
