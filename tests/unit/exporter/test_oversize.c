/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/index/query.h"
#include "exporter/audit/audit_collect.h"
#include "exporter/export/export.h"
#include "exporter/snapshot/oversize.h"
#include "exporter/snapshot/response.h"
#include "exporter/verify/verify.h"
#include "tests/unit/index_fixture.h"

/* A library with the albums a and b, and a snapshot of it in which no body has more than
 * `job.body_max` bytes. */
struct test {
	struct index_fixture *index;
	struct snapshot_repo *repo;
	struct export_job job;
	char path[96];
	struct export_result last;
	uint64_t failures;
	struct buf failed; /* the paths */
};

static int up(void **state)
{
	struct test *t = xzalloc(sizeof(*t));
	void *index = NULL;
	struct err err = {0};

	index_fixture_up(&index);
	t->index = index;
	snprintf(t->path, sizeof(t->path), "%s/../%s.git", t->index->dir,
		 strrchr(t->index->dir, '/') + 1);
	assert_int_equal(snapshot_open(&t->repo, t->path,
				       SNAPSHOT_WRITE | SNAPSHOT_CREATE, "test", &err),
			 0);
	t->job = (struct export_job){.index = t->index->index, .repo = t->repo};
	*state = t;
	return 0;
}

static int down(void **state)
{
	struct test *t = *state;
	void *index = t->index;
	char command[128];

	export_result_release(&t->last);
	buf_release(&t->failed);
	snapshot_close(t->repo);
	snprintf(command, sizeof(command), "rm -rf '%s'", t->path);
	assert_int_equal(system(command), 0);
	index_fixture_down(&index);
	free(t);
	return 0;
}

static void read_file(struct test *t, const char *path, const char *records)
{
	assert_int_equal(index_fixture_read(t->index, path, CLAIM_REPLACE, records, 0),
			 0);
}

static void export_it(struct test *t, size_t body_max)
{
	struct err err = {0};

	export_result_release(&t->last);
	t->job.body_max = body_max;
	if (export_run(&t->job, &t->last, &err) < 0) {
		fail_msg("%s", err.msg);
	}
}

/* Where the response about `id` is in a snapshot. */
static const char *path_of(enum query_response kind, const char *id)
{
	static struct buf path;

	buf_clear(&path);
	response_snapshot_path(&path, response_of(kind), id, strlen(id));
	return path.data;
}

static bool is_named(struct test *t, enum query_response kind, const char *id)
{
	struct oversize named = {0};
	const char *path = path_of(kind, id);
	struct buf body = {0};
	struct err err = {0};
	bool named_now, there;

	oversize_read(&named, t->last.info.message);
	named_now = oversize_has(&named, path);
	assert_int_equal(named_now, oversize_has(&t->last.oversize, path));
	there = snapshot_read(t->repo, &t->last.info.tree, path, &body, &err) == 0;
	assert_false(there && named_now);
	oversize_release(&named);
	buf_release(&body);
	return named_now;
}

static void note_failure(const struct verify_failure *failure, void *payload)
{
	struct test *t = payload;

	print_message("%s: %s\n", failure->path, failure->problem);
	buf_addf(&t->failed, "%s: %s\n", failure->path, failure->problem);
	t->failures++;
}

static void verify_it(struct test *t)
{
	struct verify_job job = {.repo = t->path, .each = note_failure, .payload = t};
	struct verify_result result;
	struct err err = {0};

	t->failures = 0;
	buf_clear(&t->failed);
	assert_int_equal(verify_run(&job, &result, &err), 0);
	verify_result_release(&result);
}

static struct audit *audit_it(struct test *t, const char *album)
{
	struct audit *audit = NULL;
	struct err err = {0};

	if (audit_collect(&audit, t->repo, &t->last.info, t->last.info.time_s, album, 0,
			  &err)) {
		fail_msg("%s", err.msg);
	}
	return audit;
}

#define LONG                                                                             \
	",\"text\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""

