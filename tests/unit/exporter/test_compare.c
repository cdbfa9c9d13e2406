/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/site_fixture.h"

#include "data/format/json_print.h"
#include "exporter/lookback/compare.h"

#define TAG QUERY_TAG
#define ALBUM QUERY_ALBUM_OF

/* Records: images i1, i2 of the album a, tags t1, t2. */
#define I1 "{\"public_id\":\"i1\",\"album_id\":\"a\"}"
#define I1_NEW "{\"public_id\":\"i1\",\"album_id\":\"a\",\"title\":\"n\"}"
#define I1_MOVED "{\"public_id\":\"i1\",\"album_id\":\"b\"}"
#define I2 "{\"id\":\"i2\",\"public_id\":\"p\",\"album_id\":\"a\",\"x\":1.50}"
#define I2_NEW "{\"id\":\"i2\",\"public_id\":\"p\",\"album_id\":\"a\",\"x\":1.5}"
#define T1 "{\"id\":\"t1\",\"name\":\"n\",\"label\":\"Sky\"}"
#define T1_NEW "{\"id\":\"t1\",\"name\":\"n\",\"label\":\"Sea\"}"
#define T2 "{\"id\":\"t2\",\"name\":\"n\",\"label\":\"L\"}"
#define T2_NEW "{\"id\":\"t2\",\"name\":\"n\",\"label\":\"L\",\"x\":[]}"
/* Tag images k1, k2 by what they join. */
#define K(id, image, tag) "{\"id\":\"" id "\",\"image\":" image ",\"tag\":" tag "}"
#define K_OWN(id, image, tag)                                                            \
	"{\"id\":\"" id "\",\"image_id\":\"" image "\",\"tag_id\":\"" tag "\"}"
#define COUNTED(tag, count) "{\"tag\":" tag ",\"tag_images\":" count "}"
#define OF(album) "\"" album "\""

/* Of an image: its tag images and its album. */
#define IMAGE(id, album, tag_images)                                                     \
	{TAGS, id, tag_images},                                                          \
	{                                                                                \
		ALBUM, id, OF(album)                                                     \
	}

static int add_line(const struct compare_event *event, void *payload)
{
	struct buf *out = payload;

	json_print_open(out, NULL, '{');
	compare_write(out, event);
	buf_addstr(out, "}\n");
	return 0;
}

static int print_line(const struct compare_event *event, void *payload)
{
	struct buf *out = payload;

	compare_print(out, event, "en");
	buf_addch(out, '\n');
	return 0;
}

/* Compares two snapshots that have these files. */
static int compare_files(const struct file *before, const struct file *after,
			 const struct compare_scope *scope, compare_event_fn *each,
			 void *payload)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info old = {0}, new = commit(repo, after);
	struct history *history = history_new(repo);
	uint8_t from[OBJECT_ID], to[OBJECT_ID];
	int rc;

	if (before) {
		old = commit(repo, before);
		object_unhex(from, old.tree.hex);
	}
	object_unhex(to, new.tree.hex);
	rc = compare_trees(history, before ? from : NULL, to, scope, each, payload, &why);
	history_free(history);
	snapshot_info_release(&old);
	snapshot_info_release(&new);
	snapshot_close(repo);
	return rc;
}

static void gives(const struct file *before, const struct file *after,
		  const struct compare_scope *scope, compare_event_fn *each,
		  const char *expected)
{
	struct buf out = {0};

	buf_addstr(&out, "");
	succeed(compare_files(before, after, scope, each, &out));
	assert_string_equal(out.len ? out.data : "", expected);
	buf_release(&out);
}

static const struct file nothing[] = {{TAG, "t2", COUNTED(T2, "0")}, {0}};

static const struct file tagged[] = {
	{IMAGES, "a", "[" I1 "," I2 "]"},
	{UNTAG, "a", "[" I2 "]"},
	IMAGE("i1", "a", "[" K("k1", I1, T1) "]"),
	IMAGE("i2", "a", "[]"),
	{TAG, "t1", COUNTED(T1, "1")},
	{TAG, "t2", COUNTED(T2, "0")},
	{0},
};

