/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Any bytes as what an S3 server sends: what is taken for a page of a listing has a key in each
 * entry, and says where the next page begins if it is not the last. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/s3/s3_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct s3_xml_page page;
	struct s3_xml_error error;

	s3_xml_error(&error, (const char *)data, size);
	if (strlen(error.code) >= sizeof(error.code)) {
		abort();
	}
	if (s3_xml_page(&page, (const char *)data, size, NULL)) {
		return 0;
	}
	for (size_t i = 0; i < page.count; i++) {
		if (!page.entry[i].key || page.entry[i].key >= page.text.len ||
		    page.entry[i].etag >= page.text.len) {
			abort();
		}
	}
	if (page.truncated && !page.text.data[page.token]) {
		abort();
	}
	return 0;
}
