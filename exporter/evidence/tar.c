/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/tar.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"

#define BLOCK 512
#define COPY_BYTES ((size_t)1 << 20)
#define OCTAL_MAX ((uint64_t)1 << 33) /* 8 GiB, in eleven octal digits */

/* The fields of a header. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type;
	char link[100], magic[8], user[32], group[32], major[8], minor[8], prefix[155];
	char rest[12];
};

static void put_octal(char *field, size_t size, uint64_t n)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%0*llo", (int)size - 1, (unsigned long long)n);
	memcpy(field, digits, size);
}

/* A size of 8 GiB or more is binary, with the highest bit set, as GNU tar has it. */
static void put_size(char field[12], uint64_t size)
{
	if (size < OCTAL_MAX) {
		put_octal(field, 12, size);
	} else {
		field[0] = (char)0x80;
		be64_put(field + 4, size);
	}
}

static void put_bytes(struct tar *tar, const void *bytes, size_t len)
{
	if (!tar->rc) {
		tar->rc = file_write_fd(tar->fd, bytes, len, tar->name, &tar->err);
	}
}

static void put_header(struct tar *tar, const char *name, unsigned mode, uint64_t size)
{
	struct header header = {.type = '0'};
	const unsigned char *byte = (const unsigned char *)&header;
	unsigned sum = 0;
	int len = snprintf(header.name, sizeof(header.name), "%s/%s", tar->folder, name);

	_Static_assert(sizeof(header) == BLOCK, "a header is a block");
	assert(len > 0 && (size_t)len < sizeof(header.name));
	put_octal(header.mode, sizeof(header.mode), mode);
	put_octal(header.uid, sizeof(header.uid), 0);
	put_octal(header.gid, sizeof(header.gid), 0);
	put_size(header.size, size);
	put_octal(header.mtime, sizeof(header.mtime), (uint64_t)tar->time_s);
	memcpy(header.magic, "ustar\00000", sizeof(header.magic));
	/* The sum counts its own field as spaces. */
	memset(header.sum, ' ', sizeof(header.sum));
	for (size_t i = 0; i < BLOCK; i++) {
		sum += byte[i];
	}
	put_octal(header.sum, sizeof(header.sum) - 1, sum);
	put_bytes(tar, &header, BLOCK);
}

/* A file fills whole blocks. */
static void put_padding(struct tar *tar, uint64_t size)
{
	static const char zeroes[BLOCK];

	put_bytes(tar, zeroes, (size_t)(-size % BLOCK));
}

void tar_add_bytes(struct tar *tar, const char *name, unsigned mode, const void *bytes,
		   size_t len)
{
	put_header(tar, name, mode, len);
	put_bytes(tar, bytes, len);
	put_padding(tar, len);
}

static void copy(struct tar *tar, int fd, uint64_t size, const char *path)
{
	char *block = xmalloc(COPY_BYTES);

	for (uint64_t left = size; !tar->rc && left;) {
		ssize_t n = read(fd, block, left < COPY_BYTES ? left : COPY_BYTES);

		if (n > 0) {
			put_bytes(tar, block, (size_t)n);
			left -= (uint64_t)n;
		} else {
			tar->rc = n < 0 ? err_sys(&tar->err, "cannot read '%s'", path)
					: err_set(&tar->err, ERR_CHANGED,
						  "'%s' became shorter", path);
		}
	}
	free(block);
	put_padding(tar, size);
}

void tar_add_file(struct tar *tar, const char *name, unsigned mode, const char *path)
{
	struct stat st;
	int fd = -1;

	if (tar->rc) {
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		tar->rc = err_sys(&tar->err, "cannot open '%s'", path);
	} else if (!S_ISREG(st.st_mode)) {
		tar->rc =
			err_set(&tar->err, ERR_INPUT, "'%s' is not a regular file", path);
	} else {
		put_header(tar, name, mode, (uint64_t)st.st_size);
		copy(tar, fd, (uint64_t)st.st_size, path);
	}
	if (fd >= 0) {
		close(fd);
	}
}

int tar_end(struct tar *tar, struct err *err)
{
	static const char zeroes[2 * BLOCK];

	put_bytes(tar, zeroes, sizeof(zeroes));
	return tar->rc ? err_set(err, tar->rc, "%s", tar->err.msg) : 0;
}
