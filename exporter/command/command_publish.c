/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "data/base/log.h"
#include "data/base/plain.h"
#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/export/accept.h"
#include "exporter/export/note.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"
#include "exporter/site/foreign.h"
#include "exporter/site/site.h"
#include "exporter/site/state.h"

struct report {
	const struct command_options *opt;
	bool begun; /* with --json: a line has the version */
};

static void print_fault(const char *path, enum place_fault fault, void *payload)
{
	static const char *const word[] = {[PLACE_MISSING] = "missing",
					   [PLACE_CHANGED] = "changed",
					   [PLACE_EXTRA] = "extra"};
	struct report *report = payload;
	struct buf plain = {0}, out = {0};

	plain_addstr(&plain, path);
	if (report->opt->json) {
		json_print_line(&out, &report->begun);
		json_print_string(&out, "path", plain.data);
		json_print_string(&out, "differs", word[fault]);
		buf_addch(&out, '}');
	} else {
		buf_addf(&out, "%s: %s", word[fault], plain.data);
	}
	buf_addch(&out, '\n');
	command_print(&out);
	buf_release(&plain);
}

static void report_check(struct report *report, const struct site_check *check,
			 const struct snapshot_info *info, uint64_t faults)
{
	struct buf out = {0};

	if (report->opt->json) {
		json_print_line(&out, &report->begun);
		command_add_snapshot(&out, info);
		json_print_number(&out, "missing", check->missing);
		json_print_number(&out, "changed", check->changed);
		json_print_number(&out, "extra", check->extra);
		json_print_bool(&out, "unfinished", check->unfinished);
		json_print_bool(&out, "repaired", check->repaired);
		buf_addch(&out, '}');
	} else if (!faults && !check->unfinished) {
		buf_addstr(&out, "site: nothing differs");
	} else {
		buf_addstr(&out, check->unfinished
					 ? "unfinished: a publication was interrupted\n"
					 : "");
		buf_addstr(&out, "site: ");
		command_add_count(&out, check->missing, "file");
		buf_addf(&out, " missing, %" PRIu64 " changed, %" PRIu64 " extra%s",
			 check->changed, check->extra,
			 check->repaired ? ", all repaired" : "");
	}
	buf_addch(&out, '\n');
	command_print(&out);
}

static int check_site(const struct command_options *opt, struct place *site,
		      struct snapshot_repo *repo, const struct snapshot_info *info,
		      const char *key, unsigned flags, struct err *err)
{
	struct report report = {.opt = opt};
	struct site_check check = {.found = print_fault, .payload = &report};
	uint64_t faults;
	int rc;

	if (!opt->json) {
		printf("snapshot %s\n", info->commit.hex);
	}
	rc = site_check(site, repo, info, key, flags, opt->repair, &check, err);
	if (rc) {
		return rc;
	}
	faults = check.missing + check.changed + check.extra;
	report_check(&report, &check, info, faults);
	if ((faults || check.unfinished) && !opt->repair) {
		log_error("site '%s' is not as in snapshot %.12s; 'albumen-exporter "
			  "publish --repair' restores it",
			  opt->site, info->commit.hex);
		return 1;
	}
	return 0;
}

static int publish(const struct command_options *opt, struct place *site,
		   struct snapshot_repo *repo, const struct snapshot_info *info,
		   const char *key, unsigned flags, struct err *err)
{
	struct buf out = {0};
	struct site_result result = {0};
	int rc = site_publish(site, repo, info, key, flags, &result, err);

	if (rc) {
		return rc;
	}
	if (opt->json) {
		json_print_document(&out);
		command_add_snapshot(&out, info);
		json_print_bool(&out, "dry_run", opt->dry_run);
	} else {
		buf_addf(&out, "snapshot %s\n", info->commit.hex);
	}
	command_add_site(&out, opt, &result);
	buf_addstr(&out, opt->json ? "}\n" : "");
	command_print(&out);
	return result.damaged ? 1 : 0; /* the log says what is damaged */
}

/* Refuses a history that an export would refuse to build on, and a site that an export
 * would not publish to. */
static int check_places(struct place *site, struct snapshot_repo *repo,
			struct accept *accept, struct err *err)
{
	struct snapshot_info head = {0};
	struct note note;
	int rc = note_check(&note, &head, repo, accept, err);

	snapshot_info_release(&head);
	rc = rc ? rc : note_check_site(&note, site, repo, accept, err);
	if (!rc) {
		rc = foreign_check(site, repo, err);
		rc = rc == ERR_REFUSED ? accept_check(accept, ACCEPT_SITE, err) : rc;
	}
	return rc;
}

/* Finds the snapshot that is asked for. The default is the last one; for --check and
 * --repair it is the one that the site is at. */
static int resolve(const struct command_options *opt, struct place *site,
		   struct snapshot_repo *repo, struct snapshot_info *info,
		   struct err *err)
{
	struct state at;
	int64_t instant;
	int rc;

	if (!opt->at && (opt->check || opt->repair)) {
		rc = state_read(&at, site, err);
		if (rc) {
			return rc;
		}
		if (*at.commit.hex &&
		    snapshot_resolve(repo, at.commit.hex, info, NULL) == 0) {
			return 0;
		}
		if (*at.commit.hex && opt->check) {
			log_warning("site '%s' is at snapshot %s, which the repository "
				    "'%s' does not have, so it is compared with the last "
				    "one; --repair needs --accept site",
				    opt->site, at.commit.hex, snapshot_path(repo));
		}
	}
	return when_resolve(repo, opt->at, info, &instant, err);
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct accept accept = {0};
	unsigned flags = command_site_flags(opt) | (opt->dry_run ? SITE_DRY_RUN : 0);
	const char *signer = NULL;
	char key[SIGN_KEY];
	struct place *site;
	int rc = command_begin(&site, opt, err);

	(void)operand;
	rc = rc ? rc : accept_read(&accept, opt->accept.value, opt->accept.count, err);
	if (!rc && opt->check + opt->repair + opt->dry_run > 1) {
		rc = err_set(
			err, ERR_USAGE,
			"--check and --dry-run change nothing, and --repair does: give "
			"one of them");
	}
	rc = rc ? rc : snapshot_open(&repo, opt->repo, 0, "albumen-exporter", err);
	if (!rc && !opt->check) {
		rc = check_places(site, repo, &accept, err);
		flags |= accept.used & 1u << ACCEPT_SITE ? SITE_FOREIGN : 0;
	}
	rc = rc ? rc : resolve(opt, site, repo, &info, err);
	rc = rc ? rc : sign_commit_signer(&signer, key, repo, &info.commit, err);
	if (!rc) {
		rc = opt->check || opt->repair
			     ? check_site(opt, site, repo, &info, signer, flags, err)
			     : publish(opt, site, repo, &info, signer, flags, err);
	}
	snapshot_info_release(&info);
	snapshot_close(repo);
	place_free(site);
	return rc;
}

const struct cli_command command_publish = {
	.name = "publish",
	.run = run,
	.options = "repo! site! endpoint-url region single-publisher rev check repair "
		   "collections json at audit-page accept dry-run",
	.either = "check|repair|dry-run",
	.summary = "bring a site to any snapshot",
	.help = "Writes only the files that differ between the snapshot that the site is "
		"at and the one asked for. --check finds what others changed in the site "
		"(exit status 1: something differs), and --repair then brings the site "
		"to it."};
