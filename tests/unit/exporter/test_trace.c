/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include <inttypes.h>

#include "exporter/lookback/trace.h"

#define TAG QUERY_TAG
#define ALBUM QUERY_ALBUM_OF

/* Records: images i and k, of the albums a and b; a tag t; tag images j. */
#define I "{\"public_id\":\"i\",\"album_id\":\"a\"}"
#define I_NEW "{\"public_id\":\"i\",\"album_id\":\"a\",\"x\":1}"
#define I_MOVED "{\"public_id\":\"i\",\"album_id\":\"b\"}"
#define K "{\"public_id\":\"k\",\"album_id\":\"a\"}"
#define K_NEW "{\"public_id\":\"k\",\"album_id\":\"a\",\"x\":1}"
#define T "{\"id\":\"t\",\"name\":\"n\",\"label\":\"Sky\"}"
#define T_NEW "{\"id\":\"t\",\"name\":\"n\",\"label\":\"Sea\"}"
#define J(image, tag) "{\"id\":\"j\",\"image\":" image ",\"tag\":" tag "}"
#define COUNTED(tag, count) "{\"tag\":" tag ",\"tag_images\":" count "}"

/* Eight snapshots. */
static const struct file s1[] = {{TAGS, "i", "[]"},
				 {ALBUM, "i", "\"a\""},
				 {IMAGES, "a", "[" I "]"},
				 {UNTAG, "a", "[" I "]"},
				 {0}};
/* a second image */
static const struct file s2[] = {{TAGS, "i", "[]"},
				 {ALBUM, "i", "\"a\""},
				 {TAGS, "k", "[]"},
				 {ALBUM, "k", "\"a\""},
				 {IMAGES, "a", "[" I "," K "]"},
				 {UNTAG, "a", "[" I "," K "]"},
				 {0}};
/* a tag, which the first image gets */
static const struct file s3[] = {{TAGS, "i", "[" J(I, T) "]"},
				 {ALBUM, "i", "\"a\""},
				 {TAGS, "k", "[]"},
				 {ALBUM, "k", "\"a\""},
				 {IMAGES, "a", "[" I "," K "]"},
				 {UNTAG, "a", "[" K "]"},
				 {TAG, "t", COUNTED(T, "1")},
				 {0}};
/* the tag is renamed */
static const struct file s4[] = {{TAGS, "i", "[" J(I, T_NEW) "]"},
				 {ALBUM, "i", "\"a\""},
				 {TAGS, "k", "[]"},
				 {ALBUM, "k", "\"a\""},
				 {IMAGES, "a", "[" I "," K "]"},
				 {UNTAG, "a", "[" K "]"},
				 {TAG, "t", COUNTED(T_NEW, "1")},
				 {0}};
/* the tagged image changes */
static const struct file s5[] = {{TAGS, "i", "[" J(I_NEW, T_NEW) "]"},
				 {ALBUM, "i", "\"a\""},
				 {TAGS, "k", "[]"},
				 {ALBUM, "k", "\"a\""},
				 {IMAGES, "a", "[" I_NEW "," K "]"},
				 {UNTAG, "a", "[" K "]"},
				 {TAG, "t", COUNTED(T_NEW, "1")},
				 {0}};
/* the untagged image changes */
static const struct file s6[] = {{TAGS, "i", "[" J(I_NEW, T_NEW) "]"},
				 {ALBUM, "i", "\"a\""},
				 {TAGS, "k", "[]"},
				 {ALBUM, "k", "\"a\""},
				 {IMAGES, "a", "[" I_NEW "," K_NEW "]"},
				 {UNTAG, "a", "[" K_NEW "]"},
				 {TAG, "t", COUNTED(T_NEW, "1")},
				 {0}};
/* the tagged image moves */
static const struct file s7[] = {{TAGS, "i", "[" J(I_MOVED, T_NEW) "]"},
				 {ALBUM, "i", "\"b\""},
				 {TAGS, "k", "[]"},
				 {ALBUM, "k", "\"a\""},
				 {IMAGES, "a", "[" K_NEW "]"},
				 {UNTAG, "a", "[" K_NEW "]"},
				 {IMAGES, "b", "[" I_MOVED "]"},
				 {UNTAG, "b", "[]"},
				 {TAG, "t", COUNTED(T_NEW, "1")},
				 {0}};
/* the tag is gone, and the image with it */
static const struct file s8[] = {{TAGS, "k", "[]"},
				 {ALBUM, "k", "\"a\""},
				 {IMAGES, "a", "[" K_NEW "]"},
				 {UNTAG, "a", "[" K_NEW "]"},
				 {0}};

static struct snapshot_repo *repo;
static struct snapshot_id tip;
static struct trace_end end;
static struct buf printed; /* a line for each snapshot, the newest first */

