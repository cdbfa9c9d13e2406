/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXPORTER_BODY_WORDS_H
#define EXPORTER_BODY_WORDS_H

#include <stddef.h>

#include "data/base/buf.h"
#include "exporter/body/body.h"

/*
 * words - what records are called, for people: the label of a tag in the reader's
 * language, the title of an image.
 *
 *	char language[WORDS_LANGUAGE];
 *	struct buf text = {0};
 *
 *	words_language(language);
 *	words_tag(&text, &label, &name, language);
 *	words_quote(&line, text.data, text.len, WORDS_MAX);
 *
 * Only what is printed to a terminal for people depends on the reader's language: the text
 * forms of audit, log and diff. Snapshots, sites, bundles, JSON and CSV carry members as
 * they are written, and are the same on every machine. The audit page chooses in the
 * browser, by the same rule with navigator.language (exporter/page).
 *
 * A language is the part of a locale (or of a name such as "pt-BR") before the first of
 * `-_.@`, in lower case: "pt".
 */

#define WORDS_LANGUAGE 16 /* bytes of a language, with its NUL; longer ones are cut */
#define WORDS_MAX 80      /* bytes of a text in a line for people */
#define WORDS_LABEL_MAX 65536

/* The reader's language: that of the first of LC_ALL, LC_MESSAGES and LANG that is set and
 * not empty. "en" if none is, and for the locales C and POSIX. */
void words_language(char out[WORDS_LANGUAGE]);

/*
 * Replaces *out by what a tag is called, as UTF-8. `label` and `name` are these members of
 * the tag, canonical JSON, or absent.
 *
 * A label that is a JSON object, as text ("{\"en\":\"Crane\",\"fr\":\"Grue\"}"), stands for
 * the first non-empty string in it whose name is in `language`, else in English, else for
 * the first non-empty string of all. Any other label stands for itself; so does one of more
 * than WORDS_LABEL_MAX bytes. If that is empty, or the label absent or no string, the tag is
 * called by its name. *out is empty if that is empty, too: the id is all there is.
 */
void words_tag(struct buf *out, const struct body_text *label,
	       const struct body_text *name, const char *language);

/* What an image is called: the first of its members `title`, `filename` and
 * `infos.original_filename` that is a non-empty string, in canonical JSON, borrowed from the
 * image's text. Absent: only its id is known. */
struct body_text words_title(const struct body_object *image);

/* Appends the value of a canonical JSON string as UTF-8; one with U+0000 as JSON writes it.
 * Nothing, if it is absent or no string. */
void words_text(struct buf *out, const struct body_text *json);

/*
 * Appends a text, UTF-8 or not, in quotes, for a line for people: plain (data/base/plain.h),
 * with \" for a quote. Of more than `most` bytes the first whole characters are kept, and
 * dots follow the quotes: "Harb"...
 */
void words_quote(struct buf *out, const char *text, size_t len, size_t most);

#endif
