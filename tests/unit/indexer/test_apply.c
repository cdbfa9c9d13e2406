/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/folder_fixture.h"

#include "data/index/build.h"
#include "data/index/check.h"
#include "data/index/claim.h"
#include "data/index/index.h"
#include "indexer/apply.h"

/* Applies files while a tick ends the work at a chosen moment: the `left`th tick returns
 * `code`. */
struct work {
	struct folder_fixture *f;
	char dir[80]; /* of the index */
	struct index *index;
	int left, code;
	unsigned ticks;
};

static int tick(void *payload, struct err *err)
{
	struct work *t = payload;

	t->ticks++;
	return --t->left == 0 ? err_set(err, t->code, "the test ends it") : 0;
}

static void work_open(struct work *t, struct folder_fixture *f)
{
	struct err err = {0};

	*t = (struct work){.f = f};
	snprintf(t->dir, sizeof(t->dir), "%.*s/.index", 64, f->dir.data);
	assert_int_equal(index_open(&t->index, t->dir, INDEX_WRITE | INDEX_CREATE, &err),
			 0);
	assert_int_equal(build_end(t->index, &err), 0);
}

static void print_difference(const char *difference, void *payload)
{
	(void)payload;
	print_error("check: %s\n", difference);
}

/* Asserts that all tables agree; returns the number of images. */
static uint64_t images(struct work *t)
{
	struct index_txn *txn = NULL;
	struct index_counts counts;
	uint64_t differences = 0;
	struct err err = {0};

	assert_int_equal(index_begin(&txn, t->index, false, &err), 0);
	assert_int_equal(check_index(txn, print_difference, NULL, &differences, &err), 0);
	assert_int_equal(differences, 0);
	index_counts(txn, &counts);
	index_abort(&txn);
	return counts.images;
}

/* Whether the next scan reads the file, whatever its stat values are. */
static bool is_unread(struct work *t, const char *path)
{
	struct index_txn *txn = NULL;
	struct claim_file file;
	struct err err = {0};
	int rc;

	assert_int_equal(index_begin(&txn, t->index, false, &err), 0);
	rc = claim_file_get(txn, path, strlen(path), &file);
	index_abort(&txn);
	return rc == ERR_NOTFOUND || file.size == -1;
}

/* Applies the files; the `left`th tick (0: none) ends it with `code`. */
static int run(struct work *t, const char *const *paths, int left, int code)
{
	struct apply_options options = {
		.index = t->index, .rootfd = t->f->fd, .tick = tick, .payload = t};
	struct apply *apply = apply_new(&options);
	struct err err = {0};
	int rc = 0;

	t->left = left;
	t->code = code;
	t->ticks = 0;
	for (size_t i = 0; !rc && paths[i]; i++) {
		size_t len = strlen(paths[i]);
		bool there = faccessat(t->f->fd, paths[i], F_OK, 0) == 0;

		rc = there ? apply_path(apply, paths[i], len, 0, &err)
			   : apply_withdraw(apply, paths[i], len, &err);
	}
	rc = apply_end(apply, rc, NULL, &err);
	apply_free(apply);
	return rc;
}

/* Lines of `count` images, each padded with `space` and holding `note` bytes. */
static void put_images(struct folder_fixture *f, const char *name, int count, int year,
		       int space, int note)
{
	struct buf text = {0};

	for (int i = 0; i < count; i++) {
		buf_addf(&text,
			 "{%*s\"public_id\":\"%s-%d\",\"album_id\":\"al\",\"updated_at\":"
			 "\"%d-01-01T00:00:00Z\",\"note\":\"%0*d\"}\n",
			 space, "", name, i, year, note, i);
	}
	put_bytes(f, name, text.data, text.len);
	buf_release(&text);
}

static const char *const large[] = {"large.ndjson", NULL};
static const char *const both[] = {"large.ndjson", "new.ndjson", NULL};
static const char *const none[] = {NULL};

/* A large file whose records got older needs a second reading, and a new file of nine
 * megabytes comes after it. */
static void prepare(struct work *t, struct folder_fixture *f)
{
	put_images(f, "large.ndjson", 300, 2022, 5000, 1);
	work_open(t, f);
	assert_int_equal(run(t, large, 0, 0), 0);
	assert_int_equal(images(t), 300);
	put_images(f, "large.ndjson", 300, 2019, 5000, 1);
	put_images(f, "new.ndjson", 150, 2022, 1, 60000);
}

static void each_tick(struct folder_fixture *f, int code)
{
	struct work t;
	int left = 1, rc;

	/* End it at each tick in turn, until it runs to its end. */
	do {
		prepare(&t, f);
		rc = run(&t, both, left++, code);
		if (rc) {
			assert_int_equal(rc, code);
			if (code != ERR_STOPPED) {
				assert_int_equal(images(&t), 300);
			}
			images(&t); /* all tables agree */
			assert_true(is_unread(&t, "new.ndjson") ||
				    is_unread(&t, "large.ndjson"));
		}
		unlinkat(f->fd, "new.ndjson", 0);
		assert_int_equal(run(&t, both, 0, 0), 0);
		assert_int_equal(images(&t), 300);
		assert_false(is_unread(&t, "large.ndjson"));
		unlinkat(f->fd, "large.ndjson", 0);
		assert_int_equal(run(&t, both, 0, 0), 0);
		assert_int_equal(images(&t), 0);
		index_close(t.index);
		unlinkat(f->fd, ".index/data.mdb", 0);
		unlinkat(f->fd, ".index/lock.mdb", 0);
	} while (rc);
	assert_true(left > 4);
}

