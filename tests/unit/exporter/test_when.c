/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/snapshot_fixture.h"

#include "exporter/lookback/when.h"

/* 2023-11-14T22:13:20Z, as FIRST_S. */
#define NOW INT64_C(1700000000)
#define DAY 86400

/* --- instants --- */

static int64_t instant_of(const char *when, int64_t now)
{
	int64_t instant = -1;
	int rc = when_instant(&instant, when, now);

	if (rc) {
		print_error("'%s' is no instant\n", when);
	}
	assert_int_equal(rc, 0);
	return instant;
}

static void rfc3339_is_an_instant(void **state)
{
	(void)state;
	assert_int_equal(instant_of("2023-11-14T22:13:20Z", 0), NOW);
	assert_int_equal(instant_of("2023-11-14t22:13:20z", 0), NOW);
	assert_int_equal(instant_of("2023-11-15T03:43:20+05:30", 0), NOW);
	assert_int_equal(instant_of("2023-11-14T22:13:20.999999999Z", 0), NOW);
	assert_int_equal(instant_of("1970-01-01T00:00:00Z", 0), 0);
	assert_int_equal(instant_of("1969-12-31T23:59:59Z", 0), -1);
	assert_int_equal(instant_of("2016-12-31T23:59:60Z", 0),
			 instant_of("2017-01-01T00:00:00Z", 0));
}

static void dates_are_utc_and_a_day_means_its_end(void **state)
{
	(void)state;
	assert_int_equal(instant_of("2023-11-14 22:13:20", 0), NOW);
	assert_int_equal(instant_of("2023-11-14 22:13", 0), NOW - 20);
	assert_int_equal(instant_of("2023-11-14T22:13:20", 0), NOW);
	assert_int_equal(instant_of("2023-11-14T22:13", 0), NOW - 20);
	assert_int_equal(instant_of("2023-11-14", 0),
			 instant_of("2023-11-15T00:00:00Z", 0) - 1);
	assert_int_equal(instant_of("2024-02-29", 0),
			 instant_of("2024-03-01T00:00:00Z", 0) - 1);
}

static void instants_count_back_from_now(void **state)
{
	(void)state;
	assert_int_equal(instant_of("now", NOW), NOW);
	assert_int_equal(instant_of("today", NOW), NOW);
	assert_int_equal(instant_of("yesterday", NOW), NOW - DAY);
	assert_int_equal(instant_of("last day", NOW), NOW - DAY);
	assert_int_equal(instant_of("last week", NOW), NOW - 7 * DAY);
	assert_int_equal(instant_of("last hour", NOW), NOW - 3600);
	assert_int_equal(instant_of("1 second ago", NOW), NOW - 1);
	assert_int_equal(instant_of("90 seconds ago", NOW), NOW - 90);
	assert_int_equal(instant_of("5 minutes ago", NOW), NOW - 300);
	assert_int_equal(instant_of("1 hour ago", NOW), NOW - 3600);
	assert_int_equal(instant_of("2 days ago", NOW), NOW - 2 * DAY);
	assert_int_equal(instant_of("2 day ago", NOW), NOW - 2 * DAY);
	assert_int_equal(instant_of("0 weeks ago", NOW), NOW);
	assert_int_equal(instant_of("3 weeks ago", NOW), NOW - 21 * DAY);
	assert_int_equal(instant_of("999999999 weeks ago", NOW),
			 NOW - INT64_C(999999999) * 7 * DAY);
}

static void months_and_years_go_by_the_calendar(void **state)
{
	int64_t march = instant_of("2024-03-31T12:00:00Z", 0);

	(void)state;
	assert_int_equal(instant_of("1 month ago", march),
			 instant_of("2024-02-29T12:00:00Z", 0));
	assert_int_equal(instant_of("last month", march),
			 instant_of("2024-02-29T12:00:00Z", 0));
	assert_int_equal(instant_of("last year", march),
			 instant_of("2023-03-31T12:00:00Z", 0));
	assert_int_equal(instant_of("2 months ago", march),
			 instant_of("2024-01-31T12:00:00Z", 0));
	assert_int_equal(instant_of("4 months ago", march),
			 instant_of("2023-11-30T12:00:00Z", 0));
	assert_int_equal(instant_of("13 months ago", march),
			 instant_of("2023-02-28T12:00:00Z", 0));
	assert_int_equal(instant_of("1 year ago", march),
			 instant_of("2023-03-31T12:00:00Z", 0));
	assert_int_equal(instant_of("1 year ago", instant_of("2024-02-29T01:02:03Z", 0)),
			 instant_of("2023-02-28T01:02:03Z", 0));
	assert_int_equal(instant_of("100 years ago", NOW),
			 instant_of("1923-11-14T22:13:20Z", 0));
}

