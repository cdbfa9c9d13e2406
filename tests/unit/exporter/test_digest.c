/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/digest.h"

#include "tests/unit/snapshot_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "data/base/file.h"
#include "data/index/store.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/git/repo.h"
#include "exporter/git/snapshot_edit.h"

/*
 * The judge is git itself: `truth` puts the files of a snapshot into a repository
 * whose ids are SHA-256, and asks for the id of the tree.
 */

static void truth(char hex[DIGEST_HEX + 1], const char *rev)
{
	struct buf command = {0}, out = {0};

	buf_addf(&command,
		 "rm -rf truth && git init -q --object-format=sha256 truth && "
		 "git -C r.git archive %s | tar -x -C truth && cd truth && "
		 "git -c core.fsync=none -c core.bigFileThreshold=1 add -A . && git "
		 "write-tree",
		 rev);
	assert_int_equal(git_fixture_run(&out, command.data), 0);
	assert_int_equal(out.len, DIGEST_HEX);
	memcpy(hex, out.data, DIGEST_HEX + 1);
	buf_release(&command);
	buf_release(&out);
}

/* A source that counts. */
struct counted {
	struct snapshot_repo *repo;
	unsigned trees, blobs;
};

static int count_tree(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		      struct err *e)
{
	struct counted *counted = payload;

	counted->trees++;
	return repo_tree(body, id, counted->repo, e);
}

static int count_blob(uint8_t sha256[DIGEST_ID], const uint8_t id[OBJECT_ID],
		      void *payload, struct err *e)
{
	struct counted *counted = payload;
	struct buf body = {0};

	counted->blobs++;
	assert_int_equal(repo_object(counted->repo, &body, id, OBJECT_BLOB, e), 0);
	digest_object(sha256, OBJECT_BLOB, body.data, body.len);
	buf_release(&body);
	return 0;
}

/* Asserts that the calculator says what git says of `rev`. */
static void assert_digest(struct digest *digest, struct counted *counted, const char *rev)
{
	struct digest_source source = {
		.tree = count_tree, .blob = count_blob, .payload = counted};
	char want[DIGEST_HEX + 1], got[DIGEST_HEX + 1];
	uint8_t sha256[DIGEST_ID], tree[OBJECT_ID];
	struct snapshot_info info;

	counted->trees = 0;
	counted->blobs = 0;
	assert_int_equal(snapshot_resolve(counted->repo, rev, &info, &err), 0);
	assert_true(object_unhex(tree, info.tree.hex));
	assert_int_equal(digest_tree(sha256, digest, &source, tree, &err), 0);
	digest_hex(got, sha256);
	truth(want, info.commit.hex);
	assert_string_equal(got, want);
	snapshot_info_release(&info);
}

static void sign_next(struct snapshot_repo *repo, bool fresh, const char *const *change)
{
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	bool same;

	assert_int_equal(snapshot_edit_begin(&edit, repo, fresh, &err), 0);
	sign_edit(edit, repo, "key");
	snapshot_fixture_apply(edit, change);
	assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err), 0);
	if (snapshot_edit_commit(&edit, "subject\n\nTrailer: 1\n", FIRST_S, &info,
				 &err)) {
		fail_msg("%s", err.msg);
	}
	snapshot_info_release(&info);
}

/* Asserts that the tip is signed, and its trailer the truth. */
static void assert_signed(const char *rev)
{
	char want[DIGEST_HEX + 1];
	struct buf command = {0};

	truth(want, rev);
	buf_addf(&command,
		 "git -C r.git log -1 %s "
		 "--format='%%(trailers:key=Albumen-Tree-SHA256,valueonly,separator=)'",
		 rev);
	git_fixture_says(command.data, want);
	buf_clear(&command);
	buf_addf(&command,
		 "git -C r.git -c gpg.ssh.allowedSignersFile=$PWD/allowed verify-commit "
		 "%s 2>&1 | cut -d' ' -f1-5",
		 rev);
	git_fixture_says(command.data, "Good \"git\" signature for a@example.org");
	buf_release(&command);
}

static int setup(void **state)
{
	int rc = snapshot_fixture_setup(state);

	git_fixture_says("ssh-keygen -q -t ed25519 -N '' -f key && "
			 "echo \"a@example.org $(cat key.pub)\" >allowed",
			 "");
	return rc;
}

#define SOME                                                                             \
	CHANGES("a=1", "a.b=2", "a0=3", "b/c/d=4", "b/c/e=5", "b/f=6", "b.x=7",          \
		"z/1/2/3/4/5=8", "empty=")

