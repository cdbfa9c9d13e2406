/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include <inttypes.h>

#include "exporter/page/page_albums.h"
#include "exporter/page/page_history.h"

static void note(struct page_albums *albums, const char *id, uint64_t images,
		 uint64_t untagged)
{
	page_albums_note(albums, 7, id, strlen(id), images, untagged,
			 untagged == 2 ? -2 : PAGE_NO_TIME);
}

static void albums_are(const struct page_albums *albums, const char *expected)
{
	struct buf text = {0};

	page_albums_add(&text, albums);
	assert_string_equal(text.data, expected);
	buf_release(&text);
}

static void notes_about_the_same_album_are_joined(void **state)
{
	struct page_albums albums = {0};

	(void)state;
	note(&albums, "b", PAGE_UNKNOWN, 2);
	note(&albums, "a<", 1, 0);
	note(&albums, "b", 3, PAGE_UNKNOWN);
	note(&albums, "ab", 9, 9);
	assert_int_equal(page_albums_finish(&albums), 0);
	albums_are(&albums, "[\n[\"a\\u003c\",1,0,null],\n[\"ab\",9,9,null],\n"
			    "[\"b\",3,2,-2]]");
	page_albums_release(&albums);
}

static void unknown_counts_of_changed_albums_come_from_the_old(void **state)
{
	static const char old_text[] =
		"[\n[\"a\",1,1,1600000000],\n[\"b\",2,2,2],\n[\"c\",3,3,null],\n"
		"[\"d\",4,0,null]]";
	struct page_albums albums = {0};

	(void)state;
	assert_int_equal(page_albums_parse(&albums, 7, old_text, strlen(old_text)), 0);
	albums_are(&albums, old_text);
	note(&albums, "e", 5, 5);            /* new */
	note(&albums, "c", 0, 0);            /* removed */
	note(&albums, "b", PAGE_UNKNOWN, 0); /* tagged */
	assert_int_equal(page_albums_finish(&albums), 0);
	albums_are(&albums, "[\n[\"a\",1,1,1600000000],\n[\"b\",2,0,null],\n"
			    "[\"d\",4,0,null],\n[\"e\",5,5,null]]");
	/* An album that is not in the old, with one count. */
	note(&albums, "f", PAGE_UNKNOWN, 1);
	assert_int_equal(page_albums_finish(&albums), -1);
	page_albums_release(&albums);
}

static void text_that_is_not_a_file_of_albums_is_rejected(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[1]",
		"[[\"a\",1]]",
		"[\n[\"a\",1,1]]",
		"[\n[\"a\",1,1,1,1]]",
		"[\n[1,1,1,1]]",
		"[\n[\"\",1,1,1]]",
		"[\n[\"a\",-1,1,1]]",
		"[\n[\"a\",1e3,1,1]]",
		"[\n[\"a\",1,1,1e3]]",
		"[\n[\"a\",1,1,\"1\"]]",
		"[\n[\"a\",1,1,1.5]]",
		"[\n[\"a\",1,99999999999999999999,1]]",
		"[[\"a\",1,1,1]]",
		"[\n[\"a\",1,1,1]]x",
		"[\n[\"a\\u0000\",1,1,1]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct page_albums albums = {0};

		assert_int_equal(page_albums_parse(&albums, 7, bad[i], strlen(bad[i])),
				 -1);
		page_albums_release(&albums);
	}
}