static void other_text_is_not_an_instant(void **state)
{
	static const char *const other[] = {"",
					    "HEAD",
					    "HEAD~3",
					    "2023",
					    "20231114",
					    "2023-11",
					    "2023-11-1",
					    "2023-02-29",
					    "2023-11-14x",
					    "2023-11-14x22:13:20",
					    "2023-11-14T22",
					    "2023-11-14T",
					    "Today",
					    "last",
					    "last ",
					    "last weeks",
					    "last week ago",
					    "last 2 weeks",
					    "lastweek",
					    "last friday",
					    "2023-11-14 22:13:20Z",
					    "2023-11-14 25:13",
					    "2023-11-14 22-13",
					    "2023-11-14 2",
					    " now",
					    "now ",
					    "Now",
					    "2 days",
					    "days ago",
					    "two days ago",
					    "2  days ago",
					    "2 days  ago",
					    "2 dayss ago",
					    "2 fortnights ago",
					    "-2 days ago",
					    "2.5 days ago",
					    "2 days ago ",
					    "1000000000 days ago",
					    "99999999999999999999 days ago",
					    "999999 years ago",
					    NULL};
	int64_t instant = 42;

	(void)state;
	for (size_t i = 0; other[i]; i++) {
		if (when_instant(&instant, other[i], NOW) != ERR_NOTFOUND) {
			fail_msg("'%s' is taken for an instant", other[i]);
		}
	}
	assert_int_equal(instant, 42);
}

static void formats_as_utc(void **state)
{
	char text[WHEN_TEXT];

	(void)state;
	when_format(text, NOW);
	assert_string_equal(text, "2023-11-14T22:13:20Z");
	when_format(text, -1);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
	when_format(text, INT64_MAX);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	when_format(text, INT64_MIN);
	assert_string_equal(text, "1000-01-01T00:00:00Z");
}

/* --- snapshots --- */

/* Three snapshots a day apart, the second and the third at the same second. */
static struct snapshot_repo *repo_of_four(struct snapshot_info info[4])
{
	struct snapshot_repo *repo = snapshot_fixture_open();

	snapshot_fixture_commit(repo, true, FIRST_S, &info[0], NULL, CHANGES("a=1"));
	snapshot_fixture_commit(repo, false, FIRST_S + DAY, &info[1], NULL,
				CHANGES("a=2"));
	snapshot_fixture_commit(repo, false, FIRST_S + DAY, &info[2], NULL,
				CHANGES("a=3"));
	snapshot_fixture_commit(repo, false, FIRST_S + 3 * DAY, &info[3], NULL,
				CHANGES("a=4"));
	return repo;
}

static void release_four(struct snapshot_repo *repo, struct snapshot_info info[4])
{
	for (size_t i = 0; i < 4; i++) {
		snapshot_info_release(&info[i]);
	}
	snapshot_close(repo);
	unsetenv("SOURCE_DATE_EPOCH");
}

/* `when` must be the snapshot `expected`, and that instant. */
static void resolves(struct snapshot_repo *repo, const char *when,
		     const struct snapshot_info *expected, int64_t expected_instant)
{
	struct snapshot_info info = {0};
	int64_t instant;
	int rc = when_resolve(repo, when, &info, &instant, &err);

	if (rc) {
		print_error("%s\n", err.msg);
	}
	assert_int_equal(rc, 0);
	assert_string_equal(info.commit.hex, expected->commit.hex);
	assert_string_equal(info.tree.hex, expected->tree.hex);
	assert_string_equal(info.parent.hex, expected->parent.hex);
	assert_string_equal(info.message, "subject\n");
	assert_int_equal(info.time_s, expected->time_s);
	assert_int_equal(instant, expected_instant);
	snapshot_info_release(&info);
}

static void an_instant_means_the_last_snapshot_then(void **state)
{
	struct snapshot_info info[4];
	struct snapshot_repo *repo = repo_of_four(info);

	(void)state;
	setenv("SOURCE_DATE_EPOCH", "1700345600", 1); /* four days after the first */
	resolves(repo, NULL, &info[3], FIRST_S + 4 * DAY);
	resolves(repo, "now", &info[3], FIRST_S + 4 * DAY);
	resolves(repo, "today", &info[3], FIRST_S + 4 * DAY);
	resolves(repo, "yesterday", &info[3], FIRST_S + 3 * DAY);
	resolves(repo, "1 day ago", &info[3], FIRST_S + 3 * DAY);
	resolves(repo, "86401 seconds ago", &info[2], FIRST_S + 3 * DAY - 1);
	resolves(repo, "2023-11-15T22:13:20Z", &info[2], FIRST_S + DAY);
	resolves(repo, "2023-11-15T22:13:19Z", &info[0], FIRST_S + DAY - 1);
	resolves(repo, "4 days ago", &info[0], FIRST_S);
	resolves(repo, "2023-11-14", &info[0], FIRST_S + 6399);
	resolves(repo, "2100-01-01", &info[3], instant_of("2100-01-01", 0));
	release_four(repo, info);
}

static void an_instant_before_the_first_snapshot_is_refused(void **state)
{
	struct snapshot_info info[4], found = {0};
	struct snapshot_repo *repo = repo_of_four(info);
	int64_t instant;

	(void)state;
	assert_int_equal(
		when_resolve(repo, "2023-11-14 22:13:19", &found, &instant, &err),
		ERR_NOTFOUND);
	assert_string_equal(err.msg, "no snapshot as early as 2023-11-14T22:13:19Z; "
				     "the first one is from 2023-11-14T22:13:20Z");
	assert_null(found.message);
	release_four(repo, info);
}

