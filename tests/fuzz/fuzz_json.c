/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes as JSON: what is accepted has a canonical text that is its own. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct buf canon = {0}, again = {0};
	struct json_value value = {0}, same = {0};
	struct json_object object = {0};

	if (json_read(&canon, &value, text, size) < 0) {
		if (!value.reason || value.failed_at > size || canon.len) {
			abort();
		}
		goto out;
	}
	if (value.unusable) {
		goto out;
	}
	if (json_read(&again, &same, canon.data, canon.len) < 0 || same.unusable ||
	    same.end != canon.len || same.depth != value.depth ||
	    again.len != canon.len || memcmp(again.data, canon.data, canon.len) != 0) {
		abort();
	}
	if (canon.data[0] == '{') {
		json_members(&object, canon.data, canon.len);
		json_duplicate(&object, canon.data);
		json_find(&object, canon.data, "\"id\"");
	} else if (canon.data[0] == '[') {
		json_elements(&object, canon.data, canon.len);
	} else if (canon.data[0] == '"') {
		buf_clear(&again);
		if (json_string(&again, canon.data, canon.len) == 0) {
			struct buf quoted = {0};

			json_quote(&quoted, again.data ? again.data : "", again.len);
			if (quoted.len != canon.len ||
			    memcmp(quoted.data, canon.data, canon.len) != 0) {
				abort();
			}
			buf_release(&quoted);
		}
	}
	for (size_t i = 0; i < object.count; i++) {
		if (object.member[i].value.off + object.member[i].value.len > canon.len) {
			abort();
		}
	}
out:
	json_object_release(&object);
	buf_release(&again);
	buf_release(&canon);
	return 0;
}
