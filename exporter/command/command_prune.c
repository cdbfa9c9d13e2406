/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "data/base/plain.h"
#include "data/format/json_print.h"
#include "exporter/command/command.h"
#include "exporter/evidence/prune.h"
#include "exporter/export/note.h"
#include "exporter/lookback/when.h"

struct report {
	const struct command_options *opt;
	struct prune prune;
	struct buf label;              /* the one that was made */
	struct reach_sum all, stays;   /* with --dry-run */
	struct purge_result freed;     /* without */
	struct purge_result completed; /* what an interrupted run had left */
};

static void add_json_snapshot(struct buf *out, const char *hex, uint64_t number,
			      int64_t time_s)
{
	char time[WHEN_TEXT];

	when_format(time, time_s);
	json_print_string(out, "commit", hex);
	json_print_maybe(out, "number", number, number);
	json_print_string(out, "time", time);
}

static void add_json_held(struct buf *out, const struct prune *prune)
{
	char hex[OBJECT_HEX + 1];

	json_print_open(out, "held", '[');
	for (size_t i = 0; i < prune->helds; i++) {
		const struct prune_held *held = &prune->held[i];

		json_print_open(out, NULL, '{');
		object_hex(hex, held->commit);
		add_json_snapshot(out, hex, held->number, held->time_s);
		json_print_open(out, "labels", '[');
		for (size_t n = 0; n < held->count; n++) {
			json_print_string(out, NULL, held->label[n].name);
		}
		buf_addstr(out, "]}");
	}
	buf_addch(out, ']');
}

static void print_json(const struct report *report)
{
	const struct prune *prune = &report->prune;
	bool dry = report->opt->dry_run, done = !prune->nothing && !dry;
	struct buf out = {0};
	char before[WHEN_TEXT];

	when_format(before, prune->before_s);
	json_print_document(&out);
	json_print_bool(&out, "dry_run", dry);
	json_print_bool(&out, "done", done);
	json_print_string(&out, "before", before);
	json_print_open(&out, "first", '{');
	add_json_snapshot(&out, prune->first.commit.hex, prune->number,
			  prune->first.time_s);
	buf_addch(&out, '}');
	add_json_held(&out, prune);
	json_print_number(&out, "snapshots", prune->nothing ? 0 : prune->dropped);
	json_print_string(&out, "label", done ? report->label.data : NULL);
	json_print_number(&out, "objects_removed",
			  done ? report->freed.objects
			       : report->all.objects - report->stays.objects);
	json_print_maybe(&out, "bytes_before",
			 done ? report->freed.bytes_before : report->all.bytes,
			 !prune->nothing);
	json_print_maybe(&out, "bytes", done ? report->freed.bytes : report->stays.bytes,
			 !prune->nothing);
	buf_addstr(&out, "}\n");
	command_print(&out);
}

static void add_first(struct buf *out, const struct prune *prune)
{
	char time[WHEN_TEXT];

	when_format(time, prune->first.time_s);
	buf_addf(out, "snapshot %" PRIu64 ", of %s", prune->number, time);
}

static void add_held(struct buf *out, const struct prune *prune)
{
	char time[WHEN_TEXT];

	for (size_t i = 0; i < prune->helds; i++) {
		const struct prune_held *held = &prune->held[i];

		when_format(time, held->time_s);
		buf_addf(out, "held: snapshot %" PRIu64 ", of %s [", held->number, time);
		for (size_t n = 0; n < held->count; n++) {
			buf_addstr(out, n ? ", " : "");
			plain_add(out, held->label[n].name, strlen(held->label[n].name));
		}
		buf_addstr(out, "]\n");
	}
}

static void print_text(const struct report *report)
{
	const struct prune *prune = &report->prune;
	bool dry = report->opt->dry_run;
	struct buf out = {0};

	if (report->completed.objects) {
		buf_addstr(&out, "completed: ");
		command_add_count(&out, report->completed.objects, "object");
		buf_addstr(&out, " of an interrupted run removed\n");
	}
	if (prune->nothing) {
		buf_addstr(&out, "nothing to drop: history begins with ");
		add_first(&out, prune);
		buf_addch(&out, '\n');
		add_held(&out, prune);
		command_print(&out);
		return;
	}
	command_add_count(&out, prune->dropped, "snapshot");
	buf_addstr(&out, dry ? " would go; history would begin with "
			     : " removed; history begins with ");
	add_first(&out, prune);
	buf_addch(&out, '\n');
	add_held(&out, prune);
	if (dry) {
		command_add_count(&out, report->all.objects - report->stays.objects,
				  "object");
		buf_addf(&out, " of about %" PRIu64 " bytes would go, of %" PRIu64 "\n",
			 report->all.bytes - report->stays.bytes, report->all.bytes);
	} else {
		buf_addstr(&out, "label ");
		plain_add(&out, report->label.data, report->label.len);
		buf_addstr(&out, ": declares it\n");
		command_add_count(&out, report->freed.objects, "object");
		buf_addf(&out, " removed: %" PRIu64 " bytes before, %" PRIu64 " now\n",
			 report->freed.bytes_before, report->freed.bytes);
	}
	command_print(&out);
}

/* Prunes, and lets the next export know that this is where history has come to. */
static int prune(struct report *report, struct snapshot_repo *repo, struct note *note,
		 const struct snapshot_info *head, struct err *err)
{
	const struct command_options *opt = report->opt;
	struct prune_how how = {.key = opt->sign};
	int rc = when_now(&how.time_s, err);

	rc = rc ? rc
		: prune_run(&report->prune, &report->label, &report->freed, repo, &how,
			    err);
	if (!rc) {
		note->made = head->commit;
		note_write(note, repo);
	}
	return rc;
}

static int work(struct report *report, struct snapshot_repo *repo, struct err *err)
{
	const struct command_options *opt = report->opt;
	struct snapshot_info head = {0};
	struct note note;
	int rc = note_check(&note, &head, repo, NULL, err);

	if (!rc && !opt->dry_run && purge_is_due(repo)) {
		rc = purge_run(repo, &report->completed, err);
	}
	rc = rc ? rc : prune_look(&report->prune, repo, opt->before, err);
	if (!rc && !report->prune.nothing) {
		rc = opt->dry_run ? prune_measure(&report->prune, &report->all,
						  &report->stays, repo, err)
				  : prune(report, repo, &note, &head, err);
	}
	snapshot_info_release(&head);
	return rc;
}

/* A signal ends the program at once, which is harmless: prune.h. */
static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct report report = {.opt = opt};
	struct snapshot_repo *repo = NULL;
	char key[SIGN_KEY];
	int rc = opt->sign ? sign_key_check(key, opt->sign, err) : 0;

	(void)operand;
	if (!rc) {
		rc = opt->dry_run
			     ? snapshot_open(&repo, opt->repo, SNAPSHOT_LOOK,
					     "albumen-exporter prune", err)
			     : command_open_writer(&repo, opt, 0,
						   "albumen-exporter prune", NULL, err);
	}
	rc = rc ? rc : work(&report, repo, err);
	if (!rc && opt->json) {
		print_json(&report);
	} else if (!rc) {
		print_text(&report);
	}
	prune_release(&report.prune);
	buf_release(&report.label);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_prune = {
	.name = "prune",
	.run = run,
	.options = "repo! before! dry-run json sign wait",
	.summary = "remove the history before a date",
	.help = "Keeps the snapshot in effect at WHEN (a date means its beginning, UTC) "
		"as "
		"the first one, and every labelled snapshot. What is older goes for "
		"good. "
		"It may be killed: the next run or export completes it."};
