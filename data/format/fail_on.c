/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/format/fail_on.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/plain.h"
#include "data/format/age.h"
#include "data/format/json_print.h"

static const char *const words[FAIL_ON_COUNT] = {
	[FAIL_ON_REJECTS] = "rejects", [FAIL_ON_UNSIGNED] = "unsigned",
	[FAIL_ON_DAMAGED] = "damaged", [FAIL_ON_FAILED] = "failed",
	[FAIL_ON_LAG] = "lag",
};

#define LAG_DEFAULT_S 60

static int unknown(const char *word, struct err *err)
{
	return err_set(err, ERR_USAGE,
		       "--fail-on '%s' is unknown; give a list of rejects, unsigned, "
		       "damaged, failed and lag=AGE, as in " FAIL_ON_DEFAULT ", or none",
		       word);
}

static int read_word(struct fail_on *out, const char *word, struct err *err)
{
	static const char lag[] = "lag=";

	if (strncmp(word, lag, strlen(lag)) == 0) {
		struct err why;

		out->what |= 1U << FAIL_ON_LAG;
		return age_read(&out->lag_s, word + strlen(lag), &why) == 0
			       ? 0
			       : err_set(err, ERR_USAGE, "--fail-on '%s': %s", word,
					 why.msg);
	}
	for (size_t i = 0; i < FAIL_ON_LAG; i++) {
		if (strcmp(word, words[i]) == 0) {
			out->what |= 1U << i;
			return 0;
		}
	}
	return unknown(word, err);
}

int fail_on_read(struct fail_on *out, const char *list, struct err *err)
{
	char *text = xstrdup(list ? list : FAIL_ON_DEFAULT), *at = text, *word;
	int rc = 0;

	*out = (struct fail_on){.lag_s = LAG_DEFAULT_S};
	if (strcmp(text, "none") != 0) {
		while (!rc && (word = strsep(&at, ","))) {
			rc = read_word(out, word, err);
		}
	}
	free(text);
	return rc;
}

void fail_on_add(struct fail_on *fail_on, enum fail_on_what what, const char *fmt, ...)
{
	struct fail_on_found *found;
	char reason[2 * sizeof(((struct err *)NULL)->msg)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	fail_on->found = xgrow(fail_on->found, fail_on->count, &fail_on->cap,
			       sizeof(*fail_on->found));
	found = &fail_on->found[fail_on->count++];
	*found = (struct fail_on_found){.what = what, .reason = xstrdup(reason)};
	fail_on->fails |= (fail_on->what & 1U << what) != 0;
}

void fail_on_print(struct buf *out, const struct fail_on *fail_on, bool json)
{
	if (json) {
		json_print_open(out, "problems", '[');
	}
	for (size_t i = 0; i < fail_on->count; i++) {
		const struct fail_on_found *found = &fail_on->found[i];
		bool fails = fail_on->what & 1U << found->what;
		struct buf plain = {0};

		plain_addstr(&plain, found->reason);
		if (json) {
			json_print_open(out, NULL, '{');
			json_print_string(out, "what", words[found->what]);
			json_print_string(out, "reason", plain.data);
			json_print_bool(out, "fails", fails);
			buf_addch(out, '}');
		} else {
			buf_addf(out, "%s: %s%s\n", words[found->what], plain.data,
				 fails ? "" : " (not in --fail-on)");
		}
		buf_release(&plain);
	}
	if (json) {
		buf_addch(out, ']');
	}
}

void fail_on_release(struct fail_on *fail_on)
{
	for (size_t i = 0; i < fail_on->count; i++) {
		free(fail_on->found[i].reason);
	}
	free(fail_on->found);
	*fail_on = (struct fail_on){0};
}
