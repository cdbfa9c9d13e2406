/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include "exporter/verify/verify_state.h"

#define TAG QUERY_TAG
#define ALBUM QUERY_ALBUM_OF

/* A snapshot in which all agrees: images i (tagged) and k of the album a, m (tagged)
 * of the album b, tags t and u. */
#define I "{\"public_id\":\"i\",\"album_id\":\"a\"}"
#define I_NEW "{\"public_id\":\"i\",\"album_id\":\"a\",\"x\":1}"
#define K "{\"public_id\":\"k\",\"album_id\":\"a\"}"
#define K_NEW "{\"public_id\":\"k\",\"album_id\":\"a\",\"x\":1}"
#define M "{\"public_id\":\"m\",\"album_id\":\"b\"}"
#define T "{\"id\":\"t\",\"name\":\"n\",\"label\":\"Sky\"}"
#define T_NEW "{\"id\":\"t\",\"name\":\"n\",\"label\":\"Sea\"}"
#define U "{\"id\":\"u\",\"name\":\"n\",\"label\":\"U\"}"
#define J(id, image, tag) "{\"id\":\"" id "\",\"image\":" image ",\"tag\":" tag "}"
#define COUNTED(tag, count) "{\"tag\":" tag ",\"tag_images\":" count "}"

enum {
	I_TAGS,
	I_ALBUM,
	K_TAGS,
	K_ALBUM,
	M_TAGS,
	M_ALBUM,
	A_IMAGES,
	A_UNTAG,
	B_IMAGES,
	B_UNTAG,
	T_TAG,
	U_TAG,
	FILES
};

static const struct file good[FILES + 1] = {
	[I_TAGS] = {TAGS, "i", "[" J("j1", I, T) "," J("j2", I, T) "]"},
	[I_ALBUM] = {ALBUM, "i", "\"a\""},
	[K_TAGS] = {TAGS, "k", "[]"},
	[K_ALBUM] = {ALBUM, "k", "\"a\""},
	[M_TAGS] = {TAGS, "m", "[" J("j3", M, T) "]"},
	[M_ALBUM] = {ALBUM, "m", "\"b\""},
	[A_IMAGES] = {IMAGES, "a", "[" I "," K "]"},
	[A_UNTAG] = {UNTAG, "a", "[" K "]"},
	[B_IMAGES] = {IMAGES, "b", "[" M "]"},
	[B_UNTAG] = {UNTAG, "b", "[]"},
	[T_TAG] = {TAG, "t", COUNTED(T, "3")},
	[U_TAG] = {TAG, "u", COUNTED(U, "0")},
};

/* The same, to be changed. */
static struct file files[FILES + 1];
static struct snapshot_repo *repo;
static struct buf reported;

static int setup(void **state)
{
	git_fixture_setup(state);
	repo = open_repo("repo");
	memcpy(files, good, sizeof(files));
	return 0;
}

static int teardown(void **state)
{
	snapshot_close(repo);
	buf_release(&reported);
	return git_fixture_teardown(state);
}

static void report_failure(const struct verify_failure *failure, void *payload)
{
	(void)payload;
	buf_addf(&reported, "%s: %s\n", failure->path, failure->problem);
}

/* Commits what is in `all` but for files without a body. */
static void tree_of(uint8_t tree[OBJECT_ID], const struct file *all)
{
	struct file some[FILES + 1] = {0};
	struct snapshot_info info;
	size_t n = 0;

	for (size_t i = 0; i < FILES; i++) {
		if (all[i].body) {
			some[n++] = all[i];
		}
	}
	info = commit(repo, some);
	assert_true(object_unhex(tree, info.tree.hex));
	snapshot_info_release(&info);
}

/* Goes from nothing to one snapshot, to the other and back; sets the failures of the
 * three steps, and the counts of the second. */
static void go(const struct file *first, const struct file *second, uint64_t failures[3],
	       struct verify_rows_counts *counts)
{
	struct verify_report report = {.each = report_failure};
	struct verify_store *store = NULL;
	struct verify_state *state;
	uint8_t from[OBJECT_ID], to[OBJECT_ID];