/* i1 has got a title and a second tag, t1 another label; i2 is gone. */
static const struct file later[] = {
	{IMAGES, "a", "[" I1_NEW "]"},
	{UNTAG, "a", "[]"},
	IMAGE("i1", "a", "[" K("k1", I1_NEW, T1_NEW) "," K("k2", I1_NEW, T2_NEW) "]"),
	{TAG, "t1", COUNTED(T1_NEW, "1")},
	{TAG, "t2", COUNTED(T2_NEW, "1")},
	{0},
};

#define LATER_T1                                                                         \
	"{\"change\":\"tag_renamed\",\"tag\":\"t1\",\"members\":[{\"member\":\"label\"," \
	"\"before\":\"Sky\",\"after\":\"Sea\"}],\"record\":" T1_NEW "}\n"
#define LATER_T2                                                                         \
	"{\"change\":\"tag_changed\",\"tag\":\"t2\",\"members\":[{\"member\":\"x\","     \
	"\"after\":[]}],\"record\":" T2_NEW "}\n"
#define LATER_I1                                                                         \
	"{\"change\":\"image_changed\",\"image\":\"i1\",\"album\":\"a\",\"members\":["   \
	"{\"member\":\"title\",\"after\":\"n\"}],\"record\":" I1_NEW "}\n"
#define LATER_I2                                                                         \
	"{\"change\":\"image_disappeared\",\"image\":\"i2\",\"album\":\"a\","            \
	"\"record\":" I2 "}\n"
#define LATER_K2                                                                         \
	"{\"change\":\"tagged\",\"image\":\"i1\",\"tag_image\":\"k2\",\"tag\":\"t2\","   \
	"\"record\":" K_OWN("k2", "i1", "t2") "}\n"

static void events_come_by_kind_and_id(void **state)
{
	(void)state;
	gives(tagged, later, NULL, add_line,
	      LATER_T1 LATER_T2 LATER_I1 LATER_I2 LATER_K2);
}

static void the_reverse_comparison_gives_the_reverse_events(void **state)
{
	(void)state;
	gives(later, tagged, NULL, add_line,
	      "{\"change\":\"tag_renamed\",\"tag\":\"t1\",\"members\":[{\"member\":"
	      "\"label\",\"before\":\"Sea\",\"after\":\"Sky\"}],\"record\":" T1 "}\n"
	      "{\"change\":\"tag_changed\",\"tag\":\"t2\",\"members\":[{\"member\":"
	      "\"x\",\"before\":[]}],\"record\":" T2 "}\n"
	      "{\"change\":\"image_changed\",\"image\":\"i1\",\"album\":\"a\","
	      "\"members\":[{\"member\":\"title\",\"before\":\"n\"}],\"record\":" I1 "}\n"
	      "{\"change\":\"image_appeared\",\"image\":\"i2\",\"album\":\"a\","
	      "\"record\":" I2 "}\n"
	      "{\"change\":\"untagged\",\"image\":\"i1\",\"tag_image\":\"k2\",\"tag\":"
	      "\"t2\",\"record\":" K_OWN("k2", "i1", "t2") "}\n");
}

static void a_first_snapshot_is_compared_with_nothing(void **state)
{
	(void)state;
	gives(NULL, tagged, NULL, add_line,
	      "{\"change\":\"tag_appeared\",\"tag\":\"t1\",\"label\":\"Sky\","
	      "\"record\":" T1 "}\n"
	      "{\"change\":\"tag_appeared\",\"tag\":\"t2\",\"label\":\"L\","
	      "\"record\":" T2 "}\n"
	      "{\"change\":\"image_appeared\",\"image\":\"i1\",\"album\":\"a\","
	      "\"record\":" I1 "}\n"
	      "{\"change\":\"image_appeared\",\"image\":\"i2\",\"album\":\"a\","
	      "\"record\":" I2 "}\n"
	      "{\"change\":\"tagged\",\"image\":\"i1\",\"tag_image\":\"k1\",\"tag\":"
	      "\"t1\",\"record\":" K_OWN("k1", "i1", "t1") "}\n");
}

