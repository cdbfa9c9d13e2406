/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/check.h"
#include "data/index/query.h"
#include "data/index/ids.h"
#include "data/index/txn.h"

/* Makes each kind of damage in a transaction that is aborted; check must name it. */

static struct index_txn *txn;

static uint64_t number(unsigned kind, const char *text)
{
	struct record_id id = {.len = (unsigned char)strlen(text)};
	uint64_t n;

	memcpy(id.bytes, text, id.len);
	n = ids_number(txn, kind, &id);
	assert_true(n);
	return n;
}

static struct row_record record(unsigned kind, const char *id)
{
	struct row_record row;

	assert_int_equal(txn_record_get(txn, number(kind, id), &row), 0);
	return row;
}

static void put_record(const struct row_record *row)
{
	txn_record_put(txn, row->version.number, row);
}

static void pair(enum table table, uint64_t a, uint64_t b, bool there)
{
	struct row_key key = row_key2(a, b);

	if (there) {
		store_put(txn->store, table, key.bytes, key.len, "", 0);
	} else {
		assert_int_equal(store_delete(txn->store, table, key.bytes, key.len), 0);
	}
}

/* Deletes the row with this key. */
static void lose(enum table table, const void *key, size_t len)
{
	assert_int_equal(store_delete(txn->store, table, key, len), 0);
}

static void count_version(unsigned kind, const char *id, int claims, int pins)
{
	struct row_record row = record(kind, id);
	unsigned char key[ROW_VERSION_KEY_SIZE];
	struct row_version facts;
	struct store_value v;
	struct buf bytes = {0};

	row_version_key_put(key, &row.version);
	assert_int_equal(store_get(txn->store, TABLE_VERSION, key, sizeof(key), &v), 0);
	assert_int_equal(row_version_get(&facts, key, v.data, v.len), 0);
	facts.claims += (uint32_t)claims;
	facts.pins += (uint32_t)pins;
	row_version_put(&bytes, key, &facts);
	store_put(txn->store, TABLE_VERSION, key, sizeof(key), bytes.data, bytes.len);
	buf_release(&bytes);
}

static void pin_more(void)
{
	count_version(RECORD_IMAGE, "i4", 0, 1);
}

static void claim_more(void)
{
	count_version(RECORD_IMAGE, "i1", 1, 0);
}

static void file_lost(void)
{
	lose(TABLE_FILE, "i", 1);
	txn->meta.counts.files--;
}

static void file_lost_alone(void)
{
	lose(TABLE_FILE, "empty", 5);
}

static void claim_of_no_file(void)
{
	struct row_record row = record(RECORD_IMAGE, "i1");
	struct row_key key = row_key2(77, row.version.number);
	unsigned char id[ROW_VERSION_ID_SIZE];

	row_version_id_put(id, &row.version);
	store_put(txn->store, TABLE_CLAIM, key.bytes, key.len, id, sizeof(id));
	txn->meta.counts.claims++;
	count_version(RECORD_IMAGE, "i1", 1, 0);
}

static void claim_lost(void)
{
	struct claim_file file;
	struct row_key key;

	assert_int_equal(claim_file_get(txn, "i", 1, &file), 0);
	key = row_key2(file.number, number(RECORD_IMAGE, "i1"));
	lose(TABLE_CLAIM, key.bytes, key.len);
	txn->meta.counts.claims--;
}

static void claim_of_nothing(void)
{
	struct claim_file file;
	struct row_key key;
	unsigned char id[ROW_VERSION_ID_SIZE] = {1};

	assert_int_equal(claim_file_get(txn, "i", 1, &file), 0);
	key = row_key2(file.number, number(RECORD_TAG, "t1"));
	store_put(txn->store, TABLE_CLAIM, key.bytes, key.len, id, sizeof(id));
	txn->meta.counts.claims++;
}

static void version_unclaimed(void)
{
	struct row_record row = record(RECORD_IMAGE, "i1");
	struct row_version_key key = row.version;
	unsigned char bytes[ROW_VERSION_KEY_SIZE];
	struct row_version facts = {.kind = RECORD_IMAGE, .album = row.album};

	key.stamp = (struct stamp){{0}};
	row_version_key_put(bytes, &key);
	buf_clear(&txn->text);
	row_version_put(&txn->text, bytes, &facts);
	store_put(txn->store, TABLE_VERSION, bytes, sizeof(bytes), txn->text.data,
		  txn->text.len);
}

