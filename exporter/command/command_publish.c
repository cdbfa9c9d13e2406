/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/base/log.h"
#include "data/format/json.h"
#include "exporter/export/accept.h"
#include "exporter/command/command.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"
#include "exporter/export/note.h"
#include "exporter/site/site.h"
#include "exporter/site/state.h"

unsigned command_site_flags(void)
{
	return (command_opt.collections ? SITE_COLLECTIONS : 0) |
	       (command_opt.audit_page ? SITE_AUDIT_PAGE : 0);
}

void command_print_site(const struct site_result *site)
{
	if (!command_opt.site) {
		return;
	}
	if (command_opt.json) {
		printf(",\"site\":{\"written\":%" PRIu64 ",\"removed\":%" PRIu64 "%s}",
		       site->written, site->removed,
		       site->damaged ? ",\"damaged\":true" : "");
	} else if (site->touched) {
		printf("site: %" PRIu64 " files written, %" PRIu64 " removed\n",
		       site->written, site->removed);
	} else if (site->damaged) {
		printf("site: damaged, nothing written\n");
	} else {
		printf("site: nothing to do\n");
	}
}

/* The name of a file may have any byte; a line of ours has text, and one line. */
static void print_fault(const char *path, enum place_fault fault, void *payload)
{
	static const char *const word[] = {[PLACE_MISSING] = "missing",
					   [PLACE_CHANGED] = "changed",
					   [PLACE_EXTRA] = "extra"};
	struct buf text = {0}, quoted = {0};
	bool plain = true;

	(void)payload;
	for (const char *p = path; *p; p++) {
		buf_addch(&text, (*p & 0x80) ? '?' : *p);
		plain = plain && *p > ' ' && *p < 0x7f && *p != '"' && *p != '\\';
	}
	json_quote(&quoted, text.data, text.len);
	if (command_opt.json) {
		printf("{\"path\":%s,\"differs\":\"%s\"}\n", quoted.data, word[fault]);
	} else {
		printf("%s: %s\n", word[fault], plain ? path : quoted.data);
	}
	buf_release(&text);
	buf_release(&quoted);
}

static void print_check(const struct site_check *check, const struct snapshot_info *info,
			uint64_t faults)
{
	if (command_opt.json) {
		printf("{\"snapshot\":\"%s\",\"tree\":\"%s\",\"missing\":%" PRIu64
		       ",\"changed\":%" PRIu64 ",\"extra\":%" PRIu64
		       ",\"unfinished\":%s,\"mended\":%s}\n",
		       info->commit.hex, info->tree.hex, check->missing, check->changed,
		       check->extra, check->unfinished ? "true" : "false",
		       check->mended ? "true" : "false");
		return;
	}
	if (check->unfinished) {
		printf("unfinished: a publication that was interrupted\n");
	}
	if (!faults && !check->unfinished) {
		printf("site: nothing differs\n");
	} else {
		printf("site: %" PRIu64 " files missing, %" PRIu64 " changed, %" PRIu64
		       " extra%s\n",
		       check->missing, check->changed, check->extra,
		       check->mended ? ", all mended" : "");
	}
}

static int check_site(struct snapshot_repo *repo, const struct snapshot_info *info,
		      struct err *err)
{
	struct site_check check = {.found = print_fault};
	uint64_t faults;
	int rc;

	if (!command_opt.json) {
		printf("snapshot %s\n", info->commit.hex);
	}
	rc = site_check(command_opt.site, repo, info, command_site_flags(),
			command_opt.repair, &check, err);
	if (rc) {
		return rc;
	}
	faults = check.missing + check.changed + check.extra;
	print_check(&check, info, faults);
	if ((faults || check.unfinished) && !command_opt.repair) {
		log_error("site '%s' is not as in snapshot %.12s; 'albumen-exporter "
			  "publish --repair' mends it",
			  command_opt.site, info->commit.hex);
		return 1;
	}
	return 0;
}

static int publish(struct snapshot_repo *repo, const struct snapshot_info *info,
		   struct err *err)
{
	struct site_result site = {0};
	int rc = site_publish(command_opt.site, repo, info, command_site_flags(), &site,
			      err);

	if (rc) {
		return rc;
	}
	if (command_opt.json) {
		printf("{\"snapshot\":\"%s\",\"tree\":\"%s\"", info->commit.hex,
		       info->tree.hex);
		command_print_site(&site);
		puts("}");
	} else {
		printf("snapshot %s\n", info->commit.hex);
		command_print_site(&site);
	}
	return site.damaged ? 1 : 0; /* the log has told */
}

/* The snapshot that is asked for: the last one, or, to look at a site, the one that the
 * site is at. */
static int resolve(struct snapshot_repo *repo, struct snapshot_info *info,
		   struct err *err)
{
	struct state at;
	int64_t instant;

	if (command_opt.at) {
		return when_resolve(repo, command_opt.at, info, &instant, err);
	}
	if (command_opt.rev) {
		return snapshot_resolve(repo, command_opt.rev, info, err);
	}
	if (command_opt.check || command_opt.repair) {
		state_read(&at, command_opt.site);
		if (*at.commit.hex &&
		    snapshot_resolve(repo, at.commit.hex, info, NULL) == 0) {
			return 0;
		}
	}
	return snapshot_resolve(repo, "HEAD", info, err);
}

/* What an export would refuse to go on from is not published either. */
static int check_history(struct snapshot_repo *repo, struct accept *accept,
			 struct err *err)
{
	struct snapshot_info head = {0};
	struct note note;
	int rc;

	/* The note first: an export beside us moves main, then writes the note. */
	note_read(&note, repo);
	rc = snapshot_head(repo, &head, err);
	if (!rc || rc == ERR_NOTFOUND) {
		rc = note_check(&note, repo, &head, err);
	}
	snapshot_info_release(&head);
	return rc == ERR_REFUSED ? accept_check(accept, ACCEPT_HISTORY, err) : rc;
}

int command_publish(int argc, char **argv, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct accept accept = {0};
	int rc = command_begin(err);

	(void)argc;
	(void)argv;
	if (!rc) {
		rc = accept_read(&accept, command_opt.accept.value,
				 command_opt.accept.count, err);
	}
	if (!rc && command_opt.check && command_opt.repair) {
		rc = err_set(err, ERR_USAGE,
			     "--check changes nothing, --repair does: give one of them");
	}
	if (!rc && command_opt.at && command_opt.rev) {
		rc = err_set(err, ERR_USAGE, "--rev is another name of --at: give one");
	}
	if (!rc) {
		rc = snapshot_open(&repo, command_opt.repo, 0, "albumen-exporter publish",
				   err);
	}
	if (!rc && !command_opt.check) {
		rc = check_history(repo, &accept, err);
	}
	if (!rc) {
		rc = resolve(repo, &info, err);
	}
	if (!rc) {
		rc = command_opt.check || command_opt.repair
			     ? check_site(repo, &info, err)
			     : publish(repo, &info, err);
	}
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}