static void the_digest_is_the_id_in_a_sha256_repository(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	assert_int_equal(digest_open(&digest, NULL, &err), 0);
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs, 9);
	digest_close(digest);
	snapshot_close(counted.repo);
}

static void the_empty_tree_has_the_id_that_git_gives_it(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, CHANGES("a"));
	assert_int_equal(digest_open(&digest, NULL, &err), 0);
	assert_digest(digest, &counted, "main");
	assert_digest(digest, &counted, "main~1");
	assert_digest(digest, &counted, "main");
	digest_close(digest);
	snapshot_close(counted.repo);
}

static void only_objects_that_differ_are_read(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL,
				CHANGES("b/c/d=new"));
	assert_int_equal(digest_open(&digest, NULL, &err), 0);
	assert_digest(digest, &counted, "main~1");
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs, 1);
	assert_int_equal(counted.trees, 3);
	/* Going back costs nothing, either. */
	for (int i = 0; i < 2; i++) {
		assert_digest(digest, &counted, i ? "main" : "main~1");
		assert_int_equal(counted.blobs + counted.trees, 0);
	}
	digest_close(digest);
	snapshot_close(counted.repo);
}

/* Files become folders and the other way round, and everything comes and goes. */
static void every_kind_of_change_gives_the_right_digest(void **state)
{
	const char *const *const change[] = {
		(const char *const[]){"a", "a/b=1", "a/c/d=2", NULL},
		(const char *const[]){"a/b", "a/c/d", "a=3", NULL},
		(const char *const[]){"b/c/d", "b/c/e", "b/f", NULL},
		(const char *const[]){"b/c/d=4", "b/c-d=5", "b/c.d=6", "b/c0=7", NULL},
		(const char *const[]){"z/1/2/3/4/5", "z/1/2/3/4/6=8", NULL},
		(const char *const[]){"a.b=3", "a0=2", NULL},
	};
	size_t count = sizeof(change) / sizeof(*change);
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *along, *kept;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	assert_int_equal(digest_open(&along, NULL, &err), 0);
	assert_int_equal(digest_open(&kept, "kept", &err), 0);
	for (size_t i = 0; i < count; i++) {
		assert_digest(along, &counted, "main");
		assert_digest(kept, &counted, "main");
		snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL,
					change[i]);
	}
	assert_digest(along, &counted, "main");
	for (size_t i = count; i > 0; i--) {
		struct buf rev = {0};

		buf_addf(&rev, "main~%zu", i);
		assert_digest(along, &counted, rev.data);
		assert_digest(kept, &counted, rev.data);
		buf_release(&rev);
	}
	assert_int_equal(digest_save(kept, &err), 0);
	digest_close(along);
	digest_close(kept);
	snapshot_close(counted.repo);
}

static struct digest *open_kept(void)
{
	struct digest *digest;

	assert_int_equal(digest_open(&digest, "kept", &err), 0);
	return digest;
}

static void what_was_saved_is_used_by_the_next_process(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	digest_close(digest);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs, 9); /* it was not saved */
	assert_int_equal(digest_save(digest, &err), 0);
	digest_close(digest);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs + counted.trees, 0);
	digest_close(digest);
	snapshot_close(counted.repo);
}

/* Flips a byte wherever the id of the blob "8" stands in the file. */
static void damage(const char *path)
{
	struct buf file = {0};
	uint8_t sha256[DIGEST_ID];
	char *at;
	unsigned count = 0;
	int fd;

	assert_int_equal(file_read(&file, path, 1 << 24, &err), 0);
	digest_object(sha256, OBJECT_BLOB, "8", 1);
	while ((at = memmem(file.data, file.len, sha256, DIGEST_ID))) {
		at[7] ^= 1;
		count++;
	}
	assert_true(count > 0);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(file_write_fd(fd, file.data, file.len, path, &err), 0);
	close(fd);
	buf_release(&file);
}

static void a_damaged_row_is_computed_again(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(digest_save(digest, &err), 0);
	digest_close(digest);
	damage("kept/data.mdb");
	/* Beside the damage, so that the row is needed. */
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL,
				CHANGES("z/1/2/3/4/0=new"));
	digest_open_reader(&digest, "kept");
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs, 2);
	digest_close(digest);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs, 2);
	assert_int_equal(digest_save(digest, &err), 0);
	digest_close(digest);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs, 0);
	digest_close(digest);
	snapshot_close(counted.repo);
}