static void version_lost(void)
{
	unsigned char key[ROW_VERSION_KEY_SIZE];
	struct row_record row = record(RECORD_IMAGE, "i1");

	row_version_key_put(key, &row.version);
	lose(TABLE_VERSION, key, sizeof(key));
}

static void winner_wrong(void)
{
	struct row_record row = record(RECORD_IMAGE, "i1");

	row.version.stamp.bytes[0] ^= 1;
	put_record(&row);
}

static void winner_of_none(void)
{
	struct row_record row = record(RECORD_TAG, "t3");

	row.known = true;
	put_record(&row);
}

static void album_wrong(void)
{
	struct row_record row = record(RECORD_IMAGE, "i1");

	row.album = number(ROW_ALBUM, "b");
	put_record(&row);
}

static void live_wrong(void)
{
	struct row_record row = record(RECORD_TAG_IMAGE, "j1");

	row.live = false;
	put_record(&row);
}

static void image_miscounted(void)
{
	struct row_record row = record(RECORD_IMAGE, "i1");

	row.live_count++;
	put_record(&row);
}

static void tag_miscounted(void)
{
	struct row_record row = record(RECORD_TAG, "t1");

	row.live_count--;
	put_record(&row);
}

static void album_miscounted(void)
{
	struct row_record row = record(ROW_ALBUM, "a");

	row.live_count++;
	put_record(&row);
}

static void id_lost(void)
{
	lose(TABLE_ID, "\1i1", 3);
}

static void id_too_many(void)
{
	unsigned char value[8];

	be64_put(value, number(RECORD_IMAGE, "i1"));
	store_put(txn->store, TABLE_ID, "\1zz", 3, value, sizeof(value));
}

static void id_of_another(void)
{
	unsigned char value[8];

	be64_put(value, number(RECORD_IMAGE, "i2"));
	store_put(txn->store, TABLE_ID, "\1i1", 3, value, sizeof(value));
}

static void record_garbled(void)
{
	unsigned char key[8];

	be64_put(key, number(RECORD_TAG_IMAGE, "j3"));
	store_put(txn->store, TABLE_RECORD, key, sizeof(key), "\3", 1);
}

static void not_in_its_album(void)
{
	pair(TABLE_ALBUM_IMAGES, number(ROW_ALBUM, "a"), number(RECORD_IMAGE, "i1"),
	     false);
}

static void in_two_albums(void)
{
	pair(TABLE_ALBUM_IMAGES, number(ROW_ALBUM, "b"), number(RECORD_IMAGE, "i1"),
	     true);
}

static void tagged_and_untagged(void)
{
	pair(TABLE_ALBUM_UNTAGGED, number(ROW_ALBUM, "a"), number(RECORD_IMAGE, "i1"),
	     true);
}

static void not_among_the_untagged(void)
{
	pair(TABLE_ALBUM_UNTAGGED, number(ROW_ALBUM, "b"), number(RECORD_IMAGE, "i3"),
	     false);
}

static void not_with_its_image(void)
{
	pair(TABLE_IMAGE_TAGS, number(RECORD_IMAGE, "i1"), number(RECORD_TAG_IMAGE, "j1"),
	     false);
}

static void not_with_its_tag(void)
{
	struct row_key key =
		row_key3(number(RECORD_TAG, "t3"), number(RECORD_IMAGE, "i2"),
			 number(RECORD_TAG_IMAGE, "j3"));

	lose(TABLE_TAG_IMAGES, key.bytes, key.len);
}

static void with_another_tag(void)
{
	struct row_key key =
		row_key3(number(RECORD_TAG, "t2"), number(RECORD_IMAGE, "i2"),
			 number(RECORD_TAG_IMAGE, "j3"));

	store_put(txn->store, TABLE_TAG_IMAGES, key.bytes, key.len, "", 0);
}

static void entry_lost(void)
{
	unsigned char key[8];

	be64_put(key, record(RECORD_IMAGE, "i1").feed[0]);
	lose(TABLE_FEED, key, sizeof(key));
}

/* As if pruned, though the response exists. */
static void entry_pruned(void)
{
	struct row_record row = record(RECORD_IMAGE, "i1");

	entry_lost();
	row.feed[0] = 0;
	put_record(&row);
}

