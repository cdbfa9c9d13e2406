/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporter/git/tree/tree.h"

/* --- trees in memory; the id of a file is the SHA-1 of its number --- */

struct memory {
	struct stored {
		uint8_t id[OBJECT_ID];
		struct buf body;
	} * stored;
	struct buf removed; /* paths, as tree_merge reports them */
	size_t count;
	size_t reads, writes;
	uint8_t blob[OBJECT_ID];
};

static struct memory memory;
static struct err err;

static int memory_read(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		       struct err *e)
{
	struct memory *m = payload;

	m->reads++;
	for (size_t i = 0; i < m->count; i++) {
		if (memcmp(m->stored[i].id, id, OBJECT_ID) == 0) {
			buf_add(body, m->stored[i].body.data, m->stored[i].body.len);
			return 0;
		}
	}
	return err_set(e, ERR_FAIL, "no such tree");
}

static void memory_write(uint8_t id[OBJECT_ID], const void *body, size_t len,
			 void *payload)
{
	struct memory *m = payload;

	m->writes++;
	object_hash(id, OBJECT_TREE, body, len);
	for (size_t i = 0; i < m->count; i++) {
		if (memcmp(m->stored[i].id, id, OBJECT_ID) == 0) {
			return;
		}
	}
	m->stored = xreallocarray(m->stored, m->count + 1, sizeof(*m->stored));
	m->stored[m->count] = (struct stored){0};
	memcpy(m->stored[m->count].id, id, OBJECT_ID);
	buf_add(&m->stored[m->count].body, body, len);
	m->count++;
}

static const uint8_t *memory_object(uint32_t object, void *payload)
{
	struct memory *m = payload;

	object_hash(m->blob, OBJECT_BLOB, &object, sizeof(object));
	return m->blob;
}

static void memory_removed(const char *path, void *payload)
{
	struct memory *m = payload;

	buf_addf(&m->removed, "%s ", path);
}

static const char *no_fault(const char *path, bool is_folder)
{
	(void)path;
	(void)is_folder;
	return NULL;
}

static const struct tree_store store = {.read = memory_read,
					.write = memory_write,
					.object = memory_object,
					.removed = memory_removed,
					.fault = no_fault,
					.payload = &memory};

static int setup(void **state)
{
	(void)state;
	memory = (struct memory){0};
	err = (struct err){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < memory.count; i++) {
		buf_release(&memory.stored[i].body);
	}
	free(memory.stored);
	buf_release(&memory.removed);
	return 0;
}

/* "+PATH" puts object 1, "2PATH" object 2, "-PATH" removes; NULL ends. */
static int merge(uint8_t *root, const uint8_t *old, bool fresh, struct tree_delta *delta,
		 const char *const *edit)
{
	struct tree_delta ignored;
	struct edits edits = {0};
	int rc;

	for (; *edit; edit++) {
		uint32_t object = **edit == '-'   ? EDITS_REMOVE
				  : **edit == '+' ? 1
						  : (uint32_t)(**edit - '0');

		assert_int_equal(edits_add(&edits, *edit + 1, object, &err), 0);
	}
	edits_sort(&edits);
	rc = tree_merge(root, &store, old, &edits, fresh, delta ? delta : &ignored, &err);
	edits_release(&edits);
	return rc;
}

#define EDITS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int list_file(const char *path, const uint8_t *old_blob, const uint8_t *new_blob,
		     void *payload)
{
	buf_addf(payload, "%c%s ", !old_blob ? '+' : !new_blob ? '-' : '!', path);
	return 0;
}

static void assert_diff(const uint8_t *from, const uint8_t *to, const char *expected)
{
	struct buf list = {0};

	buf_addstr(&list, "");
	assert_int_equal(tree_diff(&store, NULL, from, to, list_file, &list, &err), 0);
	assert_string_equal(list.data, expected);
	buf_release(&list);
}

/* --- edits --- */

