/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/command/command.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>

#include "data/base/file.h"
#include "data/base/plain.h"
#include "data/format/fail_on.h"
#include "data/format/json_print.h"
#include "exporter/edge/edge.h"
#include "exporter/git/repo_folder.h"
#include "exporter/lookback/when.h"
#include "exporter/site/foreign.h"
#include "exporter/snapshot/message.h"

#define AT(member) offsetof(struct command_options, member)

const struct cli_option command_option_table[] = {
	{"index", 0, CLI_STRING, AT(index), "DIR", NULL,
	 "the index that albumen-indexer keeps"},
	{"repo", 0, CLI_STRING, AT(repo), "DIR", NULL, "the git repository of snapshots"},
	{"site", 0, CLI_STRING, AT(site), "DIR", NULL,
	 "the folder that a web server serves, or s3://BUCKET/PREFIX"},
	{"endpoint-url", 0, CLI_STRING, AT(place.endpoint_url), "URL", NULL,
	 "the server of s3://; default: as AWS's own tools find it"},
	{"region", 0, CLI_STRING, AT(place.region), "NAME", NULL,
	 "the region of s3://; default: as AWS's own tools find it"},
	{"single-publisher", 0, CLI_FLAG, AT(place.single_publisher), NULL, NULL,
	 "nobody else publishes there: take a store that cannot exclude it"},
	{"rev", 0, CLI_STRING, AT(at), "WHEN", NULL, "another name for --at"},
	{"check", 0, CLI_FLAG, AT(check), NULL, NULL,
	 "list the files of the site that differ from its snapshot"},
	{"repair", 0, CLI_FLAG, AT(repair), NULL, NULL,
	 "like --check, and bring the site to the snapshot"},
	{"collections", 0, CLI_FLAG, AT(collections), NULL, NULL,
	 "also write the responses that are collected of all files: every tag image, "
	 "every "
	 "tag, the tag images of each tag"},
	{"for", 0, CLI_STRING, AT(edge_for), "KIND", EDGE_KINDS,
	 "nginx (the default), nginx-server, apache, caddy or worker"},
	{"listen", 0, CLI_STRING, AT(listen), "ADDR:PORT", NULL,
	 "where the web server listens; a port alone is on 127.0.0.1"},
	{"server-name", 0, CLI_STRING, AT(server_name), "NAME", NULL,
	 "the host name to which the web server answers"},
	{"tls-certificate", 0, CLI_STRING, AT(tls_certificate), "FILE", NULL,
	 "its certificate, and those that lead to it"},
	{"tls-key", 0, CLI_STRING, AT(tls_key), "FILE", NULL,
	 "the key of the certificate"},
	{"libraries", 0, CLI_STRING, AT(libraries), "FILE", NULL,
	 "below which part of the site the library of each album lies"},
	{"tokens", 0, CLI_STRING, AT(tokens), "FILE", NULL,
	 "answer holders of a right token only; FILE holds the secrets of their issuers"},
	{"metrics", 0, CLI_STRING, AT(metrics), "FILE", NULL,
	 "write metrics for Prometheus to FILE; follow renews them"},
	{"max-age", 0, CLI_NUMBER, AT(max_age), "SECONDS", NULL,
	 "/healthz answers 200 while the site was checked more recently (default: 180)"},
	{"ready-fd", 0, CLI_NUMBER, AT(ready_fd), "N", NULL,
	 "write a line to descriptor N after the first export"},
	{"json", 0, CLI_FLAG, AT(json), NULL, NULL, "report as JSON"},
	{"at", 0, CLI_STRING, AT(at), "WHEN", NULL,
	 "the snapshot of that time: a date, '2 days ago', a tag, an id"},
	{"album", 0, CLI_STRING, AT(album), "ID", NULL, "only this album"},
	{"image", 0, CLI_STRING, AT(image), "ID", NULL, "only this image"},
	{"tag", 0, CLI_STRING, AT(tag), "ID", NULL, "only this tag"},
	{"album", 0, CLI_SEVERAL, AT(erase_album), "ID", NULL,
	 "every image that was ever in this album (may be repeated)"},
	{"image", 0, CLI_SEVERAL, AT(erase_image), "ID", NULL,
	 "this image (may be repeated)"},
	{"tag", 0, CLI_SEVERAL, AT(erase_tag), "ID", NULL,
	 "this tag, and all of its tag images (may be repeated)"},
	{"tag-image", 0, CLI_SEVERAL, AT(erase_tag_image), "ID", NULL,
	 "this tag image (may be repeated)"},
	{"member", 0, CLI_SEVERAL, AT(erase_member), "MEMBER.PATH", NULL,
	 "this member of every record (may be repeated)"},
	{"format", 0, CLI_STRING, AT(format), "FORMAT", "table json csv html",
	 "table (the default), json, csv or html"},
	{"fail-over", 0, CLI_NUMBER, AT(fail_over), "N", NULL,
	 "exit with status 1 if more than N images are untagged"},
	{"fail-on", 0, CLI_STRING, AT(fail_on), "LIST", NULL,
	 "exit with status 1 for these (default: " FAIL_ON_DEFAULT "), or none"},
	{"older-than", 0, CLI_STRING, AT(older_than), "AGE", NULL,
	 "exit with status 1 if an image has been untagged for longer: 12h, 30d, 8w"},
	{"images", 0, CLI_FLAG, AT(images), NULL, NULL,
	 "list the untagged images of all albums, untagged for longest first"},
	{"sort", 0, CLI_STRING, AT(sort), "BY",
	 "untagged share images since album created image",
	 "sort albums by untagged (the default), share, images, since or album; images "
	 "by "
	 "since (the default), created, album or image"},
	{"top", 0, CLI_NUMBER, AT(top), "N", NULL,
	 "list only the first N albums or images"},
	{"count-from", 0, CLI_STRING, AT(count_from), "WHAT", "created observed",
	 "since when an image counts as untagged: created (the default), if no snapshot "
	 "shows it otherwise, or observed"},
	{"from", 0, CLI_STRING, AT(from), "WHEN", NULL,
	 "begin with this snapshot (default: the first)"},
	{"to", 0, CLI_STRING, AT(to), "WHEN", NULL,
	 "end with this snapshot (default: the last)"},
	{"before", 0, CLI_STRING, AT(before), "WHEN", NULL,
	 "the history before that time; a date means its beginning, UTC"},
	{"sign", 0, CLI_STRING, AT(sign), "KEY", NULL,
	 "sign with this OpenSSH key: a private one, or a public one whose private half "
	 "an agent holds"},
	{"signers", 0, CLI_STRING, AT(signers), "FILE", NULL,
	 "who may sign: an allowed-signers file (ssh-keygen(1))"},
	{"label", 0, CLI_STRING, AT(label), "NAME", NULL, "the label"},
	{"reason", 0, CLI_STRING, AT(reason), "TEXT", NULL,
	 "why: it stays in the repository"},
	{"bundle", 0, CLI_STRING, AT(bundle), "FILE", NULL,
	 "a bundle in place of a repository; - is standard input"},
	{"audit-page", 0, CLI_FLAG, AT(audit_page), NULL, NULL,
	 "also write audit/, a page for people, into the site"},
	{"drop", 0, CLI_LIST, AT(drop), "MEMBER.PATH", NULL,
	 "leave this member out of every response (may be repeated)"},
	{"name", 0, CLI_STRING, AT(name), "TEXT", NULL,
	 "what the library is called; snapshots record it (default: as in the last one)"},
	{"round-gps", 0, CLI_NUMBER, AT(round_gps), "N", NULL,
	 "round coordinates to N decimals in every response"},
	{"accept", 0, CLI_LIST | CLI_LINE_ONLY, AT(accept), "WHAT", ACCEPT_NAMES,
	 "accept once what is refused otherwise (may be repeated); WHAT is one "
	 "of:" ACCEPT_NAMES},
	{"wait", 0, CLI_NUMBER, AT(wait), "SECONDS", NULL,
	 "how long to wait for another writer of the repository (default: 60)"},
	{"dry-run", 0, CLI_FLAG, AT(dry_run), NULL, NULL,
	 "say what would be done, and change nothing"},
	{0},
};

