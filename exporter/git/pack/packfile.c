/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/pack/packfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/file.h"

/*
 * A pack begins with the number of its objects and ends with the SHA-1 of everything
 * before, so hashing has to wait for the last object. A pack that fits into the buffer is
 * hashed there. A larger one is read back through the page cache, which costs less than a
 * twentieth of deflating its objects.
 */

#define BUFFER_BYTES ((size_t)256 << 10)
#define HEADER_BYTES 12
/* Write-back to the disk begins while the pack still grows. */
#define WRITEBACK_BYTES ((uint64_t)8 << 20)

struct file {
	const char *dir;
	char *pack_temp; /* NULL: not made yet, or installed */
	char *idx_temp;
	int fd;             /* the pack's, until it is sealed */
	struct buf pending; /* its bytes that are not written yet */
	uint64_t written;   /* its bytes that are */
	uint64_t writeback; /* of them, those whose write-back has begun */
	size_t from;        /* the first object in the array of entries */
	uint32_t count;
	uint8_t trailer[OBJECT_ID];
};

struct packfile {
	char *dir;
	struct file *file; /* all full and sealed but the last */
	size_t count, cap;
};

/* No offset reaches 2^31, so that an index needs no 64-bit offsets. */
static bool is_full(const struct file *file)
{
	return file->count >= PACKFILE_COUNT_MAX ||
	       file->written + file->pending.len >= PACKFILE_SIZE_MAX;
}

static int make_temp(int *fd, char **path, const char *dir, const char *prefix,
		     struct err *err)
{
	struct buf name = {0};

	/* Nobody writes it again, but the descriptor does. */
	*fd = file_make_temp(&name, dir, prefix, 0444);
	if (*fd < 0) {
		int rc = err_sys(err, "cannot make a file in '%s'", dir);

		buf_release(&name);
		return rc;
	}
	*path = name.data;
	return 0;
}

/* Only a hint, so that fsync has less to do. */
static void begin_writeback(struct file *file)
{
	sync_file_range(file->fd, (off_t)file->writeback,
			(off_t)(file->written - file->writeback), SYNC_FILE_RANGE_WRITE);
	file->writeback = file->written;
}

static int write_bytes(struct file *file, const void *bytes, size_t len, struct err *err)
{
	int rc = 0;

	if (file->fd < 0) {
		rc = make_temp(&file->fd, &file->pack_temp, file->dir, PACKFILE_TEMP_PACK,
			       err);
	}
	rc = rc ? rc : file_write_fd(file->fd, bytes, len, file->pack_temp, err);
	if (rc) {
		return rc;
	}
	file->written += len;
	if (file->written - file->writeback >= WRITEBACK_BYTES) {
		begin_writeback(file);
	}
	return 0;
}

static int write_pending(struct file *file, struct err *err)
{
	int rc = write_bytes(file, file->pending.data, file->pending.len, err);

	if (!rc) {
		buf_clear(&file->pending);
	}
	return rc;
}

/* Writes the true header, and hashes all that has been written. */
static int hash_written(struct file *file, struct sha1_ctx *ctx, const uint8_t *header,
			struct err *err)
{
	uint8_t *block = xmalloc(BUFFER_BYTES);
	uint64_t at = HEADER_BYTES;
	int rc = 0;

	if (pwrite(file->fd, header, HEADER_BYTES, 0) != HEADER_BYTES) {
		rc = err_sys(err, "cannot write '%s'", file->pack_temp);
	}
	sha1_update(ctx, HEADER_BYTES, header);
	while (!rc && at < file->written) {
		ssize_t n = pread(file->fd, block, BUFFER_BYTES, (off_t)at);

		if (n > 0) {
			sha1_update(ctx, (size_t)n, block);
			at += (uint64_t)n;
		} else if (n == 0) {
			rc = err_set(err, ERR_FAIL,
				     "'%s' was cut short while it was written",
				     file->pack_temp);
		} else if (errno != EINTR) {
			rc = err_sys(err, "cannot read '%s'", file->pack_temp);
		}
	}
	free(block);
	return rc;
}

/* Makes the file at `fd` durable, and closes it. */
static int finish(int *fd, const char *path, struct err *err)
{
	int rc = 0;

	if (fsync(*fd) < 0) {
		rc = err_sys(err, "cannot write '%s'", path);
	}
	if (close(*fd) < 0 && !rc) {
		rc = err_sys(err, "cannot write '%s'", path);
	}
	*fd = -1;
	return rc;
}