static void fill(struct test *t)
{
	read_file(
		t, "images",
		"[" IMAGE("i1", "a", LONG) "," IMAGE("i2", "a", LONG) "," IMAGE(
			"i3", "a",
			"") "," IMAGE("i4", "a",
				      LONG) "," IMAGE("i5", "a",
						      LONG) "," IMAGE("j1", "b", "") "]");
	read_file(
		t, "tags",
		"[" TAG("t1", "x") "," TAG("t2", "y") "," JOIN("g1", "i1", "t1") "," JOIN(
			"g2", "i1", "t2") "," JOIN("g3", "i1", "t1") "," JOIN("g4", "i3",
									      "t1") "]");
}

static void a_set_of_paths_is_written_sorted_and_read_again(void **state)
{
	struct oversize one = {0}, two = {0};
	struct buf text = {0};
	size_t at = 0;

	(void)state;
	oversize_set(&one, "none", false);
	assert_int_equal(one.paths, 0);
	oversize_set(&one, "b", true);
	oversize_set(&one, "a", true);
	oversize_set(&one, "b", true);
	oversize_set(&one, "c", true);
	oversize_set(&one, "c", false);
	assert_int_equal(one.count, 2);
	buf_addstr(&text, "Subject\n\nAlbumen-Index: x\n");
	oversize_write(&text, &one);
	assert_non_null(
		strstr(text.data, "\nAlbumen-Oversize: a\nAlbumen-Oversize: b\n"));
	oversize_read(&two, text.data);
	assert_int_equal(two.count, 2);
	assert_true(oversize_has(&two, "a") && oversize_has(&two, "b"));
	assert_false(oversize_has(&two, "c") || oversize_has(&two, "ab"));
	assert_string_equal(oversize_next(&two, &at), "a");
	assert_string_equal(oversize_next(&two, &at), "b");
	assert_null(oversize_next(&two, &at));
	oversize_clear(&two);
	assert_false(oversize_has(&two, "a"));
	oversize_set(&two, "a", true);
	assert_int_equal(two.count, 1);
	oversize_release(&one);
	oversize_release(&two);
	buf_release(&text);
}

static void a_mark_stands_beside_where_the_file_would_be(void **state)
{
	struct buf path = {0};

	(void)state;
	assert_true(oversize_site_path(&path, path_of(QUERY_UNTAGGED, "a.b")));
	assert_string_equal(path.data, "api/v1/albums/a%2Eb/images/untag.oversize");
	buf_clear(&path);
	assert_true(oversize_site_path(&path, path_of(QUERY_TAG_IMAGES, "i")));
	assert_string_equal(path.data, "api/v1/tag_images/i.oversize");
	buf_clear(&path);
	assert_false(oversize_site_path(&path, path_of(QUERY_TAG, "t")));
	assert_false(oversize_site_path(&path, "../../etc/passwd.json"));
	assert_string_equal(path.data, "");
	buf_release(&path);
}

/* For each limit: the body, or that it is too large, and nothing in between. */
static void a_body_is_whole_or_refused(void **state)
{
	struct test *t = *state;
	struct query_key key = {.sequence = 0};
	struct index_txn *txn;
	struct err err = {0};
	unsigned seen = 0;

	fill(t);
	txn = index_fixture_begin(t->index, false);
	while (query_feed(txn, key.sequence, &key, &err) == 0) {
		struct buf whole = {0}, part = {0};

		assert_int_equal(query_body(txn, &key, SIZE_MAX, &whole, &err), 0);
		buf_addstr(&part, "before");
		for (size_t most = 0; most <= whole.len + 2; most++) {
			int rc = query_body(txn, &key, most, &part, &err);

			assert_int_equal(rc, most < whole.len ? ERR_LARGE : 0);
			assert_int_equal(part.len, 6 + (rc ? 0 : whole.len));
			buf_setlen(&part, 6);
		}
		buf_release(&whole);
		buf_release(&part);
		seen++;
	}
	index_abort(&txn);
	assert_int_equal(seen, 12);
}