/* Pruned, but for the entry. */
static void entry_kept(void)
{
	struct row_record row = record(RECORD_IMAGE, "gone");

	assert_true(row.feed[0]);
	row.feed[0] = 0;
	put_record(&row);
}

static void put_entry(uint64_t sequence, unsigned response, uint64_t of)
{
	unsigned char key[8], value[9];

	be64_put(key, sequence);
	value[0] = (unsigned char)response;
	be64_put(value + 1, of);
	store_put(txn->store, TABLE_FEED, key, sizeof(key), value, sizeof(value));
}

static void entry_twice(void)
{
	put_entry(txn->meta.sequence + 1, QUERY_TAG_IMAGES, number(RECORD_IMAGE, "i1"));
}

static void entry_of_another(void)
{
	put_entry(record(RECORD_IMAGE, "i1").feed[0], QUERY_TAG_IMAGES,
		  number(RECORD_IMAGE, "i2"));
}

static void entry_of_another_response(void)
{
	put_entry(record(ROW_ALBUM, "a").feed[1], QUERY_UNTAGGED, number(ROW_ALBUM, "a"));
}

static void reject_lost(void)
{
	struct claim_file file;
	struct row_key key;

	assert_int_equal(claim_file_get(txn, "bad", 3, &file), 0);
	key = row_key2(file.number, 1);
	lose(TABLE_REJECT, key.bytes, key.len);
}

static void path_of_rejects_lost(void)
{
	struct claim_file file;
	struct row_key key;

	assert_int_equal(claim_file_get(txn, "bad", 3, &file), 0);
	key = row_key1(file.number);
	lose(TABLE_REJECT, key.bytes, key.len);
}

static void path_of_other_rejects(void)
{
	struct claim_file file;
	struct row_key key;

	assert_int_equal(claim_file_get(txn, "bad", 3, &file), 0);
	key = row_key1(file.number);
	store_put(txn->store, TABLE_REJECT, key.bytes, key.len, "i", 1);
}

static void path_without_rejects(void)
{
	struct claim_file file;
	struct row_key key;

	assert_int_equal(claim_file_get(txn, "i", 1, &file), 0);
	key = row_key1(file.number);
	store_put(txn->store, TABLE_REJECT, key.bytes, key.len, "i", 1);
}

static void reject_of_no_file(void)
{
	char zero[16] = {0};
	struct row_key key = row_key2(77, 0);

	store_put(txn->store, TABLE_REJECT, key.bytes, key.len, zero, sizeof(zero));
}

static void one_number_twice(void)
{
	struct row_file row = {0};

	assert_int_equal(claim_file_get(txn, "i", 1, &row.file), 0);
	buf_clear(&txn->row);
	row_file_put(&txn->row, &row, "zz", 2);
	store_put(txn->store, TABLE_FILE, "zz", 2, txn->row.data, txn->row.len);
	txn->meta.counts.files++;
}

static void claims_not_those(void)
{
	struct row_file row = {0};

	assert_int_equal(claim_file_get(txn, "i", 1, &row.file), 0);
	row.file.claims++;
	buf_clear(&txn->row);
	row_file_put(&txn->row, &row, "i", 1);
	store_put(txn->store, TABLE_FILE, "i", 1, txn->row.data, txn->row.len);
}

static void joined_miscounted(unsigned kind, const char *id)
{
	struct row_record row = record(kind, id);

	row.joined++;
	put_record(&row);
}

static void image_joined(void)
{
	joined_miscounted(RECORD_IMAGE, "i1");
}

static void tag_joined(void)
{
	joined_miscounted(RECORD_TAG, "t3");
}

static void album_joined(void)
{
	joined_miscounted(ROW_ALBUM, "b");
}

static void number_never_given(void)
{
	txn->meta.next_number++;
}

static void file_number_never_given(void)
{
	txn->meta.next_file = 2;
}

static void sequence_behind(void)
{
	txn->meta.sequence--;
}

#define COUNT(name)                                                                      \
	static void count_##name(void)                                                   \
	{                                                                                \
		txn->meta.counts.name++;                                                 \
	}
COUNT(files)
COUNT(rejected_files)
COUNT(rejects)
COUNT(images)
COUNT(tags)
COUNT(tag_images)
COUNT(live_tag_images)
COUNT(albums)
COUNT(untagged)
COUNT(claims)