static void a_store_that_is_no_store_is_made_anew(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	git_fixture_says("mkdir kept && head -c 20000 /dev/zero >kept/data.mdb", "");
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(digest_save(digest, &err), 0);
	digest_close(digest);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs, 0);
	digest_close(digest);
	snapshot_close(counted.repo);
}

static void a_store_of_another_layout_is_made_anew(void **state)
{
	static const char *const tables[] = {"digests1"};
	static const struct store_spec spec = {
		.noun = "", .repair = "", .table = tables, .count = 1};
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;
	struct store *store;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	assert_int_equal(store_open(&store, "kept", &spec, STORE_CREATE, &err), 0);
	store_close(store);
	digest_open_reader(&digest, "kept");
	assert_digest(digest, &counted, "main");
	digest_close(digest);
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	assert_int_equal(digest_save(digest, &err), 0);
	digest_close(digest);
	assert_int_equal(store_open(&store, "kept", &spec, 0, &err), ERR_NOTFOUND);
	digest_open_reader(&digest, "kept");
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs + counted.trees, 0);
	digest_close(digest);
	snapshot_close(counted.repo);
}

/* A reader passes over what a writer would make anew, and leaves it as it is. */
static void a_reader_changes_nothing(void **state)
{
	static const char *const make[] = {
		"true", "mkdir kept", "mkdir kept && echo no >kept/data.mdb",
		"mkdir kept && head -c 20000 /dev/zero >kept/data.mdb"};
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	for (size_t i = 0; i < sizeof(make) / sizeof(*make); i++) {
		struct buf before = {0}, after = {0};

		git_fixture_says("rm -rf kept", "");
		git_fixture_says(make[i], "");
		git_fixture_run(&before, "cat kept/data.mdb 2>&1");
		digest_open_reader(&digest, "kept");
		assert_digest(digest, &counted, "main");
		assert_int_equal(counted.blobs, 9);
		assert_int_equal(digest_save(digest, &err), 0);
		digest_close(digest);
		git_fixture_run(&after, "cat kept/data.mdb 2>&1");
		assert_int_equal(before.len, after.len);
		assert_memory_equal(before.data, after.data, before.len);
		buf_release(&before);
		buf_release(&after);
	}
	snapshot_close(counted.repo);
}