static void what_is_too_large_is_named_until_it_shrinks(void **state)
{
	struct test *t = *state;

	fill(t);
	export_it(t, 300);
	assert_true(is_named(t, QUERY_TAG_IMAGES, "i1"));
	assert_true(is_named(t, QUERY_IMAGES, "a"));
	assert_false(is_named(t, QUERY_IMAGES, "b"));
	assert_false(is_named(t, QUERY_TAG_IMAGES, "i3"));
	assert_int_equal(t->last.oversize.count, 3); /* and what is untagged in a */
	/* What is not rendered again is still named. */
	read_file(t, "more", "[" IMAGE("j2", "b", "") "]");
	export_it(t, 300);
	assert_true(t->last.made);
	assert_false(t->last.full);
	assert_int_equal(t->last.oversize.count, 3);
	assert_true(is_named(t, QUERY_TAG_IMAGES, "i1"));
	/* Nothing to do: the result names it all the same. */
	export_it(t, 300);
	assert_false(t->last.made);
	assert_int_equal(t->last.oversize.count, 3);
	read_file(t, "tags", "[" TAG("t1", "x") "," JOIN("g1", "i1", "t1") "]");
	export_it(t, 300);
	assert_false(is_named(t, QUERY_TAG_IMAGES, "i1"));
	assert_true(is_named(t, QUERY_IMAGES, "a"));
	read_file(t, "images", "[" IMAGE("i1", "a", "") "]");
	export_it(t, 300);
	assert_int_equal(t->last.oversize.count, 0);
	assert_null(strstr(t->last.info.message, OVERSIZE_TRAILER));
	verify_it(t);
	assert_int_equal(t->failures, 0);
}

static void snapshots_with_any_limit_are_verified(void **state)
{
	struct test *t = *state;

	/* Each export is a full one, as the redaction differs. */
	fill(t);
	for (size_t most = 60; most < 1000; most += 37) {
		struct redact *redact = NULL;
		const char *drop = most % 2 ? "nothing" : "nowhere";
		struct err err = {0};

		assert_int_equal(redact_new(&redact, &drop, 1, -1, &err), 0);
		t->job.redact = redact;
		t->job.accept = &(struct accept){.given = ~0u};
		export_it(t, most);
		redact_free(redact);
	}
	verify_it(t);
	assert_int_equal(t->failures, 0);
}

static void an_album_is_audited_by_what_its_images_say(void **state)
{
	struct test *t = *state;
	struct audit *audit;

	fill(t);
	export_it(t, 300);
	audit = audit_it(t, NULL);
	assert_int_equal(audit->all.images, 6);
	assert_int_equal(audit->all.untagged, 4);
	assert_int_equal(audit->album_count, 2);
	assert_int_equal(audit->oversize_count, 3);
	assert_string_equal(audit->album[0].id, "a");
	assert_int_equal(audit->album[0].counts.untagged, 3);
	assert_string_equal(audit->album[0].image[0].id, "i2");
	assert_string_equal(audit->album[0].image[2].id, "i5");
	assert_non_null(audit->album[0].image[2].since);
	audit_free(audit);
	audit = audit_it(t, "a");
	assert_int_equal(audit->all.images, 5);
	assert_int_equal(audit->all.untagged, 3);
	assert_int_equal(audit->oversize_count, 3);
	audit_free(audit);
	audit = audit_it(t, "b");
	assert_int_equal(audit->all.images, 1);
	assert_int_equal(audit->oversize_count, 0);
	audit_free(audit);
	/* The list of all images is too large, that of the untagged ones is not. */
	export_result_release(&t->last);
	read_file(t, "more", "[" JOIN("g5", "i2", "t1") "," JOIN("g6", "i4", "t1") "]");
	export_it(t, 300);
	assert_true(is_named(t, QUERY_IMAGES, "a"));
	assert_false(is_named(t, QUERY_UNTAGGED, "a"));
	audit = audit_it(t, "a");
	assert_int_equal(audit->all.images, 5);
	assert_int_equal(audit->all.untagged, 1);
	audit_free(audit);
	verify_it(t);
	assert_int_equal(t->failures, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_of_paths_is_written_sorted_and_read_again),
		cmocka_unit_test(a_mark_stands_beside_where_the_file_would_be),
		TEST(a_body_is_whole_or_refused),
		TEST(what_is_too_large_is_named_until_it_shrinks),
		TEST(snapshots_with_any_limit_are_verified),
		TEST(an_album_is_audited_by_what_its_images_say),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
