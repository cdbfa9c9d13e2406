/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/folder_fixture.h"

#include "indexer/ingest.h"

/* The steps that reading one file made: "+id" for a claim, "-line:column reason" for a
 * reject, "begin merge", "end", "drop", "withdraw". */
struct reading {
	struct ingest *ingest;
	struct batch batch;
	struct buf text;
	uint64_t claims, rejects;
	size_t greatest; /* canonical text that one batch held */
	bool brief;      /* leaves claims out of the text */
};

static void note(struct reading *r)
{
	for (size_t i = 0; i < r->batch.count; i++) {
		const struct batch_step *step = &r->batch.step[i];
		const char *text = r->batch.text.data + step->text;
		const struct record *record;

		switch (step->kind) {
		case BATCH_BEGIN:
			buf_addf(&r->text, "begin %s %s\n", text,
				 step->mode == CLAIM_REPLACE ? "replace" : "merge");
			break;
		case BATCH_CLAIM:
			record = &r->batch.record[step->index].record;
			text = r->batch.text.data + r->batch.record[step->index].text;
			assert_int_equal(text[record->text.off], '{');
			r->claims++;
			if (!r->brief) {
				buf_addf(&r->text, "+%s %s\n",
					 record_kind_name(record->kind),
					 record->id.bytes);
			}
			break;
		case BATCH_REJECT:
			r->rejects++;
			buf_addf(&r->text, "-%zu:%zu %s\n", step->line, step->column,
				 text);
			break;
		case BATCH_REJECT_SECRET:
			r->rejects++;
			buf_addf(&r->text, "-%zu:%zu secret: %s\n", step->line,
				 step->column, text);
			break;
		case BATCH_END:
			buf_addstr(&r->text, "end\n");
			break;
		case BATCH_DROP:
			buf_addstr(&r->text, "drop\n");
			break;
		case BATCH_WITHDRAW:
			buf_addf(&r->text, "withdraw %s\n", text);
			break;
		}
	}
	if (r->batch.text.len > r->greatest) {
		r->greatest = r->batch.text.len;
	}
	batch_clear(&r->batch);
}

static int read_path(struct folder_fixture *f, struct reading *r, const char *path,
		     unsigned flags)
{
	int rc;

	buf_clear(&r->text);
	r->claims = r->rejects = 0;
	r->greatest = 0;
	if (!r->ingest) {
		r->ingest = ingest_new(f->fd, &r->batch);
	}
	rc = ingest_begin(r->ingest, path, strlen(path), flags, &f->err);
	note(r);
	while (!rc && ingest_is_busy(r->ingest)) {
		ingest_more(r->ingest);
		note(r);
	}
	return rc;
}

static void release(struct reading *r)
{
	ingest_free(r->ingest);
	batch_release(&r->batch);
	buf_release(&r->text);
}

static void expect(struct folder_fixture *f, const char *path, const char *content,
		   const char *want)
{
	struct reading r = {0};

	put(f, path, content);
	assert_int_equal(read_path(f, &r, path, 0), 0);
	assert_string_equal(r.text.data, want);
	release(&r);
}

#define IMAGE(id) "{\"public_id\":\"" id "\",\"album_id\":\"x\"}"

static void a_document_is_a_record_or_an_array(void **state)
{
	struct folder_fixture *f = *state;

	expect(f, "a.json", IMAGE("a"), "begin a.json replace\n+image a\nend\n");
	expect(f, "a.json", " [ " IMAGE("a") " , " IMAGE("b") " ] \n",
	       "begin a.json replace\n+image a\n+image b\nend\n");
	expect(f, "a.json", "[]", "begin a.json replace\nend\n");
}

static void each_line_stands_alone(void **state)
{
	struct folder_fixture *f = *state;

	expect(f, "a.ndjson", IMAGE("a") "\n\n \t\r\n" IMAGE("b") "\r\n" IMAGE("c"),
	       "begin a.ndjson replace\n+image a\n+image b\n+image c\nend\n");
	expect(f, "a.jsonl", IMAGE("a") "\n{\"x\"\n" IMAGE("b") " 1\n[" IMAGE("c") "]\n",
	       "begin a.jsonl merge\n+image a\n"
	       "-2:5 the document ends inside an object\n"
	       "-3:34 text after the end of the record\n"
	       "-4:1 a record is an object\nend\n");
	expect(f, "a.ndjson", "", "begin a.ndjson replace\nend\n");
}

