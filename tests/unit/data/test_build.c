/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/index_fixture.h"

#include "data/index/build.h"
#include "data/index/query.h"

/* What is derived at the end of a first filling equals an index that was updated record
 * by record: each test fills one of each with the same files. */

#define AT(second) ",\"updated_at\":\"2020-01-01T00:00:" second "Z\""

struct pair {
	struct index_fixture *grown; /* kept up */
	struct index_fixture new;    /* being filled */
};

static void open_new(struct index_fixture *f)
{
	struct err err = {0};

	if (index_open(&f->index, f->dir, INDEX_WRITE | INDEX_CREATE, &err) < 0) {
		fail_msg("%s", err.msg);
	}
}

static int setup(void **state)
{
	struct pair *p = xzalloc(sizeof(*p));

	index_fixture_up((void **)&p->grown);
	snprintf(p->new.dir, sizeof(p->new.dir), "%.40s/new", p->grown->dir);
	open_new(&p->new);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	index_close(p->new.index);
	index_fixture_down((void **)&p->grown);
	free(p);
	return 0;
}

static void read_file(struct pair *p, const char *path, const char *records)
{
	assert_int_equal(index_fixture_read(p->grown, path, CLAIM_REPLACE, records, 0),
			 0);
	assert_int_equal(index_fixture_read(&p->new, path, CLAIM_REPLACE, records, 0), 0);
}

static void end(struct index_fixture *f)
{
	struct err err = {0};

	if (build_end(f->index, &err) < 0) {
		fail_msg("%s", err.msg);
	}
}

static bool is_built(struct index_fixture *f)
{
	struct index_txn *txn = index_fixture_begin(f, false);
	bool built;

	built = index_is_built(txn);
	index_abort(&txn);
	return built;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All existing responses in the feed: kind, id, body; sorted. */
static void responses(struct index_fixture *f, struct buf *out)
{
	struct query_key key = {0};
	struct index_txn *txn = index_fixture_begin(f, false);
	struct err err = {0};
	char **line = NULL;
	size_t count = 0;

	while (query_feed(txn, key.sequence, &key, &err) == 0) {
		struct buf text = {0};
		struct record_id id;
		int rc = query_id(txn, key.number, &id, &err);

		assert_int_equal(rc, 0);
		buf_addf(&text, "%d %s ", (int)key.response, id.bytes);
		rc = query_body(txn, &key, SIZE_MAX, &text, &err);
		if (rc == 0) {
			line = xreallocarray(line, count + 1, sizeof(*line));
			line[count++] = xstrdup(text.data);
		} else {
			assert_int_equal(rc, ERR_NOTFOUND);
		}
		buf_release(&text);
	}
	index_abort(&txn);
	if (count) {
		qsort(line, count, sizeof(*line), by_text);
	}
	for (size_t i = 0; i < count; i++) {
		buf_addf(out, "%s\n", line[i]);
		free(line[i]);
	}
	free(line);
}

/* Ends the filling, and asserts that both indexes are equal. */
static void end_and_compare(struct pair *p)
{
	struct buf grown = {0}, new = {0};
	struct index_counts a, b;

	end(&p->new);
	assert_true(is_built(&p->new));
	index_fixture_check(&p->new);
	index_fixture_check(p->grown);
	responses(p->grown, &grown);
	responses(&p->new, &new);
	assert_true(grown.len > 0);
	assert_string_equal(new.data, grown.data);
	a = index_fixture_counts(p->grown);
	b = index_fixture_counts(&p->new);
	assert_int_equal(a.files, b.files);
	assert_int_equal(a.rejected_files, b.rejected_files);
	assert_int_equal(a.rejects, b.rejects);
	assert_int_equal(a.images, b.images);
	assert_int_equal(a.tags, b.tags);
	assert_int_equal(a.tag_images, b.tag_images);
	assert_int_equal(a.live_tag_images, b.live_tag_images);
	assert_int_equal(a.albums, b.albums);
	assert_int_equal(a.untagged, b.untagged);
	assert_int_equal(a.claims, b.claims);
	buf_release(&grown);
	buf_release(&new);
}

static void relations_are_derived_whatever_comes_first(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json",
		  "[" JOIN("j1", "i", "t") "," JOIN("j2", "i", "u") "," JOIN(
			  "j3", "k", "unknown") "," JOIN("j4", "unknown", "t") "]");
	read_file(p, "b.json",
		  "[" IMAGE("i", "A", "") "," IMAGE("k", "A", "") "," IMAGE(
			  "m", "B", "") "," IMAGE("l", "C", "") "]");
	read_file(p, "c.json",
		  "[" TAG("t", "L") "," TAG("u", "M") "," TAG("v", "N") "," JOIN(
			  "j5", "l", "t") "]");
	end_and_compare(p);
	assert_string_equal(index_fixture_untagged(&p->new, "C"), "[]");
	assert_string_equal(index_fixture_tags(&p->new, "k"), "[]");
	assert_null(index_fixture_tags(&p->new, "unknown"));
	assert_int_equal(index_fixture_counts(&p->new).live_tag_images, 3);
	assert_int_equal(index_fixture_counts(&p->new).untagged, 2);
	assert_int_equal(index_fixture_counts(&p->new).albums, 3);
}