static void revisions_are_named_as_in_git(void **state)
{
	struct snapshot_info info[4], found = {0};
	struct snapshot_repo *repo = repo_of_four(info);
	char prefix[11] = {0};
	int64_t instant;

	(void)state;
	git_fixture_says("git -C r.git tag light main~1 && "
			 "git -C r.git tag -a -m why 2023-11-14 main && "
			 "git -C r.git tag -a -m why audit/1 main~3",
			 "");
	memcpy(prefix, info[1].commit.hex, sizeof(prefix) - 1);
	resolves(repo, "HEAD", &info[3], FIRST_S + 3 * DAY);
	resolves(repo, "HEAD~3", &info[0], FIRST_S);
	resolves(repo, "light", &info[2], FIRST_S + DAY);
	resolves(repo, "audit/1", &info[0], FIRST_S);
	resolves(repo, prefix, &info[1], FIRST_S + DAY);
	/* Not the tag of that name, which is of another snapshot. */
	resolves(repo, "2023-11-14", &info[0], FIRST_S + 6399);
	resolves(repo, "refs/tags/2023-11-14", &info[3], FIRST_S + 3 * DAY);
	assert_int_equal(when_resolve(repo, "HEAD~4", &found, &instant, &err),
			 ERR_NOTFOUND);
	assert_int_equal(when_resolve(repo, "3 moons ago", &found, &instant, &err),
			 ERR_NOTFOUND);
	assert_string_equal(err.msg,
			    "no snapshot '3 moons ago' in 'r.git'; WHEN is a time "
			    "(2026-11-22, '2026-11-22 04:34', 2026-11-22T05:34:26+01:00, "
			    "now, today, yesterday, 'last week', '2 days ago') or a "
			    "revision (an id, a label, HEAD~3)");
	release_four(repo, info);
}

static void an_empty_repository_has_no_snapshot(void **state)
{
	struct snapshot_repo *repo = snapshot_fixture_open();
	struct snapshot_info found = {0};
	int64_t instant;

	(void)state;
	assert_int_equal(when_resolve(repo, NULL, &found, &instant, &err), ERR_NOTFOUND);
	assert_string_equal(err.msg, "no snapshot in 'r.git' yet");
	assert_int_equal(when_resolve(repo, "now", &found, &instant, &err), ERR_NOTFOUND);
	snapshot_close(repo);
}

static void a_shallow_clone_says_that_it_is(void **state)
{
	struct snapshot_info info[4], found = {0};
	struct snapshot_repo *repo = repo_of_four(info);
	int64_t instant;

	(void)state;
	release_four(repo, info);
	git_fixture_says("git clone -q --bare --depth 2 file://$PWD/r.git clone.git", "");
	assert_int_equal(snapshot_open(&repo, "clone.git", 0, "test", &err), 0);
	assert_int_equal(when_resolve(repo, "2023-11-14", &found, &instant, &err),
			 ERR_NOTFOUND);
	assert_non_null(strstr(err.msg,
			       "2023-11-14T23:59:59Z is not known: history begins "
			       "with snapshot of 2023-11-15T22:13:20Z"));
	assert_int_equal(when_resolve(repo, "HEAD~2", &found, &instant, &err),
			 ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "no snapshot 'HEAD~2'"));
	assert_non_null(strstr(err.msg, ": history begins with snapshot of 2023-11-15"));
	snapshot_close(repo);
}

static void a_bad_source_date_epoch_is_refused(void **state)
{
	int64_t now = 0;

	(void)state;
	setenv("SOURCE_DATE_EPOCH", "12x", 1);
	assert_int_equal(when_now(&now, &err), ERR_USAGE);
	setenv("SOURCE_DATE_EPOCH", "-1", 1);
	assert_int_equal(when_now(&now, &err), ERR_USAGE);
	setenv("SOURCE_DATE_EPOCH", "12", 1);
	assert_int_equal(when_now(&now, &err), 0);
	assert_int_equal(now, 12);
	unsetenv("SOURCE_DATE_EPOCH");
	assert_int_equal(when_now(&now, &err), 0);
	assert_true(now > NOW);
}

#define IN_REPO(test)                                                                    \
	cmocka_unit_test_setup_teardown(test, snapshot_fixture_setup,                    \
					git_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc3339_is_an_instant),
		cmocka_unit_test(dates_are_utc_and_a_day_means_its_end),
		cmocka_unit_test(instants_count_back_from_now),
		cmocka_unit_test(months_and_years_go_by_the_calendar),
		cmocka_unit_test(other_text_is_not_an_instant),
		cmocka_unit_test(formats_as_utc),
		IN_REPO(an_instant_means_the_last_snapshot_then),
		IN_REPO(an_instant_before_the_first_snapshot_is_refused),
		IN_REPO(revisions_are_named_as_in_git),
		IN_REPO(an_empty_repository_has_no_snapshot),
		IN_REPO(a_shallow_clone_says_that_it_is),
		cmocka_unit_test(a_bad_source_date_epoch_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