static void a_broken_document_is_one_reject(void **state)
{
	struct folder_fixture *f = *state;

	expect(f, "a.json", "", "begin a.json merge\n-1:1 there is no JSON value\nend\n");
	expect(f, "a.json", "[" IMAGE("a") ",\n " IMAGE("b") "\n",
	       "begin a.json merge\n-3:1 the document ends inside an array\nend\n");
	expect(f, "a.json", "[" IMAGE("a") "\n" IMAGE("b") "]",
	       "begin a.json merge\n-2:1 expected ',' or ']' after an element\nend\n");
	expect(f, "a.json", IMAGE("a") "\n" IMAGE("b"),
	       "begin a.json merge\n-2:1 text after the end of the document\nend\n");
	expect(f, "a.json", "[" IMAGE("a") ",]",
	       "begin a.json merge\n-1:35 expected a value\nend\n");
}

static void a_bad_element_is_rejected_at_the_place_of_its_fault(void **state)
{
	struct folder_fixture *f = *state;

	expect(f, "a.json",
	       "[\n" IMAGE("a") ",\n {\"album_id\":\"x\", \"public_id\" : 7}, 1]",
	       "begin a.json merge\n+image a\n"
	       "-3:19 not an image, a tag or a tag image ('public_id' is not a string); "
	       "an "
	       "image needs strings 'public_id' and 'album_id'; this object has "
	       "'album_id', 'public_id'\n"
	       "-3:37 a record is an object\nend\n");
	expect(f, "a.json", "[" IMAGE("\\ud800") "]",
	       "begin a.json merge\n-1:16 escape of half a surrogate pair, which has "
	       "no UTF-8\nend\n");
}

static void an_embedded_tag_image_is_three_claims(void **state)
{
	struct folder_fixture *f = *state;

	expect(f, "a.json",
	       "{\"id\":\"t\",\"image\":" IMAGE(
		       "i") ",\"tag\":{\"id\":\"g\",\"name\":\"n\","
			    "\"label\":\"l\"}}",
	       "begin a.json replace\n+image i\n+tag g\n+tag image t\nend\n");
}

static void what_is_no_file_is_withdrawn(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {0};
	const char *paths[] = {"none.json", "dir.json", "link.json", "fifo.json",
			       "file/x.json"};

	put(f, "file", "");
	make_dir(f, "dir.json");
	assert_int_equal(symlinkat("file", f->fd, "link.json"), 0);
	assert_int_equal(mkfifoat(f->fd, "fifo.json", 0644), 0);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct buf want = {0};

		buf_addf(&want, "withdraw %s\n", paths[i]);
		assert_int_equal(read_path(f, &r, paths[i], INGEST_WITHDRAW), 0);
		assert_string_equal(r.text.data, want.data);
		assert_true(ingest_outcome(r.ingest).withdrawn);
		buf_release(&want);
	}
	release(&r);
}

/* `count` images as the elements of an array or as lines, over a window's size. */
static void fill(struct buf *out, int count, bool lines)
{
	buf_addstr(out, lines ? "" : "[");
	for (int i = 0; i < count; i++) {
		buf_addf(out, "%s{\"public_id\":\"%d\",\"album_id\":\"x\",\"n\":%d}",
			 i == 0  ? ""
			 : lines ? "\n"
				 : ",",
			 i, i);
	}
	buf_addstr(out, lines ? "\n" : "]");
}

static void a_large_document_is_checked_before_the_first_claim(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {.brief = true};
	struct buf text = {0};

	fill(&text, 60000, false);
	put_bytes(f, "a.json", text.data, text.len);
	assert_int_equal(read_path(f, &r, "a.json", 0), 0);
	assert_string_equal(r.text.data, "begin a.json replace\nend\n");
	assert_int_equal(r.claims, 60000);
	assert_true(r.greatest < 2000000);
	put_bytes(f, "a.json", text.data, text.len - 1);
	assert_int_equal(read_path(f, &r, "a.json", 0), 0);
	assert_int_equal(r.claims, 0);
	assert_int_equal(r.rejects, 1);
	text.data[text.len - 3] = 'x';
	put_bytes(f, "a.json", text.data, text.len);
	assert_int_equal(read_path(f, &r, "a.json", 0), 0);
	assert_int_equal(r.claims, 0);
	assert_int_equal(r.rejects, 1);
	release(&r);
	buf_release(&text);
}

static void a_large_document_with_a_bad_record_is_merged(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {.brief = true};
	struct buf text = {0};

	fill(&text, 60000, false);
	text.data[3] = 'q'; /* the first has no public_id */
	put_bytes(f, "a.json", text.data, text.len);
	assert_int_equal(read_path(f, &r, "a.json", 0), 0);
	assert_int_equal(r.claims, 59999);
	assert_int_equal(r.rejects, 1);
	assert_memory_equal(r.text.data, "begin a.json merge\n-1:2 ", 24);
	release(&r);
	buf_release(&text);
}

