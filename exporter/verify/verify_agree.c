/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_agree.h"

#include <inttypes.h>
#include <string.h>

/* --- checking: albums --- */

struct listing {
	struct verify_rows *rows;
	uint32_t album;
	bool is_new;      /* the list; if it is not, only the untagged ones are wanted */
	uint64_t records; /* in the list */
	/* rows->untagged is compared with the untagged ones of the list, up to here. */
	size_t at;
	bool differs;
};

static void subtract_listed(const char *text, const struct record *record, void *payload)
{
	struct listing *listing = payload;
	struct verify_table *images = &listing->rows->images;
	uint32_t number = verify_table_add(images, record->id.bytes, record->id.len);
	struct verify_rows_image *image = verify_table_row(images, number);

	(void)text;
	image->lists--;
	if (image->album == listing->album) {
		image->album = 0;
	}
	verify_table_mark(images, number);
}

/* The untagged list must go on with these bytes. */
static void expect(struct listing *listing, const char *bytes, size_t len)
{
	const struct buf *untagged = &listing->rows->untagged;

	listing->differs = listing->differs || len > untagged->len - listing->at ||
			   memcmp(untagged->data + listing->at, bytes, len) != 0;
	listing->at += listing->differs ? 0 : len;
}

static void add_listed(const char *text, const struct record *record, void *payload)
{
	struct listing *listing = payload;
	struct verify_rows *rows = listing->rows;
	uint32_t number =
		verify_table_add(&rows->images, record->id.bytes, record->id.len);
	struct verify_rows_image *image = verify_table_row(&rows->images, number);

	listing->records++;
	if (listing->is_new) {
		if (!verify_rows_is(&record->album, &rows->albums, listing->album)) {
			verify_rows_fail(rows, QUERY_IMAGES, listing->album,
					 "image '%s' is of the album '%s'",
					 record->id.bytes, record->album.bytes);
		}
		image->lists++;
		image->album = listing->album;
		verify_body_digest(&image->text, text, record->text.len);
		verify_table_mark(&rows->images, number);
	}
	if (image->has_json && image->untagged) {
		expect(listing, listing->at ? "," : "[", 1);
		expect(listing, text, record->text.len);
	}
}

static const char not_oversize[] =
	"a trailer says that it is oversize, but the file is there";

/* Reads the untagged list into rows->untagged, or leaves that empty. True: it is to be
 * compared with the album's list. */
static bool read_untagged(struct verify_rows *rows, uint32_t number)
{
	const struct verify_rows_album *album = verify_table_row(&rows->albums, number);
	enum object_type type;
	int rc;

	buf_empty(&rows->untagged);
	if (!album->has_untagged) {
		if (album->has_list && !album->oversize_untagged) {
			verify_rows_fail(rows, QUERY_UNTAGGED, number,
					 "the file is missing");
		}
		return false;
	}
	if (!album->has_list && !album->oversize) {
		verify_rows_fail(rows, QUERY_UNTAGGED, number,
				 "the album has no list of its images");
		return false;
	}
	rc = verify_store_read(&rows->untagged, &type, rows->store, album->untagged);
	if (rc || type != OBJECT_BLOB) {
		verify_rows_fail_blob(rows, album->untagged,
				      verify_rows_path(rows, QUERY_UNTAGGED, number), rc);
		buf_empty(&rows->untagged);
		return false;
	}
	return album->has_list;
}

/* An untagged image of an album whose list is too large. */
static void check_lone_untagged(const char *text, const struct record *record,
				void *payload)
{
	struct listing *listing = payload;
	struct verify_rows *rows = listing->rows;
	uint32_t number =
		verify_table_find(&rows->images, record->id.bytes, record->id.len);
	const struct verify_rows_image *image =
		number ? verify_table_row(&rows->images, number) : NULL;

	(void)text;
	listing->records++;
	if (!image || !image->has_json || !image->untagged ||
	    image->named != listing->album ||
	    !verify_rows_is(&record->album, &rows->albums, listing->album)) {
		verify_rows_fail(rows, QUERY_UNTAGGED, listing->album,
				 "image '%s' is not an untagged image of the album",
				 record->id.bytes);
	}
}

