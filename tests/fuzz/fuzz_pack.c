/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any two files as a pack and its index, whose checksums are made to match, and any file
 * as a loose object. Two bytes of the input are the length of the index. What must hold:
 * whatever the index says, nothing outside the files is read; the places of objects fill
 * the pack; an object is found by its id.
 */

#include <fcntl.h>
#include <nettle/sha1.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "exporter/git/pack/packindex.h"
#include "exporter/git/pack/unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char dir[] = "/dev/shm/albumen-fuzz-XXXXXX";
static struct buf pack_path, idx_path;

static void remove_dir(void)
{
	unlink(pack_path.data);
	unlink(idx_path.data);
	rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!mkdtemp(dir)) {
		return 1;
	}
	buf_addf(&pack_path, "%s/p.pack", dir);
	buf_addf(&idx_path, "%s/p.idx", dir);
	return atexit(remove_dir);
}

static void must(bool condition)
{
	if (!condition) {
		abort();
	}
}

static void write_file(const struct buf *path, const struct buf *bytes)
{
	int fd = open(path->data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, bytes->data, bytes->len) == (ssize_t)bytes->len);
	close(fd);
}

static void add_sha1(struct buf *bytes)
{
	uint8_t digest[OBJECT_ID];
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, bytes->len, (const uint8_t *)bytes->data);
	sha1_digest(&ctx, OBJECT_ID, digest);
	buf_add(bytes, digest, OBJECT_ID);
}

/* What it keeps is of the address of an index: each index has one of its own. */
#define INDEXES 4096
static struct packindex indexes[INDEXES];
static struct unpack *unpack;

static struct packindex *next_index(void)
{
	static size_t used = INDEXES;

	if (used == INDEXES) {
		unpack_free(unpack);
		unpack = unpack_new();
		used = 0;
	}
	return &indexes[used++];
}

static void read_all(const struct packindex *index)
{
	uint32_t *order = NULL;
	struct buf body = {0};
	enum object_type type;
	struct err err;

	if (packindex_order(&order, index, "p", &err) == 0) {
		size_t sum = 0;

		for (uint32_t i = 0; i < index->count; i++) {
			struct packindex_place place = packindex_place(index, order, i);
			struct packindex_place same;
			struct object_head head;
			const uint8_t *bytes = packindex_bytes(index, &place);

			if (object_head_read(&head, bytes, place.len)) {
				must(head.len <= place.len);
			}
			object_crc(bytes, place.len);
			must(packindex_place_at(&same, index, order, place.at));
			sum += place.len;
		}
		must(!index->count || sum == index->pack_len - 12 - OBJECT_ID);
	}
	for (uint32_t n = 0; n < index->count && n < 64; n++) {
		uint32_t found;

		packindex_crc(index, n);
		if (packindex_find(&found, index, packindex_id(index, n))) {
			must(memcmp(packindex_id(index, found), packindex_id(index, n),
				    OBJECT_ID) == 0);
		}
		unpack_read(&body, &type, unpack, index, packindex_offset(index, n),
			    OBJECT_MAX, &err);
	}
	unpack_loose(&body, &type, unpack, pack_path.data, &err);
	free(order);
	buf_release(&body);
}

/* A file of no such head would be refused at once. */
static void put_head(struct buf *bytes, const char *head, size_t len)
{
	if (bytes->len >= len) {
		memcpy(bytes->data, head, len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf pack = {0}, idx = {0};
	struct packindex *index = next_index();
	size_t idx_len;
	struct err err;

	if (size < 2) {
		return 0;
	}
	idx_len = (size_t)data[0] << 8 | data[1];
	idx_len = idx_len < size - 2 ? idx_len : size - 2;
	buf_add(&idx, data + 2, idx_len);
	put_head(&idx, "\377tOc\0\0\0\2", 8);
	buf_add(&pack, data + 2 + idx_len, size - 2 - idx_len);
	put_head(&pack, "PACK\0\0\0\2", 8);
	if (pack.len >= 12 && idx.len >= 8 + 1024) {
		/* The number of objects is that of the index. */
		memcpy(pack.data + 8, idx.data + 8 + 255 * 4, 4);
	}
	add_sha1(&pack);
	buf_add(&idx, pack.data + pack.len - OBJECT_ID, OBJECT_ID);
	add_sha1(&idx);
	write_file(&pack_path, &pack);
	write_file(&idx_path, &idx);
	if (packindex_open(index, dir, "p", &err) == 0) {
		read_all(index);
		packindex_close(index);
	}
	buf_release(&pack);
	buf_release(&idx);
	return 0;
}
