/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include <nettle/sha1.h>

#include "data/base/file.h"
#include "exporter/git/maintain.h"
#include "exporter/git/pack/packfile.h"

/*
 * Packs of strangers, and whatever else is in a repository: where packs are merged, nothing
 * that could be read before is lost, or nothing is changed.
 */

#define BODY 400 /* bytes; never the same twice */

struct object {
	uint8_t id[OBJECT_ID];
	char body[BODY];
};

static struct object make_object(unsigned seed)
{
	struct object object;

	for (size_t i = 0; i < BODY; i++) {
		seed = seed * 1103515245u + 12345u;
		object.body[i] = (char)('a' + (seed >> 16) % 26);
	}
	object_hash(object.id, OBJECT_BLOB, object.body, BODY);
	return object;
}

/* A pack that is being made. */
struct made {
	struct packfile *packs;
	struct packfile_entry entry[8];
	size_t count;
	struct object_deflater *deflater;
};

static struct made begin_pack(void)
{
	struct made made = {.deflater = object_deflater_new()};

	packfile_new(&made.packs, "r.git/objects/pack");
	return made;
}

static void add_bytes(struct made *made, const uint8_t *id, const struct buf *bytes)
{
	struct packfile_entry *entry = &made->entry[made->count];

	memcpy(entry->id, id, OBJECT_ID);
	entry->crc = object_crc(bytes->data, bytes->len);
	assert_int_equal(packfile_add(made->packs, made->entry, made->count++,
				      bytes->data, bytes->len, &err),
			 0);
}

/* What is said to have this id has this body. */
static void add_body(struct made *made, const uint8_t *id, const char *body)
{
	struct buf bytes = {0};

	object_pack(&bytes, made->deflater, OBJECT_BLOB, body, BODY);
	add_bytes(made, id, &bytes);
	buf_release(&bytes);
}

/* Both sizes are 400; copy 395 bytes from the beginning; insert 5. */
#define DELTA "\x90\x03\x90\x03\xb0\x8b\x01\x05HELLO"
#define DELTA_LEN 13

/* The base, which is the last one in the pack, with other letters at the end. */
static struct object add_delta(struct made *made, const char *base)
{
	struct buf bytes = {0}, delta = {0};
	struct object object;
	size_t pack;

	memcpy(object.body, base, BODY);
	memcpy(object.body + BODY - 5, "HELLO", 5);
	object_hash(object.id, OBJECT_BLOB, object.body, BODY);
	buf_add(&delta, DELTA, DELTA_LEN);
	object_pack_delta(&bytes, made->deflater,
			  packfile_next(&pack, made->packs) -
				  made->entry[made->count - 1].offset,
			  &delta);
	add_bytes(made, object.id, &bytes);
	buf_release(&bytes);
	buf_release(&delta);
	return object;
}

static void end_pack(struct made *made, struct buf *name)
{
	assert_int_equal(packfile_seal(made->packs, made->entry, made->count, name, &err),
			 0);
	assert_int_equal(packfile_install(made->packs, &err), 0);
	packfile_free(made->packs);
	object_deflater_free(made->deflater);
	buf_setlen(name, name->len - 1);
}

static void change_index(const char *name, void (*change)(uint8_t *idx))
{
	struct buf path = {0}, idx = {0};
	struct sha1_ctx ctx;

	buf_addf(&path, "r.git/objects/pack/%s.idx", name);
	assert_int_equal(file_read(&idx, path.data, 1 << 20, &err), 0);
	change((uint8_t *)idx.data);
	sha1_init(&ctx);
	sha1_update(&ctx, idx.len - OBJECT_ID, (uint8_t *)idx.data);
	sha1_digest(&ctx, OBJECT_ID, (uint8_t *)idx.data + idx.len - OBJECT_ID);
	assert_int_equal(file_replace(path.data, idx.data, idx.len, &err), 0);
	buf_release(&path);
	buf_release(&idx);
}