static void images_are_printed_as_rows(void **state)
{
	static const char body[] =
		"[{\"public_id\":\"p,[\\\"\",\"created_at\":null,\"x\":[1,[2,3]]},"
		"{\"id\":\"i\",\"public_id\":\"p\",\"created_at\":\"2020\","
		"\"thumbnails\":{\"full\":\"f\",\"mini\":\"m\\u003c\"}},"
		"{\"id\":7,\"public_id\":\"q\",\"title\":\"t\","
		"\"created_at\":\"2020-01-02T04:04:05+01:00\","
		"\"thumbnails\":{\"mini\":[]}}]";
	static const char *const bad[] = {
		"", "{}", "[1]", "[{}]", "[{\"id\":1}]", "[[]]", "[{\"id\":\"a\"}]]"};
	struct buf in = {0}, out = {0}, rest = {0};
	int64_t oldest;

	(void)state;
	buf_addstr(&in, body);
	assert_int_equal(page_images_count(&in), 3);
	assert_int_equal(page_images_add(&out, &rest, &oldest, 3, "f", &in, &why), 0);
	assert_string_equal(out.data, "[\n[\"p,[\\\"\",null,null,null],\n"
				      "[\"i\",\"2020\",null,\"m\\u003c\"],\n"
				      "[\"q\",1577934245,\"t\",null]]");
	assert_int_equal(oldest, PAGE_NO_TIME);
	assert_int_equal(rest.len, 0);
	/* Those beyond the first `split` are apart. */
	buf_clear(&out);
	assert_int_equal(page_images_add(&out, &rest, &oldest, 2, "f", &in, &why), 0);
	assert_string_equal(out.data, "[\n[\"p,[\\\"\",null,null,null],\n"
				      "[\"i\",\"2020\",null,\"m\\u003c\"]]");
	assert_string_equal(rest.data, "[\n[\"q\",1577934245,\"t\",null]]");
	/* The first one is the oldest. */
	buf_clear(&in);
	buf_addstr(&in, "[{\"id\":\"a\",\"created_at\":\"1969-12-31T23:59:58.9Z\"},"
			"{\"id\":\"b\",\"created_at\":\"2020-01-01T00:00:00Z\"}]");
	assert_int_equal(page_images_add(&out, &rest, &oldest, 2, "f", &in, &why), 0);
	assert_int_equal(oldest, -2);
	buf_clear(&in);
	buf_addstr(&in, "[]");
	assert_int_equal(page_images_count(&in), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		buf_clear(&in);
		buf_addstr(&in, bad[i]);
		assert_int_equal(page_images_add(&out, &rest, &oldest, 2, "f", &in, &why),
				 ERR_INPUT);
		page_images_count(&in);
	}
	buf_release(&in);
	buf_release(&out);
	buf_release(&rest);
}

/* Makes `count` snapshots; from number `said` on, they have their number in a trailer. */
static struct snapshot_info *line(struct snapshot_repo *repo, int count, int said)
{
	static const struct file files[] = {{TAGS, "a", "[1]"}, {0}};
	struct snapshot_info *info = xreallocarray(NULL, (size_t)count, sizeof(*info));

	for (int i = 0; i < count; i++) {
		char message[200];
		int len = snprintf(message, sizeof(message), "snapshot %d\n\n", i);

		if (i + 1 >= said) {
			len += snprintf(message + len, sizeof(message) - (size_t)len,
					"Albumen-Snapshot: %d\n", i + 1);
		}
		snprintf(message + len, sizeof(message) - (size_t)len,
			 "Albumen-Images: %d\nAlbumen-Untagged: %d\n", 1000 + i, i);
		info[i] = commit_with(repo, files, NULL, message);
	}
	return info;
}

static void free_line(struct snapshot_info *info, int count)
{
	for (int i = 0; i < count; i++) {
		snapshot_info_release(&info[i]);
	}
	free(info);
}

/* Checks the first number that is read, and what is kept, from `base` (0: none) to `to`. */
static void reads(struct snapshot_repo *repo, const struct snapshot_info *info, int base,
		  int to, uint64_t first, uint64_t kept)
{
	struct page_history history;

	succeed(page_history_read(&history, repo, &info[to - 1],
				  base ? &info[base - 1] : NULL, 1, &why));
	assert_int_equal(history.last, to);
	assert_int_equal(page_history_first(&history), first);
	assert_int_equal(history.kept, kept);
	assert_int_equal(history.base_last, base);
	for (size_t i = 0; i < history.count; i++) {
		int number = to - (int)i;

		assert_string_equal(history.row[i].commit, info[number - 1].commit.hex);
		assert_int_equal(history.row[i].untagged, number - 1);
		assert_int_equal(history.row[i].images, 999 + number);
	}
	page_history_release(&history);
}

