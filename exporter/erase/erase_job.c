/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/erase/erase_job.h"

#include <ctype.h>
#include <strings.h>

#include "data/format/name.h"

void erase_job_release(struct erase_job *job)
{
	erase_ids_release(&job->images);
	erase_ids_release(&job->tag_images);
	erase_ids_release(&job->tags);
	erase_ids_release(&job->albums);
}

/* --- is it named? --- */

#define SHORT_ID 4

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Whether `text` has the other text in it, whatever the case of letters. */
static bool has_text(const char *text, const struct buf *part)
{
	for (const char *at = text; *at; at++) {
		if (strncasecmp(at, part->data, part->len) == 0 &&
		    (part->len >= SHORT_ID ||
		     ((at == text || !is_word(at[-1])) && !is_word(at[part->len])))) {
			return true;
		}
	}
	return false;
}

static bool names_one(struct body_text *id, const struct erase_ids *ids, const char *text)
{
	struct buf part = {0};
	bool found = false;

	for (size_t i = 0; !found && i < ids->count; i++) {
		buf_clear(&part);
		buf_add(&part, ids->id[i].data, ids->id[i].len);
		found = has_text(text, &part);
		buf_clear(&part);
		name_add(&part, ids->id[i].data, ids->id[i].len);
		found = found || has_text(text, &part);
		*id = ids->id[i];
	}
	buf_release(&part);
	return found;
}

bool erase_job_names(struct body_text *id, const struct erase_job *job, const char *text)
{
	return names_one(id, &job->images, text) ||
	       names_one(id, &job->tag_images, text) || names_one(id, &job->tags, text) ||
	       names_one(id, &job->albums, text);
}
