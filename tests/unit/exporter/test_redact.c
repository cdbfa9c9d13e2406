/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exporter/snapshot/redact.h"

static struct redact *make(const char *const *paths, long long round_gps)
{
	struct redact *redact = NULL;
	struct err err = {0};
	size_t count = 0;

	while (paths && paths[count]) {
		count++;
	}
	assert_int_equal(redact_new(&redact, paths, count, round_gps, &err), 0);
	return redact;
}

static void check_with(struct redact *redact, enum query_response kind, const char *body,
		       const char *want)
{
	struct redact_matched matched = {0};
	struct buf out = {0};

	redact_body(redact, &matched, &out, kind, body, strlen(body));
	assert_string_equal(out.data, want);
	buf_release(&out);
	redact_free(redact);
}

/* One path, on the images of an album. */
static void check_drop(const char *path, const char *body, const char *want)
{
	const char *const paths[] = {path, NULL};

	check_with(make(paths, -1), QUERY_IMAGES, body, want);
}

static void check_round(const char *number, long long decimals, const char *want)
{
	struct buf body = {0}, rounded = {0};

	buf_addf(&body, "[{\"gps\":%s}]", number);
	buf_addf(&rounded, "[{\"gps\":%s}]", want);
	check_with(make(NULL, decimals), QUERY_IMAGES, body.data, rounded.data);
	buf_release(&body);
	buf_release(&rounded);
}

static void a_member_is_left_out_with_one_comma(void **state)
{
	(void)state;
	check_drop("a", "[]", "[]");
	check_drop("a", "[{}]", "[{}]");
	check_drop("a", "[{\"a\":1}]", "[{}]");
	check_drop("a", "[{\"a\":1,\"b\":2}]", "[{\"b\":2}]");
	check_drop("a", "[{\"b\":2,\"a\":1}]", "[{\"b\":2}]");
	check_drop("a", "[{\"b\":2,\"a\":[1,{\"x\":\"},]\"}],\"c\":3}]",
		   "[{\"b\":2,\"c\":3}]");
	check_drop("a", "[{\"a\":1,\"a\":2},{\"a\":1,\"b\":2,\"a\":3,\"c\":4,\"a\":5}]",
		   "[{},{\"b\":2,\"c\":4}]");
	check_drop("a", "[{\"b\":\"a\",\"ab\":1},{\"c\":{\"a\":1}}]",
		   "[{\"b\":\"a\",\"ab\":1},{\"c\":{\"a\":1}}]");
}

static void a_path_leads_into_objects_and_the_elements_of_arrays(void **state)
{
	(void)state;
	check_drop("a.b", "[{\"a\":{\"b\":1,\"c\":2},\"b\":3}]",
		   "[{\"a\":{\"c\":2},\"b\":3}]");
	check_drop("a.b", "[{\"a\":[{\"b\":1},[{\"b\":2,\"c\":3}],4]}]",
		   "[{\"a\":[{},[{\"c\":3}],4]}]");
	check_drop("a.b.c", "[{\"a\":{\"b\":{\"c\":1}},\"b\":{\"c\":1}}]",
		   "[{\"a\":{\"b\":{}},\"b\":{\"c\":1}}]");
	check_drop("a.b", "[{\"a\":\"b\"}]", "[{\"a\":\"b\"}]");
}

static void names_are_compared_in_canonical_text(void **state)
{
	(void)state;
	check_drop("caf\xc3\xa9 & <b>",
		   "[{\"caf\xc3\xa9 \\u0026 \\u003cb\\u003e\":1,\"x\":2}]",
		   "[{\"x\":2}]");
	check_drop("a\"b", "[{\"a\\\"b\":1,\"a\":2}]", "[{\"a\":2}]");
}

static void several_paths_are_left_out_at_once(void **state)
{
	static const char *const paths[] = {"a", "b.c", "b.d", "e", NULL};

	(void)state;
	check_with(make(paths, -1), QUERY_UNTAGGED,
		   "[{\"a\":1,\"b\":{\"c\":1,\"d\":2,\"f\":3},\"e\":{\"a\":1}}]",
		   "[{\"b\":{\"f\":3}}]");
}

#define TAG_IMAGE                                                                        \
	"[{\"id\":\"t\",\"x\":1,\"image\":{\"x\":2,\"image\":{\"x\":3}},"                \
	"\"tag\":{\"x\":4,\"y\":{\"x\":5}},\"other\":{\"x\":6}}]"

