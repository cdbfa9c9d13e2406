/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/audit/audit_print.h"

#define WRITE_BYTES (64u << 10)

void audit_print_part(FILE *out, struct buf *text)
{
	char last;

	if (text->len > WRITE_BYTES) {
		last = text->data[text->len - 1];
		fwrite(text->data, 1, text->len - 1, out);
		buf_clear(text);
		buf_addch(text, last);
	}
}

int audit_print_end(FILE *out, struct buf *text, struct err *err)
{
	fwrite(text->data, 1, text->len, out);
	buf_release(text);
	return fflush(out) || ferror(out) ? err_sys(err, "cannot write the audit") : 0;
}

void audit_print_fraction(struct buf *text, const struct audit_counts *counts)
{
	unsigned share = audit_share(counts);

	buf_addf(text, "%u.%04u", share / 10000, share % 10000);
}

const char *audit_print_counted_from(const struct audit_image *image)
{
	return image->from_created ? "created" : "observed";
}
