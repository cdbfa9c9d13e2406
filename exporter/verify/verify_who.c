/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_who.h"

#include <string.h>

#include "data/base/buf.h"

/* The id of a row is the key, a NUL, the name (empty: none), and a NUL. */
static struct verify_who_row *find(struct verify_who *who, const char *key,
				   const char *principal)
{
	struct buf id = {0};
	uint32_t number;

	who->table.row_bytes = sizeof(struct verify_who_row);
	buf_add(&id, key, strlen(key) + 1);
	buf_addstr(&id, principal ? principal : "");
	buf_addch(&id, '\0');
	number = verify_table_add(&who->table, id.data, id.len);
	buf_release(&id);
	return verify_table_row(&who->table, number);
}

void verify_who_add_snapshot(struct verify_who *who, const char *key,
			     const char *principal, const struct verify_commit *commit)
{
	struct verify_who_row *row = find(who, key, principal);

	if (!row->snapshots++) {
		row->first = commit->number;
		row->first_s = commit->time_s;
	}
	row->last = commit->number;
	row->last_s = commit->time_s;
}

void verify_who_add_label(struct verify_who *who, const char *key, const char *principal)
{
	find(who, key, principal)->labels++;
}

const struct verify_who_row *verify_who_at(const struct verify_who *who, size_t at,
					   const char **key, const char **principal)
{
	size_t len;

	if (at >= who->table.count) {
		return NULL;
	}
	*key = verify_table_id(&who->table, (uint32_t)at + 1, &len);
	*principal = *key + strlen(*key) + 1;
	*principal = **principal ? *principal : NULL;
	return verify_table_row(&who->table, (uint32_t)at + 1);
}

void verify_who_release(struct verify_who *who)
{
	verify_table_release(&who->table);
}