static void a_path_starts_at_the_top_of_every_record(void **state)
{
	static const char *const all[] = {"x", NULL}, *const images[] = {"image.x", NULL},
				 *const tags[] = {"tag.x", NULL},
				 *const both[] = {"image.x", "tag.y.x", NULL};

	(void)state;
	check_with(make(all, -1), QUERY_TAG_IMAGES, TAG_IMAGE,
		   "[{\"id\":\"t\",\"image\":{\"image\":{\"x\":3}},"
		   "\"tag\":{\"y\":{\"x\":5}},\"other\":{\"x\":6}}]");
	check_with(make(images, -1), QUERY_TAG_IMAGES, TAG_IMAGE,
		   "[{\"id\":\"t\",\"x\":1,\"image\":{\"image\":{\"x\":3}},"
		   "\"tag\":{\"x\":4,\"y\":{\"x\":5}},\"other\":{\"x\":6}}]");
	check_with(make(tags, -1), QUERY_TAG_IMAGES, TAG_IMAGE,
		   "[{\"id\":\"t\",\"x\":1,\"image\":{\"x\":2,\"image\":{\"x\":3}},"
		   "\"tag\":{\"y\":{\"x\":5}},\"other\":{\"x\":6}}]");
	check_with(make(both, -1), QUERY_TAG_IMAGES, TAG_IMAGE,
		   "[{\"id\":\"t\",\"x\":1,\"image\":{\"image\":{\"x\":3}},"
		   "\"tag\":{\"x\":4,\"y\":{}},\"other\":{\"x\":6}}]");
	check_with(make(images, -1), QUERY_IMAGES,
		   "[{\"x\":1,\"image\":{\"x\":2},\"tag\":{\"x\":3}}]",
		   "[{\"image\":{\"x\":2},\"tag\":{\"x\":3}}]");
	check_with(make(tags, -1), QUERY_IMAGES, "[{\"x\":1,\"tag\":{\"x\":3}}]",
		   "[{\"x\":1,\"tag\":{\"x\":3}}]");
	check_with(make(all, -1), QUERY_TAG,
		   "{\"tag\":{\"x\":1,\"y\":2},\"tag_images\":3}",
		   "{\"tag\":{\"y\":2},\"tag_images\":3}");
	check_with(make(tags, -1), QUERY_TAG,
		   "{\"tag\":{\"tag\":{\"x\":1}},\"tag_images\":3}",
		   "{\"tag\":{\"tag\":{\"x\":1}},\"tag_images\":3}");
	check_with(make(all, 0), QUERY_ALBUM_OF, "\"x\"", "\"x\"");
}

static void only_places_are_rounded_at_any_depth(void **state)
{
	(void)state;
	check_with(
		make(NULL, 2), QUERY_TAG_IMAGES,
		"[{\"gps\":[1.234,-5.675],\"image\":{\"gps_ip\":null,\"gps_html\":[0.001,"
		"\"1.234\"],\"infos\":{\"location\":{\"accuracy\":1.234,\"latitude\":"
		"1.235,\"longitude\":2.5}}},\"tag\":{\"gps_x\":[1.234]},\"crop\":1.234}]",
		"[{\"gps\":[1.23,-5.68],\"image\":{\"gps_ip\":null,\"gps_html\":[0.00,"
		"\"1.23\"],\"infos\":{\"location\":{\"accuracy\":1.234,\"latitude\":"
		"1.24,\"longitude\":2.5}}},\"tag\":{\"gps_x\":[1.23]},\"crop\":1.234}]");
}

static void places_are_known_by_name_in_any_case(void **state)
{
	static const char *const yes[] = {
		"gps",         "GPS",        "Gps",        "lat",      "LAT",
		"lng",         "lon",        "Latitude",   "latitude", "LONGITUDE",
		"longitude",   "gps_ip",     "gpS",        "gpsPlace", "gps ",
		"GPSLatitude", "GPS_x\\\"y", "gps\\u0000", "gps.",     "GPSInfo",
		"gPs\xc3\xa9"};
	static const char *const no[] = {"",
					 "g",
					 "gp",
					 "lats",
					 "la",
					 "latitud",
					 "lons",
					 "long",
					 "latitudes",
					 "xgps",
					 " gps",
					 "location",
					 "gp\\u0073x\\u0026",
					 "l\xc3\xa1t",
					 "lngx",
					 "lat\\\"",
					 "\\\"lat"};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes) + sizeof(no) / sizeof(*no);
	     i++) {
		bool is = i < sizeof(yes) / sizeof(*yes);
		const char *name = is ? yes[i] : no[i - sizeof(yes) / sizeof(*yes)];
		struct buf body = {0}, want = {0};

		buf_addf(&body, "[{\"x\":{\"%s\":1.26}}]", name);
		buf_addf(&want, "[{\"x\":{\"%s\":%s}}]", name, is ? "1.3" : "1.26");
		check_with(make(NULL, 1), QUERY_IMAGES, body.data, want.data);
		buf_release(&body);
		buf_release(&want);
	}
}

