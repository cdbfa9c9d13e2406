/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/buf.h"
#include "exporter/lookback/request.h"

/* The URL must be read as `kind`, and these ids, each followed by a '|'. */
static void reads(const char *url, enum query_response kind, const char *ids)
{
	struct request request;
	struct buf found = {0};
	struct err err;
	int rc = request_read(&request, url, &err);

	if (rc) {
		print_error("'%s': %s\n", url, err.msg);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(request.row->kind, kind);
	buf_addstr(&found, "");
	for (size_t i = 0; i < request.count; i++) {
		assert_int_equal(strlen(request.id[i].bytes), request.id[i].len);
		buf_addf(&found, "%s|", request.id[i].bytes);
	}
	if (strcmp(found.len ? found.data : "", ids) != 0) {
		fail_msg("'%s' has the ids '%s'", url, found.data);
	}
	buf_release(&found);
	request_release(&request);
}

static void fails(const char *url, int code)
{
	struct request request;
	struct err err;

	if (request_read(&request, url, &err) != code) {
		fail_msg("'%s' is taken", url);
	}
	request_release(&request);
}

static void asks_for_all(const char *url)
{
	struct request request;
	struct err err;

	assert_int_equal(request_read(&request, url, &err), 0);
	assert_true(request.row->collected);
	assert_int_equal(request.count, 0);
	request_release(&request);
}

static void albums_are_in_the_path(void **state)
{
	(void)state;
	reads("/api/v1/albums/A/images", QUERY_IMAGES, "A|");
	reads("/api/v1/albums/A/images.json", QUERY_IMAGES, "A|");
	reads("/api/v1/albums/A/images/untag", QUERY_UNTAGGED, "A|");
	reads("/api/v1/albums/A/images/untag.json", QUERY_UNTAGGED, "A|");
	reads("api/v1/albums/A/images", QUERY_IMAGES, "A|");
	reads("/api/v1/albums/A/images?x=/&y#z", QUERY_IMAGES, "A|");
	reads("/api/v1/albums/A/images#?", QUERY_IMAGES, "A|");
	reads("/api/v1/albums/a%2Fb/images", QUERY_IMAGES, "a/b|");
	reads("/api/v1/albums/a%2fb/images", QUERY_IMAGES, "a/b|");
	reads("/api/v1/albums/a%252Fb/images", QUERY_IMAGES, "a%2Fb|");
	reads("/api/v1/albums/%C3%A9/images", QUERY_IMAGES, "\xc3\xa9|");
	reads("/api/v1/albums/\xc3\xa9/images", QUERY_IMAGES, "\xc3\xa9|");
	reads("/api/v1/albums/%EF%BF%BD/images", QUERY_IMAGES, "\xef\xbf\xbd|");
	reads("/api/v1/albums/a+b/images", QUERY_IMAGES, "a+b|");
	reads("/api/v1/albums/x%20y/images", QUERY_IMAGES, "x y|");
	reads("/api/v1/albums/../images", QUERY_IMAGES, "..|");
	reads("/api/v1/albums/images/images", QUERY_IMAGES, "images|");
	reads("/api/v1/albums/x.json/images", QUERY_IMAGES, "x.json|");
}

static void scheme_and_host_may_stand_in_front(void **state)
{
	(void)state;
	reads("https://example.org/api/v1/albums/A/images", QUERY_IMAGES, "A|");
	reads("http://[::1]:8080/api/v1/albums/A/images/untag", QUERY_UNTAGGED, "A|");
	reads("HTTP://u:p@h/api/v1/tag_images?image_ids[]=i", QUERY_TAG_IMAGES, "i|");
	fails("https://example.org", ERR_NOTFOUND);
	fails("https://example.org//api/v1/albums/A/images", ERR_NOTFOUND);
	fails("https://example.org?/api/v1/albums/A/images", ERR_NOTFOUND);
	fails("://example.org/api/v1/albums/A/images", ERR_NOTFOUND);
	fails("//api/v1/albums/A/images", ERR_NOTFOUND);
}

static void other_paths_are_not_answered(void **state)
{
	static const char *const other[] = {"",
					    "/",
					    "/nope",
					    "/api/v1/albums",
					    "/api/v1/albums/",
					    "/api/v1/albums/A",
					    "/api/v1/albums/A/",
					    "/api/v1/albums//images",
					    "/api/v1/albums/A/images/",
					    "/api/v1/albums/A/images/tag",
					    "/api/v1/albums/A//images",
					    "/api/v1/albums/a/b/images",
					    "/api/v1/albums/A/images.json/untag",
					    "/api/v1/albums/A/images.json.json",
					    "/api/v1/albums/A/images/untag/untag",
					    "/api/v1/albums/A/xmages",
					    "/api/v1/albums/A/.json",
					    "/API/v1/albums/A/images",
					    "/api/v1/albums/%/images",
					    "/api/v1/albums/%4/images",
					    "/api/v1/albums/%4",
					    "/api/v1/albums/%zz/images",
					    "/api/v1/albums/%00/images",
					    "/api/v1/albums/%0A/images",
					    "/api/v1/albums/%ff/images",
					    "/api/v1/albums/%C3\xa9/images",
					    "/api/v1/albums/\xff/images",
					    "/api/v1/albums/\xc3%A9/images",
					    "/api/v1/albums/\xef\xbf\xbd/images",
					    "/api/v1/tag_images/",
					    "/api/v1/tag_images/A.json",
					    "/api/v1/tag_imagesx",
					    "/api/v1/tag_images.json.json",
					    "/snapshot.json",
					    NULL};

	(void)state;
	for (size_t i = 0; other[i]; i++) {
		fails(other[i], ERR_NOTFOUND);
	}
}

static void images_are_in_the_query(void **state)
{
	(void)state;
	reads("/api/v1/tag_images?image_ids[]=a", QUERY_TAG_IMAGES, "a|");
	reads("/api/v1/tag_images.json?image_ids[]=a", QUERY_TAG_IMAGES, "a|");
	reads("/api/v1/tag_images?image_ids[]=b&image_ids%5B%5D=a&image_ids%5b]=c&"
	      "IMAGE_IDS[%5D=d",
	      QUERY_TAG_IMAGES, "b|a|c|d|");
	reads("/api/v1/tag_images?x[]=1&image_ids[]=a&image_ids=b&&=&image_ids[]=c",
	      QUERY_TAG_IMAGES, "a|c|");
	reads("/api/v1/tag_images?image_ids[]=a,b", QUERY_TAG_IMAGES, "a,b|");
	reads("/api/v1/tag_images?image_ids[]=a+b%2Bc", QUERY_TAG_IMAGES, "a b+c|");
	reads("/api/v1/tag_images?image_ids[]=a?b=c", QUERY_TAG_IMAGES, "a?b=c|");
	reads("/api/v1/tag_images?image_ids[]=a/../b#&image_ids[]=c", QUERY_TAG_IMAGES,
	      "a/../b|");
}

static void each_image_counts_once(void **state)
{
	(void)state;
	reads("/api/v1/tag_images?image_ids[]=b&image_ids[]=a&image_ids[]=b&"
	      "image_ids[]=%61&image_ids[]=B",
	      QUERY_TAG_IMAGES, "b|a|B|");
}

static void values_that_are_not_ids_are_left_out(void **state)
{
	(void)state;
	reads("/api/v1/tag_images?image_ids[]", QUERY_TAG_IMAGES, "");
	reads("/api/v1/tag_images?image_ids[]=", QUERY_TAG_IMAGES, "");
	reads("/api/v1/tag_images?image_ids[]=%ff&image_ids[]=%0&image_ids[]=%00&"
	      "image_ids[]=a",
	      QUERY_TAG_IMAGES, "a|");
}

static void without_images_all_are_asked_for(void **state)
{
	(void)state;
	asks_for_all("/api/v1/tag_images");
	asks_for_all("api/v1/tag_images.json");
	asks_for_all("/api/v1/tag_images?");
	asks_for_all("/api/v1/tag_images?image_ids=a&page=2");
	asks_for_all("/api/v1/tag_images?image_ids%5B%5D%20=a");
	asks_for_all("/api/v1/tag_images?image_ids[][]=a");
}

/* A URL that ends in `count` times `more` and a number. The caller frees it. */
static char *repeated(const char *path, const char *more, size_t count)
{
	struct buf url = {0};

	buf_addstr(&url, path);
	for (size_t i = 0; i < count; i++) {
		buf_addf(&url, "%s%zu", more, i);
	}
	return url.data;
}

static void too_much_is_refused(void **state)
{
	struct request request;
	struct err err;
	char *url = repeated("/api/v1/tag_images?", "&image_ids[]=", 500);

	(void)state;
	assert_int_equal(request_read(&request, url, &err), 0);
	assert_int_equal(request.count, 500);
	assert_string_equal(request.id[499].bytes, "499");
	request_release(&request);
	free(url);

	url = repeated("/api/v1/tag_images?image_ids[]=x", "&image_ids[]=", 500);
	fails(url, ERR_INPUT);
	free(url);
	/* Values that are not ids, and repeated ones, count too. */
	url = repeated("/api/v1/tag_images?image_ids[]=%ff", "&image_ids[]=%ff", 500);
	fails(url, ERR_INPUT);
	free(url);

	url = repeated("/api/v1/tag_images?x", "&", 999);
	asks_for_all(url);
	free(url);
	url = repeated("/api/v1/tag_images?x", "&", 1000);
	fails(url, ERR_INPUT);
	free(url);
}

static void an_id_is_as_long_as_ids_are(void **state)
{
	char url[1000], want[300];
	char id[202];

	(void)state;
	memset(id, 'x', sizeof(id));
	snprintf(url, sizeof(url), "/api/v1/albums/%.200s/images", id);
	snprintf(want, sizeof(want), "%.200s|", id);
	reads(url, QUERY_IMAGES, want);
	snprintf(url, sizeof(url), "/api/v1/albums/%.201s/images", id);
	fails(url, ERR_NOTFOUND);
	/* 81 bytes of which each has a name of three. */
	memset(id, '!', sizeof(id));
	snprintf(url, sizeof(url), "/api/v1/albums/%.80s/images", id);
	snprintf(want, sizeof(want), "%.80s|", id);
	reads(url, QUERY_IMAGES, want);
	snprintf(url, sizeof(url), "/api/v1/albums/%.81s/images", id);
	fails(url, ERR_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(albums_are_in_the_path),
		cmocka_unit_test(scheme_and_host_may_stand_in_front),
		cmocka_unit_test(other_paths_are_not_answered),
		cmocka_unit_test(images_are_in_the_query),
		cmocka_unit_test(each_image_counts_once),
		cmocka_unit_test(values_that_are_not_ids_are_left_out),
		cmocka_unit_test(without_images_all_are_asked_for),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(an_id_is_as_long_as_ids_are),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