static const struct plant {
	void (*damage)(void);
	const char *says;
} plants[] = {
	{pin_more, "a version's pins are miscounted: 'i4'"},
	{claim_more, "a version's claims are miscounted: 'i1'"},
	{file_lost, "a claim of no file: 'i1'"},
	{file_lost_alone, "files: 7 stored, 6 counted"},
	{claim_of_no_file, "a claim of no file: 'i1'"},
	{claim_lost, "a version's claims are miscounted: 'i1'"},
	{claim_of_nothing, "claims of stored versions: 13 stored, 12 counted"},
	{version_unclaimed, "nothing claims a stored version: 'i1'"},
	{version_lost, "a record is wrongly known or not known: 'i1'"},
	{winner_wrong, "a record's winner is wrong: 'i1'"},
	{winner_of_none, "a record is wrongly known or not known: 't3'"},
	{album_wrong, "a record differs from its winner: 'i1'"},
	{live_wrong, "a tag image is wrongly live or not live: 'j1'"},
	{image_miscounted, "live tag images are miscounted: 'i1'"},
	{tag_miscounted, "a tag's live tag images are miscounted: 't1'"},
	{album_miscounted, "an album's images are miscounted: 'a'"},
	{id_lost, "a record is not found by its id: 'i1'"},
	{id_too_many, "rows of id"},
	{id_of_another, "a record is not found by its id: 'i1'"},
	{record_garbled, "a record is damaged"},
	{not_in_its_album, "an image is missing from its album: 'i1'"},
	{in_two_albums, "rows of album_images"},
	{tagged_and_untagged, "an image is wrongly listed as untagged or not: 'i1'"},
	{not_among_the_untagged, "an image is wrongly listed as untagged or not: 'i3'"},
	{not_with_its_image, "a tag image is missing from its tag or image: 'j1'"},
	{not_with_its_tag, "a tag image is missing from its tag or image: 'j3'"},
	{with_another_tag, "rows of tag_images"},
	{entry_lost, "a response's feed entry is missing: 'i1'"},
	{entry_pruned, "a response has no feed entry: 'i1'"},
	{entry_kept, "no record names the feed entry with sequence"},
	{entry_twice, "no record names the feed entry with sequence"},
	{entry_of_another, "a response's feed entry is missing: 'i1'"},
	{entry_of_another_response, "a response's feed entry is missing: 'a'"},
	{reject_lost, "rejects of file"},
	{reject_of_no_file, "a reject of no file"},
	{path_of_rejects_lost, ": no path"},
	{path_of_other_rejects, "have another path: 'i'"},
	{path_without_rejects, ": a needless path"},
	{one_number_twice, "two files have one number: 'zz'"},
	{claims_not_those, "the claims of file 2 do not have their stored sum"},
	{image_joined, "an image's tag images are miscounted: 'i1'"},
	{tag_joined, "a tag's tag images are miscounted: 't3'"},
	{album_joined, "an album's untagged images are miscounted: 'b'"},
	{number_never_given, "records: "},
	{file_number_never_given, "a file's number was never given out"},
	{sequence_behind, "the feed goes beyond the last sequence"},
	{count_files, "files: "},
	{count_rejected_files, "rejected files: "},
	{count_rejects, "rejects: "},
	{count_images, "images: "},
	{count_tags, "tags: "},
	{count_tag_images, "tag images: "},
	{count_live_tag_images, "live tag images: "},
	{count_albums, "albums: "},
	{count_untagged, "untagged images: "},
	{count_claims, "claims: "},
};

static void note(const char *difference, void *payload)
{
	buf_addf(payload, "%s\n", difference);
}

static void each_damage_is_named(void **state)
{
	struct index_fixture *f = *state;
	unsigned unnamed = 0;

	index_fixture_fill(f);
	for (size_t i = 0; i < sizeof(plants) / sizeof(*plants); i++) {
		struct buf said = {0};
		uint64_t differences = 0;
		struct err err = {0};

		txn = index_fixture_begin(f, true);
		plants[i].damage();
		assert_int_equal(store_status(txn->store, NULL), 0);
		assert_int_equal(check_index(txn, note, &said, &differences, &err), 0);
		if (!differences || !strstr(said.data, plants[i].says)) {
			print_error("not said: %s\nbut: %s", plants[i].says,
				    said.data ? said.data : "nothing\n");
			unnamed++;
		}
		index_abort(&txn);
		buf_release(&said);
	}
	assert_int_equal(unnamed, 0);
	index_fixture_check(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		INDEX_TEST(each_damage_is_named),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