static void what_is_no_number_in_a_place_becomes_null(void **state)
{
	static const char *const lost[] = {"true",
					   "false",
					   "\"\"",
					   "\"48 deg 51' 42.96\\\" N\"",
					   "\"N\"",
					   "\" 1.5\"",
					   "\"1.5 \"",
					   "\"1,5\"",
					   "\"1.5N\"",
					   "\"+\"",
					   "\"-\"",
					   "\"+-1.5\"",
					   "\"--1.5\"",
					   "\"1.\"",
					   "\".5\"",
					   "\"01.5\"",
					   "\"0x1\"",
					   "\"1e\"",
					   "\"1.5\\n\"",
					   "\"1\\u0026\"",
					   "\"NaN\"",
					   "\"null\"",
					   "\"[1.5]\"",
					   "\"1.5/2\"",
					   "\"48.8566,2.3522\""};

	(void)state;
	for (size_t i = 0; i < sizeof(lost) / sizeof(*lost); i++) {
		check_round(lost[i], 0, "null");
	}
	check_round("null", 0, "null");
	check_round("\"1.5\"", 0, "\"2\"");
	check_round("\"-1.5\"", 0, "\"-2\"");
	check_round("\"+1.25\"", 1, "\"+1.3\"");
	check_round("\"+1\"", 1, "\"+1\"");
	check_round("\"4.8861934E1\"", 2, "\"48.86\"");
	check_round("\"1e999999999999999999\"", 2, "\"1e999999999999999999\"");
	check_round("\"-0.04\"", 1, "\"-0.0\"");
	check_round("-0", 1, "-0");
	check_round("[]", 1, "[]");
	check_round("{}", 1, "{}");
	check_round(
		"[[1.26,{\"a\":[true,1.26,\"N\"],\"lat\":\"x\",\"b\":null}],\"1.26\"]", 1,
		"[[1.3,{\"a\":[null,1.3,null],\"lat\":null,\"b\":null}],\"1.3\"]");
	/* without rounding nothing is touched */
	check_drop("x", "[{\"gps\":[\"N\",true,1.26],\"x\":1}]",
		   "[{\"gps\":[\"N\",true,1.26]}]");
}

static void ids_and_embedded_records_are_not_inside_of_a_place(void **state)
{
	(void)state;
	check_with(
		make(NULL, 0), QUERY_TAG_IMAGES,
		"[{\"id\":\"t\",\"gps\":{\"id\":\"x\",\"image\":{\"id\":\"x\"}},"
		"\"image\":{"
		"\"id\":\"i\",\"public_id\":\"i\"},\"tag\":{\"id\":\"t\",\"name\":\"n\"}}"
		"]",
		"[{\"id\":\"t\",\"gps\":{\"id\":null,\"image\":{\"id\":null}},\"image\":{"
		"\"id\":\"i\",\"public_id\":\"i\"},\"tag\":{\"id\":\"t\",\"name\":\"n\"}}"
		"]");
}

static void a_long_number_costs_its_length(void **state)
{
	struct buf number = {0};

	(void)state;
	buf_addstr(&number, "0.");
	for (unsigned i = 0; i < 1000000; i++) {
		buf_addstr(&number, "9");
	}
	check_round(number.data, 3, "1.000");
	buf_addstr(&number, "e999999999");
	check_round(number.data, 3, number.data);
	buf_setlen(&number, number.len - strlen("e999999999"));
	buf_addstr(&number, "e-999999999");
	check_round(number.data, 3, "0.000");
	buf_release(&number);
}

static void rounding_and_leaving_out_work_together(void **state)
{
	static const char *const paths[] = {"infos.location", "b", NULL};

	(void)state;
	check_with(
		make(paths, 0), QUERY_IMAGES,
		"[{\"b\":1,\"gps\":[1.5,0.4],\"infos\":{\"location\":{\"latitude\":1.5},"
		"\"latitude\":2.5}}]",
		"[{\"gps\":[2,0],\"infos\":{\"latitude\":3}}]");
}

