/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "exporter/snapshot/response.h"

static void paths_are_those_of_the_contract(void **state)
{
	static const struct {
		enum query_response kind;
		const char *site, *snapshot;
	} want[] = {
		{QUERY_TAG_IMAGES, "api/v1/tag_images/00324000004ijWS.json",
		 "api/v1/tag_images/0f/21/00324000004ijWS.json"},
		{QUERY_UNTAGGED, "api/v1/albums/00324000004ijWS/images/untag.json",
		 "api/v1/albums/0f/21/00324000004ijWS/images/untag.json"},
		{QUERY_IMAGES, "api/v1/albums/00324000004ijWS/images.json",
		 "api/v1/albums/0f/21/00324000004ijWS/images.json"},
	};
	struct buf path = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct response *row = response_of(want[i].kind);

		buf_clear(&path);
		response_site_path(&path, row, "00324000004ijWS", 15);
		assert_string_equal(path.data, want[i].site);
		buf_clear(&path);
		response_snapshot_path(&path, row, "00324000004ijWS", 15);
		assert_string_equal(path.data, want[i].snapshot);
	}
	buf_release(&path);
}

static void snapshot_path_leads_back_to_the_site(void **state)
{
	static const char *const id[] = {"a",     "..",  "a/b",     ".hid",
					 "a%2Fb", "x y", "\xc3\xa9"};
	struct buf snapshot = {0}, site = {0}, back = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(id) / sizeof(*id); i++) {
		for (size_t k = 0; k < response_count; k++) {
			const struct response *row = &response_table[k];

			if (row->collected) {
				continue;
			}
			buf_clear(&snapshot);
			buf_clear(&site);
			buf_clear(&back);
			response_snapshot_path(&snapshot, row, id[i], strlen(id[i]));
			if (!row->request) {
				assert_null(response_from_snapshot(&back, snapshot.data));
				continue;
			}
			response_site_path(&site, row, id[i], strlen(id[i]));
			assert_ptr_equal(response_from_snapshot(&back, snapshot.data),
					 row);
			assert_string_equal(back.data, site.data);
		}
	}
	buf_release(&snapshot);
	buf_release(&site);
	buf_release(&back);
}

static void paths_of_no_row_are_refused(void **state)
{
	static const char *const path[] = {
		"",
		"README",
		"api",
		"api/v1/tag_images",
		"api/v1/tag_images/",
		"api/v1/tag_images/aa/bb",
		"api/v1/tag_images/aa/bb/",
		"api/v1/tag_images/aa/bb/.json",
		"api/v1/tag_images/aa/bb/x",
		"api/v1/tag_images/aa/bb/x.json.json",
		"api/v1/tag_images/aa/bb/x.jsonx",
		"api/v1/tag_images/aa/bb/x.y.json",
		"api/v1/tag_images/aa/bb/..json",
		"api/v1/tag_images/aa/bb/../x.json",
		"api/v1/tag_images/aa/bb/x/y.json",
		"api/v1/tag_images/aa/bb/%2f.json",
		"api/v1/tag_images/aa/bb/%2.json",
		"api/v1/tag_images/aa/bb/%.json",
		"api/v1/tag_images/aa/bb/%",
		"api/v1/tag_images/AA/bb/x.json",
		"api/v1/tag_images/aabb/x.json",
		"api/v1/tag_images/x.json",
		"api/v1/tag_images.json",
		"api/v1/albums/aa/bb/x.json",
		"api/v1/albums/aa/bb/x/images",
		"api/v1/albums/aa/bb//images.json",
		"api/v1/albums/aa/bb/../images.json",
		"api/v1/albums/aa/bb/x/images/untag.json/y",
		"api/v1/albums/x/images.json",
		"/api/v1/albums/aa/bb/x/images.json",
	};
	struct buf out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		if (response_from_snapshot(&out, path[i])) {
			fail_msg("'%s' was taken", path[i]);
		}
		assert_int_equal(out.len, 0);
	}
	buf_release(&out);
}

static void overlong_names_are_refused(void **state)
{
	struct buf path = {0}, out = {0};

	(void)state;
	for (int len = 240; len <= 241; len++) {
		buf_clear(&path);
		buf_addstr(&path, "api/v1/tag_images/aa/bb/");
		for (int i = 0; i < len; i++) {
			buf_addch(&path, 'x');
		}
		buf_addstr(&path, ".json");
		assert_int_equal(response_from_snapshot(&out, path.data) != NULL,
				 len <= 240);
	}
	buf_release(&path);
	buf_release(&out);
}