/* So many snapshots that packs are to be merged. */
static void many_snapshots(void)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	char change[96];

	for (unsigned n = 0; n < 45; n++) {
		snprintf(change, sizeof(change), "%u/x=a body: %u", n % 5, n);
		snapshot_fixture_commit(repo, false, FIRST_S + n, NULL, NULL,
					CHANGES(change));
	}
	snapshot_close(repo);
}

static void list_packs(const char *file)
{
	struct buf line = {0};

	buf_addf(&line, "ls r.git/objects/pack >%s", file);
	git_fixture_says(line.data, "");
	buf_release(&line);
}

static void assert_refused(void)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	list_packs("before");
	assert_int_equal(maintain_when_due(repo, false, &err), 0);
	git_fixture_says("ls r.git/objects/pack | diff before -", "");
	snapshot_close(repo);
}

static void assert_compaction_refused(void)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct maintain_result result;

	list_packs("before");
	assert_int_not_equal(maintain_compact(repo, &result, &err), 0);
	git_fixture_says("ls r.git/objects/pack | diff before -", "");
	snapshot_close(repo);
}

static void assert_merged(void)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	assert_int_equal(maintain_when_due(repo, false, &err), 0);
	git_fixture_says("[ $(ls r.git/objects/pack/*.pack | wc -l) -lt 10 ]", "");
	snapshot_close(repo);
}

/* --- indexes --- */

#define IDS (8 + 1024)
#define COUNT 4

static void offsets_alike(uint8_t *idx)
{
	uint8_t *offsets = idx + IDS + COUNT * (OBJECT_ID + 4);

	memcpy(offsets, offsets + 4, 4);
}

static void ids_alike(uint8_t *idx)
{
	memcpy(idx + IDS, idx + IDS + OBJECT_ID, OBJECT_ID);
	for (unsigned i = 0; i < 256; i++) {
		be32_put(idx + 8 + 4 * i, i < idx[IDS]                   ? 0
					  : i < idx[IDS + 2 * OBJECT_ID] ? 2
					  : i < idx[IDS + 3 * OBJECT_ID] ? 3
									 : COUNT);
	}
}

static void ids_unsorted(uint8_t *idx)
{
	uint8_t swap[OBJECT_ID];

	memcpy(swap, idx + IDS, OBJECT_ID);
	memcpy(idx + IDS, idx + IDS + OBJECT_ID, OBJECT_ID);
	memcpy(idx + IDS + OBJECT_ID, swap, OBJECT_ID);
}

static void fan_out_shifted(uint8_t *idx)
{
	memmove(idx + 8, idx + 8 + 4 * 16, 1024 - 4 * 16);
	for (unsigned i = 240; i < 256; i++) {
		be32_put(idx + 8 + 4 * i, COUNT);
	}
}

static void an_index_that_is_wrong_in_itself_is_refused(void **state)
{
	void (*const change[])(uint8_t *) = {offsets_alike, ids_alike, ids_unsorted,
					     fan_out_shifted};

	(void)state;
	many_snapshots();
	git_fixture_says("mv r.git many", "");
	for (size_t i = 0; i < sizeof(change) / sizeof(*change); i++) {
		struct made made;
		struct buf name = {0};

		git_fixture_says("rm -rf r.git && cp -a many r.git", "");
		made = begin_pack();
		for (unsigned n = 0; n < COUNT; n++) {
			struct object object = make_object(n);

			add_body(&made, object.id, object.body);
		}
		end_pack(&made, &name);
		change_index(name.data, change[i]);
		buf_release(&name);
		assert_refused();
		assert_compaction_refused();
	}
}

/* --- ids --- */

/* Asserts that the object can still be read. */
static void assert_there(const struct object *object)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_id id;
	struct buf body = {0};

	object_hex(id.hex, object->id);
	assert_int_equal(snapshot_read_blob(repo, &id, &body, &err), 0);
	assert_int_equal(body.len, BODY);
	assert_memory_equal(body.data, object->body, BODY);
	buf_release(&body);
	snapshot_close(repo);
}