static void one_id_may_be_that_of_an_image_a_tag_and_an_album(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json",
		  "[" IMAGE("x", "x", "") "," TAG("x", "L") "," JOIN("x", "x", "x") "]");
	end_and_compare(p);
	assert_int_equal(index_fixture_counts(&p->new).live_tag_images, 1);
}

static void the_latest_claim_wins(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json", "[" IMAGE("i", "A", AT("02")) "]");
	read_file(p, "b.json", "[" IMAGE("i", "B", AT("03")) "]");
	read_file(p, "c.json", "[" IMAGE("i", "C", AT("01")) "]");
	end_and_compare(p);
	assert_null(index_fixture_images(&p->new, "A"));
	assert_non_null(index_fixture_images(&p->new, "B"));
	assert_null(index_fixture_images(&p->new, "C"));
}

/* Versions sort by stamp and hash: among many, the greatest text is not the last. */
static void of_equal_stamps_the_greatest_text_wins(void **state)
{
	struct pair *p = *state;

	for (char c = '8'; c >= '0'; c--) {
		char path[] = "#.json", text[] = "[" IMAGE("i", "A", ",\"n\":#") "]";

		*strchr(path, '#') = *strchr(text, '#') = c;
		read_file(p, path, text);
	}
	end_and_compare(p);
	assert_non_null(strstr(index_fixture_images(&p->new, "A"), "\"n\":8"));
}

static void embedded_records_are_claims_of_their_own(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json",
		  "[" EMBED("j", IMAGE("i", "A", AT("01")), TAG("t", "old")) "," EMBED(
			  "j2", IMAGE("i", "B", AT("02")), TAG("u", "only")) "]");
	read_file(p, "b.json", "[" TAG("t", "zzz") "]");
	end_and_compare(p);
	assert_non_null(strstr(index_fixture_tags(&p->new, "i"), "zzz"));
	assert_null(index_fixture_images(&p->new, "A"));
}

static void a_file_read_again_replaces_what_it_said(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json",
		  "[" IMAGE("i", "A", "") "," EMBED("j", IMAGE("k", "B", ""),
						    TAG("t", "L")) "]");
	read_file(p, "a.json", "[" IMAGE("m", "A", "") "]");
	end_and_compare(p);
	assert_null(index_fixture_tags(&p->new, "i"));
	assert_null(index_fixture_images(&p->new, "B"));
	assert_int_equal(index_fixture_counts(&p->new).claims, 1);
}

static void rejects_and_files_are_counted(void **state)
{
	struct pair *p = *state;
	const char *records = "[" IMAGE("i", "A", "") "]";

	assert_int_equal(index_fixture_read(p->grown, "a", CLAIM_MERGE, records, 3), 0);
	assert_int_equal(index_fixture_read(&p->new, "a", CLAIM_MERGE, records, 3), 0);
	read_file(p, "b", records);
	end_and_compare(p);
	assert_int_equal(index_fixture_counts(&p->new).rejects, 3);
	assert_int_equal(index_fixture_counts(&p->new).rejected_files, 1);
}

static void each_response_has_one_feed_entry(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json",
		  "[" IMAGE("i", "A", "") "," IMAGE("k", "A", "") "," TAG("t", "L") "]");
	end_and_compare(p);
	/* two of the album, one of each image and the tag */
	assert_int_equal(index_fixture_fed(&p->new, 0), 5);
	assert_int_equal(index_fixture_sequence(&p->new), 5);
}

