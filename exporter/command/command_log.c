/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "data/base/log.h"
#include "data/format/json.h"
#include "exporter/command/command.h"
#include "exporter/git/history.h"
#include "exporter/lookback/compare.h"
#include "exporter/lookback/labels.h"
#include "exporter/lookback/trace.h"
#include "exporter/lookback/when.h"
#include "exporter/snapshot/message.h"

/*
 * A line is printed once it is known, so that the newest can be read while the rest
 * is looked for, and the walk ends when nobody reads on.
 */

#define SHORT_HEX 12 /* digits of a snapshot shown to people */

struct log {
	struct labels labels;
	struct buf events; /* of the snapshot that is being told of */
	struct buf line;
	struct err *err;
};

static int print_line(struct log *log)
{
	buf_addch(&log->line, '\n');
	if (fwrite(log->line.data, 1, log->line.len, stdout) != log->line.len) {
		return err_sys(log->err, "cannot write to standard output");
	}
	buf_clear(&log->line);
	return 0;
}

/* Appends "NAME":"VALUE" to an object; what is no UTF-8, as nothing of albumen's is,
 * is left out of the value. */
static void add_string(struct buf *out, const char *name, const char *value, size_t len)
{
	buf_addf(out, ",\"%s\":", name);
	if (json_is_utf8(value, len)) {
		json_quote(out, value, len);
	} else {
		buf_addstr(out, "null");
	}
}

static void add_count(struct buf *out, const char *name, uint64_t count)
{
	buf_addf(out, ",\"%s\":%" PRIu64, name, count);
}

/* "1 image", "2 images" */
static void add_number(struct buf *out, uint64_t count, const char *noun)
{
	buf_addf(out, "%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
}

/* What every line begins with. */
static void add_snapshot(struct buf *out, const struct history_step *step)
{
	uint64_t number = message_count(step->message, MESSAGE_NUMBER, 0);
	char hex[OBJECT_HEX + 1], time[WHEN_TEXT];

	object_hex(hex, step->commit);
	when_format(time, step->time_s);
	if (!command_opt.json) {
		buf_addf(out, "%.*s  %s", SHORT_HEX, hex, time);
		return;
	}
	buf_addf(out, "{\"snapshot\":\"%s\",\"number\":", hex);
	if (number) {
		buf_addf(out, "%" PRIu64, number);
	} else {
		buf_addstr(out, "null");
	}
	buf_addf(out, ",\"time\":\"%s\"", time);
}

/* --- all snapshots --- */

static const struct {
	const char *name, *trailer;
	const char *noun; /* NULL: the name is none */
} counts[] = {
	{"images", MESSAGE_IMAGES, "image"},
	{"untagged", MESSAGE_UNTAGGED, NULL},
	{"albums", MESSAGE_ALBUMS, "album"},
	{"tags", MESSAGE_TAGS, "tag"},
	{"tag_images", MESSAGE_TAG_IMAGES, "tag image"},
};

static void add_counts(struct buf *out, const char *message)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		uint64_t count = message_count(message, counts[i].trailer, UINT64_MAX);

		if (command_opt.json && count == UINT64_MAX) {
			buf_addf(out, ",\"%s\":null", counts[i].name);
		} else if (command_opt.json) {
			add_count(out, counts[i].name, count);
		} else if (count != UINT64_MAX && counts[i].noun) {
			buf_addstr(out, ", ");
			add_number(out, count, counts[i].noun);
		} else if (count != UINT64_MAX) {
			buf_addf(out, ", %" PRIu64 " %s", count, counts[i].name);
		}
	}
}

static void add_labels(struct buf *out, const struct labels *labels,
		       const struct history_step *step)
{
	size_t count;
	const struct labels_entry *label = labels_of(labels, step->commit, &count);

	buf_addstr(out, command_opt.json ? ",\"labels\":[" : count ? " [" : "");
	for (size_t i = 0; i < count; i++) {
		const char *name = label[i].name;

		buf_addstr(out, i ? (command_opt.json ? "," : ", ") : "");
		if (command_opt.json) {
			json_quote(out, name, strlen(name));
		} else {
			json_plain(out, name, strlen(name));
		}
	}
	buf_addstr(out, command_opt.json || count ? "]" : "");
}

static int print_snapshot(struct log *log, const struct history_step *step)
{
	size_t subject = strcspn(step->message, "\n");

	add_snapshot(&log->line, step);
	if (command_opt.json) {
		add_string(&log->line, "subject", step->message, subject);
	} else {
		buf_addstr(&log->line, "  ");
		json_plain(&log->line, step->message, subject);
	}
	add_counts(&log->line, step->message);
	add_labels(&log->line, &log->labels, step);
	buf_addstr(&log->line, command_opt.json ? "}" : "");
	return print_line(log);
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
		rc = print_snapshot(log, &step);
	}
	labels_release(&log->labels);
	history_free(history);
	return rc == ERR_NOTFOUND ? 0 : rc;
}

/* --- those in which something changed --- */

static int add_event(const struct compare_event *event, void *payload)
{
	struct log *log = payload;
	struct buf *out = &log->events;

	if (command_opt.album) {
		return 0;
	}
	if (command_opt.json) {
		buf_addstr(out, out->len ? "," : "");
		compare_write(out, event);
	} else {
		buf_addstr(out, "\n\t");
		compare_print(out, event);
	}
	return 0;
}

