/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_INDEX_FIXTURE_H
#define TESTS_UNIT_INDEX_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/base/buf.h"
#include "data/index/claim.h"
#include "data/index/index.h"
#include "data/index/row.h"

/*
 * index_fixture - an index in its own folder, filled from JSON texts instead of files.
 * Every function asserts its success.
 */

struct index_fixture {
	char dir[64];
	struct index *index;
};

/* cmocka set-up and tear-down: *state is a struct index_fixture *. */
int index_fixture_up(void **state);
int index_fixture_down(void **state);
#define INDEX_TEST(name)                                                                 \
	cmocka_unit_test_setup_teardown(name, index_fixture_up, index_fixture_down)

/* Records; `more` is more members, each after a comma. */
#define IMAGE(id, album, more)                                                           \
	"{\"public_id\":\"" id "\",\"album_id\":\"" album "\"" more "}"
#define TAG(id, label) "{\"id\":\"" id "\",\"name\":\"n\",\"label\":\"" label "\"}"
#define JOIN(id, image, tag)                                                             \
	"{\"id\":\"" id "\",\"image_id\":\"" image "\",\"tag_id\":\"" tag "\"}"
#define EMBED(id, image, tag)                                                            \
	"{\"id\":\"" id "\",\"image\":" image ",\"x\":1,\"tag\":" tag "}"

/* Ended by index_abort or index_commit. */
struct index_txn *index_fixture_begin(struct index_fixture *fixture, bool write);

/* Reads `path` as a file with the records of the JSON array `records` and with
 * `rejects` bad ones, in one transaction. Returns the result of claim_end. */
int index_fixture_read(struct index_fixture *fixture, const char *path,
		       enum claim_mode mode, const char *records, int rejects);
/* The same with CLAIM_REPLACE and no rejects; then index_fixture_check. */
void index_fixture_read_clean(struct index_fixture *fixture, const char *path,
			      const char *records);
/* Reads seven files with the images i1 to i5, the albums a and b, the tags t1 and t2,
 * the tag images j1 to j4 (j3 has an unknown tag, j4 embeds i4 and t2), two rejects,
 * and a record that is withdrawn again. */
void index_fixture_fill(struct index_fixture *fixture);
/* Claims the records of the JSON array. */
void index_fixture_add(struct claim_reading *reading, const char *records);
/* Forgets the file. */
void index_fixture_forget(struct index_fixture *fixture, const char *path);

/* The body of a response in a static buffer, or NULL if it does not exist. */
const char *index_fixture_tags(struct index_fixture *fixture, const char *image);
const char *index_fixture_untagged(struct index_fixture *fixture, const char *album);
const char *index_fixture_images(struct index_fixture *fixture, const char *album);

/* Asserts that check_index finds nothing. */
void index_fixture_check(struct index_fixture *fixture);

/* The number of feed entries above `after`, and the sequence. */
uint64_t index_fixture_fed(struct index_fixture *fixture, uint64_t after);
uint64_t index_fixture_sequence(struct index_fixture *fixture);
struct index_counts index_fixture_counts(struct index_fixture *fixture);

/* Copies the key and value of the `n`th row; false: there is none. */
bool index_fixture_row(struct index_txn *txn, enum table table, size_t n, struct buf *key,
		       struct buf *value);

#endif