static void what_was_built_is_kept_up_afterwards(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json",
		  "[" IMAGE("i", "A", "") "," IMAGE("k", "B", "") "," TAG(
			  "t", "L") "," JOIN("j", "i", "t") "," JOIN("j2", "unknown",
								     "v") "]");
	end_and_compare(p);
	read_file(p, "b.json", "[" IMAGE("unknown", "B", "") "," TAG("v", "N") "]");
	read_file(p, "a.json", "[" JOIN("j2", "unknown", "v") "]");
	end_and_compare(p);
	assert_int_equal(index_fixture_counts(&p->new).live_tag_images, 1);
	assert_null(index_fixture_images(&p->new, "A"));
}

static void nothing_is_built_before_the_end(void **state)
{
	struct pair *p = *state;

	assert_false(is_built(&p->new));
	read_file(p, "a.json", "[" IMAGE("i", "A", "") "]");
	assert_false(is_built(&p->new));
	assert_int_equal(index_fixture_sequence(&p->new), 0);
	end(&p->new);
	assert_true(is_built(&p->new));
	assert_int_equal(index_fixture_sequence(&p->new), 3);
	/* The second time it does nothing. */
	end(&p->new);
	assert_int_equal(index_fixture_sequence(&p->new), 3);
}

static void a_filling_that_did_not_end_is_begun_anew(void **state)
{
	struct pair *p = *state;

	assert_int_equal(index_fixture_read(&p->new, "gone.json", CLAIM_REPLACE,
					    "[" IMAGE("x", "X", "") "]", 0),
			 0);
	index_close(p->new.index);
	p->new.index = NULL;
	open_new(&p->new);
	assert_int_equal(index_fixture_counts(&p->new).files, 0);
	assert_int_equal(index_fixture_counts(&p->new).claims, 0);
	read_file(p, "a.json", "[" IMAGE("i", "A", "") "]");
	end_and_compare(p);
	assert_null(index_fixture_tags(&p->new, "x"));
}

static void a_built_index_stays_when_it_is_opened_again(void **state)
{
	struct pair *p = *state;

	read_file(p, "a.json", "[" IMAGE("i", "A", "") "]");
	end(&p->new);
	index_close(p->new.index);
	p->new.index = NULL;
	open_new(&p->new);
	assert_true(is_built(&p->new));
	assert_non_null(index_fixture_tags(&p->new, "i"));
	read_file(p, "b.json", "[" IMAGE("k", "A", "") "]");
	end_and_compare(p);
}

/* More rows than one transaction writes (and than the first hash table has room
 * for). */
static void a_large_index_is_written_in_several_transactions(void **state)
{
	enum { IMAGES = 51000, TAGS = 7 };
	struct pair *p = *state;
	struct buf records = {0};

	buf_addstr(&records, "[");
	for (int i = 0; i < IMAGES; i++) {
		buf_addf(&records, IMAGE("i%d", "A%d", "") ",", i, i / 100);
		if (i % 3 == 0) {
			buf_addf(&records, JOIN("j%d", "i%d", "t%d") ",", i, i, i % TAGS);
		}
	}
	for (int i = 0; i < TAGS; i++) {
		buf_addf(&records, TAG("t%d", "L") "%s", i, i < TAGS - 1 ? "," : "]");
	}
	assert_int_equal(index_fixture_read(&p->new, "a", CLAIM_REPLACE, records.data, 0),
			 0);
	buf_release(&records);
	end(&p->new);
	index_fixture_check(&p->new);
	assert_int_equal(index_fixture_counts(&p->new).images, IMAGES);
	assert_int_equal(index_fixture_counts(&p->new).albums, IMAGES / 100);
	assert_int_equal(index_fixture_counts(&p->new).live_tag_images, IMAGES / 3);
	assert_int_equal(index_fixture_counts(&p->new).untagged, IMAGES - IMAGES / 3);
	assert_int_equal(index_fixture_fed(&p->new, 0), IMAGES + IMAGES / 100 * 2 + TAGS);
	assert_non_null(strstr(index_fixture_tags(&p->new, "i50997"), "\"j50997\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(relations_are_derived_whatever_comes_first),
		TEST(one_id_may_be_that_of_an_image_a_tag_and_an_album),
		TEST(the_latest_claim_wins),
		TEST(of_equal_stamps_the_greatest_text_wins),
		TEST(embedded_records_are_claims_of_their_own),
		TEST(a_file_read_again_replaces_what_it_said),
		TEST(rejects_and_files_are_counted),
		TEST(each_response_has_one_feed_entry),
		TEST(what_was_built_is_kept_up_afterwards),
		TEST(nothing_is_built_before_the_end),
		TEST(a_filling_that_did_not_end_is_begun_anew),
		TEST(a_built_index_stays_when_it_is_opened_again),
		TEST(a_large_index_is_written_in_several_transactions),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