static int setup(void **state)
{
	static const struct file *const all[] = {s1, s2, s3, s4, s5, s6, s7, s8};

	git_fixture_setup(state);
	repo = open_repo("repo");
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char message[16];
		struct snapshot_info info;

		snprintf(message, sizeof(message), "s%zu\n", i + 1);
		info = commit_with(repo, all[i], NULL, message);
		tip = info.commit;
		snapshot_info_release(&info);
	}
	return 0;
}

static int teardown(void **state)
{
	snapshot_close(repo);
	buf_release(&printed);
	return git_fixture_teardown(state);
}

static int print_event(const struct compare_event *event, void *payload)
{
	(void)payload;
	buf_addf(&printed, "%s ", compare_kind_name(event->kind));
	return 0;
}

static int print(const struct trace_entry *entry, void *payload)
{
	uint64_t events = 0;

	for (size_t i = 0; i < COMPARE_KINDS; i++) {
		events += entry->events[i];
	}
	buf_addf(&printed, "= %.*s", (int)strcspn(entry->step->message, "\n"),
		 entry->step->message);
	if (payload) {
		buf_addf(&printed, " %" PRIu64 "/%" PRIu64 "/%" PRIu64 " %s",
			 entry->images, entry->untagged, entry->tag_images,
			 entry->label ? entry->label : "-");
	}
	buf_addf(&printed, " %" PRIu64 "\n", events);
	return 0;
}

/* Traces; with `totals`, prints images/untagged/tag images and the label too. */
static void traces(const struct compare_scope *scope, bool totals, const char *expected)
{
	buf_clear(&printed);
	succeed(trace_run(&end, repo, &tip, scope, print_event, print,
			  totals ? &printed : NULL, &why));
	assert_string_equal(printed.len ? printed.data : "", expected);
	assert_false(end.cut);
}

static void a_tag_is_traced_by_its_record_and_its_count(void **state)
{
	(void)state;
	traces(&(struct compare_scope){.tag = "t"}, true,
	       "tag_disappeared = s8 0/0/0 - 1\n"
	       "tag_renamed = s4 0/0/1 \"Sea\" 1\n"
	       "tag_appeared = s3 0/0/1 \"Sky\" 1\n");
	assert_true(end.seen);
}

static void an_album_is_traced_with_its_totals(void **state)
{
	(void)state;
	traces(&(struct compare_scope){.album = "a"}, true,
	       "image_changed = s7 1/1/0 - 1\n"
	       "image_changed = s6 2/1/0 - 1\n"
	       "image_changed = s5 2/1/0 - 1\n"
	       "tag_renamed = s4 2/1/0 - 1\n"
	       "tag_appeared tagged = s3 2/1/0 - 2\n"
	       "image_appeared = s2 2/2/0 - 1\n"
	       "image_appeared = s1 1/1/0 - 1\n");
	assert_true(end.seen);
	traces(&(struct compare_scope){.album = "b"}, true,
	       "tag_disappeared image_disappeared untagged = s8 0/0/0 - 3\n"
	       "image_changed = s7 1/0/0 - 1\n");
	assert_true(end.seen);
}

static void an_image_is_traced_from_album_to_album(void **state)
{
	(void)state;
	traces(&(struct compare_scope){.image = "i"}, false,
	       "tag_disappeared image_disappeared untagged = s8 3\n"
	       "image_changed = s7 1\n"
	       "image_changed = s5 1\n"
	       "tag_renamed = s4 1\n"
	       "tag_appeared tagged = s3 2\n"
	       "image_appeared = s1 1\n");
}

/* Its text is only in its album's lists. */
static void an_untagged_image_is_traced_too(void **state)
{
	(void)state;
	traces(&(struct compare_scope){.image = "k"}, false,
	       "image_changed = s6 1\n"
	       "image_appeared = s2 1\n");
}

static void an_id_that_no_snapshot_has_is_not_seen(void **state)
{
	(void)state;
	traces(&(struct compare_scope){.image = "x"}, true, "");
	assert_false(end.seen);
	traces(&(struct compare_scope){.album = "x"}, true, "");
	assert_false(end.seen);
	traces(&(struct compare_scope){.tag = "x"}, true, "");
	assert_false(end.seen);
}

static void a_trace_begins_at_the_given_snapshot(void **state)
{
	struct snapshot_info info;

	(void)state;
	succeed(snapshot_resolve(repo, "HEAD~5", &info, &why));
	tip = info.commit;
	snapshot_info_release(&info);
	traces(&(struct compare_scope){.tag = "t"}, true,
	       "tag_appeared = s3 0/0/1 \"Sky\" 1\n");
}

static int stop_at(const struct trace_entry *entry, void *payload, const char *message)
{
	print(entry, payload);
	return strcmp(entry->step->message, message) == 0 ? 9 : 0;
}

