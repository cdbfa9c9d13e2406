/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/git_fixture.h"

#include "data/base/err.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/unpack.h"

static struct err err;

/* Makes the pack of all objects of r.git, and opens it. */
static void open_pack(struct packindex *pack)
{
	struct buf name = {0};

	assert_int_equal(git_fixture_run(&name, "git -C r.git repack -adfq --depth=40 "
						"--window=50 && ls r.git/objects/pack | "
						"sed -n 's/\\.idx$//p'"),
			 0);
	assert_int_equal(packindex_open(pack, "r.git/objects/pack", name.data, &err), 0);
	buf_release(&name);
}

static void make_versions(void)
{
	struct buf out = {0};

	assert_int_equal(
		git_fixture_run(&out,
				"git init -q --bare r.git && cd r.git && "
				"for i in $(seq 40); do "
				"{ seq 300; echo version $i; seq $i 400; } >f; "
				"b=$(git hash-object -w f); "
				"t=$(printf '100644 blob %s\\tf\\n' $b | git mktree); "
				"c=$(git commit-tree -m $i ${c:+-p $c} $t); "
				"git update-ref refs/heads/main $c; done"),
		0);
	buf_release(&out);
}

static void every_object_of_a_pack_of_deltas_is_read(void **state)
{
	struct unpack *unpack = unpack_new();
	uint32_t *order;
	struct packindex pack;
	struct buf body = {0};
	uint32_t deltas = 0;

	(void)state;
	make_versions();
	open_pack(&pack);
	assert_int_equal(packindex_order(&order, &pack, "pack", &err), 0);
	assert_int_equal(pack.count, 120);
	/* Twice: what was kept is read as well. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < pack.count; i++) {
			struct packindex_place place = packindex_place(&pack, order, i);
			const uint8_t *want = packindex_id(&pack, place.n);
			struct object_head head;
			uint8_t id[OBJECT_ID];
			enum object_type type;

			assert_int_equal(unpack_read(&body, &type, unpack, &pack,
						     place.at, OBJECT_MAX, &err),
					 0);
			object_hash(id, type, body.data, body.len);
			assert_memory_equal(id, want, OBJECT_ID);
			assert_true(object_head_read(
				&head, packindex_bytes(&pack, &place), place.len));
			deltas += head.type > OBJECT_TAG;
		}
	}
	assert_true(deltas > 60);
	free(order);
	buf_release(&body);
	unpack_free(unpack);
	packindex_close(&pack);
}

/* A pack that is nothing but these bytes between head and end: at most two objects. */
static int read_made(const void *bytes, size_t len, size_t at)
{
	struct unpack *unpack = unpack_new();
	struct buf file = {0}, idx = {0}, body = {0};
	struct packindex pack = {0};
	enum object_type type;
	int rc;

	buf_add(&file, "PACK\0\0\0\2\0\0\0\1", 12);
	buf_add(&file, bytes, len);
	buf_add(&file, "01234567890123456789", OBJECT_ID);
	for (int i = 0; i < 2048; i++) {
		buf_addch(&idx, 0);
	}
	pack = (struct packindex){.count = 2,
				  .pack = (const uint8_t *)file.data,
				  .pack_len = file.len,
				  .idx = (const uint8_t *)idx.data,
				  .idx_len = idx.len};
	rc = unpack_read(&body, &type, unpack, &pack, at, OBJECT_MAX, &err);
	buf_release(&file);
	buf_release(&idx);
	buf_release(&body);
	unpack_free(unpack);
	return rc;
}

static void hostile_heads_are_refused(void **state)
{
	static const uint8_t endless_size[] = {0xb0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					       0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
	static const uint8_t huge_size[] = {0xbf, 0xff, 0xff, 0xff, 0xff, 0x0f, 'x'};
	static const uint8_t no_type[] = {0x05, 'x'};
	static const uint8_t type_five[] = {0x55, 'x'};
	static const uint8_t delta_of_itself[] = {0x61, 0x00, 'x'};
	static const uint8_t delta_of_before[] = {0x61, 0x7f, 'x'};
	static const uint8_t delta_endless[] = {0x61, 0xff, 0xff, 0xff, 0xff, 0xff,
						0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t delta_of_nothing[21] = {0x71, 'x'};
	static const uint8_t delta_cut[] = {0x71, 'x'};
	/* 128 MiB, in seven bytes. */
	static const uint8_t claim[] = {0xb0, 0x80, 0x80, 0x80, 0x04, 0x78, 0x01};
	static const uint8_t not_deflated[] = {0x33, 'a', 'b', 'c'};

	(void)state;
	assert_int_equal(read_made(endless_size, sizeof(endless_size), 12), ERR_INPUT);
	assert_int_equal(read_made(claim, sizeof(claim), 12), ERR_INPUT);
	assert_string_equal(err.msg, "its size is out of bounds");
	assert_int_equal(read_made(huge_size, sizeof(huge_size), 12), ERR_LARGE);
	assert_int_equal(read_made(no_type, sizeof(no_type), 12), ERR_INPUT);
	assert_int_equal(read_made(type_five, sizeof(type_five), 12), ERR_INPUT);
	assert_int_equal(read_made(delta_of_itself, sizeof(delta_of_itself), 12),
			 ERR_INPUT);
	assert_int_equal(read_made(delta_of_before, sizeof(delta_of_before), 12),
			 ERR_INPUT);
	assert_int_equal(read_made(delta_endless, sizeof(delta_endless), 12), ERR_INPUT);
	assert_int_equal(read_made(delta_of_nothing, sizeof(delta_of_nothing), 12),
			 ERR_INPUT);
	assert_int_equal(read_made(delta_cut, sizeof(delta_cut), 12), ERR_INPUT);
	assert_int_equal(read_made(not_deflated, sizeof(not_deflated), 12), ERR_INPUT);
	assert_int_equal(read_made("x", 1, 0), ERR_INPUT);
	assert_int_equal(read_made("x", 1, 13), ERR_INPUT);
	assert_int_equal(read_made("x", 1, SIZE_MAX), ERR_INPUT);
}

/* libgit2 1.5.1 never returns from such a pack. */
static void a_delta_of_itself_by_id_ends(void **state)
{
	static const uint8_t delta[] = {0x74, [21] = 0x78, 0x9c};
	struct unpack *unpack = unpack_new();
	struct buf file = {0}, idx = {0}, body = {0};
	struct packindex pack = {.count = 1};
	enum object_type type;

	(void)state;
	buf_add(&file, "PACK\0\0\0\2\0\0\0\1", 12);
	buf_add(&file, delta, sizeof(delta));
	buf_add(&file, "01234567890123456789", OBJECT_ID);
	/* The only id is all zeroes, so each of the 256 numbers is 1. */
	buf_add(&idx, "\377tOc\0\0\0\2", 8);
	for (int i = 0; i < 256; i++) {
		buf_addu32(&idx, 1);
	}
	for (int i = 0; i < OBJECT_ID + 4; i++) {
		buf_addch(&idx, 0);
	}
	buf_addu32(&idx, 12);
	buf_add(&idx, "0123456789012345678901234567890123456789", 40);
	pack.pack = (const uint8_t *)file.data;
	pack.pack_len = file.len;
	pack.idx = (const uint8_t *)idx.data;
	pack.idx_len = idx.len;
	assert_int_equal(packindex_offset(&pack, 0), 12);
	assert_int_equal(unpack_read(&body, &type, unpack, &pack, 12, OBJECT_MAX, &err),
			 ERR_INPUT);
	assert_string_equal(err.msg, "it is a delta of a delta without end");
	buf_release(&file);
	buf_release(&idx);
	buf_release(&body);
	unpack_free(unpack);
}

static size_t add_object(struct buf *out, uint8_t head, const char *more, size_t more_len,
			 const void *body, size_t len)
{
	struct object_deflater *deflater = object_deflater_new();
	struct buf packed = {0};
	size_t at = out->len + 12;

	object_pack(&packed, deflater, OBJECT_BLOB, body, len);
	assert_true(len < 16);
	buf_addch(out, (char)(head | len));
	buf_add(out, more, more_len);
	buf_add(out, packed.data + 1, packed.len - 1);
	buf_release(&packed);
	object_deflater_free(deflater);
	return at;
}

/* A delta of the blob "hello". */
static int read_delta(const void *delta, size_t len)
{
	struct buf bytes = {0};
	size_t base, at;
	char distance;
	int rc;

	base = add_object(&bytes, 0x30, "", 0, "hello", 5);
	distance = (char)(bytes.len + 12 - base);
	at = add_object(&bytes, 0x60, &distance, 1, delta, len);
	rc = read_made(bytes.data, bytes.len, at);
	buf_release(&bytes);
	return rc;
}

static void deltas_do_not_leave_their_base(void **state)
{
	(void)state;
	assert_int_equal(read_delta("\x05\x05\x90\x05", 4), 0);
	assert_int_equal(read_delta("\x05\x06\x90\x05\x01!", 6), 0);
	assert_int_equal(read_delta("\x04\x05\x90\x05", 4), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x06\x90\x06", 4), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x05\x91\x01\x05", 5), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x05\x91\x06\x01", 5), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x04\x90\x05", 4), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x06\x90\x05", 4), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x05\x90", 3), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x05\x05hel", 6), ERR_INPUT);
	assert_int_equal(read_delta("\x05\x05\x00hello", 8), ERR_INPUT);
	assert_int_equal(read_delta("\x05", 1), ERR_INPUT);
	assert_int_equal(read_delta("", 0), ERR_INPUT);
}

static void loose_objects_are_read_and_judged(void **state)
{
	struct unpack *unpack = unpack_new();
	struct buf out = {0}, body = {0};
	enum object_type type;

	(void)state;
	assert_int_equal(git_fixture_run(&out,
					 "git init -q l && cd l && "
					 "seq 100000 >big && : >empty && "
					 "ln $(git hash-object -w big | sed "
					 "'s/^../.git\\/objects\\/&\\//') ../big && "
					 "ln $(git hash-object -w empty | sed "
					 "'s/^../.git\\/objects\\/&\\//') ../none && "
					 "head -c 100 ../big >../cut"),
			 0);
	assert_int_equal(unpack_loose(&body, &type, unpack, "big", &err), 0);
	assert_int_equal(type, OBJECT_BLOB);
	assert_int_equal(body.len, 588895);
	assert_int_equal(unpack_loose(&body, &type, unpack, "none", &err), 0);
	assert_int_equal(body.len, 0);
	assert_int_equal(unpack_loose(&body, &type, unpack, "cut", &err), ERR_INPUT);
	assert_int_equal(unpack_loose(&body, &type, unpack, "absent", &err),
			 ERR_NOTFOUND);
	buf_release(&out);
	buf_release(&body);
	unpack_free(unpack);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_object_of_a_pack_of_deltas_is_read,
						git_fixture_setup, git_fixture_teardown),
		cmocka_unit_test(hostile_heads_are_refused),
		cmocka_unit_test(a_delta_of_itself_by_id_ends),
		cmocka_unit_test(deltas_do_not_leave_their_base),
		cmocka_unit_test_setup_teardown(loose_objects_are_read_and_judged,
						git_fixture_setup, git_fixture_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
