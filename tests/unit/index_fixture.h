/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_INDEX_FIXTURE_H
#define TESTS_UNIT_INDEX_FIXTURE_H

#include "data/index/claim.h"
#include "data/index/index.h"

/*
 * index_fixture - an index in a folder of its own, fed with JSON texts instead of
 * files. Everything asserts: a helper that returns has succeeded.
 */

struct index_fixture {
	char dir[64];
	struct index *index;
};

/* cmocka set-up and tear-down: *state is a struct index_fixture *. */
int index_fixture_up(void **state);
int index_fixture_down(void **state);

/* Reads `path` as if it held the records of the JSON array `records`, in one
 * transaction; `rejects` of them bad ones besides. Returns claim_end's result. */
int index_fixture_read(struct index_fixture *fixture, const char *path,
		       enum claim_mode mode, const char *records, int rejects);
/* Claims the records of the JSON array. */
void index_fixture_add(struct claim_reading *reading, const char *records);
/* Forgets the file. */
void index_fixture_forget(struct index_fixture *fixture, const char *path);

/* The body of a response, in a static buffer; NULL where it does not exist. */
const char *index_fixture_tags(struct index_fixture *fixture, const char *image);
const char *index_fixture_untagged(struct index_fixture *fixture, const char *album);
const char *index_fixture_images(struct index_fixture *fixture, const char *album);

/* Asserts that check_index finds nothing. */
void index_fixture_check(struct index_fixture *fixture);

/* The number of feed entries above `after`, and the sequence. */
uint64_t index_fixture_fed(struct index_fixture *fixture, uint64_t after);
uint64_t index_fixture_sequence(struct index_fixture *fixture);

#endif
