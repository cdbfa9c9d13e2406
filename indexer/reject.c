/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/reject.h"

#include <inttypes.h>

#include "data/base/hash.h"

uint32_t reject_kind(const char *reason)
{
	struct buf kind = {0};
	char quote = '\0';
	uint32_t hash;

	for (; *reason && (quote || *reason != ';'); reason++) {
		if (quote) {
			quote = *reason == quote ? '\0' : quote;
		} else if (*reason == '\'' || *reason == '"') {
			quote = *reason;
		} else if (*reason < '0' || *reason > '9') {
			buf_addch(&kind, *reason);
		}
	}
	hash = hash_bytes(kind.len ? kind.data : "", kind.len, 0);
	buf_release(&kind);
	return hash;
}

void reject_add(struct buf *out, const char *path, size_t len, uint64_t line,
		uint64_t column, const char *reason)
{
	buf_add(out, path, len);
	if (line) {
		buf_addf(out, ":%" PRIu64 ":%" PRIu64, line, column);
	}
	buf_addf(out, ": %s", reason);
}