static int seal_pack(struct file *file, struct err *err)
{
	uint8_t header[HEADER_BYTES];
	struct sha1_ctx ctx;
	int rc = 0;

	memcpy(header, "PACK", 4);
	be32_put(header + 4, 2);
	be32_put(header + 8, file->count);
	sha1_init(&ctx);
	if (file->written) {
		rc = hash_written(file, &ctx, header, err);
	} else {
		memcpy(file->pending.data, header, HEADER_BYTES);
	}
	sha1_update(&ctx, file->pending.len, (const uint8_t *)file->pending.data);
	sha1_digest(&ctx, OBJECT_ID, file->trailer);
	buf_add(&file->pending, file->trailer, OBJECT_ID);
	rc = rc ? rc : write_pending(file, err);
	buf_release(&file->pending);
	if (!rc) {
		begin_writeback(file);
	}
	return rc;
}

static int compare_ids(const void *a, const void *b)
{
	const struct packfile_entry *const *left = a;
	const struct packfile_entry *const *right = b;

	return memcmp((*left)->id, (*right)->id, OBJECT_ID);
}

/* For fewer objects counting takes longer than comparing: its table is half a megabyte. */
#define COUNTING_FROM 4096

/* Ids are as good as random, so after counting by their first two bytes there is next to
 * nothing left to compare. */