/* A pack of the object under its id, and of `more` others, so that it is larger. */
static void true_pack(const struct object *object, unsigned more)
{
	struct made made = begin_pack();
	struct buf name = {0};

	add_body(&made, object->id, object->body);
	for (unsigned n = 0; n < more; n++) {
		struct object other = make_object(100 + n);

		add_body(&made, other.id, other.body);
	}
	end_pack(&made, &name);
	buf_release(&name);
}

/* The pack of which an object is taken is the largest. */
static void another_object_under_an_id_does_not_replace_the_true_one(void **state)
{
	struct object object = make_object(1), other = make_object(2),
		      more = make_object(3);
	struct made made;
	struct buf name = {0};

	(void)state;
	many_snapshots();
	true_pack(&object, 0);
	made = begin_pack();
	add_body(&made, object.id, other.body);
	add_body(&made, more.id, more.body);
	end_pack(&made, &name);
	buf_release(&name);
	assert_there(&object);
	assert_refused();
	assert_there(&object);
}

/* With the true one in a smaller pack, and in a larger one. */
static void a_delta_of_another_object_under_an_id_stays_what_it_is(void **state)
{
	struct object object = make_object(1), other = make_object(2);

	(void)state;
	many_snapshots();
	git_fixture_says("mv r.git many", "");
	for (unsigned more = 0; more <= 3; more += 3) {
		struct object delta;
		struct buf name = {0};
		struct made made;

		git_fixture_says("rm -rf r.git && cp -a many r.git", "");
		true_pack(&object, more);
		made = begin_pack();
		add_body(&made, object.id, other.body);
		delta = add_delta(&made, other.body);
		end_pack(&made, &name);
		buf_release(&name);
		assert_there(&object);
		assert_there(&delta);
		assert_refused();
		assert_there(&object);
		assert_there(&delta);
	}
}

static void what_is_in_two_packs_is_merged_into_one(void **state)
{
	struct object object = make_object(1), delta;
	struct buf name = {0};
	struct made made;

	(void)state;
	many_snapshots();
	true_pack(&object, 3);
	made = begin_pack();
	add_body(&made, object.id, object.body);
	delta = add_delta(&made, object.body);
	end_pack(&made, &name);
	buf_release(&name);
	assert_merged();
	assert_there(&object);
	assert_there(&delta);
	git_fixture_says("git -C r.git fsck --full --strict --no-progress --no-dangling",
			 "");
}

static void packs_that_are_not_ours_to_replace_stay(void **state)
{
	static const char *const suffix[] = {"keep", "promisor", "mtimes"};

	(void)state;
	many_snapshots();
	git_fixture_says("mv r.git many", "");
	for (size_t i = 0; i < sizeof(suffix) / sizeof(*suffix); i++) {
		struct buf line = {0};

		git_fixture_says("rm -rf r.git && cp -a many r.git", "");
		buf_addf(&line,
			 "cd r.git/objects/pack && ls *.pack | head -n 9 | tail -n 3 "
			 ">kept && for p in $(cat kept); do touch ${p%%pack}%s; done",
			 suffix[i]);
		git_fixture_says(line.data, "");
		assert_merged();
		git_fixture_says("cd r.git/objects/pack && ls *.pack | grep -cFf kept",
				 "3");
		buf_release(&line);
	}
}

