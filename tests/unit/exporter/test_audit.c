/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include "data/format/json.h"
#include "exporter/audit/audit_collect.h"
#include "exporter/audit/audit_count.h"
#include "exporter/snapshot/response.h"
#include "exporter/git/snapshot_edit.h"

#define DAY 86400

/* An edit of the next snapshot. */
struct next {
	struct snapshot_repo *repo;
	struct snapshot_edit *edit;
};

static struct next begin(struct snapshot_repo *repo)
{
	struct next next = {.repo = repo};

	assert_int_equal(snapshot_edit_begin(&next.edit, repo, false, &err), 0);
	return next;
}

static void put(struct next *next, enum query_response kind, const char *id,
		const char *body)
{
	struct buf path = {0};

	response_snapshot_path(&path, response_of(kind), id, strlen(id));
	if (body) {
		assert_int_equal(
			snapshot_put(next->edit, path.data, body, strlen(body), &err), 0);
	} else {
		snapshot_remove(next->edit, path.data);
	}
	buf_release(&path);
}

static void commit(struct next *next, int64_t time_s, struct snapshot_info *info)
{
	struct snapshot_id tree;
	struct snapshot_delta delta;
	bool same;

	assert_int_equal(snapshot_edit_build(next->edit, &tree, &same, &delta, &err), 0);
	assert_int_equal(snapshot_edit_commit(&next->edit,
					      "subject\n\nAlbumen-Snapshot: 7\n", time_s,
					      info, &err),
			 0);
}

/* An image of an album, with its tag images or (NULL) gone. */
static void put_image(struct next *next, const char *id, const char *album,
		      const char *tag_images)
{
	struct buf name = {0};

	json_quote(&name, album, strlen(album));
	put(next, QUERY_ALBUM_OF, id, tag_images ? name.data : NULL);
	put(next, QUERY_TAG_IMAGES, id, tag_images);
	buf_release(&name);
}

static void put_album(struct next *next, const char *id, const char *images,
		      const char *untagged)
{
	put(next, QUERY_IMAGES, id, images);
	put(next, QUERY_UNTAGGED, id, untagged);
}

#define A "{\"id\":\"a\",\"created_at\":\"2020-01-01T00:00:00Z\"}"
#define B "{\"id\":7,\"public_id\":\"b\",\"thumbnails\":{\"mini\":\"https://x/\"}}"
#define TAG(id) "\"tag\":{\"id\":\"" id "\",\"name\":\"n\",\"label\":\"l\"}}"

static const struct audit_image *find(const struct audit *audit, const char *id)
{
	for (size_t i = 0; i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			if (strcmp(album->image[j].id, id) == 0) {
				return &album->image[j];
			}
		}
	}
	return NULL;
}

static struct audit *collect(struct snapshot_repo *repo, const struct snapshot_info *info,
			     const char *album, unsigned flags)
{
	struct audit *audit = NULL;
	int rc = audit_collect(&audit, repo, info, FIRST_S, album, flags, &err);

	if (rc) {
		print_error("%s\n", err.msg);
	}
	assert_int_equal(rc, 0);
	return audit;
}

