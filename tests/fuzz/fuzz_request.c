/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Any text as a request, as WHEN and an AGE, and as a path of a snapshot. What must hold:
 *
 * - the ids of a request are good ones, each once, and not too many;
 * - an instant that is read is printed, and read again as itself;
 * - a path that is taken has an id's name in it, and that id's file has this path, or
 *   lies in another shard; the folders on the way to it are folders of snapshots.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "data/format/age.h"
#include "data/format/name.h"
#include "data/format/record.h"
#include "exporter/lookback/request.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1795847666)

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

static void check_request(const char *text)
{
	struct request request;
	struct err err;

	if (request_read(&request, text, &err) == 0) {
		must(request.row && request.row->request);
		must(request.count <= REQUEST_IDS_MAX);
		for (size_t i = 0; i < request.count; i++) {
			const struct record_id *id = &request.id[i];

			must(!record_id_fault(id->bytes, id->len));
			must(!i || strcmp(id->bytes, request.id[i - 1].bytes) != 0);
		}
	}
	request_release(&request);
}

static void check_when(const char *text)
{
	int64_t instant = 0, again = 1, seconds = -1;
	char shown[WHEN_TEXT];
	struct err err;

	if (when_instant(&instant, text, NOW) == 0) {
		when_format(shown, instant);
		must(strlen(shown) == WHEN_TEXT - 1);
		must(when_instant(&again, shown, NOW) == 0);
		/* Other years are shown as the first or the last that has four digits. */
		must(again == instant || shown[0] == '9' ||
		     strncmp(shown, "1000-", 5) == 0);
	}
	must(age_read(&seconds, text, &err) != 0 || seconds >= 0);
}

static void check_path(const char *text)
{
	struct layout_text name;
	const struct response *row = response_parse(text, &name);
	struct buf id = {0}, path = {0}, folder = {0};

	response_fault(text, true);
	must(row || (response_fault(text, false) && !response_walk_fault(text, false)));
	must(!response_walk_fault(text, true) || response_fault(text, true));
	if (row) {
		must(name.at > text && name.len <= RECORD_NAME_MAX && !row->collected);
		if (name_to_id(&id, name.at, name.len) == 0) {
			response_snapshot_path(&path, row, id.data, id.len);
			must(path.len == strlen(text));
			/* Only the shard may be another one. */
			must(memcmp(path.data + (name.at - text), name.at,
				    strlen(name.at)) == 0);
			must(!response_fault(text, false) ==
			     (strcmp(path.data, text) == 0 &&
			      !record_id_fault(id.data, id.len)));
		}
		for (const char *slash = strchr(text, '/');
		     !response_fault(text, false) && slash;
		     slash = strchr(slash + 1, '/')) {
			buf_clear(&folder);
			buf_add(&folder, text, (size_t)(slash - text));
			must(!response_fault(folder.data, true));
		}
		buf_clear(&path);
		must((response_from_snapshot(&path, text) != NULL) ==
		     (row->request != NULL));
	}
	buf_release(&id);
	buf_release(&path);
	buf_release(&folder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmemdup0((const char *)data, size);

	check_request(text);
	check_when(text);
	check_path(text);
	free(text);
	return 0;
}