static void equal_snapshots_give_nothing(void **state)
{
	(void)state;
	gives(tagged, tagged, NULL, add_line, "");
	gives(nothing, nothing, NULL, add_line, "");
}

static void a_number_written_otherwise_is_a_change(void **state)
{
	static const struct file before[] = {{IMAGES, "a", "[" I2 "]"}, {0}};
	static const struct file after[] = {{IMAGES, "a", "[" I2_NEW "]"}, {0}};

	(void)state;
	gives(before, after, NULL, add_line,
	      "{\"change\":\"image_changed\",\"image\":\"i2\",\"album\":\"a\","
	      "\"members\":[{\"member\":\"x\",\"before\":1.50,\"after\":1.5}],"
	      "\"record\":" I2_NEW "}\n");
}

static void order_of_members_alone_is_a_change(void **state)
{
#define I1_TURNED "{\"album_id\":\"a\",\"public_id\":\"i1\"}"
	static const struct file before[] = {{IMAGES, "a", "[" I1 "]"}, {0}};
	static const struct file after[] = {{IMAGES, "a", "[" I1_TURNED "]"}, {0}};

	(void)state;
	gives(before, after, NULL, add_line,
	      "{\"change\":\"image_changed\",\"image\":\"i1\",\"album\":\"a\","
	      "\"members\":[],\"record\":" I1_TURNED "}\n");
	gives(before, after, NULL, print_line,
	      "image i1 in album a: the order of its members\n");
}

static void a_tag_image_with_an_image_id_of_its_own_keeps_it(void **state)
{
#define BOTH(image) "{\"image_id\":\"z\",\"id\":\"k\",\"image\":" image ",\"tag\":" T1 "}"
	static const struct file before[] = {IMAGE("i1", "a", "[]"), {0}};
	static const struct file after[] = {IMAGE("i1", "a", "[" BOTH(I1) "]"), {0}};
	static const struct file last[] = {IMAGE("i1", "a", "[" BOTH(I1_NEW) "]"), {0}};

	(void)state;
	gives(before, after, NULL, add_line,
	      "{\"change\":\"tagged\",\"image\":\"i1\",\"tag_image\":\"k\",\"tag\":"
	      "\"t1\",\"record\":{\"image_id\":\"z\",\"id\":\"k\",\"image\":\"i1\","
	      "\"tag\":\"t1\"}}\n");
	gives(after, last, NULL, add_line, "");
}

static void a_tag_with_another_name_is_renamed(void **state)
{
#define T2_NAMED "{\"id\":\"t2\",\"name\":\"m\",\"label\":\"L\"}"
	static const struct file after[] = {{TAG, "t2", COUNTED(T2_NAMED, "0")}, {0}};

	(void)state;
	gives(nothing, after, NULL, print_line,
	      "tag t2 \"L\" renamed: name \"n\" -> \"m\"\n");
}

static void a_count_alone_is_no_event(void **state)
{
	static const struct file after[] = {{TAG, "t2", COUNTED(T2, "1")}, {0}};

	(void)state;
	gives(nothing, after, NULL, add_line, "");
}

