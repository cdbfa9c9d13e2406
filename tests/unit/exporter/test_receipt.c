/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/receipt.h"

#include "tests/unit/snapshot_fixture.h"

#include "exporter/evidence/digest.h"
#include "exporter/evidence/sign_edit.h"

/* Whether a receipt holds is for tests/e2e/receipt.t; here is what no command can bring about. */

#define KEPT "r.git/" DIGEST_FOLDER

/* Makes a signed snapshot and closes the repository. */
static void sign_snapshot(const char *const *change)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	bool same;

	assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
	sign_edit(edit, repo, "key");
	snapshot_fixture_apply(edit, change);
	assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err), 0);
	assert_int_equal(snapshot_edit_commit(&edit, "subject\n\nTrailer: 1\n", FIRST_S,
					      &info, &err),
			 0);
	snapshot_info_release(&info);
	snapshot_close(repo);
}

static int setup(void **state)
{
	int rc = snapshot_fixture_setup(state);

	git_fixture_says("ssh-keygen -q -t ed25519 -N '' -f key", "");
	sign_snapshot(CHANGES("api/v1/albums/2e/65/a/images.json=[{\"id\":\"i\"}]",
			      "api/v1/albums/63/d8/b/images.json=[]"));
	return rc;
}

static void collect(const void *bytes, size_t len, void *payload)
{
	buf_add(payload, bytes, len);
}

/* The receipt of the last snapshot. */
static int take(struct buf *out, const char *url)
{
	struct snapshot_repo *repo;
	struct snapshot_info info = {0};
	struct request request;
	int rc;

	buf_addstr(out, "");
	assert_int_equal(snapshot_open(&repo, "r.git", 0, "test", &err), 0);
	assert_int_equal(snapshot_head(repo, &info, &err), 0);
	assert_int_equal(request_read(&request, url, &err), 0);
	rc = receipt_write(repo, &info, &request, collect, out, &err);
	request_release(&request);
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

/* Has the store say something false of the object that `rev` names. */
static void lie(const char *rev)
{
	struct buf command = {0}, hex = {0};
	uint8_t id[OBJECT_ID], sha256[DIGEST_ID] = {1, 2, 3};
	struct digest_keep *keep;

	buf_addf(&command, "git -C r.git rev-parse %s", rev);
	assert_int_equal(git_fixture_run(&hex, command.data), 0);
	assert_true(object_unhex(id, hex.data));
	git_fixture_says("rm -rf " KEPT, "");
	assert_int_equal(digest_keep_open(&keep, KEPT, &err), 0);
	digest_keep_put(keep, id, sha256);
	assert_int_equal(digest_keep_save(keep, &err), 0);
	digest_keep_close(keep);
	buf_release(&command);
	buf_release(&hex);
}

#define REQUEST "/api/v1/albums/a/images"

static void a_store_that_says_something_false_changes_no_receipt(void **state)
{
	static const char *const rev[] = {"main:api/v1/albums/2e/65/a/images.json",
					  "main:api/v1/albums/2e", "main:api/v1",
					  "main:api/v1/albums/63/d8",
					  "main:api/v1/albums/63/d8/b/images.json"};
	struct buf want = {0}, got = {0};

	(void)state;
	assert_int_equal(take(&want, REQUEST), 0);
	for (size_t i = 0; i < sizeof(rev) / sizeof(*rev); i++) {
		lie(rev[i]);
		buf_clear(&got);
		if (take(&got, REQUEST)) {
			fail_msg("%s: %s", rev[i], err.msg);
		}
		assert_string_equal(got.data, want.data);
	}
	buf_release(&want);
	buf_release(&got);
}

/* The signature covers something false, as the store was wrong when the snapshot was made. */
static void a_snapshot_that_states_something_false_has_no_receipt(void **state)
{
	struct buf got = {0};

	(void)state;
	lie("main:api/v1/albums/2e/65/a/images.json");
	sign_snapshot(CHANGES("api/v1/albums/63/d8/b/images.json=[1]"));
	assert_int_equal(take(&got, REQUEST), ERR_INPUT);
	assert_non_null(strstr(err.msg, "has not the SHA-256"));
	assert_string_equal(got.data, "");
	buf_release(&got);
}

static void a_snapshot_with_what_does_not_belong_there_has_no_receipt(void **state)
{
	static const char *const path[] = {"api/v1/albums/2e/65/a/more=1",
					   "api/v1/albums/2e/65/b/images.json=[]",
					   "api/more=1"};

	(void)state;
	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		char *gone = xmemdup0(path[i], strcspn(path[i], "="));
		struct buf got = {0};

		sign_snapshot(CHANGES(path[i]));
		assert_int_equal(take(&got, REQUEST), ERR_INPUT);
		assert_non_null(strstr(err.msg, "proves nothing"));
		assert_string_equal(got.data, "");
		sign_snapshot(CHANGES(gone));
		assert_int_equal(take(&got, REQUEST), 0);
		buf_release(&got);
		free(gone);
	}
}

static void an_answer_that_is_no_array_has_no_receipt(void **state)
{
	static const char *const body[] = {"{}", "[", "[\"\xff\"]"};

	(void)state;
	for (size_t i = 0; i < sizeof(body) / sizeof(*body); i++) {
		struct buf change = {0}, got = {0};

		buf_addf(&change, "api/v1/albums/2e/65/a/images.json=%s", body[i]);
		sign_snapshot(CHANGES(change.data));
		assert_int_equal(take(&got, REQUEST), ERR_INPUT);
		assert_non_null(strstr(err.msg, "not an array"));
		assert_string_equal(got.data, "");
		buf_release(&change);
		buf_release(&got);
	}
}

/* Longer than what is escaped at a time, with a character of three bytes at every place that
 * canonical text escapes. */
static void a_long_answer_is_escaped_whole(void **state)
{
	struct buf change = {0}, got = {0}, want = {0};

	(void)state;
	buf_addstr(&change, "api/v1/albums/2e/65/a/images.json=[\"");
	for (unsigned i = 0; i < 70000; i++) {
		buf_addstr(&change, i % 7 ? "\xe2\x80\xa8" : "\\\"");
		buf_addstr(&want, i % 7 ? "\\u2028" : "\\\\\\\"");
	}
	buf_addstr(&change, "\"]");
	buf_addstr(&want, "\\\"]\"}\n");
	for (unsigned i = 0; i < 3; i++) {
		sign_snapshot(CHANGES(change.data));
		buf_clear(&got);
		assert_int_equal(take(&got, REQUEST), 0);
		assert_true(got.len > want.len);
		assert_string_equal(got.data + got.len - want.len, want.data);
		buf_setlen(&change, change.len - 2);
		buf_addstr(&change, "x\"]");
		buf_setlen(&want, want.len - 6);
		buf_addstr(&want, "x\\\"]\"}\n");
	}
	buf_release(&change);
	buf_release(&got);
	buf_release(&want);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, git_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_store_that_says_something_false_changes_no_receipt),
		TEST(a_snapshot_that_states_something_false_has_no_receipt),
		TEST(a_snapshot_with_what_does_not_belong_there_has_no_receipt),
		TEST(an_answer_that_is_no_array_has_no_receipt),
		TEST(a_long_answer_is_escaped_whole),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
