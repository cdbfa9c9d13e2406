/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "exporter/git/commit.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"
#include "exporter/verify/verify_body.h"
#include "exporter/verify/verify_table.h"

/*
 * A step applies each file that differs to the tables, tags first, so that what a tag
 * image shows can be compared at once. It marks the rows that this touches. When all is
 * applied, it checks the marked rows: albums, which say where images lie, then images
 * and tags.
 *
 * A response that is too large for a snapshot has no file. Its row has a flag instead, from
 * the trailers. Then it is not known which tags the image has, so that the counts of tags are
 * lower bounds; or which images the album has, so that their .album files say it.
 *
 * To subtract what an image's former file said, that file is read again. This costs no
 * more than reading the new one did, and nothing has to be remembered of it.
 */

struct image {
	struct verify_body_digest text;  /* in the album's list */
	struct verify_body_digest shown; /* in its tag images */
	uint32_t album;                  /* that lists it; 0: none */
	uint32_t named;                  /* the album that its .album names; 0: none */
	uint32_t tag_images;
	uint32_t lists; /* how often it stands in a list */
	bool has_json : 1, has_album : 1, untagged : 1, mixed : 1;
	bool oversize : 1; /* its tag images are */
};

struct album {
	uint8_t list[OBJECT_ID], old_list[OBJECT_ID], untagged[OBJECT_ID];
	bool has_list : 1, had_list : 1, has_untagged : 1;
	bool relisted : 1; /* the list is another one; old_list is what it was */
	bool oversize : 1, oversize_untagged : 1; /* the lists are */
	bool reflagged : 1;                       /* one of these has changed */
};

struct tag {
	struct verify_body_digest text;
	uint64_t said;    /* tag images, according to its file */
	uint64_t counted; /* and according to theirs */
	bool known;
};

struct verify_state {
	struct verify_store *store;
	struct verify_report *report;
	struct verify_table images, albums, tags; /* by id */
	/* By the blob that .album files hold. An album has the same number in both. */
	struct verify_table album_blobs;
	struct verify_table
		shown; /* (tag, text) pairs in tag images; a row counts them */
	struct verify_state_counts counts; /* of files */
	struct verify_state_counts total;  /* and of what is too large to have one */
	struct oversize oversize;          /* what the last trailers name */
	uint64_t oversize_images, oversize_albums; /* rows with such a flag */
	uint64_t said; /* tag images, according to the files of all tags */
	/* Scratch. */
	struct verify_body body;
	struct buf path, untagged;
};

struct verify_state *verify_state_new(struct verify_store *store,
				      struct verify_report *report)
{
	struct verify_state *state = xzalloc(sizeof(*state));

	state->store = store;
	state->report = report;
	state->images.row_bytes = sizeof(struct image);
	state->albums.row_bytes = sizeof(struct album);
	state->tags.row_bytes = sizeof(struct tag);
	state->shown.row_bytes = sizeof(uint64_t);
	return state;
}

void verify_state_free(struct verify_state *state)
{
	if (state) {
		verify_table_release(&state->images);
		verify_table_release(&state->albums);
		verify_table_release(&state->tags);
		verify_table_release(&state->album_blobs);
		verify_table_release(&state->shown);
		verify_body_release(&state->body);
		buf_release(&state->path);
		buf_release(&state->untagged);
		oversize_release(&state->oversize);
		free(state);
	}
}

const struct verify_state_counts *verify_state_counts(const struct verify_state *state)
{
	return &state->total;
}

/* --- tables --- */

static uint32_t add_album(struct verify_state *state, const char *id, size_t len)
{
	uint32_t number = verify_table_add(&state->albums, id, len);
	struct buf text = {0};
	uint8_t blob[OBJECT_ID];

	if (number > state->album_blobs.count) {
		json_quote(&text, id, len);
		object_hash(blob, OBJECT_BLOB, text.data, text.len);
		buf_release(&text);
		number = verify_table_add(&state->album_blobs, blob, sizeof(blob));
		assert(number == state->albums.count);
	}
	return number;
}