static void an_id_that_begins_another_comes_first(void **state)
{
#define PLAIN(id) "{\"public_id\":\"" id "\",\"album_id\":\"a\"}"
	static const struct file before[] = {{IMAGES, "a", "[" PLAIN("i1") "]"}, {0}};
	static const struct file after[] = {
		{IMAGES, "a", "[" PLAIN("i11") "," PLAIN("i") "]"},
		/* The tree has them in the order i, i111, i11. */
		IMAGE("i11", "a", "[" K("k2", PLAIN("i11"), T1) "]"),
		IMAGE("i111", "a", "[" K("k3", PLAIN("i111"), T1) "]"),
		IMAGE("i", "a",
		      "[" K("k11", PLAIN("i"), T1) "," K("k1", PLAIN("i"), T1) "]"),
		{0}};

	(void)state;
	gives(before, after, NULL, print_line,
	      "image i appeared in album a\n"
	      "image i1 disappeared from album a\n"
	      "image i11 appeared in album a\n"
	      "image i tagged with t1 \"Sky\" by tag image k1\n"
	      "image i tagged with t1 \"Sky\" by tag image k11\n"
	      "image i11 tagged with t1 \"Sky\" by tag image k2\n"
	      "image i111 tagged with t1 \"Sky\" by tag image k3\n");
}

/* --- scopes --- */

static void a_scope_has_the_events_about_it(void **state)
{
	const struct compare_scope t1 = {.tag = "t1"}, i1 = {.image = "i1"};
	const struct compare_scope i2 = {.image = "i2"}, a = {.album = "a"};
	const struct compare_scope b = {.album = "b"}, none = {.image = "none"};

	(void)state;
	gives(tagged, later, &t1, add_line, LATER_T1);
	gives(tagged, later, &i1, add_line, LATER_T1 LATER_T2 LATER_I1 LATER_K2);
	gives(tagged, later, &i2, add_line, LATER_I2);
	gives(tagged, later, &a, add_line, LATER_T1 LATER_T2 LATER_I1 LATER_I2 LATER_K2);
	gives(tagged, later, &b, add_line, "");
	gives(tagged, later, &none, add_line, "");
	gives(nothing, tagged, &i2, add_line,
	      "{\"change\":\"image_appeared\",\"image\":\"i2\",\"album\":\"a\","
	      "\"record\":" I2 "}\n");
	gives(NULL, later, &t1, add_line,
	      "{\"change\":\"tag_appeared\",\"tag\":\"t1\",\"label\":\"Sea\","
	      "\"record\":" T1_NEW "}\n");
}

static void a_move_is_reported_for_either_album(void **state)
{
	static const struct file before[] = {
		{IMAGES, "a", "[" I1 "," I2 "]"}, {UNTAG, "a", "[" I1 "," I2 "]"},
		IMAGE("i1", "a", "[]"),           IMAGE("i2", "a", "[]"),
		{TAG, "t1", COUNTED(T1, "0")},    {0}};
	static const struct file after[] = {
		{IMAGES, "a", "[" I2 "]"},
		{UNTAG, "a", "[" I2 "]"},
		{IMAGES, "b", "[" I1_MOVED "]"},
		{UNTAG, "b", "[]"},
		IMAGE("i1", "b", "[" K("k", I1_MOVED, T1) "]"),
		IMAGE("i2", "a", "[]"),
		{TAG, "t1", COUNTED(T1, "1")},
		{0}};
	static const char there[] =
		"{\"change\":\"image_changed\",\"image\":\"i1\",\"album\":\"b\","
		"\"members\":[{\"member\":\"album_id\",\"before\":\"a\",\"after\":\"b\"}]"
		",\"record\":" I1_MOVED "}\n"
		"{\"change\":\"tagged\",\"image\":\"i1\",\"tag_image\":\"k\",\"tag\":"
		"\"t1\",\"record\":" K_OWN("k", "i1", "t1") "}\n";
	static const char back[] =
		"{\"change\":\"image_changed\",\"image\":\"i1\",\"album\":\"a\","
		"\"members\":[{\"member\":\"album_id\",\"before\":\"b\",\"after\":\"a\"}]"
		",\"record\":" I1 "}\n"
		"{\"change\":\"untagged\",\"image\":\"i1\",\"tag_image\":\"k\",\"tag\":"
		"\"t1\",\"record\":" K_OWN("k", "i1", "t1") "}\n";
	const struct compare_scope scopes[] = {
		{0}, {.album = "a"}, {.album = "b"}, {.image = "i1"}};
	const struct compare_scope other = {.image = "i2"};

	(void)state;
	for (size_t i = 0; i < sizeof(scopes) / sizeof(*scopes); i++) {
		gives(before, after, &scopes[i], add_line, there);
		gives(after, before, &scopes[i], add_line, back);
	}
	gives(before, after, &other, add_line, "");
}