int command_site(struct place **site, const struct command_options *opt, struct err *err)
{
	*site = NULL;
	return opt->site ? place_new(site, opt->site, &opt->place, err) : 0;
}

int command_begin(struct place **site, const struct command_options *opt, struct err *err)
{
	int rc = command_site(site, opt, err);
	const char *places[] = {opt->index, opt->repo,
				*site ? place_folder(*site) : NULL};
	const char *names[] = {"index", "repository", "site"};

	if (rc) {
		return rc;
	}

	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < 3; j++) {
			if (i != j && places[i] && places[j] &&
			    file_is_inside(places[i], places[j])) {
				return err_set(err, ERR_USAGE,
					       "the %s '%s' lies in the %s '%s'; each "
					       "needs a folder of its own",
					       names[i], places[i], names[j], places[j]);
			}
		}
	}
	return 0;
}

int command_open_writer(struct snapshot_repo **out, const struct command_options *opt,
			unsigned flags, const char *name, struct stop *stop,
			struct err *err)
{
	struct snapshot_wait wait = {.stop = stop};

	wait.seconds =
		opt->wait > UINT_MAX / 1000 ? UINT_MAX / 1000 : (unsigned)opt->wait;
	return snapshot_open_wait(out, opt->repo, SNAPSHOT_WRITE | flags, name, &wait,
				  err);
}

int command_open_reader(struct snapshot_repo **repo, struct snapshot_info *info,
			int64_t *instant, const struct command_options *opt,
			struct err *err)
{
	int rc = snapshot_open(repo, opt->repo, 0, "albumen-exporter", err);

