/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/s3/s3_url.h"

/* Parses a document and keeps the text of the elements that have only text in them. */
struct reader {
	XML_Parser parser;
	int depth;
	char name[S3_XML_DEPTH][32]; /* of the elements around; "" if it is longer */
	struct buf text;             /* in the innermost element, so far */
	/* Called at the end of each element; name[depth - 1] is its own. */
	void (*end)(struct reader *reader);
	struct s3_xml_error *error;
	struct s3_xml_page *page;
	struct s3_xml_entry entry;
	bool bad;
};

static void stop(struct reader *reader)
{
	reader->bad = true;
	XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL on_doctype(void *data, const char *name, const char *system,
			       const char *public, int internal)
{
	(void)name;
	(void)system;
	(void)public;
	(void)internal;
	stop(data);
}

static void XMLCALL on_start(void *data, const char *name, const char **attributes)
{
	struct reader *reader = data;
	size_t len = strlen(name);

	(void)attributes;
	if (reader->depth == S3_XML_DEPTH) {
		stop(reader);
		return;
	}
	len = len < sizeof(*reader->name) ? len : 0;
	memcpy(reader->name[reader->depth], name, len);
	reader->name[reader->depth++][len] = '\0';
	buf_clear(&reader->text);
}

static void XMLCALL on_text(void *data, const char *text, int len)
{
	struct reader *reader = data;

	buf_add(&reader->text, text, (size_t)len);
}

static void XMLCALL on_end(void *data, const char *name)
{
	struct reader *reader = data;

	(void)name;
	reader->end(reader);
	reader->depth--;
	buf_clear(&reader->text);
}

/* Whether the element that ends is PARENT/NAME, with `depth` elements around and itself. */
static bool is(const struct reader *reader, int depth, const char *parent,
	       const char *name)
{
	return reader->depth == depth && strcmp(reader->name[depth - 2], parent) == 0 &&
	       strcmp(reader->name[depth - 1], name) == 0;
}

static bool parse(struct reader *reader, const char *xml, size_t len)
{
	bool whole;

	reader->parser = XML_ParserCreate(NULL);
	if (!reader->parser) {
		return false;
	}
	buf_addstr(&reader->text, "");
	XML_SetUserData(reader->parser, reader);
	XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
	XML_SetElementHandler(reader->parser, on_start, on_end);
	XML_SetCharacterDataHandler(reader->parser, on_text);
	whole = XML_Parse(reader->parser, xml, (int)len, 1) == XML_STATUS_OK;
	XML_ParserFree(reader->parser);
	buf_release(&reader->text);
	return whole && !reader->bad;
}

/* --- errors -------------------------------------------------------------------------- */

static void keep(char *out, size_t size, const struct buf *text)
{
	size_t len = text->len < size ? text->len : size - 1;

	memcpy(out, text->data, len);
	out[len] = '\0';
}

static void on_error_end(struct reader *reader)
{
	struct s3_xml_error *error = reader->error;

	if (is(reader, 2, "Error", "Code")) {
		keep(error->code, sizeof(error->code), &reader->text);
	} else if (is(reader, 2, "Error", "Message")) {
		keep(error->message, sizeof(error->message), &reader->text);
	} else if (is(reader, 2, "Error", "Region")) {
		keep(error->region, sizeof(error->region), &reader->text);
	}
}

void s3_xml_error(struct s3_xml_error *out, const char *xml, size_t len)
{
	struct reader reader = {.end = on_error_end, .error = out};

	*out = (struct s3_xml_error){0};
	if (len) {
		parse(&reader, xml, len);
	}
}

/* --- listings ------------------------------------------------------------------------ */

#define RESULT "ListBucketResult"

/* Appends a string behind the others, and returns its offset. */
static size_t append(struct s3_xml_page *page, const char *text)
{
	size_t at = page->text.len;

	buf_add(&page->text, text, strlen(text) + 1);
	return at;
}

static size_t append_etag(struct s3_xml_page *page, struct buf *text)
{
	const char *etag = text->data;

	if (text->len >= 2 && *etag == '"' && etag[text->len - 1] == '"') {
		buf_setlen(text, text->len - 1);
		etag++;
	}
	return append(page, etag);
}

static void on_page_end(struct reader *reader)
{
	struct s3_xml_page *page = reader->page;
	const char *text = reader->text.data;

	if (is(reader, 3, "Contents", "Key")) {
		reader->entry.key = append(page, text);
	} else if (is(reader, 3, "Contents", "ETag")) {
		reader->entry.etag = append_etag(page, &reader->text);
	} else if (is(reader, 3, "Contents", "Size")) {
		reader->entry.size = strtoull(text, NULL, 10);
	} else if (is(reader, 2, RESULT, "Contents")) {
		page->entry =
			xgrow(page->entry, page->count, &page->cap, sizeof(*page->entry));
		page->entry[page->count++] = reader->entry;
		reader->bad = reader->bad || !reader->entry.key;
		reader->entry = (struct s3_xml_entry){0};
	} else if (is(reader, 2, RESULT, "IsTruncated")) {
		page->truncated = strcmp(text, "true") == 0;
	} else if (is(reader, 2, RESULT, "NextContinuationToken") && *text) {
		page->token = append(page, text);
	} else if (is(reader, 2, RESULT, "EncodingType")) {
		page->escaped = strcmp(text, "url") == 0;
	} else if (reader->depth == 1) {
		reader->bad = reader->bad || strcmp(reader->name[0], RESULT) != 0;
	}
}

/* Whether EncodingType stands before or behind the keys, they are unescaped at the end. */
static bool unescape(struct s3_xml_page *page)
{
	struct buf key = {0};
	bool right = true;

	for (size_t i = 0; i < page->count && page->escaped && right; i++) {
		char *old = page->text.data + page->entry[i].key;

		/* AWS writes a blank as a form does; a plus is %2B everywhere. */
		for (char *plus = old; (plus = strchr(plus, '+'));) {
			*plus = ' ';
		}
		buf_clear(&key);
		buf_addstr(&key, "");
		right = s3_url_unescape(&key, old);
		if (right) {
			memcpy(old, key.data, key.len + 1); /* it is no longer */
		}
	}
	buf_release(&key);
	return right;
}

int s3_xml_page(struct s3_xml_page *out, const char *xml, size_t len, struct err *err)
{
	struct reader reader = {.end = on_page_end, .page = out};

	buf_clear(&out->text);
	out->count = 0;
	out->token = 0;
	out->truncated = out->escaped = false;
	append(out, ""); /* so that no offset is 0, and a missing ETag is "" */
	if (!len || !parse(&reader, xml, len) || !unescape(out) ||
	    (out->truncated && !out->token)) {
		return err_set(err, ERR_FAIL, "the answer is no listing of an S3 server");
	}
	out->token = out->truncated ? out->token : 0;
	return 0;
}

void s3_xml_release(struct s3_xml_page *page)
{
	buf_release(&page->text);
	free(page->entry);
	*page = (struct s3_xml_page){0};
}