static void sort_by_counting(const struct packfile_entry **sorted,
			     const struct packfile_entry *entry, size_t count)
{
	size_t *start = xzalloc((65536 + 1) * sizeof(*start));

	for (size_t i = 0; i < count; i++) {
		if (entry[i].offset != PACKFILE_NONE) {
			start[(entry[i].id[0] << 8 | entry[i].id[1]) + 1]++;
		}
	}
	for (size_t i = 0; i < 65536; i++) {
		start[i + 1] += start[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (entry[i].offset != PACKFILE_NONE) {
			sorted[start[entry[i].id[0] << 8 | entry[i].id[1]]++] = &entry[i];
		}
	}
	/* Each start has moved on to where the next one began. */
	for (size_t i = 0, from = 0; i < 65536; from = start[i++]) {
		if (start[i] - from > 1) {
			qsort(sorted + from, start[i] - from, sizeof(*sorted),
			      compare_ids);
		}
	}
	free(start);
}

/* The entries that are in the pack, by id. */
static const struct packfile_entry **sort_entries(const struct packfile_entry *entry,
						  size_t count, uint32_t packed)
{
	const struct packfile_entry **sorted =
		xreallocarray(NULL, packed, sizeof(*sorted));
	size_t found = 0;

	if (packed >= COUNTING_FROM) {
		sort_by_counting(sorted, entry, count);
		return sorted;
	}
	for (size_t i = 0; i < count; i++) {
		if (entry[i].offset != PACKFILE_NONE) {
			assert(found < packed);
			sorted[found++] = &entry[i];
		}
	}
	qsort(sorted, found, sizeof(*sorted), compare_ids);
	return sorted;
}

/* Index version 2: how many ids begin with at most 00, 01, ... ff; the ids; the CRCs; the
 * offsets; the SHA-1 of the pack, and of the index. */
static void render_idx(struct buf *out, const struct file *file,
		       const struct packfile_entry *const *sorted)
{
	struct sha1_ctx ctx;
	uint8_t digest[OBJECT_ID];
	uint32_t below = 0;

	buf_grow(out, 8 + 1024 + (size_t)file->count * (OBJECT_ID + 8) + 40);
	buf_add(out, "\377tOc", 4);
	buf_addu32(out, 2);
	for (unsigned first = 0; first < 256; first++) {
		while (below < file->count && sorted[below]->id[0] <= first) {
			below++;
		}
		buf_addu32(out, below);
	}
	for (uint32_t i = 0; i < file->count; i++) {
		buf_add(out, sorted[i]->id, OBJECT_ID);
	}
	for (uint32_t i = 0; i < file->count; i++) {
		buf_addu32(out, sorted[i]->crc);
	}
	for (uint32_t i = 0; i < file->count; i++) {
		buf_addu32(out, sorted[i]->offset);
	}
	buf_add(out, file->trailer, OBJECT_ID);
	sha1_init(&ctx);
	sha1_update(&ctx, out->len, (const uint8_t *)out->data);
	sha1_digest(&ctx, OBJECT_ID, digest);
	buf_add(out, digest, OBJECT_ID);
}

/* Completes a pack of the entries from file->from to before `to`. */
static int seal(struct file *file, const struct packfile_entry *entry, size_t to,
		struct err *err)
{
	const struct packfile_entry **sorted;
	struct buf idx = {0};
	int fd = -1;
	int rc = seal_pack(file, err);

	if (rc) {
		return rc;
	}
	/* Meanwhile the disk writes the pack. */
	sorted = sort_entries(entry + file->from, to - file->from, file->count);
	render_idx(&idx, file, sorted);
	free(sorted);
	rc = make_temp(&fd, &file->idx_temp, file->dir, PACKFILE_TEMP_IDX, err);
	rc = rc ? rc : file_write_fd(fd, idx.data, idx.len, file->idx_temp, err);
	if (!rc) {
		rc = finish(&file->fd, file->pack_temp, err);
	}
	rc = rc ? rc : finish(&fd, file->idx_temp, err);
	if (fd >= 0) {
		close(fd);
	}
	buf_release(&idx);
	return rc;
}

/* Gives a temporary file its true name. From then on it is not ours to remove. */
static int install(struct file *file, char **temp, const char *suffix, struct err *err)
{
	char hex[OBJECT_HEX + 1];
	struct buf path = {0};
	int rc = 0;

	object_hex(hex, file->trailer);
	buf_addf(&path, "%s/pack-%s.%s", file->dir, hex, suffix);
	if (rename(*temp, path.data) < 0) {
		rc = err_sys(err, "cannot rename '%s' to '%s'", *temp, path.data);
	} else {
		free(*temp);
		*temp = NULL;
	}
	buf_release(&path);
	return rc;
}

/* --- the packs --- */

void packfile_new(struct packfile **out, const char *dir)
{
	struct packfile *packs = xzalloc(sizeof(*packs));

	packs->dir = xstrdup(dir);
	*out = packs;
}

/* The last pack, if it has room for object `n`; a new one else. */
static int find_room(struct file **out, struct packfile *packs,
		     const struct packfile_entry *entry, size_t n, struct err *err)
{
	struct file *file = packs->count ? &packs->file[packs->count - 1] : NULL;
	int rc = 0;

	if (file && is_full(file)) {
		rc = seal(file, entry, n, err);
		file = NULL;
	}
	if (!rc && !file) {
		packs->file = xgrow(packs->file, packs->count, &packs->cap,
				    sizeof(*packs->file));
		file = &packs->file[packs->count++];
		*file = (struct file){.dir = packs->dir, .fd = -1, .from = n};
		buf_add(&file->pending, "PACK", 4);
		buf_addu32(&file->pending, 2);
		buf_addu32(&file->pending, 0);
	}
	*out = file;
	return rc;
}

size_t packfile_next(size_t *pack, const struct packfile *packs)
{
	const struct file *file = packs->count ? &packs->file[packs->count - 1] : NULL;

	*pack = packs->count;
	if (!file || is_full(file)) {
		return HEADER_BYTES;
	}
	*pack -= 1;
	return (size_t)file->written + file->pending.len;
}

int packfile_add(struct packfile *packs, struct packfile_entry *entry, size_t n,
		 const void *bytes, size_t len, struct err *err)
{
	struct file *file;
	int rc = find_room(&file, packs, entry, n, err);

	if (rc) {
		return rc;
	}
	entry[n].offset = (uint32_t)(file->written + file->pending.len);
	file->count++;
	if (len < BUFFER_BYTES) {
		buf_add(&file->pending, bytes, len);
		return file->pending.len < BUFFER_BYTES ? 0 : write_pending(file, err);
	}
	rc = write_pending(file, err);
	return rc ? rc : write_bytes(file, bytes, len, err);
}

int packfile_seal(struct packfile *packs, const struct packfile_entry *entry,
		  size_t count, struct buf *names, struct err *err)
{
	char hex[OBJECT_HEX + 1];
	int rc = 0;

	if (packs->count) {
		rc = seal(&packs->file[packs->count - 1], entry, count, err);
	}
	for (size_t i = 0; i < packs->count && !rc; i++) {
		object_hex(hex, packs->file[i].trailer);
		buf_addf(names, "pack-%s\n", hex);
	}
	return rc;
}

int packfile_install(struct packfile *packs, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < packs->count && !rc; i++) {
		struct file *file = &packs->file[i];

		/* git looks for indexes, so the pack comes first. */
		rc = install(file, &file->pack_temp, "pack", err);
		rc = rc ? rc : install(file, &file->idx_temp, "idx", err);
	}
	return rc || !packs->count ? rc : file_flush_folder(packs->dir, err);
}

static void discard(char *temp)
{
	if (temp) {
		unlink(temp);
		free(temp);
	}
}

void packfile_free(struct packfile *packs)
{
	for (size_t i = 0; packs && i < packs->count; i++) {
		struct file *file = &packs->file[i];

		if (file->fd >= 0) {
			close(file->fd);
		}
		discard(file->pack_temp);
		discard(file->idx_temp);
		buf_release(&file->pending);
	}
	if (packs) {
		free(packs->file);
		free(packs->dir);
		free(packs);
	}
}