static void a_large_ndjson_is_merged_while_it_is_read(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {.brief = true};
	struct buf text = {0};

	fill(&text, 60000, true);
	put_bytes(f, "a.ndjson", text.data, text.len);
	assert_int_equal(read_path(f, &r, "a.ndjson", 0), 0);
	assert_string_equal(r.text.data, "begin a.ndjson merge\nend\n");
	assert_int_equal(r.claims, 60000);
	assert_true(r.greatest < 2000000);
	assert_int_equal(read_path(f, &r, "a.ndjson", INGEST_REPLACE), 0);
	assert_string_equal(r.text.data, "begin a.ndjson replace\nend\n");
	assert_int_equal(r.claims, 60000);
	buf_addstr(&text, "x");
	put_bytes(f, "a.ndjson", text.data, text.len);
	assert_int_equal(read_path(f, &r, "a.ndjson", INGEST_REPLACE), 0);
	assert_int_equal(r.claims, 60000);
	assert_string_equal(
		r.text.data,
		"begin a.ndjson merge\n"
		"-60001:1 unknown word; expected true, false, null or a string\n"
		"end\n");
	release(&r);
	buf_release(&text);
}

static void values_may_lie_anywhere_in_the_window(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {.brief = true};

	/* The end of the first window falls on every byte of a record in turn, and in
	 * the middle of a number, a word and a character. */
	for (int shift = 0; shift < 60; shift++) {
		const char *record = "{\"public_id\":\"\xc3\xa9\",\"album_id\":\"x\","
				     "\"n\":123456,\"t\":true}";
		size_t space = (1u << 20) - (size_t)shift - 1;
		struct buf text = {0};

		buf_addstr(&text, "[");
		buf_grow(&text, space);
		memset(text.data + text.len, ' ', space);
		text.len += space;
		buf_addf(&text, "%s , 12345678 ,%s]  ", record, record);
		put_bytes(f, "a.json", text.data, text.len);
		assert_int_equal(read_path(f, &r, "a.json", 0), 0);
		assert_int_equal(r.claims, 2);
		assert_int_equal(r.rejects, 1);
		buf_release(&text);
	}
	release(&r);
}

/* In an array such a record is skipped, as a `.json` has an end. A line may have none. */
static void a_record_over_the_limit_is_rejected_and_ends_an_ndjson(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {0};
	struct buf text = {0}, array = {0};
	size_t size = RECORD_SIZE_MAX + 5000000;

	buf_addstr(&text, IMAGE("a") "\n{\"x\":\"");
	buf_grow(&text, size);
	memset(text.data + text.len, '"', size);
	for (size_t i = 0; i < size; i += 2) {
		text.data[text.len + i] = '\\';
	}
	text.len += size;
	buf_addstr(&text, "\"}\n" IMAGE("b") "\n");
	put_bytes(f, "a.ndjson", text.data, text.len);
	assert_int_equal(read_path(f, &r, "a.ndjson", 0), 0);
	assert_string_equal(r.text.data, "begin a.ndjson merge\n+image a\n"
					 "-2:1 record is larger than 16 MiB; the rest of "
					 "the file is not read\nend\n");
	/* The same as an array. */
	for (char *newline; (newline = memchr(text.data, '\n', text.len - 1));) {
		*newline = ',';
	}
	text.data[text.len - 1] = ']';
	buf_addstr(&array, "[");
	buf_add(&array, text.data, text.len);
	put_bytes(f, "a.json", array.data, array.len);
	assert_int_equal(read_path(f, &r, "a.json", 0), 0);
	assert_string_equal(r.text.data, "begin a.json merge\n+image a\n"
					 "-1:35 record is larger than 16 MiB\n"
					 "+image b\nend\n");
	release(&r);
	buf_release(&text);
	buf_release(&array);
}