static void an_album_has_its_images_tags_and_last_tagger(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct next next = begin(repo);
	struct audit_texts texts;
	struct buf scratch = {0};
	struct audit *audit;

	(void)state;
	put_album(&next, "x", "[" A "," B "]", "[" B "]");
	put_image(&next, "b", "x", "[]");
	put_image(&next, "a", "x",
		  "[{\"id\":\"1\",\"user\":\"u\",\"created_at\":"
		  "\"2020-01-01T10:00:00+02:00\"," TAG(
			  "s") ",{\"id\":\"0\","
			       "\"user\":7,\"created_at\":"
			       "\"2020-01-01T08:00:00Z\"," TAG("s") ",{\"id\":\"9\"," TAG(
				       "t") "]");
	commit(&next, FIRST_S, &info);
	audit = collect(repo, &info, NULL, AUDIT_THUMBNAILS);
	assert_int_equal(audit->number, 7);
	assert_int_equal(audit->all.images, 2);
	assert_int_equal(audit->all.untagged, 1);
	assert_int_equal(audit_share(&audit->all), 5000);
	/* Two tag images show `s`, but it is one image. */
	assert_int_equal(audit->all.tag_count, 2);
	assert_string_equal(audit->all.tag[0].tag->id, "s");
	assert_int_equal(audit->all.tag[0].images, 1);
	/* Of two with the same instant, the greater id. */
	assert_string_equal(audit->all.last.tag_image, "1");
	assert_string_equal(audit->all.last.image, "a");
	assert_string_equal(audit->all.last.by, "\"u\"");
	assert_string_equal(audit->album[0].image[0].id, "b");
	assert_int_equal(
		audit_texts(&texts, &scratch, audit, &audit->album[0].image[0], &err), 0);
	assert_string_equal(texts.thumbnail, "\"https://x/\"");
	assert_null(texts.title);
	buf_release(&scratch);
	assert_null(audit->album[0].image[0].created_at);
	audit_free(audit);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static void since_restarts_after_a_tag_and_after_an_absence(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info[5] = {{.time_s = 0}};
	const char *const tagged = "[{\"id\":\"1\"," TAG("t") "]";
	const char *const album[] = {NULL, "x"};
	struct next next;

	(void)state;
	/* Day 0: a and b untagged. 1: a tagged, b in another album. 2: a untagged, b
	 * gone. 3: b back. 4: something else. */
	for (int day = 0; day < 5; day++) {
		next = begin(repo);
		put_image(&next, "a", "x", day == 1 ? tagged : "[]");
		put_image(&next, "b", day == 1 ? "y" : "x", day == 2 ? NULL : "[]");
		put_album(&next, "y", day == 1 ? "[" B "]" : NULL,
			  day == 1 ? "[" B "]" : NULL);
		put_album(&next, "x", day == 1 || day == 2 ? "[" A "]" : "[" A "," B "]",
			  day == 1   ? "[]"
			  : day == 2 ? "[" A "]"
				     : "[" A "," B "]");
		put(&next, QUERY_TAG, "t", day == 4 ? "{}" : "[]");
		commit(&next, FIRST_S + day * DAY, &info[day]);
	}
	for (size_t i = 0; i < 2; i++) {
		struct audit *audit = collect(repo, &info[4], album[i], 0);

		assert_string_equal(find(audit, "a")->since->commit, info[2].commit.hex);
		assert_int_equal(find(audit, "a")->since->time_s, FIRST_S + 2 * DAY);
		assert_string_equal(find(audit, "b")->since->commit, info[3].commit.hex);
		assert_false(audit->has_earlier);
		audit_free(audit);
	}
	/* A move to another album is not a break. */
	{
		struct audit *audit = collect(repo, &info[1], "y", 0);

		assert_string_equal(find(audit, "b")->since->commit, info[0].commit.hex);
		audit_free(audit);
	}
	for (int day = 0; day < 5; day++) {
		snapshot_info_release(&info[day]);
	}
	snapshot_close(repo);
}

/* Days, each a snapshot: what the image `a` has, NULL for no image. */
static void make_days(struct snapshot_repo *repo, struct snapshot_info *info,
		      const char *const *day, size_t days)
{
	for (size_t i = 0; i < days; i++) {
		struct next next = begin(repo);
		const char *images = day[i] ? "[" A "]" : NULL;

		put_image(&next, "a", "x", day[i]);
		put_album(&next, "x", images,
			  day[i] && strcmp(day[i], "[]") != 0 ? "[]" : images);
		put(&next, QUERY_TAG, "t", i % 2 ? "{}" : "[]");
		snapshot_info_release(info);
		commit(&next, FIRST_S + (int64_t)i * DAY, info);
	}
}

#define TAGGED "[{\"id\":\"1\"," TAG("t") "]"

static void a_creation_counts_if_no_snapshot_says_otherwise(void **state)
{
	static const struct {
		const char *day[5];
		bool created, was;
		int since;
	} of[] = {
		{{"[]", "[]", "[]", "[]", "[]"}, true, false, 0},
		{{NULL, NULL, "[]", "[]", "[]"}, true, false, 2},
		{{TAGGED, "[]", "[]", "[]", "[]"}, false, true, 1},
		{{NULL, TAGGED, "[]", "[]", "[]"}, false, true, 2},
		{{"[]", NULL, NULL, "[]", "[]"}, false, false, 3},
		{{"[]", TAGGED, NULL, "[]", "[]"}, false, true, 3},
		{{TAGGED, "[]", NULL, "[]", "[]"}, false, true, 3},
		{{TAGGED, NULL, "[]", NULL, "[]"}, false, true, 4},
		{{"[]", TAGGED, "[]", "[]", "[]"}, false, true, 2},
	};
	const int64_t created_s = 1577836800; /* 2020-01-01 */

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		struct snapshot_repo *repo = snapshot_fixture_open();
		struct snapshot_info info = {0};

		make_days(repo, &info, of[i].day, 5);
		for (unsigned flags = 0; flags <= (AUDIT_OBSERVED | AUDIT_WAS);
		     flags += AUDIT_OBSERVED) {
			struct audit *audit = collect(repo, &info, NULL, flags);
			const struct audit_image *a = find(audit, "a");
			int64_t since_s = FIRST_S + of[i].since * DAY;
			bool created = of[i].created && !(flags & AUDIT_OBSERVED);

			assert_int_equal(a->since->time_s, since_s);
			assert_int_equal(a->from_s, created ? created_s : since_s);
			assert_int_equal(a->from_created, created);
			assert_false(a->earlier);
			assert_ptr_equal(audit->all.oldest, a);
			if (flags & AUDIT_WAS) {
				assert_int_equal(a->was != NULL, of[i].was);
			}
			audit_free(audit);
		}
		snapshot_info_release(&info);
		snapshot_close(repo);
		git_fixture_teardown(state);
		snapshot_fixture_setup(state);
	}
}