static int stop_at_s9(const struct trace_entry *entry, void *payload)
{
	return stop_at(entry, payload, "s9\n");
}

static int stop_at_s8a(const struct trace_entry *entry, void *payload)
{
	return stop_at(entry, payload, "s8a\n");
}

/* Makes one more snapshot. */
static void add(const struct file *files, const char *message)
{
	struct snapshot_info info = commit_with(repo, files, NULL, message);

	tip = info.commit;
	snapshot_info_release(&info);
}

static void a_changed_count_of_a_tag_is_an_entry_without_events(void **state)
{
	static const struct file five[] = {{TAG, "t", COUNTED(T, "5")}, {0}};
	static const struct file six[] = {{TAG, "t", COUNTED(T, "6")}, {0}};

	(void)state;
	add(five, "s9\n");
	add(six, "s10\n");
	buf_clear(&printed);
	assert_int_equal(9,
			 trace_run(&end, repo, &tip, &(struct compare_scope){.tag = "t"},
				   print_event, stop_at_s9, &printed, &why));
	assert_string_equal(printed.data, "= s10 0/0/6 \"Sky\" 0\n"
					  "tag_appeared = s9 0/0/5 \"Sky\" 1\n");
}

static void untagged_images_are_counted_back_from_either_side(void **state)
{
	(void)state;
	add(s2, "s7a\n");
	add(s3, "s8a\n");
	add(s2, "s9\n");
	add(s3, "s10\n");
	buf_clear(&printed);
	assert_int_equal(9, trace_run(&end, repo, &tip,
				      &(struct compare_scope){.album = "a"}, print_event,
				      stop_at_s8a, &printed, &why));
	assert_string_equal(printed.data, "tag_appeared tagged = s10 2/1/0 - 2\n"
					  "tag_disappeared untagged = s9 2/2/0 - 2\n"
					  "tag_appeared tagged = s8a 2/1/0 - 2\n");
}

static int stop(const struct trace_entry *entry, void *payload)
{
	print(entry, payload);
	return 5;
}

static int stop_event(const struct compare_event *event, void *payload)
{
	(void)event;
	(void)payload;
	return 6;
}

static void a_callback_may_end_the_trace(void **state)
{
	struct compare_scope scope = {.image = "i"};

	(void)state;
	buf_clear(&printed);
	assert_int_equal(
		trace_run(&end, repo, &tip, &scope, print_event, stop, NULL, &why), 5);
	assert_string_equal(printed.data,
			    "tag_disappeared image_disappeared untagged = s8 3\n");
	assert_int_equal(
		trace_run(&end, repo, &tip, &scope, stop_event, print, NULL, &why), 6);
}

static void a_shallow_clone_is_reported(void **state)
{
	struct compare_scope scope = {.image = "k"};
	struct snapshot_repo *clone = NULL;

	(void)state;
	git_fixture_says("git clone -q --bare --depth 4 file://$PWD/repo clone", "");
	succeed(snapshot_open(&clone, "clone", 0, "test", &why));
	buf_clear(&printed);
	succeed(trace_run(&end, clone, &tip, &scope, print_event, print, NULL, &why));
	assert_string_equal(printed.data, "image_changed = s6 1\n");
	assert_true(end.cut);
	assert_true(end.seen);
	snapshot_close(clone);
}

static void a_file_that_albumen_does_not_write_is_an_error(void **state)
{
	static const struct file bad[] = {{IMAGES, "a", "[1]"}, {0}};
	static const struct file spaced[] = {{TAG, "t", "{ }"}, {0}};
	struct compare_scope album = {.album = "a"}, tag = {.tag = "t"};
	struct snapshot_info info = commit(repo, bad);

	(void)state;
	assert_int_equal(trace_run(&end, repo, &info.commit, &album, print_event, print,
				   NULL, &why),
			 ERR_INPUT);
	snapshot_info_release(&info);
	info = commit(repo, spaced);
	assert_int_equal(
		trace_run(&end, repo, &info.commit, &tag, print_event, print, NULL, &why),
		ERR_INPUT);
	snapshot_info_release(&info);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_tag_is_traced_by_its_record_and_its_count),
		TEST(an_album_is_traced_with_its_totals),
		TEST(an_image_is_traced_from_album_to_album),
		TEST(an_untagged_image_is_traced_too),
		TEST(an_id_that_no_snapshot_has_is_not_seen),
		TEST(a_trace_begins_at_the_given_snapshot),
		TEST(a_changed_count_of_a_tag_is_an_entry_without_events),
		TEST(untagged_images_are_counted_back_from_either_side),
		TEST(a_callback_may_end_the_trace),
		TEST(a_shallow_clone_is_reported),
		TEST(a_file_that_albumen_does_not_write_is_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
