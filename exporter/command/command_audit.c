/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/base/log.h"
#include "data/format/age.h"
#include "exporter/audit/audit_collect.h"
#include "exporter/audit/audit_csv.h"
#include "exporter/audit/audit_json.h"
#include "exporter/audit/audit_table.h"
#include "exporter/command/command.h"
#include "exporter/evidence/sign_edit.h"
#include "exporter/git/snapshot.h"
#include "exporter/lookback/when.h"
#include "exporter/page/page.h"
#include "exporter/snapshot/response.h"

static const char *const format_name[] = {"table", "json", "csv", "html"};
enum format { TABLE, JSON, CSV, HTML, FORMATS };

/* --json is the same as --format json. */
static int read_format(enum format *format, const char *text, bool json, struct err *err)
{
	*format = TABLE;
	if (json && text && strcmp(text, format_name[JSON]) != 0) {
		return err_set(err, ERR_USAGE,
			       "--json and '--format %s' contradict each other", text);
	}
	text = json ? format_name[JSON] : text ? text : format_name[TABLE];
	while (*format < FORMATS && strcmp(text, format_name[*format]) != 0) {
		++*format;
	}
	return *format < FORMATS
		       ? 0
		       : err_set(err, ERR_USAGE,
				 "--format is '%s'; it must be table, json, csv or html",
				 text);
}

static int read_count_from(unsigned *flags, const char *text, struct err *err)
{
	if (!text || strcmp(text, "created") == 0) {
		return 0;
	}
	if (strcmp(text, "observed") == 0) {
		*flags |= AUDIT_OBSERVED;
		return 0;
	}
	return err_set(err, ERR_USAGE,
		       "--count-from is '%s'; it must be created or observed", text);
}

/* Reads how the snapshot is signed, and verifies that if there are signers. */
static int read_signature(struct sign_result *out, struct snapshot_repo *repo,
			  const struct snapshot_info *info, const char *signers,
			  struct err *err)
{
	const char *signer;
	int rc;

	*out = (struct sign_result){.verdict = SIGN_UNKNOWN};
	if (signers) {
		return sign_commit_verify(out, repo, &info->commit, signers, err);
	}
	rc = sign_commit_signer(&signer, out->key, repo, &info->commit, err);
	out->verdict = signer ? SIGN_UNKNOWN : SIGN_NONE;
	return rc;
}

/* Which part of the audit is to be printed; the caller frees view->row and view->was. */
static void make_view(struct audit_view *view, struct snapshot_repo *repo,
		      struct audit *audit, const struct command_options *opt, bool images,
		      enum audit_by by)
{
	struct audit_row *row;

	*view = (struct audit_view){.rows = audit->album_count, .one_album = opt->album};
	if (images) {
		view->row = row = audit_order_images(audit);
		view->rows = audit->all.untagged;
		view->was = audit_was_new(repo);
		if (by != AUDIT_BY_SINCE) {
			audit_order_rows(row, view->rows, by);
		}
	} else {
		audit_order_albums(audit, by);
	}
	if (opt->top >= 0 && (uint64_t)opt->top < view->rows) {
		view->rows = (uint64_t)opt->top;
	}
}

static int print_page(struct snapshot_repo *repo, const struct snapshot_info *info,
		      const struct audit *audit, const struct sign_result *signature,
		      struct err *err)
{
	const struct page_signature shown = {
		.key = signature->verdict == SIGN_NONE ? NULL : signature->key,
		.principal =
			signature->verdict == SIGN_GOOD ? signature->principal : NULL,
	};

	return page_print(stdout, repo, info, audit, &shown, err);
}

/* --- findings --- */

static bool too_many(const struct audit *audit, long long fail_over)
{
	const struct audit_album *most = audit->album;

	if (fail_over < 0 || audit->all.untagged <= (uint64_t)fail_over) {
		return false;
	}
	for (size_t i = 1; i < audit->album_count; i++) {
		if (audit->album[i].counts.untagged > most->counts.untagged) {
			most = &audit->album[i];
		}
	}
	log_error("untagged images: %" PRIu64 ", which is over the %lld of --fail-over; "
		  "%" PRIu64 " of them in album '%s'",
		  audit->all.untagged, fail_over, most->counts.untagged, most->id);
	return true;
}

/* The album that has the image which has been untagged for longest. */
static const struct audit_album *oldest_album(const struct audit *audit)
{
	size_t i = 0;

	while (audit->album[i].counts.oldest != audit->all.oldest) {
		i++;
	}
	return &audit->album[i];
}

/* Counts the images that have been untagged for too long, and those that may have been: a
 * history that begins late does not show it. The longest is the one that the report says. */