	return rc ? rc : when_resolve(*repo, opt->at, info, instant, err);
}

int command_check_site(struct command_job *job, const struct command_options *opt,
		       struct err *err)
{
	enum repo_folder_kind folder;
	int rc;

	if (!job->job.site) {
		return 0;
	}
	rc = repo_folder_look(&folder, opt->repo, err);
	if (!rc && folder != REPO_FOLDER_REPO) {
		rc = foreign_check(job->job.site, NULL, err);
	}
	return rc == ERR_REFUSED ? accept_check(&job->accept, ACCEPT_SITE, err) : rc;
}

int command_begin_job(struct command_job *job, const struct command_options *opt,
		      struct err *err)
{
	struct place *site;
	const char *fault;
	int rc = command_begin(&site, opt, err);

	*job = (struct command_job){.stop = {.fd = -1}};
	rc = rc ? rc
		: accept_read(&job->accept, opt->accept.value, opt->accept.count, err);
	rc = rc ? rc
		: redact_new(&job->redact, opt->drop.value, opt->drop.count,
			     opt->round_gps, err);
	fault = opt->name ? message_name_fault(opt->name) : NULL;
	rc = rc || !fault ? rc : err_set(err, ERR_USAGE, "--name %s", fault);
	job->job = (struct export_job){.site = site,
				       .site_flags = command_site_flags(opt),
				       .sign = opt->sign,
				       .key = job->key,
				       .redact = job->redact,
				       .name = opt->name,
				       .accept = &job->accept,
				       .dry_run = opt->dry_run,
				       .stop = &job->stop};
	if (!rc && opt->sign) {
		rc = sign_key_check(job->key, opt->sign, err);
	}
	rc = rc ? rc : stop_open(&job->stop, err);
	if (!rc && job->job.site) {
		place_set_stop(job->job.site, &job->stop);
	}
	return rc;
}

void command_end_job(struct command_job *job)
{
	snapshot_close(job->job.repo);
	index_close(job->job.index);
	place_free(job->job.site);
	stop_close(&job->stop);
	redact_free(job->redact);
}

unsigned command_site_flags(const struct command_options *opt)
{
	return (opt->collections ? SITE_COLLECTIONS : 0) |
	       (opt->audit_page ? SITE_AUDIT_PAGE : 0);
}

void command_add_snapshot(struct buf *out, const struct snapshot_info *info)
{
	json_print_string(out, "commit", info->commit.hex);
	json_print_string(out, "tree", info->tree.hex);
}

void command_json_oversize(struct buf *out, const struct oversize *oversize)
{
	const char *path;
	size_t at = 0;

	json_print_open(out, "oversize", '[');
	while ((path = oversize_next(oversize, &at))) {
		struct buf plain = {0};

		plain_addstr(&plain, path);
		json_print_string(out, NULL, plain.data);
		buf_release(&plain);
	}
	buf_addch(out, ']');
}

void command_add_site(struct buf *out, const struct command_options *opt,
		      const struct site_result *site)
{
	if (!opt->site || !site) {
		if (opt->json) {
			json_print_raw(out, "site", NULL);
		}
	} else if (opt->json) {
		json_print_open(out, "site", '{');
		json_print_number(out, "written", site->written);
		json_print_number(out, "bytes", site->bytes);
		json_print_number(out, "removed", site->removed);
		json_print_number(out, "requests", site->requests);
		json_print_bool(out, "damaged", site->damaged);
		buf_addch(out, '}');
	} else if (site->touched) {
		buf_addstr(out, "site: ");
		command_add_count(out, site->written, "file");
		if (opt->dry_run) {
			buf_addstr(out, " of ");
			command_add_count(out, site->bytes, "byte");
		}
		buf_addf(out, " %swritten, %" PRIu64 " removed",
			 opt->dry_run ? "would be " : "", site->removed);
		if (site->requests) {
			buf_addf(out, ", in about %" PRIu64 " requests", site->requests);
		}
		buf_addch(out, '\n');
	} else if (site->damaged) {
		buf_addf(out, "site: damaged, nothing %swritten\n",
			 opt->dry_run ? "would be " : "");
	} else {
		buf_addstr(out, "site: nothing to do\n");
	}
}

void command_add_count(struct buf *out, uint64_t count, const char *noun)
{
	buf_addf(out, "%" PRIu64 " %s%s", count, noun, count == 1 ? "" : "s");
}

void command_print(struct buf *out)
{
	fwrite(out->data, 1, out->len, stdout);
	buf_release(out);
}

int command_print_line(struct buf *line, struct err *err)
{
	bool printed;

	buf_addch(line, '\n');
	printed = fwrite(line->data, 1, line->len, stdout) == line->len;
	buf_clear(line);
	return printed ? 0 : err_sys(err, "cannot write to standard output");
}