static void an_untagged_image_is_found_in_its_album(void **state)
{
	static const struct file before[] = {{IMAGES, "a", "[" I1 "," I2 "]"},
					     {UNTAG, "a", "[" I1 "," I2 "]"},
					     IMAGE("i1", "a", "[]"),
					     IMAGE("i2", "a", "[]"),
					     {0}};
	static const struct file after[] = {{IMAGES, "a", "[" I1 "," I2_NEW "]"},
					    {UNTAG, "a", "[" I1 "," I2_NEW "]"},
					    IMAGE("i1", "a", "[]"),
					    IMAGE("i2", "a", "[]"),
					    {0}};
	const struct compare_scope i1 = {.image = "i1"}, i2 = {.image = "i2"};

	(void)state;
	gives(before, after, &i1, add_line, "");
	gives(before, after, &i2, add_line,
	      "{\"change\":\"image_changed\",\"image\":\"i2\",\"album\":\"a\","
	      "\"members\":[{\"member\":\"x\",\"before\":1.50,\"after\":1.5}],"
	      "\"record\":" I2_NEW "}\n");
}

static void an_untagged_image_is_found_in_the_album_that_it_moved_to(void **state)
{
	static const struct file before[] = {
		{UNTAG, "a", "[" I1 "," I2 "]"}, IMAGE("i1", "a", "[]"), {0}};
	static const struct file after[] = {
		{UNTAG, "b", "[" I2 "," I1_MOVED "]"}, IMAGE("i1", "b", "[]"), {0}};
	const struct compare_scope i1 = {.image = "i1"};

	(void)state;
	gives(before, after, &i1, print_line,
	      "image i1 in album b: album_id \"a\" -> \"b\"\n");
}

static void an_album_among_thousands_of_changes_is_found(void **state)
{
	enum { MANY = 1200 };
	static struct file before[2 * MANY + 4], after[2 * MANY + 4];
	struct compare_scope scope = {.album = "a"};
	struct buf names = {0};

	(void)state;
	for (int i = 0; i < MANY; i++) {
		buf_addf(&names, "n%04d", i);
		buf_addch(&names, '\0');
	}
	for (size_t i = 0; i < MANY; i++) {
		const char *name = names.data + i * 6;

		before[2 * i] = (struct file){TAGS, name, "[]"};
		after[2 * i] = (struct file){TAGS, name, "[" K("k", I1, T1) "]"};
		before[2 * i + 1] = after[2 * i + 1] =
			(struct file){ALBUM, name, OF("c")};
	}
	for (size_t i = 0; i < 3; i++) {
		static const size_t which[] = {0, 2, 3}; /* the album, and i1 */

		before[2 * MANY + i] = tagged[which[i]];
		after[2 * MANY + i] = later[which[i]];
	}
	gives(before, after, &scope, add_line, LATER_I1 LATER_I2 LATER_K2);
	buf_release(&names);
}

/* --- lines for people --- */

static void each_event_is_printed_on_a_line(void **state)
{
	(void)state;
	gives(tagged, later, NULL, print_line,
	      "tag t1 \"Sea\" renamed: label \"Sky\" -> \"Sea\"\n"
	      "tag t2 \"L\" changed: x (absent) -> []\n"
	      "image i1 \"n\" in album a: title (absent) -> \"n\"\n"
	      "image i2 disappeared from album a\n"
	      "image i1 \"n\" tagged with t2 \"L\" by tag image k2\n");
	gives(nothing, tagged, NULL, print_line,
	      "tag t1 \"Sky\" appeared\n"
	      "image i1 appeared in album a\n"
	      "image i2 appeared in album a\n"
	      "image i1 tagged with t1 \"Sky\" by tag image k1\n");
}

