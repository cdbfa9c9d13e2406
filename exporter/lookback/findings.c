/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/lookback/findings.h"

#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"

static struct body_text copy(struct findings *findings, const struct body_text *text)
{
	return (struct body_text){arena_text(&findings->arena, text->data, text->len),
				  text->len};
}

void findings_add(struct findings *findings, const struct finding *finding)
{
	findings->finding = xgrow(findings->finding, findings->count, &findings->cap,
				  sizeof(*findings->finding));
	findings->finding[findings->count++] = (struct finding){
		.after = finding->after,
		.id = copy(findings, &finding->id),
		.of = copy(findings, &finding->of),
		.text = copy(findings, &finding->text),
		.shown = finding->shown,
	};
}

static int compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	size_t len = a->id.len < b->id.len ? a->id.len : b->id.len;
	int order = memcmp(a->id.data, b->id.data, len);

	if (!order) {
		order = (a->id.len > b->id.len) - (a->id.len < b->id.len);
	}
	return order ? order : a->after - b->after;
}

void findings_sort(struct findings *findings)
{
	if (findings->count) {
		qsort(findings->finding, findings->count, sizeof(*findings->finding),
		      compare);
	}
}

const struct finding *findings_find(const struct findings *findings,
				    const struct body_text *id, bool after)
{
	const struct finding key = {.id = *id, .after = after};

	return findings->count ? bsearch(&key, findings->finding, findings->count,
					 sizeof(*findings->finding), compare)
			       : NULL;
}

const struct finding *findings_next(const struct findings *findings, size_t *at,
				    const struct finding **before,
				    const struct finding **after)
{
	while (*at < findings->count) {
		const struct finding *a = &findings->finding[(*at)++];
		const struct finding *b = a + 1;

		*before = a->after ? NULL : a;
		*after = a->after ? a : NULL;
		if (a->after || *at == findings->count || !b->after ||
		    !body_text_equal(&a->id, &b->id)) {
			return a;
		}
		++*at;
		*after = b;
		if (!body_text_equal(&a->text, &b->text) ||
		    !body_text_equal(&a->of, &b->of)) {
			return b;
		}
	}
	return NULL;
}

void findings_clear(struct findings *findings)
{
	findings->count = 0;
	arena_clear(&findings->arena);
}

void findings_release(struct findings *findings)
{
	free(findings->finding);
	arena_release(&findings->arena);
	*findings = (struct findings){0};
}