static bool too_old(const struct audit *audit, const char *older_than,
		    int64_t older_than_s)
{
	const struct audit_image *longest = audit->all.oldest;
	uint64_t old = 0, unknown = 0;
	char time[WHEN_TEXT] = "", begins[WHEN_TEXT] = "";

	for (size_t i = 0; older_than && i < audit->album_count; i++) {
		const struct audit_album *album = &audit->album[i];

		for (uint64_t j = 0; j < album->counts.untagged; j++) {
			const struct audit_image *image = &album->image[j];

			if (audit->as_of_s - image->from_s > older_than_s) {
				old++;
			} else if (image->earlier) {
				unknown++;
				when_format(begins, image->from_s);
			}
		}
	}
	if (old) {
		when_format(time, longest->from_s);
		log_error("images untagged for longer than %s: %" PRIu64 ", the longest "
			  "being '%s' in album '%s', since %s%s%s",
			  older_than, old, longest->id, oldest_album(audit)->id, time,
			  longest->earlier ? " or earlier" : "",
			  longest->from_created ? ", its creation" : "");
	}
	if (unknown) {
		log_error("images untagged since %s or earlier: %" PRIu64
			  "; the history begins there, and in a shallow clone "
			  "`git fetch --unshallow` completes it",
			  begins, unknown);
	}
	return old || unknown;
}

#define WARNINGS_MAX 10

/* The report goes on without what the snapshot does not have. */
static void warn_of_oversize(const struct audit *audit)
{
	size_t n = 0;

	for (; n < audit->oversize_count && n < WARNINGS_MAX; n++) {
		log_warning("the snapshot lacks '%s', which is larger than %zu MiB: the "
			    "audit does not know what it says",
			    audit->oversize[n], RESPONSE_MAX >> 20);
	}
	if (n < audit->oversize_count) {
		log_warning("the snapshot lacks %zu more responses that are too large",
			    audit->oversize_count - n);
	}
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_repo *repo = NULL;
	struct snapshot_info info = {0};
	struct audit *audit = NULL;
	struct sign_result signature;
	int64_t as_of_s, older_than_s = 0;
	struct audit_view view = {0};
	static int (*const printers[])(FILE *, const struct audit *,
				       const struct audit_view *, struct err *) = {
		[TABLE] = audit_table_print,
		[JSON] = audit_json_print,
		[CSV] = audit_csv_print,
	};
	enum audit_by by = AUDIT_BY_UNTAGGED;
	enum format format;
	unsigned flags = 0;
	bool images;
	int rc = read_format(&format, opt->format, opt->json, err);

	(void)operand;
	rc = rc ? rc : read_count_from(&flags, opt->count_from, err);
	/* The table of one album lists its images. */
	images = opt->images || (opt->album && format == TABLE);
	rc = rc ? rc : audit_order_by(&by, opt->sort, images, err);
	if (!rc && format == HTML && (opt->images || opt->sort || opt->top >= 0)) {
		rc = err_set(
			err, ERR_USAGE,
			"--images, --sort and --top are not for --format html: the page "
			"lists "
			"images, and its reader sorts");
	}
	if (!rc && opt->older_than) {
		rc = age_read(&older_than_s, opt->older_than, err);
	}
	rc = rc ? rc : command_open_reader(&repo, &info, &as_of_s, opt, err);
	rc = rc ? rc : read_signature(&signature, repo, &info, opt->signers, err);
	if (!rc) {
		flags |= format == HTML ? AUDIT_THUMBNAILS : 0;
		flags |= images ? AUDIT_WAS : 0;
		rc = audit_collect(&audit, repo, &info, as_of_s, opt->album, flags, err);
	}
	if (!rc) {
		warn_of_oversize(audit);
		make_view(&view, repo, audit, opt, images, by);
		rc = format == HTML ? print_page(repo, &info, audit, &signature, err)
				    : printers[format](stdout, audit, &view, err);
	}
	if (!rc) {
		/* Both are checked, so that both are logged. */
		bool many = too_many(audit, opt->fail_over);
		bool old = too_old(audit, opt->older_than, older_than_s);

		rc = many || old;
	}
	audit_was_free(view.was);
	free((void *)view.row);
	audit_free(audit);
	snapshot_info_release(&info);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_audit = {
	.name = "audit",
	.run = run,
	.options =
		"repo! at album json format images sort top signers count-from fail-over "
		"older-than",
	.either = "json|format",
	.summary = "show what is untagged, since when, and who tagged",
	.help = "Counts a snapshot's images by album and tag; with --images, lists the "
		"untagged images of all albums, untagged for longest first. Exit status "
		"1 means that --fail-over or --older-than found something."};