static int print_line_in_french(const struct compare_event *event, void *payload)
{
	compare_print(payload, event, "fr");
	buf_addch(payload, '\n');
	return 0;
}

static void what_an_event_is_about_has_its_words_beside_the_id(void **state)
{
#define CRANE(name, label) "{\"id\":\"t1\",\"name\":\"" name "\",\"label\":\"" label "\"}"
#define TWO "{\\\"en\\\":\\\"Crane\\\",\\\"fr\\\":\\\"Grue\\\"}"
#define QUAY "{\"public_id\":\"i1\",\"album_id\":\"a\",\"filename\":\"q \\\"3\\\".tif\"}"
#define QUAY_NEW "{\"public_id\":\"i1\",\"album_id\":\"a\",\"title\":\"Quay \\u0026 3\"}"
#define MADE(id, more, image, tag)                                                       \
	"{\"id\":\"" id "\"," more ",\"image\":" image ",\"tag\":" tag "}"
#define ANN "\"user\":\"ann\",\"created_at\":\"2026-01-01T12:00:00+01:00\""
#define BOB "\"user\":\"Bob B\",\"created_at\":\"yesterday\""
#define NO_ONE "\"user\":7,\"created_at\":\"2026-01-01T12:00:00Z\""
	static const struct file before[] = {
		{IMAGES, "a", "[" QUAY "]"},
		IMAGE("i1", "a",
		      "[" MADE("k1", ANN, QUAY, CRANE("crane", TWO)) "," MADE(
			      "k2", NO_ONE, QUAY, CRANE("crane", TWO)) "]"),
		{TAG, "t1", COUNTED(CRANE("crane", TWO), "2")},
		{0}};
	static const struct file after[] = {
		{IMAGES, "a", "[" QUAY_NEW "]"},
		IMAGE("i1", "a",
		      "[" MADE("k1", BOB, QUAY_NEW, CRANE("crane", "")) "," MADE(
			      "k3", ANN, QUAY_NEW, CRANE("crane", "")) "]"),
		{TAG, "t1", COUNTED(CRANE("crane", ""), "2")},
		{0}};

	(void)state;
	gives(before, after, NULL, print_line_in_french,
	      "tag t1 \"crane\" renamed: label "
	      "\"{\\\"en\\\":\\\"Crane\\\",\\\"fr\\\":\\\"Grue\\\"}\" -> \"\"\n"
	      "image i1 \"Quay & 3\" in album a: filename \"q \\\"3\\\".tif\" -> "
	      "(absent), "
	      "title (absent) -> \"Quay \\u0026 3\"\n"
	      "image i1 \"Quay & 3\" tag image k1 of tag t1 \"crane\", "
	      "made by \"Bob B\": user \"ann\" -> \"Bob B\", "
	      "created_at \"2026-01-01T12:00:00+01:00\" -> \"yesterday\"\n"
	      "image i1 \"q \\\"3\\\".tif\" no longer tagged with t1 \"Grue\" "
	      "by tag image k2, made at 2026-01-01T12:00:00Z\n"
	      "image i1 \"Quay & 3\" tagged with t1 \"crane\" by tag image k3, "
	      "made by ann at 2026-01-01T12:00:00+01:00\n");
}

static void long_values_are_cut_between_characters(void **state)
{
#define TEN "0123456789"
#define LONG TEN TEN TEN TEN TEN TEN TEN "01234567"
	static const struct file after[] = {
		{TAG, "t2",
		 COUNTED("{\"id\":\"t2\",\"name\":\"" LONG "\xc3\xa9\",\"label\":\"L\"}",
			 "0")},
		{0}};

	(void)state;
	gives(nothing, after, NULL, print_line,
	      "tag t2 \"L\" renamed: name \"n\" -> \"" LONG "...\n");
}

