/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/health.h"

#include "data/base/buf.h"
#include "data/format/json_print.h"
#include "exporter/lookback/when.h"

int health_write(struct place *place, const struct health *health, struct err *err)
{
	char checked[WHEN_TEXT];
	struct buf text = {0};
	int rc;

	when_format(checked, health->checked_s);
	json_print_document(&text);
	json_print_number(&text, "sequence", health->sequence);
	json_print_string(&text, "commit", health->commit->hex);
	json_print_string(&text, "checked", checked);
	buf_addstr(&text, "}\n");
	rc = place_put_beside(place, HEALTH_FILE, text.data, text.len, err);
	buf_release(&text);
	return rc;
}
