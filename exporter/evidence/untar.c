/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/evidence/untar.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/base/buf.h"

#define BLOCK 512
#define SKIP_BYTES 65536
/* tar(1) fills its last record, of 10 KiB, with zeroes. */
#define END_MAX ((size_t)1 << 20)

/* Where the fields of a header are. */
#define AT_NAME 0
#define AT_SIZE 124
#define AT_SUM 148
#define AT_TYPE 156
#define AT_MAGIC 257
#define AT_PREFIX 345

static int fail(const struct untar *tar, const char *problem, struct err *err)
{
	return err_set(err, ERR_INPUT, "'%s' %s (at byte %" PRIu64 ")", tar->name,
		       problem, tar->at);
}

/* Reads all `size` bytes, or fewer at the end of the archive. */
static int fill(struct untar *tar, void *bytes, size_t size, size_t *len, struct err *err)
{
	ssize_t n = 1;

	*len = 0;
	while (*len < size && n > 0) {
		n = read(tar->fd, (char *)bytes + *len, size - *len);
		if (n < 0 && errno == EINTR) {
			n = 1;
			continue;
		}
		*len += n > 0 ? (size_t)n : 0;
	}
	tar->at += *len;
	return n < 0 ? err_sys(err, "cannot read '%s'", tar->name) : 0;
}

int untar_read(struct untar *tar, void *bytes, size_t size, size_t *len, struct err *err)
{
	char padding[BLOCK];
	size_t want = size < tar->left ? size : (size_t)tar->left, padded = 0;
	int rc = fill(tar, bytes, want, len, err);

	tar->left -= *len;
	if (!rc && *len == want && !tar->left) {
		rc = fill(tar, padding, tar->padding, &padded, err);
		want += tar->padding;
		tar->padding = 0;
	}
	return rc || *len + padded == want ? rc : fail(tar, "is cut short", err);
}

/* --- headers --- */

/* In octal digits, or binary, with the highest bit set, as GNU tar has it. */
static bool read_size(uint64_t *size, const uint8_t field[12])
{
	char digits[13] = {0}, *end;

	if (field[0] == 0x80) {
		*size = be64_get(field + 4);
		return !field[1] && !field[2] && !field[3] && *size <= INT64_MAX;
	}
	memcpy(digits, field, 12);
	*size = strtoull(digits, &end, 8);
	return *digits >= '0' && *digits <= '7' && (!*end || *end == ' ');
}

/* The sum counts its own field as spaces. */
static bool has_sum(const uint8_t *header)
{
	char digits[9] = {0};
	unsigned long sum = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : header[i];
	}
	memcpy(digits, header + AT_SUM, 8);
	return memcmp(header + AT_MAGIC, "ustar", 5) == 0 &&
	       strtoul(digits, NULL, 8) == sum;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return !len || (!bytes[0] && memcmp(bytes, bytes + 1, len - 1) == 0);
}

/* What follows the last file. */
static int check_end(struct untar *tar, struct err *err)
{
	uint8_t *rest = xmalloc(END_MAX);
	size_t len;
	int rc = fill(tar, rest, END_MAX, &len, err);

	if (!rc && (len == END_MAX || !is_zero(rest, len))) {
		rc = fail(tar, "has something behind its end", err);
	}
	free(rest);
	return rc ? rc : ERR_NOTFOUND;
}

static int read_header(struct untar *tar, const uint8_t *header, char name[UNTAR_NAME],
		       struct err *err)
{
	char type = (char)header[AT_TYPE];

	if (tar->at == BLOCK && !has_sum(header)) {
		return err_set(err, ERR_INPUT,
			       "'%s' is no tar archive, and no bundle (a compressed one "
			       "must be decompressed first)",
			       tar->name);
	}
	if (!has_sum(header) || !read_size(&tar->left, header + AT_SIZE)) {
		return fail(tar, "is damaged", err);
	}
	if ((type != '0' && type && type != '5') || (type == '5' && tar->left) ||
	    header[AT_PREFIX]) {
		return fail(tar, "has an entry that no bundle has", err);
	}
	tar->padding = (size_t)(-tar->left % BLOCK);
	memcpy(name, header + AT_NAME, UNTAR_NAME - 1);
	name[UNTAR_NAME - 1] = '\0';
	return 0;
}

/* Passes over what is left of the file. */
static int skip(struct untar *tar, struct err *err)
{
	char *block = xmalloc(SKIP_BYTES);
	size_t len = 1;
	int rc = 0;

	while (!rc && tar->left) {
		rc = untar_read(tar, block, SKIP_BYTES, &len, err);
	}
	free(block);
	return rc;
}

int untar_next(struct untar *tar, char name[UNTAR_NAME], struct err *err)
{
	uint8_t header[BLOCK];
	size_t len;
	int rc;

	do {
		rc = skip(tar, err);
		rc = rc ? rc : fill(tar, header, BLOCK, &len, err);
		if (!rc && len < BLOCK) {
			rc = fail(tar, "is cut short", err);
		} else if (!rc && is_zero(header, BLOCK)) {
			rc = check_end(tar, err);
		} else if (!rc) {
			rc = read_header(tar, header, name, err);
		}
	} while (!rc && header[AT_TYPE] == '5');
	return rc;
}