/* While a writer adds, in the way of LMDB: the reader sees the state that it began with. */
static void a_reader_reads_while_a_writer_adds(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *reader, *writer;
	pid_t child;
	int status;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	writer = open_kept();
	assert_digest(writer, &counted, "main");
	assert_int_equal(digest_save(writer, &err), 0);
	digest_close(writer);
	digest_open_reader(&reader, "kept");
	assert_digest(reader, &counted, "main");
	assert_int_equal(counted.blobs + counted.trees, 0);
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL,
				CHANGES("b/c/d=new"));
	/* An environment is opened once in a process (lmdb.h). */
	child = fork();
	if (!child) {
		writer = open_kept();
		assert_digest(writer, &counted, "main");
		_exit(digest_save(writer, &err) ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_digest(reader, &counted, "main");
	assert_int_equal(counted.blobs, 1);
	digest_close(reader);
	digest_open_reader(&reader, "kept");
	assert_digest(reader, &counted, "main");
	assert_int_equal(counted.blobs + counted.trees, 0);
	digest_close(reader);
	snapshot_close(counted.repo);
}

/* What digest_body gives has the id that git gives the tree. */
static void the_body_of_a_tree_is_that_of_a_sha256_repository(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest_source source = {
		.tree = count_tree, .blob = count_blob, .payload = &counted};
	char want[DIGEST_HEX + 1], got[DIGEST_HEX + 1];
	uint8_t sha256[DIGEST_ID], tree[OBJECT_ID];
	struct snapshot_info info;
	struct digest *digest;
	struct buf body = {0};

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	assert_int_equal(digest_open(&digest, NULL, &err), 0);
	assert_int_equal(snapshot_resolve(counted.repo, "main", &info, &err), 0);
	assert_true(object_unhex(tree, info.tree.hex));
	assert_int_equal(digest_body(&body, digest, &source, tree, "", &err), 0);
	digest_object(sha256, OBJECT_TREE, body.data, body.len);
	digest_hex(got, sha256);
	truth(want, "main");
	assert_string_equal(got, want);
	buf_release(&body);
	snapshot_info_release(&info);
	digest_close(digest);
	snapshot_close(counted.repo);
}

static void a_truncated_store_is_made_anew(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct digest *digest;

	(void)state;
	snapshot_fixture_commit(counted.repo, false, FIRST_S, NULL, NULL, SOME);
	for (int pages = 1; pages < 5; pages++) {
		char command[64];

		digest = open_kept();
		assert_digest(digest, &counted, "main");
		assert_int_equal(digest_save(digest, &err), 0);
		digest_close(digest);
		snprintf(command, sizeof(command), "truncate -s %dK kept/data.mdb",
			 4 * pages);
		git_fixture_says(command, "");
	}
	digest = open_kept();
	assert_digest(digest, &counted, "main");
	digest_close(digest);
	snapshot_close(counted.repo);
}

static int submodule(struct buf *body, const uint8_t id[OBJECT_ID], void *payload,
		     struct err *e)
{
	(void)id;
	(void)payload;
	(void)e;
	buf_add(body, "160000 sub", sizeof("160000 sub"));
	buf_add(body, "12345678901234567890", OBJECT_ID);
	return 0;
}

static void a_submodule_is_refused(void **state)
{
	struct digest_source source = {.tree = submodule};
	uint8_t sha256[DIGEST_ID], tree[OBJECT_ID] = {0};
	struct digest *digest;

	(void)state;
	assert_int_equal(digest_open(&digest, NULL, &err), 0);
	assert_int_equal(digest_tree(sha256, digest, &source, tree, &err), ERR_INPUT);
	assert_non_null(strstr(err.msg, "sub"));
	digest_close(digest);
}

/* --- signed snapshots --- */

static void a_signed_snapshot_has_its_digest_in_a_trailer(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	/* The first ones are not signed. */
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, SOME);
	sign_next(repo, false, CHANGES("b/c/d=new", "x/y=1"));
	assert_signed("main");
	sign_next(repo, false, CHANGES("b/c/d=newer", "x/y"));
	assert_signed("main");
	/* One in between is not, and the tip is another's. */
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("b/c/e=new"));
	sign_next(repo, false, CHANGES("a=4"));
	assert_signed("main");
	sign_next(repo, true, CHANGES("a=4", "b/c/e=5", "q=same", "r=same"));
	assert_signed("main");
	git_fixture_says("rm -r r.git/albumen-exporter.digests", "");
	sign_next(repo, false, CHANGES("b/c/e=6"));
	assert_signed("main");
	git_fixture_says(
		"git -C r.git log -1 --format=%B main | head -4 | tail -2 | cut -c1-19",
		"Trailer: 1\nAlbumen-Tree-SHA256");
	snapshot_close(repo);
	snapshot_fixture_sound();
	git_fixture_says("git -C r.git count-objects -v | grep -E '^(count|garbage)'",
			 "count: 0\ngarbage: 0");
}

static void digests_are_kept_whatever_was_asked_for(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	struct snapshot_info info = {0};
	struct digest *digest;
	struct buf hex = {0};
	char want[DIGEST_HEX + 1];

	(void)state;
	sign_next(counted.repo, false, SOME);
	sign_next(counted.repo, false, CHANGES("b/c/d=new"));
	assert_int_equal(snapshot_resolve(counted.repo, "main~1", &info, &err), 0);
	assert_int_equal(sign_digest(&hex, counted.repo, &info.tree, &err), 0);
	truth(want, "main~1");
	assert_string_equal(hex.data, want);
	assert_int_equal(digest_open(&digest, "r.git/albumen-exporter.digests", &err), 0);
	assert_digest(digest, &counted, "main");
	assert_int_equal(counted.blobs + counted.trees, 0);
	digest_close(digest);
	snapshot_info_release(&info);
	buf_release(&hex);
	snapshot_close(counted.repo);
}

static void digests_of_a_commit_that_was_never_made_do_no_harm(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	(void)state;
	sign_next(repo, false, SOME);
	sign_next(repo, false, CHANGES("b/c/d=lost"));
	snapshot_close(repo);
	git_fixture_says("git -C r.git update-ref refs/heads/main main~1 && "
			 "git -C r.git -c gc.reflogExpire=now prune",
			 "");
	repo = snapshot_fixture_open();
	sign_next(repo, false, CHANGES("b/c/e=1"));
	assert_signed("main");
	snapshot_close(repo);
}

/* Asserts how many rows of the store a new snapshot with that change needs: as many objects
 * are read as are new. */