static void history_is_read_from_the_chunk_that_differs(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info *info = line(repo, 2 * PAGE_CHUNK + 5, 4);

	(void)state;
	reads(repo, info, 0, 2 * PAGE_CHUNK + 5, 1, 0);
	reads(repo, info, 0, 2, 1, 0);
	/* One more snapshot: its chunk. */
	reads(repo, info, PAGE_CHUNK - 1, PAGE_CHUNK, 1, PAGE_CHUNK - 1);
	reads(repo, info, PAGE_CHUNK, PAGE_CHUNK + 1, PAGE_CHUNK + 1, PAGE_CHUNK);
	reads(repo, info, PAGE_CHUNK + 1, PAGE_CHUNK + 2, PAGE_CHUNK + 1, PAGE_CHUNK + 1);
	reads(repo, info, 3, 2 * PAGE_CHUNK + 1, 1, 3);
	/* An older snapshot: its chunk, which is shorter now; none, if it ends a chunk. */
	reads(repo, info, 2 * PAGE_CHUNK, PAGE_CHUNK + 3, PAGE_CHUNK + 1, PAGE_CHUNK + 3);
	reads(repo, info, 2 * PAGE_CHUNK, PAGE_CHUNK, 0, PAGE_CHUNK);
	reads(repo, info, 5, 5, 1, 5);
	free_line(info, 2 * PAGE_CHUNK + 5);
	snapshot_close(repo);
}

static void history_is_read_whole_where_it_begins_elsewhere(void **state)
{
	enum { FIRST = PAGE_CHUNK + 3, LAST = 2 * PAGE_CHUNK + 5 };
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info *info = line(repo, LAST, 1);
	struct page_history history;
	char text[3 * (SNAPSHOT_HEX + 1) + 1];

	(void)state;
	/* Snapshot 7 is held. */
	snprintf(text, sizeof(text), "%s\n%s\n", info[6].commit.hex,
		 info[FIRST - 1].commit.hex);
	write_file("repo/shallow", text);
	snapshot_close(repo);
	repo = open_repo("repo");
	for (uint64_t before = 0; before <= FIRST; before++) {
		bool same = before == FIRST;

		succeed(page_history_read(&history, repo, &info[LAST - 1],
					  &info[LAST - 2], before, &why));
		assert_int_equal(history.kept, same ? LAST - 1 : 0);
		assert_int_equal(page_history_first(&history),
				 same ? 2 * PAGE_CHUNK + 1 : FIRST);
		assert_int_equal(history.base_last, LAST - 1);
		page_history_release(&history);
	}
	free_line(info, LAST);
	snapshot_close(repo);
}

static void histories_without_a_common_snapshot_are_read_whole(void **state)
{
	static const struct file files[] = {{TAGS, "b", "[2]"}, {0}};
	struct snapshot_repo *repo = open_repo("repo"), *other = open_repo("other");
	struct snapshot_info *info = line(repo, 3, 1);
	struct snapshot_info alien =
		commit_with(other, files, NULL, "x\n\nAlbumen-Snapshot: 1\n");
	struct page_history history;
	struct buf text = {0};

	(void)state;
	git_fixture_says("git -C repo fetch -q ../other main", "");
	succeed(page_history_read(&history, repo, &info[2], &alien, 1, &why));
	assert_int_equal(history.kept, 0);
	assert_int_equal(history.count, 3);
	page_history_release(&history);
	/* Without a trailer the count is null. */
	succeed(page_history_read(&history, repo, &alien, NULL, 0, &why));
	page_history_add(&text, &history, 1, 1);
	assert_non_null(strstr(text.data, "\n[1,1700000000,null,null,\""));
	page_history_release(&history);
	buf_release(&text);
	snapshot_info_release(&alien);
	free_line(info, 3);
	snapshot_close(other);
	snapshot_close(repo);
}