static void edits_sort_as_git_walks_and_keep_the_last_of_a_path(void **state)
{
	static const char *const sorted[] = {"a",     "a-b",   "a.json", "a/b",   "a0",
					     "b/c/d", "b/c/e", "ba",     "z\xff", NULL};
	static const int order[] = {8, 3, 0, 6, 5, 2, 1, 4, 7, 3, 0};
	struct edits edits = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		assert_int_equal(edits_add(&edits, sorted[order[i]], (uint32_t)i, &err),
				 0);
	}
	edits_sort(&edits);
	assert_int_equal(edits.count, 9);
	for (size_t i = 0; i < 9; i++) {
		assert_string_equal(edits_path(&edits, i), sorted[i]);
	}
	assert_int_equal(edits.edit[0].object, 10);
	assert_int_equal(edits.edit[3].object, 9);
	edits_release(&edits);
}

/* So many that they are partitioned before they are sorted; also many of one path. */
static void many_edits_sort_alike(void **state)
{
	enum { EDITS = 400000, NAMES = 90000 };
	uint32_t *last = calloc(NAMES + 1, sizeof(*last));
	unsigned seed = (unsigned)time(NULL);
	struct edits edits = {0};
	size_t distinct = 0;

	(void)state;
	print_message("# seed %u\n", seed);
	assert_non_null(last);
	for (uint32_t i = 1; i <= EDITS; i++) {
		unsigned n = i % 4 ? (unsigned)rand_r(&seed) % NAMES : NAMES;
		char path[64];

		snprintf(path, sizeof(path), "api/v%u/images/%02x/%02x/%u%s", n % 3,
			 n * 31 % 256, n * 17 % 200, n, n % 5 ? ".json" : "");
		assert_int_equal(edits_add(&edits, path, i, &err), 0);
		distinct += !last[n];
		last[n] = i;
	}
	edits_sort(&edits);
	assert_int_equal(edits.count, distinct);
	for (size_t i = 0; i < edits.count; i++) {
		const char *path = edits_path(&edits, i);

		assert_true(i == 0 || strcmp(edits_path(&edits, i - 1), path) < 0);
		assert_int_equal(edits.edit[i].object,
				 last[strtoul(strrchr(path, '/') + 1, NULL, 10)]);
	}
	edits_release(&edits);
	free(last);
}

static void paths_that_git_does_not_take_are_refused(void **state)
{
	static const char *const bad[] = {"",     "/a",     "a/",     "a//b",
					  ".",    "..",     "a/../b", "a/./b",
					  ".git", ".GIT/x", "a/.Git", NULL};
	static const char *const good[] = {"...", ".gitx", "a/.git.json", "con", NULL};
	struct edits edits = {0};
	struct buf path = {0};

	(void)state;
	for (size_t i = 0; bad[i]; i++) {
		assert_int_equal(edits_add(&edits, bad[i], 1, &err), ERR_INPUT);
	}
	for (size_t i = 0; good[i]; i++) {
		assert_int_equal(edits_add(&edits, good[i], 1, &err), 0);
	}
	for (size_t i = 0; i < EDITS_DEPTH_MAX - 1; i++) {
		buf_addstr(&path, "d/");
	}
	buf_addstr(&path, "f");
	assert_int_equal(edits_add(&edits, path.data, 1, &err), 0);
	buf_addstr(&path, "/f");
	assert_int_equal(edits_add(&edits, path.data, 1, &err), ERR_INPUT);
	buf_clear(&path);
	while (path.len < EDITS_PATH_MAX) {
		buf_addch(&path, 'n');
	}
	assert_int_equal(edits_add(&edits, path.data, 1, &err), 0);
	buf_addch(&path, 'n');
	assert_int_equal(edits_add(&edits, path.data, 1, &err), ERR_INPUT);
	buf_release(&path);
	edits_release(&edits);
}

/* --- trees --- */

