/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/s3/s3_say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exporter/s3/s3_xml.h"

static bool is(const struct s3_xml_error *error, const char *code)
{
	return strcmp(error->code, code) == 0;
}

static bool any(const struct s3_xml_error *error, const char *const *codes)
{
	while (*codes && !is(error, *codes)) {
		codes++;
	}
	return *codes;
}

/* "cannot write 's3://BUCKET/KEY' at ENDPOINT: " */
static void begin(struct buf *out, const struct s3_who *who, const struct s3_say *what)
{
	buf_addf(out, "cannot %s '",
		 *what->method == 'G'   ? "read"
		 : *what->method == 'P' ? "write"
		 : *what->method == 'D' ? "delete"
					: "list");
	s3_url_name(out, who->place, what->key);
	buf_addf(out, "' at %s: ", who->endpoint);
}

/* "403 AccessDenied (what the server says)" */
static void add_answer(struct buf *out, const struct s3_wire_request *wire,
		       const struct s3_xml_error *error)
{
	buf_addf(out, "%d%s%s", wire->status, *error->code ? " " : "", error->code);
	if (*error->message) {
		buf_addf(out, " (%s)", error->message);
	}
}

/* Sets the error to what was collected, and frees that. */
static int finish(struct buf *text, int code, struct err *err)
{
	err_set(err, code, "%s", text->data);
	buf_release(text);
	return code;
}

int s3_say_no_s3(const struct s3_who *who, const struct s3_say *what, const char *why,
		 struct err *err)
{
	struct buf text = {0};

	begin(&text, who, what);
	buf_addf(&text, "%s; is there an S3 server at that address?", why);
	return finish(&text, ERR_FAIL, err);
}

/* The right that AWS and others call so. */
static const char *right(const struct s3_say *what)
{
	switch (*what->method) {
	case 'G':
		/* Without the second, AWS denies what does not exist. */
		return "s3:GetObject on it, and s3:ListBucket on the bucket";
	case 'P':
		return "s3:PutObject on it";
	case 'D':
		return "s3:DeleteObject on it";
	default:
		return "s3:ListBucket on the bucket";
	}
}

static void add_remedy(struct buf *out, const struct s3_who *who,
		       const struct s3_say *what, const struct s3_wire_request *wire,
		       const struct s3_xml_error *error)
{
	int64_t skew = (int64_t)time(NULL) - wire->date_s;

	if (is(error, "SignatureDoesNotMatch")) {
		buf_addf(out, "the secret of the key '%s' (from %s) is wrong", who->id,
			 who->id_from);
	} else if (is(error, "InvalidAccessKeyId")) {
		buf_addf(out, "the server has no key '%s' (from %s)", who->id,
			 who->id_from);
	} else if (is(error, "RequestTimeTooSkewed") && wire->date_s) {
		buf_addf(out, "the clock of this machine is %" PRId64 " s %s: set it",
			 skew > 0 ? skew : -skew, skew > 0 ? "fast" : "slow");
	} else if (strstr(error->code, "Token")) {
		buf_addf(out,
			 "the session of the key '%s' (from %s) has ended or is another "
			 "key's: get a new one",
			 who->id, who->id_from);
	} else {
		buf_addf(out, "the key '%s' (from %s) needs the right %s", who->id,
			 who->id_from, right(what));
	}
}

static bool is_denied(const struct s3_wire_request *wire,
		      const struct s3_xml_error *error)
{
	/* AWS says these with 400. */
	static const char *const codes[] = {"ExpiredToken", "InvalidToken",
					    "TokenRefreshRequired", NULL};

	return wire->status == 401 || wire->status == 403 || any(error, codes);
}

/* Whether a later try may succeed. */
static bool is_passing(const struct s3_wire_request *wire,
		       const struct s3_xml_error *error)
{
	int status = wire->status;

	return (status >= 500 && status != 501 && status != 505) || status == 429 ||
	       status == 408 || status == 409 || is(error, "RequestTimeout");
}

/* An answer that is no success and will not become one. */
static int refusal(const struct s3_who *who, const struct s3_say *what,
		   const struct s3_wire_request *wire, const struct s3_xml_error *error,
		   struct err *err)
{
	const char *region = *wire->region ? wire->region : error->region;
	struct buf text = {0};
	int code = ERR_FAIL;