/* What the row of a snapshot with this message says after the commit. */
static void incidents_are(struct snapshot_repo *repo, const char *message,
			  const char *expected)
{
	static const struct file files[] = {{TAGS, "a", "[1]"}, {0}};
	struct snapshot_info info = commit_with(repo, files, NULL, message);
	struct page_history history;
	struct buf text = {0};

	succeed(page_history_read(&history, repo, &info, NULL, 0, &why));
	page_history_add(&text, &history, history.last, history.last);
	assert_string_equal(strstr(text.data, info.commit.hex) + strlen(info.commit.hex),
			    expected);
	page_history_release(&history);
	buf_release(&text);
	snapshot_info_release(&info);
}

static void incidents_stand_in_the_row_of_their_snapshot(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");

	(void)state;
	incidents_are(repo,
		      "x\n\nAlbumen-Snapshot: 1\nAlbumen-Rejects: 0\n"
		      "Albumen-Overflows: 0\nAlbumen-Rescans: 0\nAlbumen-In-Step: yes\n",
		      "\"]");
	incidents_are(repo,
		      "x\n\nAlbumen-Snapshot: 2\nAlbumen-Rejects: 7\n"
		      "Albumen-Overflows: 1\nAlbumen-Rescans: 2\nAlbumen-In-Step: no\n"
		      "Albumen-Restored: yes\nAlbumen-Accepted: history\n"
		      "Albumen-Accepted: <site>\nAlbumen-Clock-Behind: 60\n",
		      "\",{\"lost\":1,\"rescans\":2,\"rejects\":7,\"clock_behind\":60,"
		      "\"out_of_step\":true,\"restored\":true,"
		      "\"accepted\":[\"history\",\"\\u003csite\\u003e\"]}]");
	/* Bytes that are no text. */
	incidents_are(repo, "x\n\nAlbumen-Snapshot: 3\nAlbumen-Accepted: \xff\n",
		      "\",{\"accepted\":[\"\\ufffd\"]}]");
	snapshot_close(repo);
}

static void a_list_that_is_too_large_has_an_unknown_count(void **state)
{
	struct page_albums albums = {0}, again = {0};
	struct buf text = {0};

	(void)state;
	page_albums_note(&albums, 7, "a", 1, PAGE_TOO_LARGE, PAGE_UNKNOWN, 0);
	page_albums_note(&albums, 7, "b", 1, PAGE_TOO_LARGE, PAGE_TOO_LARGE,
			 PAGE_NO_TIME);
	page_albums_note(&albums, 7, "a", 1, PAGE_UNKNOWN, 3, 5);
	assert_int_equal(page_albums_finish(&albums), 0);
	page_albums_add(&text, &albums);
	assert_string_equal(text.data, "[\n[\"a\",null,3,5],\n[\"b\",null,null,null]]");
	assert_int_equal(page_albums_parse(&again, 7, text.data, text.len), 0);
	assert_int_equal(again.album[0].images, PAGE_TOO_LARGE);
	assert_int_equal(again.album[0].untagged, 3);
	page_albums_release(&albums);
	page_albums_release(&again);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(notes_about_the_same_album_are_joined),
		TEST(unknown_counts_of_changed_albums_come_from_the_old),
		TEST(text_that_is_not_a_file_of_albums_is_rejected),
		TEST(a_list_that_is_too_large_has_an_unknown_count),
		TEST(images_are_printed_as_rows),
		TEST(incidents_stand_in_the_row_of_their_snapshot),
		TEST(history_is_read_from_the_chunk_that_differs),
		TEST(history_is_read_whole_where_it_begins_elsewhere),
		TEST(histories_without_a_common_snapshot_are_read_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