static void numbers_are_rounded_by_their_digits(void **state)
{
	(void)state;
	check_round("48.861934399999996", 4, "48.8619");
	check_round("48.861934399999996", 9, "48.861934400");
	check_round("2.348967", 6, "2.348967");
	check_round("2.348967", 5, "2.34897");
	check_round("2.5", 0, "3");
	check_round("-2.5", 0, "-3");
	check_round("2.4999999999999999999999", 0, "2");
	check_round("1.005", 2, "1.01");
	check_round("9.9996", 3, "10.000");
	check_round("0.5", 0, "1");
	check_round("0.49", 0, "0");
	check_round("-0.0004", 3, "-0.000");
	check_round("0.0005", 3, "0.001");
	check_round("99.5", 0, "100");
	check_round("48", 0, "48");
	check_round("0.0", 3, "0.0");
}

static void exponents_move_the_point(void **state)
{
	(void)state;
	check_round("4.8861934e1", 2, "48.86");
	check_round("4.8861934E+1", 2, "48.86");
	check_round("48861934e-6", 2, "48.86");
	check_round("1e400", 2, "1e400");
	check_round("1.25e1", 1, "1.25e1");
	check_round("5e-1", 0, "1");
	check_round("5e-3", 2, "0.01");
	check_round("4e-3", 2, "0.00");
	check_round("9e-4", 2, "0.00");
	check_round("1e-400", 2, "0.00");
	check_round("-1e-999999999999999999999", 1, "-0.0");
	check_round("1e999999999999999999999", 1, "1e999999999999999999999");
	check_round("0.0049e2", 1, "0.5");
	check_round("995e-3", 2, "1.00");
}

static void members_that_responses_need_are_refused(void **state)
{
	static const char *const bad[] = {
		"",          "a..b",       ".a",         "a.",       "id",
		"public_id", "album_id",   "image",      "tag",      "image_id",
		"tag_id",    "created_at", "updated_at", "image.id", "tag.created_at",
		"name",      "label",      "tag.name",   "a\nb",     "a\xff",
		" a",        "image.",
	};
	static const char *const good[] = {"image.gps", "infos.id",
					   "ids",       "image.infos.created_at",
					   "tags",      "tag.color"};
	struct redact *redact;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(redact_new(&redact, &bad[i], 1, -1, &err), ERR_USAGE);
		assert_null(redact);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_int_equal(redact_new(&redact, &good[i], 1, -1, &err), 0);
		redact_free(redact);
	}
	assert_int_equal(redact_new(&redact, NULL, 0, 10, &err), ERR_USAGE);
	assert_int_equal(redact_new(&redact, NULL, 0, -1, &err), 0);
	assert_null(redact);
}

static void rules_are_counted_each_by_itself(void **state)
{
	static const char *const paths[] = {"a", "a.b", "image.x", "none", "x", NULL};
	static const char images[] =
		"[{\"a\":{\"b\":1,\"gps\":{\"lat\":1.5}},\"x\":1},"
		"{\"a\":[{\"b\":2},{\"b\":{\"b\":3}}],\"gps\":[1.5]}]";
	static const char tags[] = "{\"tag\":{\"x\":1,\"a\":0},\"tag_images\":3}";
	struct redact *redact = make(paths, 1);
	struct redact_matched matched = {0};
	struct buf out = {0};

	(void)state;
	redact_body(redact, &matched, &out, QUERY_IMAGES, images, strlen(images));
	redact_body(redact, &matched, &out, QUERY_TAG, tags, strlen(tags));
	redact_body(redact, &matched, &out, QUERY_ALBUM_OF, "\"x\"", 3);
	assert_string_equal(out.data,
			    "[{},{\"gps\":[1.5]}]{\"tag\":{},\"tag_images\":3}\"x\"");
	buf_clear(&out);
	redact_trailers(&out, redact, &matched);
	assert_string_equal(out.data, "Albumen-Drop: a; matched 3\n"
				      "Albumen-Drop: a.b; matched 3\n"
				      "Albumen-Drop: image.x; matched 1\n"
				      "Albumen-Drop: none; matched 0\n"
				      "Albumen-Drop: x; matched 2\n"
				      "Albumen-Round-GPS: 1; matched 2\n");
	assert_int_equal(matched.records, 3);
	buf_release(&out);
	redact_free(redact);
}