/* Without the album's list, all images are gone through: such albums are rare. */
static void check_lone_list(struct verify_rows *rows, uint32_t number)
{
	const struct verify_rows_album *album = verify_table_row(&rows->albums, number);
	struct listing listing = {.rows = rows, .album = number};
	uint64_t images = 0, untagged = 0;

	for (uint32_t n = 1; n <= rows->images.count; n++) {
		const struct verify_rows_image *image =
			verify_table_row(&rows->images, n);
		bool in = image->has_album && image->named == number;

		images += in;
		untagged += in && image->has_json && image->untagged;
	}
	if (!images) {
		verify_rows_fail(rows, QUERY_IMAGES, number,
				 "a trailer says that it is oversize, but no image is in "
				 "the album");
	}
	if (album->has_untagged) {
		rows->body.report = rows->report;
		rows->body.path = verify_rows_path(rows, QUERY_UNTAGGED, number);
		buf_release(&rows->body.body.bytes);
		rows->body.body.bytes = rows->untagged;
		rows->untagged = (struct buf){0};
		verify_body_records(&rows->body, QUERY_IMAGES, check_lone_untagged,
				    &listing);
		if (listing.records != untagged) {
			verify_rows_fail(rows, QUERY_UNTAGGED, number,
					 "it lists %" PRIu64 " images; %" PRIu64
					 " are untagged",
					 listing.records, untagged);
		}
	} else if (!album->oversize_untagged) {
		verify_rows_fail(rows, QUERY_UNTAGGED, number, "the file is missing");
	}
}

static void check_oversize_album(struct verify_rows *rows, uint32_t number)
{
	struct verify_rows_album *album = verify_table_row(&rows->albums, number);

	if (album->oversize && album->has_list) {
		verify_rows_fail(rows, QUERY_IMAGES, number, "%s", not_oversize);
	} else if (album->oversize) {
		check_lone_list(rows, number);
	}
	if (album->oversize_untagged && album->has_untagged) {
		verify_rows_fail(rows, QUERY_UNTAGGED, number, "%s", not_oversize);
	} else if (album->oversize_untagged && !album->oversize) {
		verify_rows_fail(rows, QUERY_UNTAGGED, number,
				 "a trailer says that it is oversize, but the list of "
				 "all images is "
				 "not");
	}
	/* Its images may have lost their list, or have one again. */
	for (uint32_t n = 1; album->reflagged && n <= rows->images.count; n++) {
		const struct verify_rows_image *image =
			verify_table_row(&rows->images, n);

		if (image->named == number) {
			verify_table_mark(&rows->images, n);
		}
	}
	album->reflagged = false;
}

/* An album's untagged list is not parsed: the album's list, and which of its images
 * are tagged, determine its bytes. */
static void check_album(struct verify_rows *rows, uint32_t number)
{
	struct verify_rows_album *album = verify_table_row(&rows->albums, number);
	struct listing listing = {
		.rows = rows, .album = number, .is_new = album->relisted};
	bool compared;

	if (album->relisted && album->had_list &&
	    verify_rows_read(rows, album->old_list, NULL)) {
		verify_body_records(&rows->body, QUERY_IMAGES, subtract_listed, &listing);
	}
	compared = read_untagged(rows, number);
	listing.differs = !compared;
	if (album->has_list &&
	    verify_rows_read(rows, album->list,
			     listing.is_new ? verify_rows_path(rows, QUERY_IMAGES, number)
					    : NULL)) {
		verify_body_records(&rows->body, QUERY_IMAGES, add_listed, &listing);
		if (listing.is_new && !listing.records) {
			verify_rows_fail(rows, QUERY_IMAGES, number, "it lists no image");
		}
	}
	album->relisted = false;
	if (compared) {
		expect(&listing, listing.at ? "]" : "[]", listing.at ? 1 : 2);
		if (listing.differs || listing.at != rows->untagged.len) {
			verify_rows_fail(rows, QUERY_UNTAGGED, number,
					 "these are not the album's images that no tag "
					 "image is of, "
					 "as its images.json has them");
		}
	}
	check_oversize_album(rows, number);
}