static void a_stop_leaves_no_claim_without_a_file(void **state)
{
	setenv("ALBUMEN_THREADS", "0", 1);
	each_tick(*state, ERR_STOPPED);
}

static void a_stop_with_threads_leaves_no_claim_without_a_file(void **state)
{
	unsetenv("ALBUMEN_THREADS");
	each_tick(*state, ERR_STOPPED);
}

static void an_error_commits_nothing(void **state)
{
	setenv("ALBUMEN_THREADS", "0", 1);
	each_tick(*state, ERR_FAIL);
}

/* What another apply does to the index between two slices. */
enum between { NOTHING, OTHER_FILES, SAME_FILE, SAME_FILE_STOPPED, REMOVAL, BETWEENS };

static void do_between(struct work *t, enum between what, unsigned slice)
{
	static const char *const small[] = {"small.ndjson", NULL};
	static const char *const gone[] = {"new.ndjson", NULL};

	switch (what) {
	case OTHER_FILES:
		put_images(t->f, "small.ndjson", (int)slice % 3, 2022, 1, 1);
		assert_int_equal(run(t, small, 0, 0), 0);
		break;
	case SAME_FILE:
		assert_int_equal(run(t, large, 0, 0), 0);
		break;
	case SAME_FILE_STOPPED:
		assert_int_equal(run(t, large, 1, ERR_STOPPED), ERR_STOPPED);
		break;
	case REMOVAL:
		renameat(t->f->fd, "large.ndjson", t->f->fd, "new.ndjson");
		assert_int_equal(run(t, large, 0, 0), 0);
		renameat(t->f->fd, "new.ndjson", t->f->fd, "large.ndjson");
		assert_int_equal(run(t, gone, 0, 0), 0);
		break;
	default:
		break;
	}
}

/* Reads large.ndjson in slices, and does something between the first `until` of them. */
static unsigned run_slices(struct work *t, enum between what, unsigned from,
			   unsigned until)
{
	struct apply_options options = {.index = t->index, .rootfd = t->f->fd};
	struct apply *apply = apply_new(&options);
	struct err err = {0};
	unsigned slice = 0;

	assert_int_equal(apply_begin(apply, "large.ndjson", 12, 0, &err), 0);
	while (apply_is_busy(apply)) {
		assert_int_equal(apply_more(apply, 0, &err), 0);
		if (slice >= from && slice < until) {
			do_between(t, what, slice);
			images(t); /* all tables agree */
		}
		slice++;
	}
	assert_int_equal(apply_end(apply, 0, NULL, &err), 0);
	apply_free(apply);
	return slice;
}

static void other_work_may_be_done_between_slices(struct folder_fixture *f)
{
	unsigned slices = 1;

	for (enum between what = NOTHING; what < BETWEENS; what++) {
		for (unsigned from = 0; from < slices; from++) {
			struct work t;

			/* More than a batch holds, and all of it lowered. */
			put_images(f, "large.ndjson", 2100, 2022, 500, 1);
			work_open(&t, f);
			assert_int_equal(run(&t, large, 0, 0), 0);
			put_images(f, "large.ndjson", 2100, 2019, 500, 1);
			if (what == NOTHING) {
				slices = run_slices(&t, what, from, from + 1);
				assert_true(slices > 2);
			} else {
				run_slices(&t, what, from, from + 1);
			}
			unlinkat(f->fd, "small.ndjson", 0);
			assert_int_equal(run(&t,
					     (const char *const[]){"small.ndjson", NULL},
					     0, 0),
					 0);
			/* Whatever is left of it, another reading makes it whole. */
			assert_int_equal(run(&t, large, 0, 0), 0);
			assert_int_equal(images(&t), 2100);
			assert_false(is_unread(&t, "large.ndjson"));
			unlinkat(f->fd, "large.ndjson", 0);
			assert_int_equal(run(&t, large, 0, 0), 0);
			assert_int_equal(images(&t), 0);
			index_close(t.index);
			unlinkat(f->fd, ".index/data.mdb", 0);
			unlinkat(f->fd, ".index/lock.mdb", 0);
		}
	}
}

static void other_work_between_slices_leaves_the_index_whole(void **state)
{
	setenv("ALBUMEN_THREADS", "0", 1);
	other_work_may_be_done_between_slices(*state);
}

static void so_it_does_with_threads(void **state)
{
	unsetenv("ALBUMEN_THREADS");
	other_work_may_be_done_between_slices(*state);
}

static void no_files_are_no_error(void **state)
{
	struct work t;

	work_open(&t, *state);
	assert_int_equal(run(&t, none, 0, 0), 0);
	assert_int_equal(run(&t, both, 0, 0), 0); /* no such files */
	assert_int_equal(images(&t), 0);
	index_close(t.index);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_stop_leaves_no_claim_without_a_file),
		TEST(a_stop_with_threads_leaves_no_claim_without_a_file),
		TEST(an_error_commits_nothing),
		TEST(other_work_between_slices_leaves_the_index_whole),
		TEST(so_it_does_with_threads),
		TEST(no_files_are_no_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