static void a_tree_has_the_bytes_that_git_gives_it(void **state)
{
	char hex[OBJECT_HEX + 1];
	uint8_t root[OBJECT_ID];

	(void)state;
	assert_int_equal(merge(root, NULL, false, NULL, (const char *const[]){NULL}), 0);
	object_hex(hex, root);
	assert_string_equal(hex, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
	assert_int_equal(merge(root, NULL, false, NULL, EDITS("+a/b", "+a.b")), 0);
	assert_int_equal(memory.stored[memory.count - 1].body.len,
			 strlen("100644 a.b") + 1 + 20 + strlen("40000 a") + 1 + 20);
	assert_memory_equal(memory.stored[memory.count - 1].body.data, "100644 a.b", 11);
}

static void a_change_reads_and_writes_only_the_trees_on_its_way(void **state)
{
	uint8_t first[OBJECT_ID], second[OBJECT_ID];
	struct tree_delta delta;

	(void)state;
	merge(first, NULL, false, &delta, EDITS("+a/1/x", "+a/2/x", "+b/1/x", "+c"));
	assert_int_equal(delta.added, 4);
	memory.reads = memory.writes = 0;
	assert_int_equal(merge(second, first, false, &delta, EDITS("2a/2/x", "-c", "-d")),
			 0);
	assert_int_equal(memory.reads, 3);
	assert_int_equal(memory.writes, 3);
	assert_int_equal(delta.added, 0);
	assert_int_equal(delta.changed, 1);
	assert_int_equal(delta.removed, 1);
	assert_diff(first, second, "!a/2/x -c ");
}

static void nothing_changed_writes_nothing(void **state)
{
	uint8_t first[OBJECT_ID], second[OBJECT_ID];
	struct tree_delta delta;

	(void)state;
	merge(first, NULL, false, NULL, EDITS("+a/1/x", "+b"));
	memory.writes = 0;
	merge(second, first, false, &delta, EDITS("+a/1/x", "-a/9/x", "-b/x", "-a"));
	assert_memory_equal(first, second, OBJECT_ID);
	assert_int_equal(memory.writes, 0);
	assert_int_equal(delta.added + delta.changed + delta.removed, 0);
}

static void an_empty_folder_disappears(void **state)
{
	uint8_t first[OBJECT_ID], second[OBJECT_ID], third[OBJECT_ID], fourth[OBJECT_ID];

	(void)state;
	merge(first, NULL, false, NULL, EDITS("+a/b/c/d"));
	merge(second, first, false, NULL, EDITS("-a/b/c/d", "+e/f"));
	merge(third, NULL, false, NULL, EDITS("+e/f", "-g/h"));
	assert_memory_equal(second, third, OBJECT_ID);
	assert_int_equal(merge(third, second, false, NULL, EDITS("-e/f")), 0);
	merge(fourth, NULL, false, NULL, EDITS("-x"));
	assert_memory_equal(third, fourth, OBJECT_ID);
}

static void fresh_removes_what_is_not_put(void **state)
{
	uint8_t first[OBJECT_ID], second[OBJECT_ID], expected[OBJECT_ID];
	struct tree_delta delta;

	(void)state;
	merge(first, NULL, false, NULL, EDITS("+a/1", "+a/2", "+b/c/1", "+b/c/2", "+d"));
	merge(second, first, true, &delta, EDITS("2a/1", "+a/3", "+d/e"));
	merge(expected, NULL, false, NULL, EDITS("2a/1", "+a/3", "+d/e"));
	assert_memory_equal(second, expected, OBJECT_ID);
	assert_int_equal(delta.added, 2);
	assert_int_equal(delta.changed, 1);
	assert_int_equal(delta.removed, 4);
	assert_diff(first, second, "!a/1 -a/2 +a/3 -b/c/1 -b/c/2 -d +d/e ");
	assert_diff(NULL, second, "+a/1 +a/3 +d/e ");
}

static void a_name_is_never_both_a_file_and_a_folder(void **state)
{
	uint8_t old[OBJECT_ID], root[OBJECT_ID];

	(void)state;
	assert_int_equal(merge(root, NULL, false, NULL, EDITS("+x", "+x/y")), ERR_INPUT);
	assert_non_null(strstr(err.msg, "'x'"));
	assert_int_equal(merge(root, NULL, false, NULL,
			       EDITS("+x", "+x!/q", "+x-", "+x-y", "+x.json", "+x/y")),
			 ERR_INPUT);
	merge(old, NULL, false, NULL, EDITS("+x", "+x.json", "+y/z"));
	assert_int_equal(merge(root, old, false, NULL, EDITS("+x/y")), ERR_INPUT);
	assert_int_equal(merge(root, old, false, NULL, EDITS("+y")), ERR_INPUT);
	assert_int_equal(merge(root, old, false, NULL, EDITS("-x", "+x/y")), 0);
	assert_diff(old, root, "-x +x/y ");
	assert_int_equal(merge(root, old, false, NULL, EDITS("+y", "-y/z")), 0);
	assert_diff(old, root, "+y -y/z ");
}

static void find_finds_files_only(void **state)
{
	uint8_t root[OBJECT_ID], blob[OBJECT_ID];

	(void)state;
	merge(root, NULL, false, NULL, EDITS("+a/b/c", "2a/b.json", "+d"));
	assert_int_equal(tree_find(blob, &store, root, "a/b.json", &err), 0);
	assert_memory_equal(blob, memory_object(2, &memory), OBJECT_ID);
	assert_int_equal(tree_find(blob, &store, root, "a/b/c", &err), 0);
	assert_int_equal(tree_find(blob, &store, root, "a/b", &err), ERR_NOTFOUND);
	assert_int_equal(tree_find(blob, &store, root, "d/e", &err), ERR_NOTFOUND);
	assert_int_equal(tree_find(blob, &store, root, "", &err), ERR_NOTFOUND);
	assert_int_equal(tree_find(blob, &store, root, "a/b/c/", &err), ERR_NOTFOUND);
	assert_int_equal(err.code, 0);
}

static void assert_diff_of(const uint8_t *from, const uint8_t *to,
			   const struct tree_paths *paths, const char *expected)
{
	struct buf list = {0};

	buf_addstr(&list, "");
	assert_int_equal(
		tree_diff_paths(&store, NULL, from, to, paths, list_file, &list, &err),
		0);
	assert_string_equal(list.data, expected);
	buf_release(&list);
}

static void a_comparison_of_paths_reads_only_folders_on_their_way(void **state)
{
	static const char *const path[] = {"a", "b.x", "b/", "c/d/e", "c/d/g", "h/i"};
	static const char *const none[] = {"a/b", "c/d/", "z"};
	const struct tree_paths paths = {.path = path, .count = 6};
	const struct tree_paths nowhere = {.path = none, .count = 2};
	uint8_t old[OBJECT_ID], new[OBJECT_ID];

	(void)state;
	merge(old, NULL, false, NULL, EDITS("+a", "+b.x", "+c/d/e", "+c/d/f", "+c/x/y"));
	merge(new, old, false, NULL,
	      EDITS("-a", "2b.x", "+b/1", "+b/2/3", "+b.y", "2c/d/e", "2c/d/f", "+c/d/gg",
		    "2c/x/y", "+h/i/j"));
	memory.reads = 0;
	assert_diff_of(old, new, &paths, "-a !b.x +b/1 +b/2/3 !c/d/e ");
	/* Two roots, b, b/2, twice c and c/d; and h, as it could have a file i. */
	assert_int_equal(memory.reads, 9);
	assert_diff_of(NULL, new, &paths, "+b.x +b/1 +b/2/3 +c/d/e ");
	assert_diff_of(old, new, &nowhere, "!c/d/e !c/d/f +c/d/gg ");
	assert_diff_of(old, new, &(struct tree_paths){.path = none}, "");
	assert_diff_of(NULL, NULL, &paths, "");
}

static int stop_at_second(const char *path, const uint8_t *old_blob,
			  const uint8_t *new_blob, void *payload)
{
	(void)path;
	(void)old_blob;
	(void)new_blob;
	return ++*(int *)payload == 2 ? 7 : 0;
}

static void a_comparison_ends_when_the_callback_says_so(void **state)
{
	uint8_t root[OBJECT_ID];
	int calls = 0;

	(void)state;
	merge(root, NULL, false, NULL, EDITS("+a/b", "+c/d", "+e/f"));
	assert_int_equal(
		tree_diff(&store, NULL, NULL, root, stop_at_second, &calls, &err), 7);
	assert_int_equal(calls, 2);
}

static void damaged_trees_are_reported(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {{"x", 1},
		   {"100644 ", 7},
		   {"100644 a", 8},
		   {"100644 a\0"
		    "1234567890123456789",
		    28},
		   {"100644 \0"
		    "12345678901234567890",
		    28}};
	uint8_t root[OBJECT_ID], other[OBJECT_ID];
	struct buf list = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memory_write(root, bad[i].bytes, bad[i].len, &memory);
		assert_int_equal(merge(other, root, false, NULL, EDITS("+a")), ERR_FAIL);
		assert_int_equal(
			tree_diff(&store, NULL, NULL, root, list_file, &list, &err),
			ERR_FAIL);
		assert_int_equal(tree_find(other, &store, root, "a", &err), ERR_FAIL);
		assert_non_null(strstr(err.msg, "is damaged"));
	}
	buf_release(&list);
}

