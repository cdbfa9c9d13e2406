/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "data/base/log.h"
#include "data/base/plain.h"
#include "data/format/json.h"
#include "data/format/json_print.h"
#include "exporter/body/words.h"
#include "exporter/command/command.h"
#include "exporter/git/history.h"
#include "exporter/lookback/beginning.h"
#include "exporter/lookback/compare.h"
#include "exporter/lookback/labels.h"
#include "exporter/lookback/trace.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"

/*
 * Each line is printed as soon as it is known: the newest can be read while the walk goes
 * on, and the walk ends when the reader closes the pipe.
 */

#define SHORT_HEX 12 /* digits of a snapshot shown to people */

struct log {
	const struct command_options *opt;
	char language[WORDS_LANGUAGE];
	struct labels labels;
	struct buf line, events; /* of one snapshot */
	bool begun;              /* with --json: a line has the version */
	struct err *err;
};

/* Text that is not UTF-8 was not written by albumen; it is printed as null. */
static void add_string(struct buf *out, const char *name, const char *value, size_t len)
{
	if (json_is_utf8(value, len)) {
		json_print_bytes(out, name, value, len);
	} else {
		json_print_raw(out, name, NULL);
	}
}

/* As JSON a member; for people `before`, and "1 image" or "2 images". */
static void add_count(struct log *log, const char *name, const char *before,
		      uint64_t count, const char *one, const char *many)
{
	if (log->opt->json) {
		json_print_number(&log->line, name, count);
	} else {
		buf_addf(&log->line, "%s%" PRIu64 " %s", before, count,
			 count == 1 ? one : many);
	}
}

/* Begins a line. */
static void add_snapshot(struct log *log, const struct history_step *step)
{
	struct buf *out = &log->line;
	uint64_t number = message_count(step->message, MESSAGE_NUMBER, 0);
	char hex[OBJECT_HEX + 1], time[WHEN_TEXT];

	object_hex(hex, step->commit);
	when_format(time, step->time_s);
	if (!log->opt->json) {
		buf_addf(out, "%.*s  %s", SHORT_HEX, hex, time);
		return;
	}
	json_print_line(out, &log->begun);
	json_print_string(out, "commit", hex);
	json_print_maybe(out, "number", number, number);
	json_print_string(out, "time", time);
}

/* --- all snapshots --- */

static const struct {
	const char *trailer, *name, *one, *many;
} counts[] = {
	{MESSAGE_IMAGES, "images", "image", "images"},
	{MESSAGE_UNTAGGED, "untagged", "untagged", "untagged"},
	{MESSAGE_ALBUMS, "albums", "album", "albums"},
	{MESSAGE_TAGS, "tags", "tag", "tags"},
	{MESSAGE_TAG_IMAGES, "tag_images", "tag image", "tag images"},
};

static void add_counts(struct log *log, const char *message)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		uint64_t count = message_count(message, counts[i].trailer, UINT64_MAX);

		if (count != UINT64_MAX) {
			add_count(log, counts[i].name, ", ", count, counts[i].one,
				  counts[i].many);
		} else if (log->opt->json) {
			json_print_raw(&log->line, counts[i].name, NULL);
		}
	}
}

static void add_labels(struct log *log, const struct history_step *step)
{
	struct buf *out = &log->line;
	size_t count;
	const struct labels_entry *label = labels_of(&log->labels, step->commit, &count);

	if (log->opt->json) {
		json_print_open(out, "labels", '[');
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = label[i].name;

		if (log->opt->json) {
			json_print_string(out, NULL, name);
		} else {
			buf_addstr(out, i ? ", " : " [");
			plain_add(out, name, strlen(name));
		}
	}
	buf_addstr(out, log->opt->json || count ? "]" : "");
}

/* What labels of albumen's own say, and where the history begins. */
static void add_notes(struct log *log, const struct history_step *step, bool begins,
		      bool held)
{
	struct buf *out = &log->line;
	size_t count;
	const struct labels_entry *note = labels_own(&log->labels, step->commit, &count);

	if (log->opt->json) {
		json_print_bool(out, "begins", begins);
		json_print_bool(out, "held", held);
		json_print_open(out, "notes", '[');
	} else if (held) {
		buf_addstr(out, ", held");
	}
	for (size_t i = 0; i < count; i++) {
		if (log->opt->json) {
			json_print_open(out, NULL, '{');
			json_print_string(out, "label", note[i].name);
			add_string(out, "text", note[i].text, strlen(note[i].text));
			buf_addch(out, '}');
		} else {
			buf_addstr(out, "\n\t");
			plain_add(out, note[i].name, strlen(note[i].name));
			buf_addstr(out, ": ");
			plain_add(out, note[i].text, strlen(note[i].text));
		}
	}
	if (log->opt->json) {
		buf_addch(out, ']');
	} else if (begins && !count) {
		buf_addstr(out,
			   "\n\tthis repository does not have what was before this one");
	}
}

