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

/* The fields of a header, each with the NULs or digits that it is filled with. */
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

/* Sizes above 8 GiB are binary, with the highest bit set: GNU's form, which
 * everybody reads. */
static void put_size(char field[12], uint64_t size)
{
	if (size < OCTAL_MAX) {
		put_octal(field, 12, size);
	} else {
		field[0] = (char)0x80;
		be64_put(field + 4, size);
	}
}

static int add_header(struct tar *tar, const char *name, unsigned mode, uint64_t size,
		      struct err *err)
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
	return file_write_fd(tar->fd, &header, BLOCK, tar->name, err);
}

/* Files end at the end of a block. */
static int pad(struct tar *tar, uint64_t size, struct err *err)
{
	static const char zeroes[BLOCK];

	return file_write_fd(tar->fd, zeroes, (size_t)(-size % BLOCK), tar->name, err);
}

int tar_add_bytes(struct tar *tar, const char *name, unsigned mode, const void *bytes,
		  size_t len, struct err *err)
{
	int rc = add_header(tar, name, mode, len, err);

	if (!rc) {
		rc = file_write_fd(tar->fd, bytes, len, tar->name, err);
	}
	return rc ? rc : pad(tar, len, err);
}

static int copy(struct tar *tar, int fd, uint64_t size, const char *path, struct err *err)
{
	char *block = xmalloc(COPY_BYTES);
	uint64_t left = size;
	int rc = 0;

	while (!rc && left) {
		ssize_t n = read(fd, block, left < COPY_BYTES ? left : COPY_BYTES);

		if (n <= 0) {
			rc = n < 0 ? err_sys(err, "cannot read '%s'", path)
				   : err_set(err, ERR_CHANGED, "'%s' became shorter",
					     path);
		} else {
			rc = file_write_fd(tar->fd, block, (size_t)n, tar->name, err);
			left -= (uint64_t)n;
		}
	}
	free(block);
	return rc ? rc : pad(tar, size, err);
}

int tar_add_file(struct tar *tar, const char *name, unsigned mode, const char *path,
		 struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int rc;

	if (fd < 0) {
		return err_sys(err, "cannot open '%s'", path);
	}
	if (fstat(fd, &st) < 0) {
		rc = err_sys(err, "cannot stat '%s'", path);
	} else if (!S_ISREG(st.st_mode)) {
		rc = err_set(err, ERR_INPUT, "'%s' is not a regular file", path);
	} else {
		rc = add_header(tar, name, mode, (uint64_t)st.st_size, err);
		if (!rc) {
			rc = copy(tar, fd, (uint64_t)st.st_size, path, err);
		}
	}
	close(fd);
	return rc;
}

int tar_end(struct tar *tar, struct err *err)
{
	static const char zeroes[2 * BLOCK];

	return file_write_fd(tar->fd, zeroes, sizeof(zeroes), tar->name, err);
}