/* git ends a pack that it has fetched with the bases of its deltas. */
static void a_base_may_stand_behind_its_deltas(void **state)
{
	struct object base = make_object(1), object = base;
	struct made made;
	struct buf bytes = {0}, delta = {0}, name = {0};

	(void)state;
	many_snapshots();
	memcpy(object.body + BODY - 5, "HELLO", 5);
	object_hash(object.id, OBJECT_BLOB, object.body, BODY);
	made = begin_pack();
	/* A delta of an id: a byte of type and size, the id, what is deflated. */
	buf_add(&delta, DELTA, DELTA_LEN);
	object_pack_delta(&bytes, made.deflater, 1, &delta);
	buf_addch(&name, (char)(OBJECT_REF_DELTA << 4 | DELTA_LEN));
	buf_add(&name, base.id, OBJECT_ID);
	buf_add(&name, bytes.data + 2, bytes.len - 2);
	add_bytes(&made, object.id, &name);
	add_body(&made, base.id, base.body);
	buf_clear(&name);
	end_pack(&made, &name);
	assert_there(&object);
	assert_merged();
	assert_there(&object);
	git_fixture_says("git verify-pack -v r.git/objects/pack/*.idx | "
			 "awk '$7 != \"\" && $3 == 13 {print $6}'",
			 "1");
	buf_release(&bytes);
	buf_release(&delta);
	buf_release(&name);
}

/* --- what is missing or odd --- */

/* Runs a command of the shell in the repository and packs what it writes. */
static void commit_oddly(const char *command)
{
	struct buf line = {0};

	buf_addf(
		&line,
		"cd r.git && GIT_COMMITTER_DATE='1800000000 +0000' && "
		"export GIT_COMMITTER_DATE && %s >/dev/null && "
		"find objects/?? -type f | sed 's,objects/\\(..\\)/,\\1,' | "
		"git pack-objects -q objects/pack/pack >/dev/null && git prune-packed -q",
		command);
	git_fixture_says(line.data, "");
	buf_release(&line);
}

static void odd_commits_are_merged_like_others(void **state)
{
	(void)state;
	many_snapshots();
	/* Malformed; the parent's tree is missing; the tree is none; the parent is missing. */
	commit_oddly(
		"printf 'tree %040d\\nparent %s\\n\\nx\\n' 1 $(git rev-parse main) | "
		"git hash-object --literally -t commit -w --stdin");
	commit_oddly(
		"git commit-tree -m x -p $(printf 'tree %040d\\nauthor a <a> 1 +0000\\n"
		"committer a <a> 1 +0000\\n\\nx\\n' 1 | "
		"git hash-object --literally -t commit -w --stdin) main^{tree}");
	commit_oddly(
		"git commit-tree -m x -p $(printf 'tree %040d\\nauthor a <a> 1 +0000\\n"
		"committer a <a> 1 +0000\\n\\ny\\n' 1 | git hash-object --literally -t "
		"commit -w --stdin) $(printf '100644 blob %s\\tx\\n' $(echo new | git "
		"hash-object -w --stdin) | git mktree)");
	commit_oddly("git commit-tree -m x -p main $(printf broken | "
		     "git hash-object --literally -t tree -w --stdin)");
	commit_oddly(
		"printf 'tree %s\\nparent %040d\\nauthor a <a> 1 +0000\\n"
		"committer a <a> 1 +0000\\n\\nx\\n' $(git rev-parse main^{tree}) 1 | "
		"git hash-object --literally -t commit -w --stdin");
	git_fixture_says("git -C r.git cat-file --batch-all-objects --batch-check | sort "
			 ">before",
			 "");
	assert_merged();
	git_fixture_says(
		"git -C r.git cat-file --batch-all-objects --batch-check | sort | "
		"diff before -",
		"");
	git_fixture_says("git -C r.git rev-list --objects main | wc -l | grep -c .", "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, snapshot_fixture_setup,                    \
					git_fixture_teardown)
		TEST(an_index_that_is_wrong_in_itself_is_refused),
		TEST(another_object_under_an_id_does_not_replace_the_true_one),
		TEST(a_delta_of_another_object_under_an_id_stays_what_it_is),
		TEST(what_is_in_two_packs_is_merged_into_one),
		TEST(packs_that_are_not_ours_to_replace_stay),
		TEST(a_base_may_stand_behind_its_deltas),
		TEST(odd_commits_are_merged_like_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
