/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/page/page.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include <nettle/base64.h>
#include <nettle/sha2.h>

#include "data/base/beside.h"
#include "data/format/json.h"
#include "data/format/json_print.h"
#include "exporter/git/commit.h"
#include "exporter/lookback/labels.h"
#include "exporter/snapshot/message.h"

/*
 * The page has its own Content-Security-Policy, which holds wherever the file is. It may run
 * this one script, named by its hash, and in a site the scripts of the site. (`file:`: the
 * origin of a page opened from a disk does not match 'self'.) It may show pictures from the
 * addresses in the data, which the script does only when the user asks. It may do nothing
 * else: no connections, no frames, no forms.
 */
static const char policy[] = "default-src 'none'; base-uri 'none'; form-action 'none'; "
			     "img-src data: http: https:; ";

enum { HTML, CSS, JS, PARTS };
/* The files of each part; a part with several is their texts, in this order. */
static const struct {
	int part;
	const char *name;
} file[] = {{HTML, "page.html"}, {CSS, "page.css"}, {JS, "data.js"}, {JS, "words.js"},
	    {JS, "table.js"},    {JS, "plot.js"},   {JS, "list.js"}, {JS, "page.js"}};

/* Appends 'sha256-...' of the text of an element. */
static void add_hash(struct buf *out, const struct buf *text)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	char base64[BASE64_ENCODE_RAW_LENGTH(SHA256_DIGEST_SIZE) + 1] = {0};
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, text->len, (const uint8_t *)text->data);
	sha256_digest(&ctx, sizeof(digest), digest);
	base64_encode_raw(base64, sizeof(digest), digest);
	buf_addf(out, "'sha256-%s'", base64);
}

static void add_policy(struct buf *out, enum page_form form, const struct buf *css,
		       const struct buf *js)
{
	buf_addstr(out, policy);
	buf_addstr(out, "style-src ");
	add_hash(out, css);
	buf_addstr(out, "; script-src ");
	add_hash(out, js);
	if (form == PAGE_SITE) {
		buf_addstr(out, " 'self' file:");
	}
}

int page_read(struct page *out, enum page_form form, struct err *err)
{
	struct buf path = {0}, csp = {0};
	struct buf part[PARTS] = {0};
	const struct beside_word words[] = {
		{"@POLICY@", &csp}, {"@STYLE@", &part[CSS]}, {"@SCRIPT@", &part[JS]}};
	const size_t count = sizeof(words) / sizeof(*words);
	char *data;
	int rc = beside_find(&path, "page", "page.html", err);

	*out = (struct page){0};
	for (size_t i = 0; !rc && i < sizeof(file) / sizeof(*file); i++) {
		rc = beside_read(&part[file[i].part], path.data, file[i].name, err);
	}
	if (!rc) {
		add_policy(&csp, form, &part[CSS], &part[JS]);
		data = strstr(part[HTML].data, "@DATA@");
		assert(data); /* the template is ours */
		*data = '\0';
		beside_fill(&out->text, part[HTML].data, words, count);
		out->data_at = out->text.len;
		beside_fill(&out->text, data + strlen("@DATA@"), words, count);
	}
	for (int i = 0; i < PARTS; i++) {
		buf_release(&part[i]);
	}
	buf_release(&path);
	buf_release(&csp);
	return rc;
}

void page_add_text(struct buf *out, const char *name, const char *text, size_t len)
{
	json_print_name(out, name);
	if (json_is_utf8(text, len)) {
		json_quote(out, text, len);
	} else {
		buf_addstr(out, "\"\\ufffd\"");
	}
}

void page_add_origin(struct buf *out, const char *message,
		     const struct page_signature *signature)
{
	struct buf name = {0};

	if (commit_trailer(message, MESSAGE_NAME, &name) == 0) {
		page_add_text(out, "name", name.data, name.len);
	}
	if (signature->key) {
		page_add_text(out, "key", signature->key, strlen(signature->key));
	}
	if (signature->principal) {
		page_add_text(out, "principal", signature->principal,
			      strlen(signature->principal));
	}
	buf_release(&name);
}

static void add_label(struct buf *out, const struct labels_entry *entry)
{
	char commit[SNAPSHOT_HEX + 1];

	object_hex(commit, entry->commit);
	buf_addstr(out, out->data[out->len - 1] == '[' ? "\n" : ",\n");
	json_print_open(out, NULL, '[');
	page_add_text(out, NULL, entry->name, strlen(entry->name));
	json_print_string(out, NULL, commit);
	if (entry->text) {
		page_add_text(out, NULL, entry->text, strlen(entry->text));
	}
	buf_addch(out, ']');
}

int page_add_labels(struct buf *out, struct snapshot_repo *repo, struct err *err)
{
	struct labels labels = {0};
	int rc = labels_read(&labels, repo, err);

	buf_addch(out, '[');
	for (size_t i = 0; !rc && i < labels.count; i++) {
		add_label(out, &labels.entry[i]);
	}
	for (size_t i = 0; !rc && i < labels.owns; i++) {
		add_label(out, &labels.own[i]);
	}
	buf_addch(out, ']');
	labels_release(&labels);
	return rc;
}

int64_t page_created_s(const char *created_at, size_t len)
{
	struct stamp stamp;

	if (len < 2 || stamp_read(&stamp, created_at + 1, len - 2) < 0 ||
	    stamp_is_absent(&stamp)) {
		return PAGE_NO_TIME;
	}
	return stamp_unix_s(&stamp);
}

void page_add_created(struct buf *out, const char *created_at, size_t len)
{
	int64_t time_s = page_created_s(created_at, len);

	json_print_name(out, NULL);
	if (time_s != PAGE_NO_TIME) {
		buf_addf(out, "%" PRId64, time_s);
	} else {
		buf_add(out, len ? created_at : "null", len ? len : strlen("null"));
	}
}

void page_release(struct page *page)
{
	buf_release(&page->text);
}