/* `begins`: history begins late, with this one. `held`: it is before that. */
static int print_snapshot(struct log *log, const struct history_step *step, bool begins,
			  bool held)
{
	size_t subject = strcspn(step->message, "\n");

	add_snapshot(log, step);
	if (log->opt->json) {
		add_string(&log->line, "subject", step->message, subject);
	} else {
		buf_addstr(&log->line, "  ");
		plain_add(&log->line, step->message, subject);
	}
	add_counts(log, step->message);
	add_labels(log, step);
	add_notes(log, step, begins, held);
	buf_addstr(&log->line, log->opt->json ? "}" : "");
	return command_print_line(&log->line, log->err);
}

/* The snapshots before the beginning that are held by their labels, the newest first. */
static int log_held(struct log *log, struct snapshot_repo *repo, struct history *history)
{
	struct beginning beginning;
	struct history_step step;
	int rc = beginning_read(&beginning, repo, log->err);

	for (size_t i = 0; !rc && i < beginning.count; i++) {
		history_start(history, beginning.held[i].label->commit);
		rc = history_next(history, &step, log->err);
		rc = rc ? rc : print_snapshot(log, &step, false, true);
	}
	beginning_release(&beginning);
	return rc;
}

static int log_all(struct log *log, struct snapshot_repo *repo,
		   const struct snapshot_info *from)
{
	struct history *history = history_new(repo);
	struct history_step step;
	uint8_t commit[OBJECT_ID];
	int rc = labels_read(&log->labels, repo, log->err);

	object_unhex(commit, from->commit.hex);
	history_start(history, commit);
	while (!rc && (rc = history_next(history, &step, log->err)) == 0) {
		rc = print_snapshot(log, &step, history_is_cut(history), false);
	}
	rc = rc == ERR_NOTFOUND ? 0 : rc;
	/* With --at, what was before is asked for. */
	if (!rc && history_is_cut(history) && !log->opt->at) {
		rc = log_held(log, repo, history);
	}
	labels_release(&log->labels);
	history_free(history);
	return rc;
}

/* --- snapshots in which something changed --- */

static int add_event(const struct compare_event *event, void *payload)
{
	struct log *log = payload;
	struct buf *out = &log->events;

	if (log->opt->album) {
		return 0;
	}
	if (log->opt->json) {
		json_print_open(out, NULL, '{');
		compare_write(out, event);
		buf_addch(out, '}');
	} else {
		buf_addstr(out, "\n\t");
		compare_print(out, event, log->language);
	}
	return 0;
}

static void add_album(struct log *log, const struct trace_entry *entry)
{
	const char *album = log->opt->album;
	const uint64_t *n = entry->events;
	const struct {
		const char *name, *one, *many;
		uint64_t count;
	} change[] = {
		{"appeared", "image appeared", "images appeared",
		 n[COMPARE_IMAGE_APPEARED]},
		{"disappeared", "image disappeared", "images disappeared",
		 n[COMPARE_IMAGE_DISAPPEARED]},
		{"changed", "image changed", "images changed", n[COMPARE_IMAGE_CHANGED]},
		{"tagged", "tag image appeared", "tag images appeared",
		 n[COMPARE_TAGGED]},
		{"untagged_now", "tag image disappeared", "tag images disappeared",
		 n[COMPARE_UNTAGGED]},
		{"tag_images_changed", "tag image changed", "tag images changed",
		 n[COMPARE_TAG_IMAGE_CHANGED]},
		{"tags_changed", "tag changed", "tags changed",
		 n[COMPARE_TAG_APPEARED] + n[COMPARE_TAG_DISAPPEARED] +
			 n[COMPARE_TAG_RENAMED] + n[COMPARE_TAG_CHANGED]},
	};
	const char *before = ": ";

	if (log->opt->json) {
		add_string(&log->line, "album", album, strlen(album));
	}
	add_count(log, "images", "  ", entry->images, "image", "images");
	add_count(log, "untagged", ", ", entry->untagged, "untagged", "untagged");
	for (size_t i = 0; i < sizeof(change) / sizeof(*change); i++) {
		if (change[i].count || log->opt->json) {
			add_count(log, change[i].name, before, change[i].count,
				  change[i].one, change[i].many);
			before = ", ";
		}
	}
}

