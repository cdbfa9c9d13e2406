/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any file as an archive of a bundle, whose sums are made right. What must hold: it ends, what
 * is read of its files is in it, and their names end.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* For where the fields of a header are. */
#include "exporter/evidence/untar.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
	if (!condition) {
		abort();
	}
}

/* Gives each header the sum that it has. */
static void correct(uint8_t *archive, size_t size)
{
	uint64_t file = 0;

	for (size_t at = 0; at + BLOCK <= size && file <= size;) {
		uint8_t *header = archive + at;
		unsigned sum = 0;
		char digits[8];

		if (!is_zero(header, BLOCK)) {
			memcpy(header + AT_MAGIC, "ustar", 5);
			memset(header + AT_SUM, ' ', 8);
			for (size_t i = 0; i < BLOCK; i++) {
				sum += header[i];
			}
			snprintf(digits, sizeof(digits), "%06o", sum);
			memcpy(header + AT_SUM, digits, 7);
		}
		file = 0;
		read_size(&file, header + AT_SIZE);
		at += BLOCK + (file < size ? (file + BLOCK - 1) / BLOCK * BLOCK : size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *archive = malloc(size + 1);
	struct untar tar = {.name = "archive"};
	char name[UNTAR_NAME], block[1000];
	size_t total = 0, len;
	struct err err;
	int rc;

	must(archive != NULL);
	if (size) {
		memcpy(archive, data, size);
		correct(archive, size);
	}
	tar.fd = memfd_create("archive", MFD_CLOEXEC);
	must(tar.fd >= 0 && write(tar.fd, archive, size) == (ssize_t)size &&
	     lseek(tar.fd, 0, SEEK_SET) == 0);
	while ((rc = untar_next(&tar, name, &err)) == 0) {
		must(strlen(name) < UNTAR_NAME);
		/* Some are passed over. */
		while ((size & 1) &&
		       !(rc = untar_read(&tar, block, sizeof(block), &len, &err)) &&
		       len) {
			total += len;
		}
		if (rc) {
			break;
		}
	}
	must(rc == ERR_NOTFOUND || rc == ERR_INPUT);
	must(total <= size && tar.at <= size);
	close(tar.fd);
	free(archive);
	return 0;
}