/* --- against a model: a table of 400 paths and their objects --- */

#define PATHS 400

static void path_of(char path[64], unsigned n)
{
	static const char *const before[] = {"a/", "b/", "b", "c/d/", "c/d/"};
	static const char *const after[] = {".json", "/f.json", "", "-x", ".y/z"};

	snprintf(path, 64, "%s%u%s", before[n % 5], n / 5 % 40 + (n / 200) * 100,
		 after[n % 5]);
}

static void assert_same_as_scratch(const uint8_t *root, const uint32_t *model)
{
	uint8_t scratch[OBJECT_ID];
	struct tree_delta delta;
	struct edits edits = {0};
	char path[64];

	for (unsigned n = 0; n < PATHS; n++) {
		if (model[n]) {
			path_of(path, n);
			edits_add(&edits, path, model[n], NULL);
		}
	}
	edits_sort(&edits);
	assert_int_equal(tree_merge(scratch, &store, NULL, &edits, false, &delta, &err),
			 0);
	assert_memory_equal(root, scratch, OBJECT_ID);
	edits_release(&edits);
}

struct found {
	struct tree_delta delta;
	struct buf removed;
};

static int count_change(const char *path, const uint8_t *old_blob,
			const uint8_t *new_blob, void *payload)
{
	struct found *found = payload;

	found->delta.added += !old_blob;
	found->delta.removed += !new_blob;
	found->delta.changed += old_blob && new_blob;
	if (!new_blob) {
		buf_addf(&found->removed, "%s ", path);
	}
	return 0;
}