	begin(&text, who, what);
	add_answer(&text, wire, error);
	buf_addstr(&text, "; ");
	if (*region && strcmp(region, who->region) != 0) {
		buf_addf(&text,
			 "the bucket lies in the region '%s': give --region %s, or "
			 "AWS_REGION",
			 region, region);
	} else if (is_denied(wire, error)) {
		add_remedy(&text, who, what, wire, error);
		code = ERR_DENIED;
	} else if (wire->status / 100 == 3 && wire->status != 304) {
		buf_addstr(&text, "the bucket, or the server, is elsewhere: give its "
				  "--endpoint-url or --region");
	} else if (is(error, "NoSuchBucket")) {
		buf_addf(&text, "there is no bucket '%s': make it first",
			 who->place->bucket);
	} else if (*error->code) {
		buf_setlen(&text, text.len - 2);
	} else {
		buf_addstr(&text, "is there an S3 server at that address?");
	}
	return finish(&text, code, err);
}

static int success(const struct s3_who *who, const struct s3_say *what,
		   const struct s3_wire_request *wire, struct err *err)
{
	bool tagged = *what->method == 'G' || *what->method == 'P';

	if (tagged && !*wire->etag) {
		return s3_say_no_s3(who, what, "the answer has no ETag", err);
	}
	return 0;
}

/* An answer that may be another next time. */
static int passing(const struct s3_who *who, const struct s3_say *what,
		   const struct s3_wire_request *wire, const struct s3_xml_error *error,
		   struct err *err)
{
	struct buf text = {0};

	begin(&text, who, what);
	add_answer(&text, wire, error);
	return finish(&text, ERR_UNREACHABLE, err);
}

static int no_answer(const struct s3_who *who, const struct s3_say *what,
		     const struct s3_wire_request *wire, int code, struct err *err)
{
	struct buf text = {0};

	begin(&text, who, what);
	buf_addstr(&text, wire->why);
	if (wire->result == S3_WIRE_WRONG && strncmp(who->endpoint, "https:", 6) == 0) {
		buf_addstr(&text, "; AWS_CA_BUNDLE names a file of the certificates that "
				  "hold");
	}
	return finish(&text, code, err);
}

/* A PUT whose condition does not hold, or is not understood; 0: it is something else. */
static int condition_outcome(const struct s3_who *who, const struct s3_say *what,
			     const struct s3_wire_request *wire,
			     const struct s3_xml_error *error, const char *condition,
			     struct err *err)
{
	struct buf text = {0};

	if (wire->status == 412 || (wire->status == 404 && is(error, "NoSuchKey"))) {
		begin(&text, who, what);
		buf_addf(&text, "%s does not hold", condition);
		return finish(&text, ERR_CHANGED, err);
	}
	if (wire->status == 501) {
		begin(&text, who, what);
		add_answer(&text, wire, error);
		buf_addf(&text, "; the server does not know %s", condition);
		return finish(&text, ERR_REFUSED, err);
	}
	return 0;
}

static int answer_outcome(const struct s3_who *who, const struct s3_say *what,
			  const struct s3_wire_request *wire, const char *condition,
			  bool *again, struct err *err)
{
	static const char *const full[] = {"QuotaExceeded", "XMinioStorageFull",
					   "InsufficientStorage", NULL};
	struct s3_xml_error error;
	struct buf text = {0};
	int rc;

	if (wire->status / 100 == 2) {
		return success(who, what, wire, err);
	}
	s3_xml_error(&error, wire->answer.data, wire->answer.len);
	rc = condition ? condition_outcome(who, what, wire, &error, condition, err) : 0;
	if (rc) {
		return rc;
	}
	if (wire->status == 404 && is(&error, "NoSuchKey") && *what->method == 'D') {
		return 0;
	}
	if (wire->status == 404 && is(&error, "NoSuchKey") && *what->method == 'G') {
		begin(&text, who, what);
		buf_addstr(&text, "there is no such key");
		return finish(&text, ERR_NOTFOUND, err);
	}
	if (wire->status == 507 || any(&error, full)) {
		begin(&text, who, what);
		add_answer(&text, wire, &error);
		buf_addstr(&text,
			   "; the quota of the bucket, or of its owner, is used up");
		return finish(&text, ERR_FULL, err);
	}
	*again = is_passing(wire, &error);
	return *again ? passing(who, what, wire, &error, err)
		      : refusal(who, what, wire, &error, err);
}

int s3_say_outcome(const struct s3_who *who, const struct s3_say *what,
		   const struct s3_wire_request *wire, const char *condition, bool *again,
		   struct err *err)
{
	struct buf text = {0};

	*again = false;
	switch (wire->result) {
	case S3_WIRE_BROKEN:
		*again = true;
		return no_answer(who, what, wire, ERR_UNREACHABLE, err);
	case S3_WIRE_WRONG:
		return no_answer(who, what, wire, ERR_FAIL, err);
	case S3_WIRE_LARGE:
		begin(&text, who, what);
		buf_addf(&text, "it has more than %zu bytes", wire->max);
		return finish(&text, ERR_LARGE, err);
	case S3_WIRE_ANSWERED:
	default:
		return answer_outcome(who, what, wire, condition, again, err);
	}
}