static void pattern_of_no_id_or_of_two_is_filled_and_matched(void **state)
{
	static const char two[] = "a/*/b/*.json";
	struct layout_text names[LAYOUT_IDS_MAX];
	struct buf x = {0}, y = {0}, path = {0};

	(void)state;
	layout_add_name(&x, LAYOUT_SNAPSHOT, "x.y", 3);
	layout_add_name(&y, LAYOUT_SNAPSHOT, "z", 1);
	names[0] = (struct layout_text){x.data, x.len};
	names[1] = (struct layout_text){y.data, y.len};
	layout_fill(&path, two, names);
	assert_int_equal(path.len, strlen("a/xx/yy/x%2Ey/b/xx/yy/z.json"));
	assert_true(layout_match(two, LAYOUT_SNAPSHOT, path.data, names));
	assert_int_equal(names[0].len, strlen("x%2Ey"));
	assert_memory_equal(names[0].at, "x%2Ey", names[0].len);
	assert_string_equal(names[1].at, "z.json");
	assert_int_equal(names[1].len, 1);
	assert_false(layout_match(two, LAYOUT_SITE, path.data, names));
	assert_true(layout_match(two, LAYOUT_SITE, "a/x/b/y.json", names));
	assert_false(layout_match(two, LAYOUT_SITE, "a/x/b", names));

	buf_clear(&path);
	layout_fill(&path, "all.json", NULL);
	assert_string_equal(path.data, "all.json");
	assert_true(layout_match("all.json", LAYOUT_SNAPSHOT, "all.json", names));
	assert_false(layout_match("all.json", LAYOUT_SNAPSHOT, "all.jso", names));
	buf_release(&x);
	buf_release(&y);
	buf_release(&path);
}

static void folders_on_the_way_are_known(void **state)
{
	static const char *const folder[] = {
		"api",
		"api/v1",
		"api/v1/tag_images",
		"api/v1/tag_images/0f",
		"api/v1/tag_images/0f/21",
		"api/v1/albums/2f/94/N",
		"api/v1/albums/2f/94/N/images",
		"audit/tags/00/ff",
	};
	static const char *const other[] = {
		"",
		"a",
		"ap",
		"apis",
		"/api",
		"api/",
		"api/v2",
		"api/v1/tags",
		"api/v1/tag_images.json",
		"api/v1/tag_images/0",
		"api/v1/tag_images/0F",
		"api/v1/tag_images/0f/2",
		"api/v1/tag_images/0f/21/N",
		"api/v1/tag_images/0f/21/N.json",
		"api/v1/albums/0f/21/a.b",
		"api/v1/albums/0f/21/N/images.json",
		"api/v1/albums/0f/21/N/images/untag.json",
		"api/v1/albums/2f/94/N/images/untag",
		"api/v1/albums/0f/21/N",
		"api/v1/albums/0f/21/N/images",
		"api/v1/albums/2f/94/%4E",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(folder) / sizeof(*folder); i++) {
		if (response_fault(folder[i], true)) {
			fail_msg("'%s' is a folder", folder[i]);
		}
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++) {
		if (!response_fault(other[i], true)) {
			fail_msg("'%s' is no folder", other[i]);
		}
	}
}

/* `fault` NULL: none. */
static void check_fault(const char *path, const char *fault)
{
	const char *found = response_fault(path, false);

	if (!found != !fault || (fault && strcmp(found, fault) != 0)) {
		fail_msg("'%s': %s", path, found ? found : "no fault");
	}
}

static void a_file_fits_in_the_one_shard_of_its_name(void **state)
{
	(void)state;
	check_fault("api/v1/tag_images/2f/94/N.json", NULL);
	check_fault("api/v1/tag_images/2f/94/N.album", NULL);
	check_fault("api/v1/albums/2f/94/N/images/untag.json", NULL);
	check_fault("audit/tags/2f/94/N.json", NULL);
	check_fault("api/v1/tag_images/2f/95/N.json", "lies in the wrong shard");
	check_fault("api/v1/tag_images/94/2f/N.json", "lies in the wrong shard");
	check_fault("api/v1/albums/2f/95/N/images.json", "lies in the wrong shard");
	check_fault("audit/tags/00/00/N.json", "lies in the wrong shard");
	check_fault("api/v1/tag_images/2f/94/N", "does not belong in a snapshot");
	check_fault("api/v1/tag_images/2f/94/%4E.json", "does not belong in a snapshot");
	check_fault("api/v1/tag_images.json", "does not belong in a snapshot");
	check_fault("api", "does not belong in a snapshot");
	check_fault("README", "does not belong in a snapshot");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_those_of_the_contract),
		cmocka_unit_test(snapshot_path_leads_back_to_the_site),
		cmocka_unit_test(paths_of_no_row_are_refused),
		cmocka_unit_test(overlong_names_are_refused),
		cmocka_unit_test(pattern_of_no_id_or_of_two_is_filled_and_matched),
		cmocka_unit_test(folders_on_the_way_are_known),
		cmocka_unit_test(a_file_fits_in_the_one_shard_of_its_name),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