static void a_new_path_that_matched_nothing_is_named(void **state)
{
	static const char *const now_paths[] = {"a", "b", "c", "d", NULL},
				 *const before_paths[] = {"c", "e", NULL};
	struct redact *now = make(now_paths, -1), *before = make(before_paths, -1);
	struct redact_matched matched = {.path = {1}};
	struct buf out = {0};

	(void)state;
	redact_unmatched(&out, now, before, &matched);
	assert_string_equal(out.data, " --drop 'b' --drop 'd'");
	buf_clear(&out);
	redact_unmatched(&out, now, NULL, &matched);
	assert_string_equal(out.data, " --drop 'b' --drop 'c' --drop 'd'");
	buf_clear(&out);
	redact_unmatched(&out, NULL, before, &matched);
	assert_string_equal(out.data, "");
	buf_release(&out);
	redact_free(now);
	redact_free(before);
}

/* Reads trailers; `rules`: what they record, or NULL if they are malformed. */
static void recorded(const char *trailers, const char *rules)
{
	struct redact *redact = NULL;
	struct buf message = {0}, got = {0};
	struct err err = {0};
	int rc;

	buf_addf(&message, "subject\n\nAlbumen-Drop: no\n\nAlbumen-Index: x\n%s",
		 trailers);
	rc = redact_recorded(&redact, message.data, &err);
	if (rules) {
		assert_int_equal(rc, 0);
		redact_rules(&got, redact);
		assert_string_equal(got.len ? got.data : "", rules);
	} else {
		assert_int_equal(rc, ERR_INPUT);
		assert_null(redact);
		assert_true(*err.msg);
	}
	redact_free(redact);
	buf_release(&message);
	buf_release(&got);
}

static void what_trailers_record_is_read_back(void **state)
{
	struct buf many = {0}, rules = {0};

	(void)state;
	recorded("", "");
	recorded("Albumen-Drop: a; matched 0\n", "drop a\n");
	recorded("Albumen-Drop: image.gps; matched 18\nAlbumen-Drop: a & \"b\"; c; "
		 "matched "
		 "7\nAlbumen-Round-GPS: 0; matched 18446744073709551615\n",
		 "drop a & \"b\"; c\ndrop image.gps\nround-gps 0\n");
	recorded("Albumen-Drop: a; matched 1; matched 2\n", "drop a; matched 1\n");
	recorded("Albumen-Drop: a;matched 1\n", "drop a;matched 1\n");
	recorded("Albumen-Drop: a; matched \n", "drop a; matched\n");
	recorded("Albumen-Drop: 7\n", "drop 7\n");
	/* as before 0.2.0 */
	recorded("Albumen-Drop: a\nAlbumen-Drop: a.b\nAlbumen-Round-GPS: 9\n",
		 "drop a\ndrop a.b\nround-gps 9 of 0.1.0\n");
	recorded("Albumen-Round-GPS: 10; matched 1\n", NULL);
	recorded("Albumen-Round-GPS: -1; matched 1\n", NULL);
	recorded("Albumen-Round-GPS: 2; matched\n", NULL);
	recorded("Albumen-Round-GPS: 2; matched x\n", NULL);
	recorded("Albumen-Round-GPS: 2;matched 1\n", NULL);
	recorded("Albumen-Round-GPS: ; matched 1\n", NULL);
	recorded("Albumen-Round-GPS:\n", NULL);
	recorded("Albumen-Round-GPS: 2\nAlbumen-Round-GPS: x\n", NULL);
	recorded("Albumen-Drop:\n", NULL);
	recorded("Albumen-Drop: ; matched 1\n", NULL);
	recorded("Albumen-Drop: a..b; matched 1\n", NULL);
	recorded("Albumen-Drop: id; matched 1\n", NULL);
	for (unsigned i = 0; i < REDACT_PATHS_MOST; i++) {
		buf_addf(&many, "Albumen-Drop: a%02u\n", i);
		buf_addf(&rules, "drop a%02u\n", i);
	}
	recorded(many.data, rules.data);
	buf_addstr(&many, "Albumen-Drop: b\n");
	recorded(many.data, NULL);
	buf_release(&many);
	buf_release(&rules);
}