static struct body_text text_of(const char *json)
{
	return (struct body_text){json, json ? strlen(json) : 0};
}

static void add_tag(struct log *log, const struct trace_entry *entry)
{
	const char *tag = log->opt->tag;

	if (log->opt->json) {
		add_string(&log->line, "tag", tag, strlen(tag));
		json_print_raw(&log->line, "label", entry->label);
	}
	add_count(log, "tag_images", "  ", entry->tag_images, "tag image", "tag images");
	if (!log->opt->json) {
		const struct body_text label = text_of(entry->label);
		const struct body_text name = text_of(entry->name);
		struct buf words = {0};

		words_tag(&words, &label, &name, log->language);
		if (words.len) {
			buf_addstr(&log->line, " of ");
			words_quote(&log->line, words.data, words.len, WORDS_MAX);
		}
		buf_release(&words);
	}
}

static int print_entry(const struct trace_entry *entry, void *payload)
{
	struct log *log = payload;
	const char *events = log->events.len ? log->events.data : "";

	add_snapshot(log, entry->step);
	if (log->opt->album) {
		add_album(log, entry);
	} else if (log->opt->tag) {
		add_tag(log, entry);
	}
	if (log->opt->json && !log->opt->album) {
		json_print_open(&log->line, "events", '[');
		buf_addf(&log->line, "%s]", events);
	} else {
		buf_addstr(&log->line, events);
	}
	buf_addstr(&log->line, log->opt->json ? "}" : "");
	buf_clear(&log->events);
	return command_print_line(&log->line, log->err);
}

static int log_scope(struct log *log, struct snapshot_repo *repo,
		     const struct snapshot_info *from)
{
	const struct command_options *opt = log->opt;
	struct compare_scope scope = {
		.album = opt->album, .image = opt->image, .tag = opt->tag};
	const char *kind = opt->album ? "album" : opt->image ? "image" : "tag";
	const char *id = opt->album ? opt->album : opt->image ? opt->image : opt->tag;
	struct trace_end end;
	int rc = trace_run(&end, repo, &from->commit, &scope, add_event, print_entry, log,
			   log->err);

	if (rc) {
		return rc;
	}
	if (!end.seen) {
		return err_set(log->err, ERR_NOTFOUND, "no %s '%s' in any snapshot%s",
			       kind, id, end.cut ? " that this repository has" : "");
	}
	if (end.cut) {
		log_warning(
			"history begins late here, in a shallow clone or after prune: "
			"what changed in its first snapshot, and before, is not "
			"known");
	}
	return end.skipped ? 3 : 0;
}

static int run(const void *values, char **operand, struct err *err)
{
	const struct command_options *opt = values;
	struct snapshot_repo *repo = NULL;
	struct snapshot_info from = {0};
	struct log log = {.opt = opt, .err = err};
	int scopes = !!opt->album + !!opt->image + !!opt->tag;
	int64_t instant;
	int rc;

	(void)operand;
	words_language(log.language);
	if (scopes > 1) {
		return err_set(err, ERR_USAGE,
			       "--album, --image and --tag exclude each other");
	}
	rc = command_open_reader(&repo, &from, &instant, opt, err);
	if (!rc) {
		rc = scopes ? log_scope(&log, repo, &from) : log_all(&log, repo, &from);
	}
	buf_release(&log.events);
	buf_release(&log.line);
	snapshot_info_release(&from);
	snapshot_close(repo);
	return rc;
}

const struct cli_command command_log = {
	.name = "log",
	.run = run,
	.options = "repo! json at album image tag",
	.either = "album|image|tag",
	.summary = "show when something changed, and how",
	.help = "Lists snapshots, the newest first: all of them, or those in which an "
		"album, an image or a tag changed. Exit status 3: a snapshot lacks a "
		"file that "
		"is needed for that, as it is larger than 256 MiB."};