static void control_characters_are_escaped(void **state)
{
	static const struct file before[] = {{TAG, "x\x7fy z", COUNTED(T1, "0")}, {0}};
	static const struct file after[] = {
		{TAG, "x\x7fy z",
		 COUNTED("{\"id\":\"t1\",\"\xc2\x9b\":\"\x7f\",\"label\":\"\"}", "0")},
		{0}};

	(void)state;
	gives(before, after, NULL, print_line,
	      "tag \"x\\u007fy z\" renamed: name \"n\" -> (absent), label \"Sky\" -> "
	      "\"\", \"\\u009b\" (absent) -> \"\\u007f\"\n");
}

/* --- damage --- */

static void damaged_files_are_refused_by_name(void **state)
{
	static const struct file bad[][2] = {
		{{IMAGES, "a", ""}, {0}},
		{{IMAGES, "a", "["}, {0}},
		{{IMAGES, "a", "[]\n"}, {0}},
		{{IMAGES, "a", "[1]"}, {0}},
		{{IMAGES, "a", "[{}]"}, {0}},
		{{IMAGES, "a", "[ " I1 "]"}, {0}},
		{{IMAGES, "a", "[{\"public_id\":1}]"}, {0}},
		{{IMAGES, "a", "[{\"id\":\"\"}]"}, {0}},
		{{IMAGES, "a", "[{\"id\":\"\\u0000\"}]"}, {0}},
		{{TAGS, "i", "{}"}, {0}},
		{{TAGS, "i", "[{\"id\":\"k\"}]"}, {0}},
		{{TAGS, "i", "[{\"id\":\"k\",\"image\":1,\"tag\":{\"id\":\"t\"}}]"}, {0}},
		{{TAGS, "i", "[{\"id\":\"k\",\"image\":{},\"tag\":{\"id\":\"t\"}}]"},
		 {0}},
		{{TAGS, "i", "[{\"image\":" I1 ",\"tag\":" T1 "}]"}, {0}},
		{{TAG, "t", "[]"}, {0}},
		{{TAG, "t", "{}"}, {0}},
		{{TAG, "t", "{\"tag\":1}"}, {0}},
		{{TAG, "t", "{\"tag\":{},}"}, {0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct buf out = {0}, path = {0};

		assert_int_equal(compare_files(nothing, bad[i], NULL, add_line, &out),
				 ERR_INPUT);
		response_snapshot_path(&path, response_of(bad[i]->kind), bad[i]->id,
				       strlen(bad[i]->id));
		assert_non_null(strstr(why.msg, path.data));
		buf_release(&out);
		buf_release(&path);
	}
}

static void files_that_contradict_each_other_are_refused(void **state)
{
	static const struct file lost[] = {
		IMAGE("i", "a", "[]"), {UNTAG, "a", "[]"}, {0}};
	static const struct file odd[] = {{TAGS, "i", "[]"}, {ALBUM, "i", "[]"}, {0}};
	static const struct file here[] = {
		{IMAGES, "a", "[" I1 "]"}, IMAGE("i1", "a", "[]"), {0}};
	static const struct file gone[] = {
		{IMAGES, "a", "[" I2 "]"}, IMAGE("i1", "b", "[]"), {0}};
	const struct compare_scope album = {.album = "a"};
	const struct compare_scope scope = {.image = "i"};
	struct buf out = {0};

	(void)state;
	assert_int_equal(compare_files(nothing, lost, &scope, add_line, &out), ERR_INPUT);
	assert_int_equal(compare_files(nothing, odd, &scope, add_line, &out), ERR_INPUT);
	assert_int_equal(compare_files(here, gone, &album, add_line, &out), ERR_INPUT);
	buf_release(&out);
}

/* A snapshot of an older albumen has no files that name an image's album. */
static void an_image_without_its_album_is_refused(void **state)
{
	static const struct file before[] = {{IMAGES, "a", "[" I1 "]"},
					     {TAGS, "i1", "[]"},
					     {TAG, "t1", COUNTED(T1, "0")},
					     {0}};
	static const struct file after[] = {{IMAGES, "a", "[" I1 "]"},
					    {TAGS, "i1", "[" K("k", I1, T1) "]"},
					    {TAG, "t1", COUNTED(T1, "1")},
					    {0}};
	static const struct file named[] = {{IMAGES, "a", "[" I1 "]"},
					    IMAGE("i1", "a", "[" K("k", I1, T1) "]"),
					    {TAG, "t1", COUNTED(T1, "1")},
					    {0}};
	static const struct file moved[] = {{IMAGES, "b", "[" I1_MOVED "]"},
					    {TAGS, "i1", "[" K("k", I1_MOVED, T1) "]"},
					    {TAG, "t1", COUNTED(T1, "1")},
					    {0}};
	const struct compare_scope album = {.album = "a"}, image = {.image = "i1"};
	const struct {
		const struct file *before, *after;
		const struct compare_scope *scope;
	} refused[] = {{before, after, &image}, {before, named, &image},
		       {named, before, &image}, {after, named, &image},
		       {before, moved, &album}, {moved, before, &album}};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct buf out = {0};

		assert_int_equal(compare_files(refused[i].before, refused[i].after,
					       refused[i].scope, add_line, &out),
				 ERR_INPUT);
		assert_non_null(strstr(why.msg, "which album image 'i1' lies in"));
		buf_release(&out);
	}
	/* An album's own list says that it has the image. */
	gives(before, named, &album, print_line,
	      "image i1 tagged with t1 \"Sky\" by tag image k\n");
}

static int stop_at_once(const struct compare_event *event, void *payload)
{
	(void)event;
	++*(int *)payload;
	return 7;
}

static void a_callback_ends_it(void **state)
{
	int calls = 0;

	(void)state;
	assert_int_equal(compare_files(tagged, later, NULL, stop_at_once, &calls), 7);
	assert_int_equal(calls, 1);
}

static void other_files_are_ignored(void **state)
{
	struct snapshot_repo *repo = open_repo("repo");
	struct snapshot_info old = commit(repo, tagged);
	struct snapshot_info new = commit_with(repo, tagged, "audit/other.json", "m\n");
	struct history *history = history_new(repo);
	uint8_t from[OBJECT_ID], to[OBJECT_ID];
	int calls = 0;

	(void)state;
	object_unhex(from, old.tree.hex);
	object_unhex(to, new.tree.hex);
	succeed(compare_trees(history, from, to, NULL, stop_at_once, &calls, &why));
	assert_int_equal(calls, 0);
	history_free(history);
	snapshot_info_release(&old);
	snapshot_info_release(&new);
	snapshot_close(repo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_come_by_kind_and_id),
		TEST(the_reverse_comparison_gives_the_reverse_events),
		TEST(a_first_snapshot_is_compared_with_nothing),
		TEST(equal_snapshots_give_nothing),
		TEST(a_number_written_otherwise_is_a_change),
		TEST(order_of_members_alone_is_a_change),
		TEST(a_tag_image_with_an_image_id_of_its_own_keeps_it),
		TEST(a_tag_with_another_name_is_renamed),
		TEST(a_count_alone_is_no_event),
		TEST(an_id_that_begins_another_comes_first),
		TEST(a_scope_has_the_events_about_it),
		TEST(a_move_is_reported_for_either_album),
		TEST(an_untagged_image_is_found_in_its_album),
		TEST(an_untagged_image_is_found_in_the_album_that_it_moved_to),
		TEST(an_album_among_thousands_of_changes_is_found),
		TEST(each_event_is_printed_on_a_line),
		TEST(what_an_event_is_about_has_its_words_beside_the_id),
		TEST(long_values_are_cut_between_characters),
		TEST(control_characters_are_escaped),
		TEST(damaged_files_are_refused_by_name),
		TEST(files_that_contradict_each_other_are_refused),
		TEST(an_image_without_its_album_is_refused),
		TEST(a_callback_ends_it),
		TEST(other_files_are_ignored),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