static void equal_rules_are_the_same(void **state)
{
	static const char *const some[] = {"b", "a.c", "b", NULL},
				 *const sorted[] = {"a.c", "b", NULL},
				 *const other[] = {"a", "c", "b", NULL};
	struct redact *a = make(some, 3), *b = make(sorted, 3), *c = make(sorted, -1),
		      *d = make(other, 3);

	(void)state;
	assert_true(redact_is_same(a, b));
	assert_false(redact_is_same(a, c));
	assert_false(redact_is_same(a, d));
	assert_false(redact_is_same(a, NULL));
	assert_false(redact_is_same(NULL, c));
	assert_true(redact_is_same(NULL, NULL));
	redact_free(a);
	redact_free(b);
	redact_free(c);
	redact_free(d);
}

/* The options without which `now` would show more than `before`. */
static void check_uncovered(const char *before_path, long long before_round,
			    const char *const *now_paths, long long now_round,
			    const char *want)
{
	const char *const before_paths[] = {before_path, NULL};
	struct redact *before = make(before_paths, before_round);
	struct redact *now = make(now_paths, now_round);
	struct buf out = {0};

	redact_uncovered(&out, before, now);
	assert_string_equal(out.len ? out.data : "", want);
	buf_release(&out);
	redact_free(before);
	redact_free(now);
}

#define NOW(...)                                                                         \
	(const char *const[])                                                            \
	{                                                                                \
		__VA_ARGS__, NULL                                                        \
	}

static void a_path_covers_what_lies_below_it(void **state)
{
	(void)state;
	check_uncovered("infos.location", -1, NULL, -1, " --drop 'infos.location'");
	check_uncovered("infos.location", -1, NOW("infos.location"), -1, "");
	check_uncovered("infos.location", -1, NOW("x", "infos"), -1, "");
	check_uncovered("infos", -1, NOW("infos.location"), -1, " --drop 'infos'");
	check_uncovered("infos.location", -1, NOW("infos.locations", "info", "location"),
			-1, " --drop 'infos.location'");
	check_uncovered("image.gps", -1, NOW("gps"), -1, "");
	check_uncovered("tag.a.b", -1, NOW("a"), -1, "");
	check_uncovered("image.gps", -1, NOW("tag.gps"), -1, " --drop 'image.gps'");
	/* tag images have it, too */
	check_uncovered("gps", -1, NOW("image.gps", "tag.gps"), -1, " --drop 'gps'");
	check_uncovered("a", -1, NULL, 2, " --drop 'a'");
	check_uncovered(NULL, -1, NOW("a"), 2, "");
}

static void fewer_decimals_cover_more(void **state)
{
	(void)state;
	check_uncovered(NULL, 2, NULL, 2, "");
	check_uncovered(NULL, 2, NULL, 1, "");
	check_uncovered(NULL, 2, NULL, 0, "");
	check_uncovered(NULL, 2, NULL, 3, " --round-gps 2");
	check_uncovered(NULL, 0, NULL, -1, " --round-gps 0");
	check_uncovered(NULL, 2, NOW("gps"), -1, " --round-gps 2");
	check_uncovered("a", 2, NOW("b"), 4, " --drop 'a' --round-gps 2");
	check_uncovered(NULL, -1, NULL, 9, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_member_is_left_out_with_one_comma),
		cmocka_unit_test(a_path_leads_into_objects_and_the_elements_of_arrays),
		cmocka_unit_test(names_are_compared_in_canonical_text),
		cmocka_unit_test(several_paths_are_left_out_at_once),
		cmocka_unit_test(a_path_starts_at_the_top_of_every_record),
		cmocka_unit_test(only_places_are_rounded_at_any_depth),
		cmocka_unit_test(places_are_known_by_name_in_any_case),
		cmocka_unit_test(what_is_no_number_in_a_place_becomes_null),
		cmocka_unit_test(ids_and_embedded_records_are_not_inside_of_a_place),
		cmocka_unit_test(a_long_number_costs_its_length),
		cmocka_unit_test(rounding_and_leaving_out_work_together),
		cmocka_unit_test(numbers_are_rounded_by_their_digits),
		cmocka_unit_test(exponents_move_the_point),
		cmocka_unit_test(members_that_responses_need_are_refused),
		cmocka_unit_test(rules_are_counted_each_by_itself),
		cmocka_unit_test(a_new_path_that_matched_nothing_is_named),
		cmocka_unit_test(equal_rules_are_the_same),
		cmocka_unit_test(what_trailers_record_is_read_back),
		cmocka_unit_test(a_path_covers_what_lies_below_it),
		cmocka_unit_test(fewer_decimals_cover_more),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