static void assert_wide(struct counted *counted, unsigned blobs,
			const char *const *change)
{
	struct digest *digest;

	snapshot_fixture_commit(counted->repo, false, FIRST_S, NULL, NULL, change);
	digest = open_kept();
	assert_digest(digest, counted, "main");
	assert_int_equal(counted->blobs, blobs);
	assert_int_equal(digest_save(digest, &err), 0);
	digest_close(digest);
}

/* Its entries are found in a list (digest_keep.h), whatever has changed in it. */
static void a_wide_folder_has_the_right_digest(void **state)
{
	struct counted counted = {.repo = snapshot_fixture_open()};
	static char text[200][16];
	const char *change[201] = {NULL};

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text[i], sizeof(text[i]), "w/%03u=%u", i, i);
		change[i] = text[i];
	}
	assert_wide(&counted, 200, change);
	assert_wide(&counted, 1, CHANGES("w/000=first"));
	assert_wide(&counted, 1, CHANGES("w/199=last"));
	assert_wide(&counted, 2, CHANGES("w/00=new", "w/2=behind"));
	/* More than are passed over in a list. */
	for (unsigned i = 0; i < 40; i++) {
		*strchr(text[i + 50], '=') = '\0';
		change[i] = text[i + 50];
	}
	change[40] = NULL;
	assert_wide(&counted, 0, change);
	assert_wide(&counted, 0, CHANGES("w/001=9", "w/009=1"));
	assert_wide(&counted, 0, CHANGES("w/010", "w/010/a=1", "w/010/b=2"));
	snapshot_close(counted.repo);
}

#define MANY 2100 /* enough for files to be used (spill.h) */

static void a_large_snapshot_is_signed(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	const char **change = xreallocarray(NULL, MANY + 1, sizeof(*change));

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		struct buf text = {0};

		buf_addf(&text, "%02x/a-name-of-some-length-%u=%u", i % 256, i, i / 2);
		change[i] = text.data;
	}
	change[MANY] = NULL;
	sign_next(repo, false, change);
	sign_next(repo, false, CHANGES("00/b=1"));
	assert_signed("main");
	snapshot_close(repo);
	for (unsigned i = 0; i < MANY; i++) {
		free((char *)(uintptr_t)change[i]);
	}
	free(change);
}

static void a_key_that_fails_commits_nothing(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info info = {0};
	struct snapshot_edit *edit;
	struct snapshot_delta delta;
	struct snapshot_id tree;
	bool same;

	(void)state;
	snapshot_fixture_commit(repo, false, FIRST_S, NULL, NULL, CHANGES("a=1"));
	assert_int_equal(snapshot_edit_begin(&edit, repo, false, &err), 0);
	sign_edit(edit, repo, "nosuch");
	snapshot_fixture_apply(edit, CHANGES("a=2"));
	assert_int_equal(snapshot_edit_build(edit, &tree, &same, &delta, &err), 0);
	assert_int_equal(snapshot_edit_commit(&edit, "s", FIRST_S, &info, &err),
			 ERR_INPUT);
	assert_null(edit);
	snapshot_close(repo);
	git_fixture_says("git -C r.git rev-list --count main; "
			 "git -C r.git count-objects -v | grep -E '^(in-pack|garbage)'",
			 "1\nin-pack: 3\ngarbage: 0");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, git_fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_digest_is_the_id_in_a_sha256_repository),
		TEST(the_empty_tree_has_the_id_that_git_gives_it),
		TEST(only_objects_that_differ_are_read),
		TEST(every_kind_of_change_gives_the_right_digest),
		TEST(what_was_saved_is_used_by_the_next_process),
		TEST(a_damaged_row_is_computed_again),
		TEST(a_store_that_is_no_store_is_made_anew),
		TEST(a_store_of_another_layout_is_made_anew),
		TEST(a_reader_changes_nothing),
		TEST(a_reader_reads_while_a_writer_adds),
		TEST(the_body_of_a_tree_is_that_of_a_sha256_repository),
		TEST(a_truncated_store_is_made_anew),
		TEST(a_submodule_is_refused),
		TEST(a_signed_snapshot_has_its_digest_in_a_trailer),
		TEST(digests_are_kept_whatever_was_asked_for),
		TEST(digests_of_a_commit_that_was_never_made_do_no_harm),
		TEST(a_wide_folder_has_the_right_digest),
		TEST(a_large_snapshot_is_signed),
		TEST(a_key_that_fails_commits_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
