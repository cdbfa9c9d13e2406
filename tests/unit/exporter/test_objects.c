/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/git_fixture.h"

#include "data/base/err.h"
#include "exporter/git/pack/objects.h"

static struct err err;

static int setup_versions(void **state)
{
	int rc = git_fixture_setup(state);
	struct buf out = {0};

	/* Thirty versions of a file in one pack, deltas of each other, and a loose one. */
	assert_int_equal(
		git_fixture_run(&out,
				"git init -q --bare r.git && cd r.git && "
				"for i in $(seq 30); do "
				"{ seq 300; echo version $i; seq $i 400; } >f; "
				"b=$(git hash-object -w f); "
				"t=$(printf '100644 blob %s\\tf\\n' $b | git mktree); "
				"c=$(git commit-tree -m $i ${c:+-p $c} $t); "
				"git update-ref refs/heads/main $c; done && "
				"git repack -adfq --depth=40 --window=50 && "
				"echo loose | git hash-object -w --stdin >/dev/null"),
		0);
	buf_release(&out);
	return rc;
}

/* The id that git gives the revision. */
static void id_of(uint8_t id[OBJECT_ID], const char *rev)
{
	struct buf out = {0}, command = {0};

	buf_addf(&command, "git -C r.git rev-parse %s", rev);
	assert_int_equal(git_fixture_run(&out, command.data), 0);
	assert_true(object_unhex(id, out.data));
	buf_release(&out);
	buf_release(&command);
}

