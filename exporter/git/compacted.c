/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/git/compacted.h"

#include <string.h>

#include "data/base/buf.h"
#include "data/base/file.h"

#define RECORD "albumen-exporter.compact"

int compacted_read(struct packset *set, const char *path, struct err *err)
{
	struct buf file = {0}, text = {0};
	int rc;

	buf_addf(&file, "%s/" RECORD, path);
	rc = file_read(&text, file.data, (size_t)1 << 20, err);
	for (size_t i = 0; !rc && i < set->count; i++) {
		/* All names have one length, so none is a part of another. */
		set->pack[i].compact = text.len && strstr(text.data, set->pack[i].name);
	}
	buf_release(&file);
	buf_release(&text);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

int compacted_write(const struct packset *set, const char *path, const char *names,
		    struct err *err)
{
	struct buf file = {0}, text = {0};
	int rc;

	buf_addf(&file, "%s/" RECORD, path);
	buf_addstr(&text, names);
	for (size_t i = 0; i < set->count; i++) {
		if (set->pack[i].compact && !set->pack[i].chosen) {
			buf_addf(&text, "%s\n", set->pack[i].name);
		}
	}
	rc = file_replace(file.data, text.data, text.len, err);
	buf_release(&file);
	buf_release(&text);
	return rc;
}

int compacted_replace(struct packset *set, const char *path, const char *names,
		      struct err *err)
{
	uint64_t all = 0, compact = 0;
	int rc = compacted_read(set, path, err);

	for (size_t i = 0; i < set->count; i++) {
		if (set->pack[i].chosen) {
			all += set->pack[i].size_bytes;
			compact += set->pack[i].compact ? set->pack[i].size_bytes : 0;
		}
	}
	return rc ? rc : compacted_write(set, path, compact > all / 2 ? names : "", err);
}