/* --- checking: images and tags --- */

static void check_album_of(struct verify_rows *rows, uint32_t number)
{
	const struct verify_rows_image *image = verify_table_row(&rows->images, number);
	size_t len;
	const char *album;

	if (!image->has_album) {
		verify_rows_fail(rows, QUERY_ALBUM_OF, number, "the file is missing");
	} else if (image->album && image->named != image->album) {
		album = verify_table_id(&rows->albums, image->album, &len);
		verify_rows_fail(
			rows, QUERY_ALBUM_OF, number,
			"it does not name the album that lists the image, '%.*s'",
			(int)len, album);
	}
}

/* Whether the image lies in an album whose list is too large. */
static bool has_oversize_list(const struct verify_rows *rows,
			      const struct verify_rows_image *image)
{
	const struct verify_rows_album *album =
		image->named ? verify_table_row(&rows->albums, image->named) : NULL;

	return album && album->oversize && !album->has_list;
}

static void check_image(struct verify_rows *rows, uint32_t number)
{
	const struct verify_rows_image *image = verify_table_row(&rows->images, number);

	if (!image->lists && !has_oversize_list(rows, image)) {
		if (image->has_json || image->has_album || image->oversize) {
			verify_rows_fail(rows, QUERY_TAG_IMAGES, number,
					 "no album lists the image");
		}
		return;
	}
	if (image->lists > 1) {
		verify_rows_fail(rows, QUERY_TAG_IMAGES, number,
				 "albums list the image %u times", image->lists);
	}
	if (image->has_json && image->oversize) {
		verify_rows_fail(rows, QUERY_TAG_IMAGES, number, "%s", not_oversize);
	} else if (!image->has_json && !image->oversize) {
		verify_rows_fail(rows, QUERY_TAG_IMAGES, number, "the file is missing");
	} else if (image->lists && image->tag_images && !image->mixed &&
		   !verify_rows_equal(&image->shown, &image->text)) {
		verify_rows_fail(rows, QUERY_TAG_IMAGES, number,
				 "it shows another text of the image than its album's "
				 "images.json");
	}
	check_album_of(rows, number);
}

static void check_tag(struct verify_rows *rows, uint32_t number)
{
	const struct verify_rows_tag *tag = verify_table_row(&rows->tags, number);
	uint64_t same;

	if (!tag->known) {
		if (tag->counted) {
			verify_rows_fail(rows, QUERY_TAG, number,
					 "the file is missing: %" PRIu64
					 " tag images show the tag",
					 tag->counted);
		}
		return;
	}
	same = *verify_rows_count_shown(rows, number, &tag->text);
	if (rows->oversize_images ? tag->said < tag->counted
				  : tag->said != tag->counted) {
		verify_rows_fail(rows, QUERY_TAG, number,
				 "it counts %" PRIu64 " tag images; there are %" PRIu64,
				 tag->said, tag->counted);
	}
	if (same != tag->counted) {
		verify_rows_fail(rows, QUERY_TAG, number,
				 "%" PRIu64 " tag images show another text of the tag",
				 tag->counted - same);
	}
}

static void check_marked(struct verify_rows *rows, struct verify_table *table,
			 void (*check)(struct verify_rows *rows, uint32_t number))
{
	for (size_t i = 0; i < table->marks && !verify_report_is_full(rows->report);
	     i++) {
		check(rows, table->marked[i]);
	}
	verify_table_unmark(table);
}

void verify_agree(struct verify_rows *rows)
{
	check_marked(rows, &rows->albums, check_album);
	check_marked(rows, &rows->images, check_image);
	check_marked(rows, &rows->tags, check_tag);
}