/* Asserts that every object that git lists in `dir` is read, and counts them. */
static void all_are_read(struct objects *objects, const char *dir, size_t count)
{
	struct buf out = {0}, command = {0}, body = {0};
	size_t found = 0;
	char *save = NULL;

	buf_addf(&command,
		 "git -C %s cat-file --batch-all-objects --batch-check="
		 "'%%(objectname) %%(objecttype) %%(objectsize)'",
		 dir);
	assert_int_equal(git_fixture_run(&out, command.data), 0);
	for (char *line = strtok_r(out.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		enum object_type type = OBJECT_TAG, head_type = OBJECT_TAG;
		uint8_t id[OBJECT_ID], again[OBJECT_ID];
		size_t size = 0;
		char said[64];

		assert_true(object_unhex(id, line));
		buf_clear(&body);
		buf_addstr(&body, "before");
		assert_int_equal(objects_read(&body, &type, objects, id, &err), 0);
		assert_memory_equal(body.data, "before", 6);
		object_hash(again, type, body.data + 6, body.len - 6);
		assert_memory_equal(again, id, OBJECT_ID);
		assert_int_equal(objects_head(&size, &head_type, objects, id, &err), 0);
		assert_int_equal(size, body.len - 6);
		assert_int_equal(head_type, type);
		assert_true(objects_has(objects, id));
		snprintf(said, sizeof(said), "%s %zu",
			 type == OBJECT_COMMIT ? "commit"
			 : type == OBJECT_TREE ? "tree"
					       : "blob",
			 size);
		assert_string_equal(line + OBJECT_HEX + 1, said);
		found++;
	}
	assert_int_equal(found, count);
	buf_release(&out);
	buf_release(&command);
	buf_release(&body);
}

static void packed_and_loose_objects_are_read(void **state)
{
	struct objects *objects;

	(void)state;
	objects_open(&objects, "r.git/objects");
	all_are_read(objects, "r.git", 91);
	objects_close(objects);
}

static void loose_objects_are_had(void **state)
{
	struct objects *objects;
	struct buf hex = {0};
	uint8_t early[OBJECT_ID], late[OBJECT_ID], none[OBJECT_ID];

	(void)state;
	git_fixture_says("git init -q --bare l.git", "");
	assert_int_equal(
		git_fixture_run(&hex, "echo 1 | git -C l.git hash-object -w --stdin"), 0);
	assert_true(object_unhex(early, hex.data));
	objects_open(&objects, "l.git/objects");
	assert_true(objects_has(objects, early));
	memcpy(none, early, OBJECT_ID);
	none[OBJECT_ID - 1] ^= 1;
	assert_false(objects_has(objects, none));
	buf_clear(&hex);
	assert_int_equal(
		git_fixture_run(&hex, "echo 2 | git -C l.git hash-object -w --stdin"), 0);
	assert_true(object_unhex(late, hex.data));
	objects_refresh(objects);
	assert_true(objects_has(objects, early));
	assert_true(objects_has(objects, late));
	assert_false(objects_has(objects, none));
	buf_release(&hex);
	objects_close(objects);
}

static void missing_objects_are_looked_for_in_new_packs(void **state)
{
	enum object_type type;
	struct buf body = {0};
	struct objects *objects;
	uint8_t id[OBJECT_ID], none[OBJECT_ID] = {1, 2, 3};

	(void)state;
	git_fixture_says("git init -q --bare n.git", "");
	objects_open(&objects, "n.git/objects");
	id_of(id, "main");
	assert_false(objects_has(objects, id));
	assert_int_equal(objects_read(&body, &type, objects, id, &err), ERR_NOTFOUND);
	git_fixture_says("cp r.git/objects/pack/* n.git/objects/pack", "");
	/* Only reading looks again. */
	assert_false(objects_has(objects, id));
	assert_int_equal(objects_read(&body, &type, objects, id, &err), 0);
	assert_int_equal(type, OBJECT_COMMIT);
	assert_true(objects_has(objects, id));
	assert_int_equal(objects_read(&body, &type, objects, none, &err), ERR_NOTFOUND);
	/* A pack that has gone stays readable, and keeps its space on the disk, until the
	 * next look. */
	git_fixture_says("rm -f n.git/objects/pack/* r.git/objects/[0-9a-f]*/*", "");
	all_are_read(objects, "r.git", 90);
	objects_refresh(objects);
	assert_false(objects_has(objects, id));
	assert_int_equal(objects_read(&body, &type, objects, id, &err), ERR_NOTFOUND);
	git_fixture_says("cp r.git/objects/pack/* n.git/objects/pack", "");
	all_are_read(objects, "r.git", 90);
	buf_release(&body);
	objects_close(objects);
}

static void what_only_an_index_names_is_not_there(void **state)
{
	enum object_type type;
	struct buf body = {0};
	struct objects *objects;
	uint8_t id[OBJECT_ID], found[OBJECT_ID];

	(void)state;
	id_of(id, "main");
	git_fixture_says("git init -q --bare n.git && "
			 "cp r.git/objects/pack/*.idx n.git/objects/pack",
			 "");
	objects_open(&objects, "n.git/objects");
	assert_false(objects_has(objects, id));
	assert_int_equal(objects_prefix(found, objects, id, 40), ERR_NOTFOUND);
	assert_int_equal(objects_read(&body, &type, objects, id, &err), ERR_NOTFOUND);
	objects_close(objects);
	/* Nor in a pack of another index. */
	git_fixture_says("cd n.git/objects/pack && for i in *.idx; do "
			 "echo other | git -C ../.. hash-object -w --stdin | "
			 "git -C ../.. pack-objects -q o >/dev/null && "
			 "mv ../../o*.pack ${i%idx}pack; done",
			 "");
	objects_open(&objects, "n.git/objects");
	assert_false(objects_has(objects, id));
	objects_close(objects);
	buf_release(&body);
}

/* A pack of some megabytes, parts of which are asked for before they are read. */
static void objects_of_a_large_pack_are_read(void **state)
{
	struct objects *objects;

	(void)state;
	git_fixture_says(
		"git init -q --bare l.git && "
		"python3 -c 'import random, sys\n"
		"r = random.Random(1)\n"
		"for i in [*range(600), 40000, 500000, 6000000, *range(600, 900)]:\n"
		"    b = r.randbytes(i)\n"
		"    sys.stdout.buffer.write(b\"blob\\ndata %d\\n%s\\n\" "
		"% (i, b))' | "
		"git -C l.git -c fastimport.unpackLimit=1 fast-import --quiet",
		"");
	objects_open(&objects, "l.git/objects");
	all_are_read(objects, "l.git", 903);
	objects_close(objects);
}

static void a_damaged_copy_is_passed_over(void **state)
{
	enum object_type type;
	struct buf body = {0};
	struct objects *objects;
	uint8_t id[OBJECT_ID];

	(void)state;
	id_of(id, "main");
	/* The file of the loose copy is that of another object. */
	git_fixture_says(
		"cd r.git && f=objects/$(git rev-parse main | sed 's,..,&/,') && "
		"mkdir -p ${f%/*} && "
		"l=$(echo loose | git hash-object --stdin | sed 's,..,&/,') && "
		"cp objects/$l $f",
		"");
	objects_open(&objects, "r.git/objects");
	assert_int_equal(objects_read(&body, &type, objects, id, &err), 0);
	assert_int_equal(type, OBJECT_COMMIT);
	objects_close(objects);
	git_fixture_says("rm -f r.git/objects/pack/*", "");
	objects_open(&objects, "r.git/objects");
	buf_clear(&body);
	assert_int_equal(objects_read(&body, &type, objects, id, &err), ERR_INPUT);
	assert_string_equal(err.msg, "it is another object");
	buf_release(&body);
	objects_close(objects);
}

static void an_object_is_found_by_its_first_digits(void **state)
{
	uint8_t id[OBJECT_ID], prefix[OBJECT_ID] = {0}, found[OBJECT_ID];
	struct objects *objects;
	struct buf out = {0};

	(void)state;
	objects_open(&objects, "r.git/objects");
	id_of(id, "main~3");
	memcpy(prefix, id, 5);
	assert_int_equal(objects_prefix(found, objects, prefix, 10), 0);
	assert_memory_equal(found, id, OBJECT_ID);
	prefix[4] &= 0xf0;
	assert_int_equal(objects_prefix(found, objects, prefix, 9), 0);
	assert_memory_equal(found, id, OBJECT_ID);
	assert_int_equal(git_fixture_run(&out, "echo loose | git hash-object --stdin"),
			 0);
	assert_true(object_unhex(id, out.data));
	assert_int_equal(objects_prefix(found, objects, id, 40), 0);
	/* Of 91 ids, many begin with the same digit. */
	memset(prefix, 0, OBJECT_ID);
	for (unsigned digit = 0; digit < 16; digit++) {
		prefix[0] = (uint8_t)(digit << 4);
		if (objects_prefix(found, objects, prefix, 1) == ERR_INPUT) {
			break;
		}
		assert_int_not_equal(digit, 15);
	}
	memset(prefix, 0xff, OBJECT_ID);
	assert_int_equal(objects_prefix(found, objects, prefix, 40), ERR_NOTFOUND);
	buf_release(&out);
	objects_close(objects);
}

int main(void)
{
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, setup_versions, git_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(packed_and_loose_objects_are_read),
		TEST(loose_objects_are_had),
		TEST(missing_objects_are_looked_for_in_new_packs),
		TEST(what_only_an_index_names_is_not_there),
		TEST(objects_of_a_large_pack_are_read),
		TEST(a_damaged_copy_is_passed_over),
		TEST(an_object_is_found_by_its_first_digits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