	tree_of(from, first);
	tree_of(to, second);
	buf_clear(&reported);
	succeed(verify_store_open(&store, "repo", &report, &why));
	verify_store_check(store);
	state = verify_state_new(store, &report);
	verify_state_step(state, NULL, from, "");
	failures[0] = report.failures;
	verify_state_step(state, from, to, "");
	failures[1] = report.failures - failures[0];
	if (counts) {
		*counts = *verify_state_counts(state);
	}
	verify_state_step(state, to, from, "");
	failures[2] = report.failures - failures[0] - failures[1];
	verify_state_free(state);
	verify_store_close(store);
}

/* Asserts that `files` is found to be wrong, whether it is met first or after the good
 * one, and that the good one is not. */
static void is_wrong(void)
{
	uint64_t failures[3];

	go(good, files, failures, NULL);
	assert_int_equal(failures[0], 0);
	assert_true(failures[1] > 0);
	assert_int_equal(failures[2], 0);
	go(files, good, failures, NULL);
	assert_true(failures[0] > 0);
	assert_int_equal(failures[1], 0);
	memcpy(files, good, sizeof(files));
}

static void is_right(struct verify_rows_counts *counts)
{
	uint64_t failures[3];

	go(good, files, failures, counts);
	if (failures[0] + failures[1] + failures[2]) {
		fail_msg("%s", reported.data);
	}
	go(files, good, failures, NULL);
	assert_int_equal(failures[0] + failures[1] + failures[2], 0);
	memcpy(files, good, sizeof(files));
}

static void a_good_snapshot_is_counted(void **state)
{
	struct verify_rows_counts counts;

	(void)state;
	is_right(&counts);
	assert_int_equal(counts.images, 3);
	assert_int_equal(counts.untagged, 1);
	assert_int_equal(counts.albums, 2);
	assert_int_equal(counts.tags, 2);
	assert_int_equal(counts.tag_images, 3);
}

static void what_changes_is_counted(void **state)
{
	struct verify_rows_counts counts;

	(void)state;
	/* One tag image fewer, and one image untagged; a tag and an album gone. */
	files[I_TAGS].body = "[]";
	files[A_UNTAG].body = "[" I "," K "]";
	files[T_TAG].body = COUNTED(T, "0");
	files[U_TAG].body = NULL;
	files[M_TAGS].body = files[M_ALBUM].body = NULL;
	files[B_IMAGES].body = files[B_UNTAG].body = NULL;
	is_right(&counts);
	assert_int_equal(counts.images, 2);
	assert_int_equal(counts.untagged, 2);
	assert_int_equal(counts.albums, 1);
	assert_int_equal(counts.tags, 1);
	assert_int_equal(counts.tag_images, 0);
	/* The untagged image is gone. */
	files[K_TAGS].body = files[K_ALBUM].body = NULL;
	files[A_IMAGES].body = "[" I "]";
	files[A_UNTAG].body = "[]";
	is_right(&counts);
	assert_int_equal(counts.images, 2);
	assert_int_equal(counts.untagged, 0);
	assert_int_equal(counts.albums, 2);
	/* A change of a text everywhere. */
	files[I_TAGS].body = "[" J("j1", I_NEW, T_NEW) "," J("j2", I_NEW, T_NEW) "]";
	files[M_TAGS].body = "[" J("j3", M, T_NEW) "]";
	files[A_IMAGES].body = "[" I_NEW "," K "]";
	files[T_TAG].body = COUNTED(T_NEW, "3");
	is_right(&counts);
	assert_int_equal(counts.tag_images, 3);
}

static void a_tag_with_another_count_is_a_failure(void **state)
{
	(void)state;
	files[T_TAG].body = COUNTED(T, "2");
	is_wrong();
	files[T_TAG].body = COUNTED(T, "4");
	is_wrong();
	files[U_TAG].body = COUNTED(U, "1");
	is_wrong();
	/* A tag image fewer, which the tag still counts. */
	files[I_TAGS].body = "[" J("j1", I, T) "]";
	is_wrong();
}

static void a_missing_or_another_tag_is_a_failure(void **state)
{
	(void)state;
	files[T_TAG].body = NULL;
	is_wrong();
	files[U_TAG].body = COUNTED(T, "0");
	is_wrong();
}