static void add_album(struct buf *out, const struct trace_entry *entry)
{
	const uint64_t *n = entry->events;
	const struct {
		const char *name, *noun, *verb;
		uint64_t count;
	} change[] = {
		{"appeared", "image", "appeared", n[COMPARE_IMAGE_APPEARED]},
		{"disappeared", "image", "disappeared", n[COMPARE_IMAGE_DISAPPEARED]},
		{"changed", "image", "changed", n[COMPARE_IMAGE_CHANGED]},
		{"tagged", "tag image", "appeared", n[COMPARE_TAGGED]},
		{"untagged_now", "tag image", "disappeared", n[COMPARE_UNTAGGED]},
		{"tag_images_changed", "tag image", "changed",
		 n[COMPARE_TAG_IMAGE_CHANGED]},
		{"tags_changed", "tag", "changed",
		 n[COMPARE_TAG_APPEARED] + n[COMPARE_TAG_DISAPPEARED] +
			 n[COMPARE_TAG_RENAMED] + n[COMPARE_TAG_CHANGED]},
	};
	const char *before = ": ";

	if (command_opt.json) {
		add_string(out, "album", command_opt.album, strlen(command_opt.album));
		add_count(out, "images", entry->images);
		add_count(out, "untagged", entry->untagged);
	} else {
		buf_addstr(out, "  ");
		add_number(out, entry->images, "image");
		buf_addf(out, ", %" PRIu64 " untagged", entry->untagged);
	}
	for (size_t i = 0; i < sizeof(change) / sizeof(*change); i++) {
		if (command_opt.json) {
			add_count(out, change[i].name, change[i].count);
		} else if (change[i].count) {
			buf_addstr(out, before);
			add_number(out, change[i].count, change[i].noun);
			buf_addf(out, " %s", change[i].verb);
			before = ", ";
		}
	}
}

static void add_tag(struct buf *out, const struct trace_entry *entry)
{
	if (command_opt.json) {
		add_string(out, "tag", command_opt.tag, strlen(command_opt.tag));
		buf_addf(out, ",\"label\":%s", entry->label ? entry->label : "null");
		add_count(out, "tag_images", entry->tag_images);
	} else {
		buf_addstr(out, "  ");
		add_number(out, entry->tag_images, "tag image");
	}
}

static int print_entry(const struct trace_entry *entry, void *payload)
{
	struct log *log = payload;
	const char *events = log->events.len ? log->events.data : "";

	add_snapshot(&log->line, entry->step);
	if (command_opt.album) {
		add_album(&log->line, entry);
	} else if (command_opt.tag) {
		add_tag(&log->line, entry);
	}
	if (command_opt.json && !command_opt.album) {
		buf_addf(&log->line, ",\"events\":[%s]", events);
	} else {
		buf_addstr(&log->line, events);
	}
	buf_addstr(&log->line, command_opt.json ? "}" : "");
	buf_clear(&log->events);
	return print_line(log);
}

static int log_scope(struct log *log, struct snapshot_repo *repo,
		     const struct snapshot_info *from)
{
	struct compare_scope scope = {.album = command_opt.album,
				      .image = command_opt.image,
				      .tag = command_opt.tag};
	const char *kind = command_opt.album   ? "album"
			   : command_opt.image ? "image"
					       : "tag";
	const char *id = command_opt.album   ? command_opt.album
			 : command_opt.image ? command_opt.image
					     : command_opt.tag;
	struct trace_end end;
	int rc = trace_run(&end, repo, &from->commit, &scope, add_event, print_entry, log,
			   log->err);

	if (rc) {
		return rc;
	}
	if (!end.seen) {
		return err_set(log->err, ERR_NOTFOUND, "no %s '%s' in any snapshot%s",
			       kind, id, end.cut ? " that this clone has" : "");
	}
	if (end.cut) {
		log_warning("this clone is shallow: what happened before, and in its "
			    "first snapshot, is not in it");
	}
	return 0;
}

static int check_options(int argc, struct err *err)
{
	if (argc) {
		return err_set(err, ERR_USAGE, "log takes options alone");
	}
	if (!!command_opt.album + !!command_opt.image + !!command_opt.tag > 1) {
		return err_set(err, ERR_USAGE,
			       "give one of --album, --image and --tag, not more");
	}
	return 0;
}

int command_log(int argc, char **argv, struct err *err)
{
	struct snapshot_repo *repo = NULL;
	struct snapshot_info from = {0};
	struct log log = {.err = err};
	int64_t instant;
	int rc = check_options(argc, err);

	(void)argv;
	if (!rc) {
		rc = snapshot_open(&repo, command_opt.repo, 0, "albumen-exporter log",
				   err);
	}
	if (!rc) {
		rc = when_resolve(repo, command_opt.at, &from, &instant, err);
	}
	if (!rc) {
		rc = command_opt.album || command_opt.image || command_opt.tag
			     ? log_scope(&log, repo, &from)
			     : log_all(&log, repo, &from);
	}
	buf_release(&log.events);
	buf_release(&log.line);
	snapshot_info_release(&from);
	snapshot_close(repo);
	return rc;
}