static void random_edits_end_as_if_built_from_nothing(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	uint32_t model[PATHS] = {0};
	uint8_t root[OBJECT_ID], next[OBJECT_ID];
	bool has_root = false;

	(void)state;
	print_message("# seed %u\n", seed);
	for (unsigned round = 0; round < 60; round++) {
		struct tree_delta delta;
		struct found found = {0};
		struct edits edits = {0};
		bool fresh = rand_r(&seed) % 8 == 0;
		unsigned count = (unsigned)rand_r(&seed) % (fresh ? PATHS : 40);
		char path[64];

		if (fresh) {
			memset(model, 0, sizeof(model));
		}
		for (unsigned i = 0; i < count; i++) {
			unsigned n = (unsigned)rand_r(&seed) % PATHS;

			model[n] = (uint32_t)rand_r(&seed) % 3;
			path_of(path, n);
			edits_add(&edits, path, model[n] ? model[n] : EDITS_REMOVE, NULL);
		}
		edits_sort(&edits);
		buf_clear(&memory.removed);
		buf_addstr(&memory.removed, "");
		buf_addstr(&found.removed, "");
		assert_int_equal(tree_merge(next, &store, has_root ? root : NULL, &edits,
					    fresh, &delta, &err),
				 0);
		edits_release(&edits);
		assert_same_as_scratch(next, model);
		assert_int_equal(tree_diff(&store, NULL, has_root ? root : NULL, next,
					   count_change, &found, &err),
				 0);
		assert_memory_equal(&delta, &found.delta, sizeof(delta));
		assert_string_equal(memory.removed.data, found.removed.data);
		buf_release(&found.removed);
		memcpy(root, next, OBJECT_ID);
		has_root = true;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(edits_sort_as_git_walks_and_keep_the_last_of_a_path),
		TEST(many_edits_sort_alike),
		TEST(paths_that_git_does_not_take_are_refused),
		TEST(a_tree_has_the_bytes_that_git_gives_it),
		TEST(a_change_reads_and_writes_only_the_trees_on_its_way),
		TEST(nothing_changed_writes_nothing),
		TEST(an_empty_folder_disappears),
		TEST(fresh_removes_what_is_not_put),
		TEST(a_name_is_never_both_a_file_and_a_folder),
		TEST(find_finds_files_only),
		TEST(a_comparison_of_paths_reads_only_folders_on_their_way),
		TEST(a_comparison_ends_when_the_callback_says_so),
		TEST(damaged_trees_are_reported),
		TEST(random_edits_end_as_if_built_from_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