static void another_text_of_a_tag_or_an_image_is_a_failure(void **state)
{
	(void)state;
	files[T_TAG].body = COUNTED(T_NEW, "3");
	is_wrong();
	files[M_TAGS].body = "[" J("j3", M, T_NEW) "]";
	is_wrong();
	files[A_IMAGES].body = "[" I_NEW "," K "]";
	is_wrong();
	files[I_TAGS].body = "[" J("j1", I_NEW, T) "," J("j2", I_NEW, T) "]";
	is_wrong();
	/* Two texts in one file. */
	files[I_TAGS].body = "[" J("j1", I, T) "," J("j2", I_NEW, T) "]";
	is_wrong();
	/* In one of the album's two lists. */
	files[A_UNTAG].body = "[" K_NEW "]";
	is_wrong();
	files[A_IMAGES].body = "[" I "," K_NEW "]";
	is_wrong();
}

static void an_untagged_list_has_exactly_the_untagged_images(void **state)
{
	(void)state;
	files[A_UNTAG].body = "[]";
	is_wrong();
	files[A_UNTAG].body = "[" I "," K "]";
	is_wrong();
	files[B_UNTAG].body = "[" M "]";
	is_wrong();
	/* Nothing but tag images changed. */
	files[K_TAGS].body = "[" J("j4", K, T) "]";
	files[T_TAG].body = COUNTED(T, "4");
	is_wrong();
	files[I_TAGS].body = "[]";
	files[T_TAG].body = COUNTED(T, "1");
	is_wrong();
	files[A_UNTAG].body = NULL;
	is_wrong();
	files[B_UNTAG].body = NULL;
	is_wrong();
}

static void a_list_has_exactly_the_images_of_its_album(void **state)
{
	(void)state;
	files[A_IMAGES].body = "[" I "]";
	is_wrong();
	files[A_IMAGES].body = "[" K "]";
	is_wrong();
	files[A_IMAGES].body = "[" I "," K "," M "]";
	is_wrong();
	files[B_IMAGES].body = NULL;
	is_wrong();
	files[B_IMAGES].body = "[]";
	is_wrong();
}

static void a_list_out_of_order_is_a_failure(void **state)
{
	(void)state;
	files[A_IMAGES].body = "[" K "," I "]";
	is_wrong();
	files[I_TAGS].body = "[" J("j2", I, T) "," J("j1", I, T) "]";
	is_wrong();
}

static void a_record_twice_is_a_failure(void **state)
{
	(void)state;
	files[A_IMAGES].body = "[" I "," I "," K "]";
	is_wrong();
	files[I_TAGS].body = "[" J("j1", I, T) "," J("j1", I, T) "]";
	is_wrong();
	/* Not side by side. */
	files[I_TAGS].body = "[" J("j1", I, T) "," J(
		"j2", I, T) ",{\"id\":\"j1\","
			    "\"created_at\":\"2020-01-01T00:00:00Z\",\"image\":" I
			    ",\"tag\":" T "}]";
	files[T_TAG].body = COUNTED(T, "4");
	is_wrong();
	files[I_TAGS].body = "[" J("j1", I, T) "," J(
		"j2", I, T) ",{\"id\":\"j4\","
			    "\"created_at\":\"2020-01-01T00:00:00Z\",\"image\":" I
			    ",\"tag\":" T "}]";
	files[T_TAG].body = COUNTED(T, "4");
	is_right(NULL);
}

static void a_tag_image_of_another_image_is_a_failure(void **state)
{
	(void)state;
	files[M_TAGS].body = "[" J("j3", I, T) "]";
	is_wrong();
}

static void an_image_without_its_files_is_a_failure(void **state)
{
	(void)state;
	files[I_TAGS].body = NULL;
	files[T_TAG].body = COUNTED(T, "1");
	is_wrong();
	files[K_TAGS].body = NULL;
	is_wrong();
	files[K_ALBUM].body = NULL;
	is_wrong();
	files[K_ALBUM].body = "\"b\"";
	is_wrong();
	files[K_ALBUM].body = "\"never seen\"";
	is_wrong();
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_snapshot_is_counted),
		TEST(what_changes_is_counted),
		TEST(a_tag_with_another_count_is_a_failure),
		TEST(a_missing_or_another_tag_is_a_failure),
		TEST(another_text_of_a_tag_or_an_image_is_a_failure),
		TEST(an_untagged_list_has_exactly_the_untagged_images),
		TEST(a_list_has_exactly_the_images_of_its_album),
		TEST(a_list_out_of_order_is_a_failure),
		TEST(a_record_twice_is_a_failure),
		TEST(a_tag_image_of_another_image_is_a_failure),
		TEST(an_image_without_its_files_is_a_failure),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