static void a_snapshot_without_images_has_an_audit(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct audit *audit = NULL;

	(void)state;
	snapshot_fixture_commit(repo, true, FIRST_S, &info, NULL, CHANGES("x=y"));
	audit = collect(repo, &info, NULL, 0);
	assert_int_equal(audit->album_count, 0);
	assert_int_equal(audit_share(&audit->all), 0);
	assert_int_equal(audit->number, 0);
	audit_free(audit);
	assert_int_equal(audit_collect(&audit, repo, &info, 0, "x", 0, &err),
			 ERR_NOTFOUND);
	assert_null(audit);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

/* So many pairs that the list is added up and grown several times. */
static void counts_of_many_albums_and_tags_add_up(void **state)
{
	enum { ALBUMS = 150, TAGS = 100, ROUNDS = 3 };
	struct arena arena = {0};
	struct audit_counter *counter = audit_count_new(&arena);
	struct audit_counts counts = {0};
	struct body_object object = {0};
	char id[16];

	(void)state;
	for (int i = 0; i < ALBUMS * ROUNDS; i++) {
		audit_count_image(counter, (uint32_t)(i % ALBUMS));
		for (int tag = 0; tag < TAGS; tag++) {
			struct body_text text = {id, 3};

			snprintf(id, sizeof(id), "t%02d", tag);
			/* The last tag is on a third of the images, twice on each. */
			if (tag < TAGS - 1 || i < ALBUMS) {
				audit_count_tag(counter, &text, &object);
				audit_count_tag(counter, &text, &object);
			}
		}
	}
	for (uint32_t album = 0; album < ALBUMS; album++) {
		audit_count_album(counter, album, &counts);
		assert_int_equal(counts.tag_count, TAGS);
		for (size_t tag = 0; tag < TAGS; tag++) {
			snprintf(id, sizeof(id), "t%02zu", tag);
			assert_string_equal(counts.tag[tag].tag->id, id);
			assert_int_equal(counts.tag[tag].images,
					 tag < TAGS - 1 ? ROUNDS : 1);
		}
	}
	audit_count_all(counter, &counts);
	assert_int_equal(counts.tag_count, TAGS);
	assert_int_equal(counts.tag[0].images, ALBUMS * ROUNDS);
	assert_int_equal(counts.tag[TAGS - 1].images, ALBUMS);
	audit_count_free(counter);
	arena_release(&arena);
}

static void a_share_is_rounded_half_up(void **state)
{
	const struct {
		uint64_t images, untagged;
		unsigned share;
	} of[] = {{3, 1, 3333},  {3, 2, 6667},  {3, 3, 10000}, {20000, 1, 1},
		  {20001, 1, 0}, {40000, 3, 1}, {7, 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		struct audit_counts counts = {.images = of[i].images,
					      .untagged = of[i].untagged};

		assert_int_equal(audit_share(&counts), of[i].share);
	}
}

static void a_list_that_contradicts_the_images_is_refused(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct next next = begin(repo);
	struct audit *audit = NULL;
	const char *const album[] = {NULL, "x"};

	(void)state;
	put_album(&next, "x", "[" A "," B "]", "[" A "," B "]");
	put_image(&next, "a", "x", "[]");
	put_image(&next, "b", "x", "[{\"id\":\"1\"," TAG("t") "]");
	commit(&next, FIRST_S, &info);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(audit_collect(&audit, repo, &info, 0, album[i], 0, &err),
				 ERR_INPUT);
		assert_non_null(strstr(err.msg, "'x'"));
		assert_null(audit);
	}
	snapshot_info_release(&info);
	snapshot_close(repo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name)                                                                          \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		T(an_album_has_its_images_tags_and_last_tagger),
		T(since_restarts_after_a_tag_and_after_an_absence),
		T(a_creation_counts_if_no_snapshot_says_otherwise),
		T(a_snapshot_without_images_has_an_audit),
		T(counts_of_many_albums_and_tags_add_up),
		T(a_share_is_rounded_half_up),
		T(a_list_that_contradicts_the_images_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
