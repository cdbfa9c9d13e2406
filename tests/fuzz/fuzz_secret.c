/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/format/json.h"
#include "data/format/record.h"
#include "data/format/secret.h"

/*
 * Any bytes, as a record that may hold a secret. What must hold:
 *
 * - a secret stands in a string, and the reason is text for people;
 * - as a string in another record it is still one, and its quoted form too: what
 *   embeds a text hides nothing of it.
 */

static void must(int condition)
{
	if (!condition) {
		abort();
	}
}

static int holds(const char *canon, size_t len)
{
	struct secret secret = {0};

	if (!secret_find(&secret, canon, len)) {
		must(!secret.reason[0]);
		return 0;
	}
	must(secret.at < len && canon[secret.at] == '"');
	must(secret.reason[0] && strlen(secret.reason) < sizeof(secret.reason) - 1);
	must(json_is_utf8(secret.reason, strlen(secret.reason)));
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf canon = {0}, once = {0}, twice = {0};
	struct json_value value;

	if (json_read(&canon, &value, (const char *)data, size) == 0 && !value.unusable &&
	    value.depth <= RECORD_DEPTH_MAX) {
		holds(canon.data, canon.len);
	}
	if (json_is_utf8((const char *)data, size)) {
		json_quote(&once, (const char *)data, size);
		json_quote(&twice, once.data, once.len);
		if (holds(once.data, once.len)) {
			must(holds(twice.data, twice.len));
		}
	}
	buf_release(&canon);
	buf_release(&once);
	buf_release(&twice);
	return 0;
}