/* How many tag images show this text of the tag. */
static uint64_t *count_of_shown(struct verify_state *state, uint32_t tag,
				const struct verify_body_digest *text)
{
	char key[sizeof(tag) + sizeof(text->bytes)];

	memcpy(key, &tag, sizeof(tag));
	memcpy(key + sizeof(tag), text->bytes, sizeof(text->bytes));
	return verify_table_row(&state->shown,
				verify_table_add(&state->shown, key, sizeof(key)));
}

static bool is_equal(const struct verify_body_digest *a,
		     const struct verify_body_digest *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Whether a record's id is that of a row. */
static bool is_id(const struct record_id *id, const struct verify_table *table,
		  uint32_t number)
{
	size_t len;
	const char *bytes = verify_table_id(table, number, &len);

	return id->len == len && memcmp(id->bytes, bytes, len) == 0;
}

/* The path of a row's file; borrowed until the next one. */
static const char *path_of(struct verify_state *state, enum query_response kind,
			   uint32_t number)
{
	const struct verify_table *table =
		kind == QUERY_TAG                                    ? &state->tags
		: kind == QUERY_TAG_IMAGES || kind == QUERY_ALBUM_OF ? &state->images
								     : &state->albums;
	size_t len;
	const char *id = verify_table_id(table, number, &len);

	buf_clear(&state->path);
	response_snapshot_path(&state->path, response_of(kind), id, len);
	return state->path.data;
}

/* Reports a failure of a row's file. */
__attribute__((format(printf, 4, 5))) static void fail(struct verify_state *state,
						       enum query_response kind,
						       uint32_t number, const char *fmt,
						       ...)
{
	char problem[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(problem, sizeof(problem), fmt, ap);
	va_end(ap);
	verify_report_fail(state->report, path_of(state, kind, number), "%s", problem);
}

static void fail_blob(struct verify_state *state, const uint8_t *id, const char *path,
		      int rc)
{
	char hex[OBJECT_HEX + 1];

	object_hex(hex, id);
	verify_report_fail(state->report, path, "object %s is %s", hex,
			   rc == ERR_NOTFOUND ? "missing"
			   : rc               ? "damaged"
					      : "no file");
}

/* Checks that a blob whose id says all about it is there. */
static void look_for(struct verify_state *state, const uint8_t *id, const char *path)
{
	int rc = verify_store_look(state->store, id);

	if (rc) {
		fail_blob(state, id, path, rc);
	}
}

/* Reads a file into state->body. Failures of it are reported, unless path is NULL. */
static bool read_file(struct verify_state *state, const uint8_t *id, const char *path)
{
	enum object_type type;
	int rc = verify_store_read(&state->body.body.bytes, &type, state->store, id);

	state->body.report = path ? state->report : NULL;
	state->body.path = path;
	if (!rc && type == OBJECT_BLOB) {
		return true;
	}
	if (path) {
		fail_blob(state, id, path, rc);
	}
	return false;
}

/* --- applying: tags and albums --- */

static void apply_tag(struct verify_state *state, const struct verify_tree_change *change)
{
	uint32_t number = verify_table_add(&state->tags, change->id, change->id_len);
	struct tag *tag = verify_table_row(&state->tags, number);
	struct record_id id;

	verify_table_mark(&state->tags, number);
	state->counts.tags -= change->old_blob != NULL;
	state->counts.tags += change->new_blob != NULL;
	tag->known = change->new_blob != NULL;
	tag->text = (struct verify_body_digest){{0}};
	state->said -= tag->said;
	tag->said = 0;
	if (tag->known && read_file(state, change->new_blob, change->path) &&
	    verify_body_tag(&state->body, &id, &tag->text, &tag->said) &&
	    !is_id(&id, &state->tags, number)) {
		verify_report_fail(state->report, change->path,
				   "it is about the tag '%s'", id.bytes);
	}
	state->said += tag->said;
}

static void apply_list(struct verify_state *state,
		       const struct verify_tree_change *change)
{
	uint32_t number = add_album(state, change->id, change->id_len);
	struct album *album = verify_table_row(&state->albums, number);

	verify_table_mark(&state->albums, number);
	if (change->kind == QUERY_UNTAGGED) {
		album->has_untagged = change->new_blob != NULL;
		if (change->new_blob) {
			memcpy(album->untagged, change->new_blob, OBJECT_ID);
		}
		return;
	}
	album->relisted = true;
	album->had_list = change->old_blob != NULL;
	album->has_list = change->new_blob != NULL;
	state->counts.albums += album->has_list;
	state->counts.albums -= album->had_list;
	if (change->old_blob) {
		memcpy(album->old_list, change->old_blob, OBJECT_ID);
	}
	if (change->new_blob) {
		memcpy(album->list, change->new_blob, OBJECT_ID);
	}
}

/* --- applying: the tag images of an image --- */

struct showing {
	struct verify_state *state;
	uint32_t image;
	uint32_t records;
	struct verify_table ids; /* of the tag images: twins need not be neighbours */
};

static void subtract_tag_image(const char *text, const struct record *record,
			       void *payload)
{
	struct verify_state *state = payload;
	uint32_t number =
		verify_table_add(&state->tags, record->tag.bytes, record->tag.len);
	struct tag *tag = verify_table_row(&state->tags, number);
	struct verify_body_digest digest;

	verify_body_digest(&digest, text + record[2].text.off, record[2].text.len);
	verify_table_mark(&state->tags, number);
	(*count_of_shown(state, number, &digest))--;
	tag->counted--;
}

/* Compares the tag in a tag image with the tag's own file. */
static void add_shown_tag(struct verify_state *state, const char *text,
			  const struct record *record)
{
	uint32_t number =
		verify_table_add(&state->tags, record->tag.bytes, record->tag.len);
	struct tag *tag = verify_table_row(&state->tags, number);
	struct verify_body_digest digest;

	verify_body_digest(&digest, text + record[2].text.off, record[2].text.len);
	verify_table_mark(&state->tags, number);
	(*count_of_shown(state, number, &digest))++;
	tag->counted++;
	if (!tag->known) {
		verify_report_fail(
			state->report, state->body.path,
			"tag image '%s' shows the tag '%s', which is not known",
			record->id.bytes, record->tag.bytes);
	} else if (!is_equal(&digest, &tag->text)) {
		verify_report_fail(state->report, state->body.path,
				   "tag image '%s' shows another text of the tag '%s' "
				   "than audit/tags has",
				   record->id.bytes, record->tag.bytes);
	}
}

static void add_tag_image(const char *text, const struct record *record, void *payload)
{
	struct showing *showing = payload;
	struct verify_state *state = showing->state;
	struct image *image = verify_table_row(&state->images, showing->image);
	struct verify_body_digest digest;

	add_shown_tag(state, text, record);
	verify_body_digest(&digest, text + record[1].text.off, record[1].text.len);
	if (!showing->records++) {
		image->shown = digest;
	}
	image->mixed |= !is_equal(&image->shown, &digest);
	if (state->body.body.count > 1 &&
	    verify_table_add(&showing->ids, record->id.bytes, record->id.len) !=
		    showing->records) {
		verify_report_fail(state->report, state->body.path,
				   "tag image '%s' stands twice", record->id.bytes);
	}
	if (!is_id(&record->image, &state->images, showing->image)) {
		verify_report_fail(state->report, state->body.path,
				   "tag image '%s' is of the image '%s'",
				   record->id.bytes, record->image.bytes);
	}
}

static void subtract_tag_images(struct verify_state *state, struct image *image,
				const uint8_t *blob)
{
	state->counts.images--;
	state->counts.untagged -= image->untagged;
	state->counts.tag_images -= image->tag_images;
	image->has_json = false;
	image->tag_images = 0;
	image->mixed = false;
	if (!body_is_empty(blob) && read_file(state, blob, NULL)) {
		verify_body_records(&state->body, QUERY_TAG_IMAGES, subtract_tag_image,
				    state);
	}
}

static void add_tag_images(struct verify_state *state, uint32_t number,
			   const struct verify_tree_change *change)
{
	struct showing showing = {.state = state, .image = number};
	struct image *image = verify_table_row(&state->images, number);

	state->counts.images++;
	image->has_json = true;
	image->untagged = body_is_empty(change->new_blob);
	state->counts.untagged += image->untagged;
	if (image->untagged) {
		look_for(state, change->new_blob, change->path);
		return;
	}
	if (!read_file(state, change->new_blob, change->path)) {
		return;
	}
	verify_body_records(&state->body, QUERY_TAG_IMAGES, add_tag_image, &showing);
	verify_table_release(&showing.ids);
	image->tag_images = showing.records;
	state->counts.tag_images += showing.records;
	if (!showing.records) {
		verify_report_fail(state->report, change->path, "it has no tag image");
	}
	if (image->mixed) {
		verify_report_fail(state->report, change->path,
				   "its tag images show two texts of the image");
	}
}

static void apply_image(struct verify_state *state,
			const struct verify_tree_change *change)
{
	uint32_t number = verify_table_add(&state->images, change->id, change->id_len);
	struct image *image = verify_table_row(&state->images, number);
	bool was_untagged = image->has_json && image->untagged;

	verify_table_mark(&state->images, number);
	if (change->kind == QUERY_ALBUM_OF) {
		image->has_album = change->new_blob != NULL;
		image->named = 0;
		if (change->new_blob) {
			image->named = verify_table_find(&state->album_blobs,
							 change->new_blob, OBJECT_ID);
			look_for(state, change->new_blob, change->path);
		}
		return;
	}
	if (change->old_blob) {
		subtract_tag_images(state, image, change->old_blob);
	}
	if (change->new_blob) {
		add_tag_images(state, number, change);
	}
	if (was_untagged != (image->has_json && image->untagged)) {
		if (image->album) {
			verify_table_mark(&state->albums, image->album);
		} else if (image->named) {
			verify_table_mark(&state->albums, image->named);
		}
	}
}

static void apply(const struct verify_tree_change *change, void *payload)
{
	switch (change->kind) {
	case QUERY_TAG:
		apply_tag(payload, change);
		break;
	case QUERY_IMAGES:
	case QUERY_UNTAGGED:
		apply_list(payload, change);
		break;
	case QUERY_TAG_IMAGES:
	case QUERY_ALBUM_OF:
		apply_image(payload, change);
		break;
	}
}

/* --- checking: albums --- */

struct listing {
	struct verify_state *state;
	uint32_t album;
	bool is_new;      /* the list; if it is not, only the untagged ones are wanted */
	uint64_t records; /* in the list */
	/* state->untagged is compared with the untagged ones of the list, up to here. */
	size_t at;
	bool differs;
};

static void subtract_listed(const char *text, const struct record *record, void *payload)
{
	struct listing *listing = payload;
	struct verify_table *images = &listing->state->images;
	uint32_t number = verify_table_add(images, record->id.bytes, record->id.len);
	struct image *image = verify_table_row(images, number);

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
	const struct buf *untagged = &listing->state->untagged;

	listing->differs = listing->differs || len > untagged->len - listing->at ||
			   memcmp(untagged->data + listing->at, bytes, len) != 0;
	listing->at += listing->differs ? 0 : len;
}

static void add_listed(const char *text, const struct record *record, void *payload)
{
	struct listing *listing = payload;
	struct verify_state *state = listing->state;
	uint32_t number =
		verify_table_add(&state->images, record->id.bytes, record->id.len);
	struct image *image = verify_table_row(&state->images, number);

	listing->records++;
	if (listing->is_new) {
		if (!is_id(&record->album, &state->albums, listing->album)) {
			fail(state, QUERY_IMAGES, listing->album,
			     "image '%s' is of the album '%s'", record->id.bytes,
			     record->album.bytes);
		}
		image->lists++;
		image->album = listing->album;
		verify_body_digest(&image->text, text, record->text.len);
		verify_table_mark(&state->images, number);
	}
	if (image->has_json && image->untagged) {
		expect(listing, listing->at ? "," : "[", 1);
		expect(listing, text, record->text.len);
	}
}

static const char not_oversize[] =
	"a trailer says that it is oversize, but the file is there";

/* Reads the untagged list into state->untagged, or leaves that empty. True: it is to be
 * compared with the album's list. */
static bool read_untagged(struct verify_state *state, uint32_t number)
{
	const struct album *album = verify_table_row(&state->albums, number);
	enum object_type type;
	int rc;

	buf_empty(&state->untagged);
	if (!album->has_untagged) {
		if (album->has_list && !album->oversize_untagged) {
			fail(state, QUERY_UNTAGGED, number, "the file is missing");
		}
		return false;
	}
	if (!album->has_list && !album->oversize) {
		fail(state, QUERY_UNTAGGED, number,
		     "the album has no list of its images");
		return false;
	}
	rc = verify_store_read(&state->untagged, &type, state->store, album->untagged);
	if (rc || type != OBJECT_BLOB) {
		fail_blob(state, album->untagged, path_of(state, QUERY_UNTAGGED, number),
			  rc);
		buf_empty(&state->untagged);
		return false;
	}
	return album->has_list;
}

/* An untagged image of an album whose list is too large. */
static void check_lone_untagged(const char *text, const struct record *record,
				void *payload)
{
	struct listing *listing = payload;
	struct verify_state *state = listing->state;
	uint32_t number =
		verify_table_find(&state->images, record->id.bytes, record->id.len);
	const struct image *image =
		number ? verify_table_row(&state->images, number) : NULL;

	(void)text;
	listing->records++;
	if (!image || !image->has_json || !image->untagged ||
	    image->named != listing->album ||
	    !is_id(&record->album, &state->albums, listing->album)) {
		fail(state, QUERY_UNTAGGED, listing->album,
		     "image '%s' is not an untagged image of the album",
		     record->id.bytes);
	}
}

/* Without the album's list, all images are gone through: such albums are rare. */
static void check_lone_list(struct verify_state *state, uint32_t number)
{
	const struct album *album = verify_table_row(&state->albums, number);
	struct listing listing = {.state = state, .album = number};
	uint64_t images = 0, untagged = 0;

	for (uint32_t n = 1; n <= state->images.count; n++) {
		const struct image *image = verify_table_row(&state->images, n);
		bool in = image->has_album && image->named == number;

		images += in;
		untagged += in && image->has_json && image->untagged;
	}
	if (!images) {
		fail(state, QUERY_IMAGES, number,
		     "a trailer says that it is oversize, but no image is in the album");
	}
	if (album->has_untagged) {
		state->body.report = state->report;
		state->body.path = path_of(state, QUERY_UNTAGGED, number);
		buf_release(&state->body.body.bytes);
		state->body.body.bytes = state->untagged;
		state->untagged = (struct buf){0};
		verify_body_records(&state->body, QUERY_IMAGES, check_lone_untagged,
				    &listing);
		if (listing.records != untagged) {
			fail(state, QUERY_UNTAGGED, number,
			     "it lists %" PRIu64 " images; %" PRIu64 " are untagged",
			     listing.records, untagged);
		}
	} else if (!album->oversize_untagged) {
		fail(state, QUERY_UNTAGGED, number, "the file is missing");
	}
}

static void check_oversize_album(struct verify_state *state, uint32_t number)
{
	struct album *album = verify_table_row(&state->albums, number);

	if (album->oversize && album->has_list) {
		fail(state, QUERY_IMAGES, number, "%s", not_oversize);
	} else if (album->oversize) {
		check_lone_list(state, number);
	}
	if (album->oversize_untagged && album->has_untagged) {
		fail(state, QUERY_UNTAGGED, number, "%s", not_oversize);
	} else if (album->oversize_untagged && !album->oversize) {
		fail(state, QUERY_UNTAGGED, number,
		     "a trailer says that it is oversize, but the list of all images is "
		     "not");
	}
	/* Its images may have lost their list, or have one again. */
	for (uint32_t n = 1; album->reflagged && n <= state->images.count; n++) {
		const struct image *image = verify_table_row(&state->images, n);

		if (image->named == number) {
			verify_table_mark(&state->images, n);
		}
	}
	album->reflagged = false;
}

/* An album's untagged list is not parsed: the album's list, and which of its images
 * are tagged, determine its bytes. */
static void check_album(struct verify_state *state, uint32_t number)
{
	struct album *album = verify_table_row(&state->albums, number);
	struct listing listing = {
		.state = state, .album = number, .is_new = album->relisted};
	bool compared;

	if (album->relisted && album->had_list &&
	    read_file(state, album->old_list, NULL)) {
		verify_body_records(&state->body, QUERY_IMAGES, subtract_listed,
				    &listing);
	}
	compared = read_untagged(state, number);
	listing.differs = !compared;
	if (album->has_list &&
	    read_file(state, album->list,
		      listing.is_new ? path_of(state, QUERY_IMAGES, number) : NULL)) {
		verify_body_records(&state->body, QUERY_IMAGES, add_listed, &listing);
		if (listing.is_new && !listing.records) {
			fail(state, QUERY_IMAGES, number, "it lists no image");
		}
	}
	album->relisted = false;
	if (compared) {
		expect(&listing, listing.at ? "]" : "[]", listing.at ? 1 : 2);
		if (listing.differs || listing.at != state->untagged.len) {
			fail(state, QUERY_UNTAGGED, number,
			     "these are not the album's images that no tag image is of, "
			     "as its images.json has them");
		}
	}
	check_oversize_album(state, number);
}

/* --- checking: images and tags --- */

static void check_album_of(struct verify_state *state, uint32_t number)
{
	const struct image *image = verify_table_row(&state->images, number);
	size_t len;
	const char *album;

	if (!image->has_album) {
		fail(state, QUERY_ALBUM_OF, number, "the file is missing");
	} else if (image->album && image->named != image->album) {
		album = verify_table_id(&state->albums, image->album, &len);
		fail(state, QUERY_ALBUM_OF, number,
		     "it does not name the album that lists the image, '%.*s'", (int)len,
		     album);
	}
}

/* Whether the image lies in an album whose list is too large. */
static bool has_oversize_list(const struct verify_state *state, const struct image *image)
{
	const struct album *album =
		image->named ? verify_table_row(&state->albums, image->named) : NULL;

	return album && album->oversize && !album->has_list;
}

static void check_image(struct verify_state *state, uint32_t number)
{
	const struct image *image = verify_table_row(&state->images, number);

	if (!image->lists && !has_oversize_list(state, image)) {
		if (image->has_json || image->has_album || image->oversize) {
			fail(state, QUERY_TAG_IMAGES, number, "no album lists the image");
		}
		return;
	}
	if (image->lists > 1) {
		fail(state, QUERY_TAG_IMAGES, number, "albums list the image %u times",
		     image->lists);
	}
	if (image->has_json && image->oversize) {
		fail(state, QUERY_TAG_IMAGES, number, "%s", not_oversize);
	} else if (!image->has_json && !image->oversize) {
		fail(state, QUERY_TAG_IMAGES, number, "the file is missing");
	} else if (image->lists && image->tag_images && !image->mixed &&
		   !is_equal(&image->shown, &image->text)) {
		fail(state, QUERY_TAG_IMAGES, number,
		     "it shows another text of the image than its album's images.json");
	}
	check_album_of(state, number);
}

static void check_tag(struct verify_state *state, uint32_t number)
{
	const struct tag *tag = verify_table_row(&state->tags, number);
	uint64_t same;

	if (!tag->known) {
		if (tag->counted) {
			fail(state, QUERY_TAG, number,
			     "the file is missing: %" PRIu64 " tag images show the tag",
			     tag->counted);
		}
		return;
	}
	same = *count_of_shown(state, number, &tag->text);
	if (state->oversize_images ? tag->said < tag->counted
				   : tag->said != tag->counted) {
		fail(state, QUERY_TAG, number,
		     "it counts %" PRIu64 " tag images; there are %" PRIu64, tag->said,
		     tag->counted);
	}
	if (same != tag->counted) {
		fail(state, QUERY_TAG, number,
		     "%" PRIu64 " tag images show another text of the tag",
		     tag->counted - same);
	}
}

static void check_marked(struct verify_state *state, struct verify_table *table,
			 void (*check)(struct verify_state *state, uint32_t number))
{
	for (size_t i = 0; i < table->marks && !verify_report_is_full(state->report);
	     i++) {
		check(state, table->marked[i]);
	}
	verify_table_unmark(table);
}

/* --- the trailers --- */

/* What a trailer names. 0: no response that can be too large. */
static enum query_response read_path(struct verify_state *state, const char *path,
				     struct buf *id)
{
	enum query_response kind = body_path(id, path);
	bool good = (kind == QUERY_TAG_IMAGES || kind == QUERY_IMAGES ||
		     kind == QUERY_UNTAGGED) &&
		    !record_id_fault(id->data, id->len);

	if (good) {
		buf_clear(&state->path);
		response_snapshot_path(&state->path, response_of(kind), id->data,
				       id->len);
		good = strcmp(state->path.data, path) == 0;
	}
	return good ? kind : (enum query_response)0;
}

/* The trailers name the path, or no longer do. */
static void flag(struct verify_state *state, const char *path, bool on, struct buf *id)
{
	enum query_response kind = read_path(state, path, id);
	struct image *image;
	struct album *album;
	uint32_t number;

	if (kind == QUERY_TAG_IMAGES) {
		number = verify_table_add(&state->images, id->data, id->len);
		image = verify_table_row(&state->images, number);
		image->oversize = on;
		state->oversize_images += on ? 1 : -1;
		verify_table_mark(&state->images, number);
	} else if (kind) {
		number = add_album(state, id->data, id->len);
		album = verify_table_row(&state->albums, number);
		album->reflagged = true;
		if (kind == QUERY_IMAGES) {
			album->oversize = on;
			state->oversize_albums += on ? 1 : -1;
		} else {
			album->oversize_untagged = on;
		}
		verify_table_mark(&state->albums, number);
	} else if (on) {
		verify_report_fail(state->report, "",
				   "the trailer " OVERSIZE_TRAILER
				   " names no response of a snapshot: '%s'",
				   path);
	}
}

static void check_order(struct verify_state *state, const struct oversize *oversize,
			const char *message)
{
	struct commit_trailers trailers = commit_trailers(message);
	struct buf want = {0}, got = {0}, path = {0};

	oversize_write(&want, oversize);
	while (commit_trailers_next(&trailers, OVERSIZE_TRAILER, &path)) {
		buf_addf(&got, OVERSIZE_TRAILER ": %s\n", path.data);
	}
	if (want.len != got.len || (want.len && strcmp(want.data, got.data) != 0)) {
		verify_report_fail(state->report, "",
				   "the trailers " OVERSIZE_TRAILER
				   " are out of order, or one stands twice");
	}
	buf_release(&want);
	buf_release(&got);
	buf_release(&path);
}

/* Flags the rows that the trailers name; before the files are applied, as the images of an
 * album name it. */
static void apply_trailers(struct verify_state *state, const char *message)
{
	struct oversize now = {0}, *before = &state->oversize;
	struct buf id = {0};
	const char *path;
	size_t at = 0;
	bool changed = false;

	oversize_read(&now, message);
	if (!now.count && !before->count) {
		return;
	}
	if (now.count) {
		check_order(state, &now, message);
	}
	while ((path = oversize_next(before, &at))) {
		if (!oversize_has(&now, path)) {
			changed = true;
			flag(state, path, false, &id);
		}
	}
	for (at = 0; (path = oversize_next(&now, &at));) {
		if (!oversize_has(before, path)) {
			changed = true;
			flag(state, path, true, &id);
		}
	}
	/* The counts of tags are checked in another way now. */
	for (uint32_t n = 1; changed && n <= state->tags.count; n++) {
		verify_table_mark(&state->tags, n);
	}
	oversize_release(before);
	*before = now;
	buf_release(&id);
}

static void add_up(struct verify_state *state)
{
	state->total = state->counts;
	state->total.images += state->oversize_images;
	state->total.albums += state->oversize_albums;
	if (state->oversize_images) {
		state->total.tag_images = state->said;
	}
}

void verify_state_step(struct verify_state *state, const uint8_t *from,
		       const uint8_t to[OBJECT_ID], const char *message)
{
	apply_trailers(state, message);
	verify_tree_walk(state->store, state->report, from, to, apply, state);
	check_marked(state, &state->albums, check_album);
	check_marked(state, &state->images, check_image);
	check_marked(state, &state->tags, check_tag);
	add_up(state);
}
