/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_apply.h"

#include <string.h>

#include "exporter/verify/verify_rows.h"

/* To subtract what an image's former file said, that file is read again. This costs no
 * more than reading the new one did, and nothing has to be remembered of it. */

/* --- applying: tags and albums --- */

static void apply_tag(struct verify_rows *rows, const struct verify_tree_change *change)
{
	uint32_t number = verify_table_add(&rows->tags, change->id, change->id_len);
	struct verify_rows_tag *tag = verify_table_row(&rows->tags, number);
	struct record_id id;

	verify_table_mark(&rows->tags, number);
	rows->counts.tags -= change->old_blob != NULL;
	rows->counts.tags += change->new_blob != NULL;
	tag->known = change->new_blob != NULL;
	tag->text = (struct verify_body_digest){{0}};
	rows->said -= tag->said;
	tag->said = 0;
	if (tag->known && verify_rows_read(rows, change->new_blob, change->path) &&
	    verify_body_tag(&rows->body, &id, &tag->text, &tag->said) &&
	    !verify_rows_is(&id, &rows->tags, number)) {
		verify_report_fail(rows->report, change->path, "it is about the tag '%s'",
				   id.bytes);
	}
	rows->said += tag->said;
}

static void apply_list(struct verify_rows *rows, const struct verify_tree_change *change)
{
	uint32_t number = verify_rows_add_album(rows, change->id, change->id_len);
	struct verify_rows_album *album = verify_table_row(&rows->albums, number);

	verify_table_mark(&rows->albums, number);
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
	rows->counts.albums += album->has_list;
	rows->counts.albums -= album->had_list;
	if (change->old_blob) {
		memcpy(album->old_list, change->old_blob, OBJECT_ID);
	}
	if (change->new_blob) {
		memcpy(album->list, change->new_blob, OBJECT_ID);
	}
}

/* --- applying: the tag images of an image --- */

struct showing {
	struct verify_rows *rows;
	uint32_t image;
	uint32_t records;
	struct verify_table ids; /* of the tag images: twins need not be neighbours */
};

static void subtract_tag_image(const char *text, const struct record *record,
			       void *payload)
{
	struct verify_rows *rows = payload;
	uint32_t number =
		verify_table_add(&rows->tags, record->tag.bytes, record->tag.len);
	struct verify_rows_tag *tag = verify_table_row(&rows->tags, number);
	struct verify_body_digest digest;

	verify_body_digest(&digest, text + record[2].text.off, record[2].text.len);
	verify_table_mark(&rows->tags, number);
	(*verify_rows_count_shown(rows, number, &digest))--;
	tag->counted--;
}

/* Compares the tag in a tag image with the tag's own file. */
static void add_shown_tag(struct verify_rows *rows, const char *text,
			  const struct record *record)
{
	uint32_t number =
		verify_table_add(&rows->tags, record->tag.bytes, record->tag.len);
	struct verify_rows_tag *tag = verify_table_row(&rows->tags, number);
	struct verify_body_digest digest;

	verify_body_digest(&digest, text + record[2].text.off, record[2].text.len);
	verify_table_mark(&rows->tags, number);
	(*verify_rows_count_shown(rows, number, &digest))++;
	tag->counted++;
	if (!tag->known) {
		verify_report_fail(
			rows->report, rows->body.path,
			"tag image '%s' shows the tag '%s', which is not known",
			record->id.bytes, record->tag.bytes);
	} else if (!verify_rows_equal(&digest, &tag->text)) {
		verify_report_fail(rows->report, rows->body.path,
				   "tag image '%s' shows another text of the tag '%s' "
				   "than audit/tags has",
				   record->id.bytes, record->tag.bytes);
	}
}

static void add_tag_image(const char *text, const struct record *record, void *payload)
{
	struct showing *showing = payload;
	struct verify_rows *rows = showing->rows;
	struct verify_rows_image *image = verify_table_row(&rows->images, showing->image);
	struct verify_body_digest digest;

	add_shown_tag(rows, text, record);
	verify_body_digest(&digest, text + record[1].text.off, record[1].text.len);
	if (!showing->records++) {
		image->shown = digest;
	}
	image->mixed |= !verify_rows_equal(&image->shown, &digest);
	if (rows->body.body.count > 1 &&
	    verify_table_add(&showing->ids, record->id.bytes, record->id.len) !=
		    showing->records) {
		verify_report_fail(rows->report, rows->body.path,
				   "tag image '%s' stands twice", record->id.bytes);
	}
	if (!verify_rows_is(&record->image, &rows->images, showing->image)) {
		verify_report_fail(rows->report, rows->body.path,
				   "tag image '%s' is of the image '%s'",
				   record->id.bytes, record->image.bytes);
	}
}

static void subtract_tag_images(struct verify_rows *rows, struct verify_rows_image *image,
				const uint8_t *blob)
{
	rows->counts.images--;
	rows->counts.untagged -= image->untagged;
	rows->counts.tag_images -= image->tag_images;
	image->has_json = false;
	image->tag_images = 0;
	image->mixed = false;
	if (!body_is_empty(blob) && verify_rows_read(rows, blob, NULL)) {
		verify_body_records(&rows->body, QUERY_TAG_IMAGES, subtract_tag_image,
				    rows);
	}
}

static void add_tag_images(struct verify_rows *rows, uint32_t number,
			   const struct verify_tree_change *change)
{
	struct showing showing = {.rows = rows, .image = number};
	struct verify_rows_image *image = verify_table_row(&rows->images, number);

	rows->counts.images++;
	image->has_json = true;
	image->untagged = body_is_empty(change->new_blob);
	rows->counts.untagged += image->untagged;
	if (image->untagged) {
		verify_rows_look(rows, change->new_blob, change->path);
		return;
	}
	if (!verify_rows_read(rows, change->new_blob, change->path)) {
		return;
	}
	verify_body_records(&rows->body, QUERY_TAG_IMAGES, add_tag_image, &showing);
	verify_table_release(&showing.ids);
	image->tag_images = showing.records;
	rows->counts.tag_images += showing.records;
	if (!showing.records) {
		verify_report_fail(rows->report, change->path, "it has no tag image");
	}
	if (image->mixed) {
		verify_report_fail(rows->report, change->path,
				   "its tag images show two texts of the image");
	}
}

static void apply_image(struct verify_rows *rows, const struct verify_tree_change *change)
{
	uint32_t number = verify_table_add(&rows->images, change->id, change->id_len);
	struct verify_rows_image *image = verify_table_row(&rows->images, number);
	bool was_untagged = image->has_json && image->untagged;

	verify_table_mark(&rows->images, number);
	if (change->kind == QUERY_ALBUM_OF) {
		image->has_album = change->new_blob != NULL;
		image->named = 0;
		if (change->new_blob) {
			image->named = verify_table_find(&rows->album_blobs,
							 change->new_blob, OBJECT_ID);
			verify_rows_look(rows, change->new_blob, change->path);
		}
		return;
	}
	if (change->old_blob) {
		subtract_tag_images(rows, image, change->old_blob);
	}
	if (change->new_blob) {
		add_tag_images(rows, number, change);
	}
	if (was_untagged != (image->has_json && image->untagged)) {
		if (image->album) {
			verify_table_mark(&rows->albums, image->album);
		} else if (image->named) {
			verify_table_mark(&rows->albums, image->named);
		}
	}
}

void verify_apply(const struct verify_tree_change *change, void *payload)
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