static void a_hole_ends_an_ndjson(void **state)
{
	static const char reason[] =
		"NUL bytes: a hole, or a file that was not written to "
		"its end; the rest of the file is not read";
	struct folder_fixture *f = *state;
	/* Behind a newline, inside a record, and behind one; not so long; and beyond the
	 * first window. */
	static const struct {
		const char *before;
		size_t space, hole;
		const char *place; /* NULL: the line alone is rejected */
	} cases[] = {
		{"", 0, 4096, "2:1"},
		{"{\"public_id\":\"", 0, 4096, "2:15"},
		{IMAGE("c"), 0, 10000000, "2:33"},
		{"{\"public_id\":\"", 2000000, 4096, "2:2000015"},
		{"x", 2000000, 4096, "2:2000002"},
		{"", 0, 4095, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct reading r = {0};
		struct buf text = {0}, want = {0};

		buf_addf(&text, "%s\n%s", IMAGE("a"), cases[i].before);
		for (size_t n = 0; n < cases[i].space; n++) {
			buf_addch(&text, ' ');
		}
		for (size_t n = 0; n < cases[i].hole; n++) {
			buf_addch(&text, '\0');
		}
		buf_addstr(&text, "\n" IMAGE("b") "\n");
		put_bytes(f, "a.ndjson", text.data, text.len);
		assert_int_equal(read_path(f, &r, "a.ndjson", 0), 0);
		if (cases[i].place) {
			buf_addf(&want, "begin a.ndjson merge\n+image a\n-%s %s\nend\n",
				 cases[i].place, reason);
		} else {
			buf_addstr(&want, "begin a.ndjson merge\n+image a\n"
					  "-2:1 expected a value\n+image b\nend\n");
		}
		assert_string_equal(r.text.data, want.data);
		release(&r);
		buf_release(&text);
		buf_release(&want);
	}
}

static void a_large_file_is_only_reported_if_that_is_asked_for(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {.brief = true};
	struct buf text = {0};

	fill(&text, 250000, true);
	assert_true(text.len > INGEST_SLICE);
	for (int i = 0; i < 2; i++) {
		const char *path = i ? "a.json" : "a.ndjson";

		put_bytes(f, path, text.data, text.len);
		assert_int_equal(read_path(f, &r, path, INGEST_SMALL), 0);
		assert_true(ingest_outcome(r.ingest).large);
		assert_int_equal(r.text.len, 0);
		assert_int_equal(read_path(f, &r, path, 0), 0);
		assert_false(ingest_outcome(r.ingest).large);
		put_bytes(f, path, text.data, INGEST_SLICE);
		assert_int_equal(read_path(f, &r, path, INGEST_SMALL), 0);
		assert_false(ingest_outcome(r.ingest).large);
	}
	release(&r);
	buf_release(&text);
}

static void nesting_over_the_limit_is_rejected_alone(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {0};
	struct buf text = {0};

	for (int depth = 512; depth <= 513; depth++) {
		buf_clear(&text);
		buf_addstr(&text, "[{\"public_id\":\"a\",\"album_id\":\"x\",\"n\":");
		for (int i = 1; i < depth; i++) {
			buf_addch(&text, '[');
		}
		for (int i = 1; i < depth; i++) {
			buf_addch(&text, ']');
		}
		buf_addstr(&text, "}," IMAGE("b") "]");
		put_bytes(f, "a.json", text.data, text.len);
		assert_int_equal(read_path(f, &r, "a.json", 0), 0);
		assert_int_equal(r.claims, depth == 512 ? 2 : 1);
		assert_int_equal(r.rejects, depth == 512 ? 0 : 1);
	}
	release(&r);
	buf_release(&text);
}

static void a_file_that_changes_while_it_is_read_is_noticed(void **state)
{
	struct folder_fixture *f = *state;
	struct reading r = {.brief = true};
	struct buf text = {0};

	fill(&text, 100000, true);
	put_bytes(f, "a.ndjson", text.data, text.len);
	r.ingest = ingest_new(f->fd, &r.batch);
	assert_int_equal(ingest_begin(r.ingest, "a.ndjson", 8, 0, &f->err), 0);
	assert_true(ingest_is_busy(r.ingest));
	put_bytes(f, "a.ndjson", text.data, text.len - 1);
	while (ingest_is_busy(r.ingest)) {
		batch_clear(&r.batch);
		ingest_more(r.ingest);
		assert_int_equal(ingest_outcome(r.ingest).changed,
				 !ingest_is_busy(r.ingest));
	}
	assert_int_equal(r.batch.step[r.batch.count - 1].kind, BATCH_DROP);
	batch_clear(&r.batch);

	assert_int_equal(ingest_begin(r.ingest, "a.ndjson", 8, INGEST_UNSTEADY, &f->err),
			 0);
	put_bytes(f, "a.ndjson", text.data, text.len - 2);
	while (ingest_is_busy(r.ingest)) {
		batch_clear(&r.batch);
		ingest_more(r.ingest);
	}
	note(&r);
	assert_non_null(strstr(r.text.data, "drop\nbegin a.ndjson merge\n"
					    "-0:0 it changes while it is read\nend\n"));
	release(&r);
	buf_release(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_document_is_a_record_or_an_array),
		TEST(each_line_stands_alone),
		TEST(a_broken_document_is_one_reject),
		TEST(a_bad_element_is_rejected_at_the_place_of_its_fault),
		TEST(an_embedded_tag_image_is_three_claims),
		TEST(what_is_no_file_is_withdrawn),
		TEST(a_large_document_is_checked_before_the_first_claim),
		TEST(a_large_document_with_a_bad_record_is_merged),
		TEST(a_large_ndjson_is_merged_while_it_is_read),
		TEST(values_may_lie_anywhere_in_the_window),
		TEST(a_record_over_the_limit_is_rejected_and_ends_an_ndjson),
		TEST(a_hole_ends_an_ndjson),
		TEST(a_large_file_is_only_reported_if_that_is_asked_for),
		TEST(nesting_over_the_limit_is_rejected_alone),
		TEST(a_file_that_changes_while_it_is_read_is_noticed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
