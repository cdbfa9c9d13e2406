/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/site/place_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <nettle/md5.h>

#include "data/base/clock.h"
#include "data/base/file.h"
#include "data/format/stamp.h"
#include "exporter/s3/s3.h"
#include "exporter/site/holder.h"
#include "exporter/site/lease.h"
#include "exporter/site/place.h"
#include "exporter/site/publication.h"
#include "exporter/site/store_compare.h"

/*
 * A store replaces one key at a time, has no locks, and no order between two requests that are
 * under way. What it has is a condition on a PUT: only if the key is as I have read it. So a
 * publication of commit T is:
 *
 * 1. GET publication.json (publication.h) and snapshot.json. Somebody else's lease: locked.
 * 2. PUT publication.json, if it is as it was read: our lease, and T among the pending commits.
 *    GET snapshot.json again: it must be as it was read.
 * 3. PUT what differs between T and what snapshot.json names, or any pending commit (site.c),
 *    many at once; wait for all; then DELETE; wait for all.
 * 4. PUT snapshot.json, if it is as it was read.
 * 5. PUT publication.json, if it is as we wrote it: nobody's, and nothing is pending.
 *
 * So k changed files cost k + 6 requests, and one more in 40 s for the lease. Killed anywhere,
 * it leaves T among the pending commits, and the next one looks only at what may differ.
 * Nothing of 3 is sent when the lease has ended (lease.h): a request that arrives after somebody
 * else has begun could not be told from one of his.
 *
 * Before the first publication the store has to show that it honours conditions (s3_probe).
 */

#define PROBE_KEY PLACE_OWN "/probe"
/* A file that is put in pieces is kept in memory up to this size, then in a temporary file. */
#define MEMORY_MAX ((size_t)4 << 20)

struct store {
	struct place place; /* first */
	struct place_settings settings;
	struct s3_place at;
	struct s3 *s3;     /* NULL: not used yet */
	struct stop *stop; /* may be NULL */
	/* What was read of the store, until place_close. */
	bool loaded;
	struct publication publication;
	char publication_etag[S3_ETAG]; /* "": there is no such key */
	int64_t written_s;              /* when it was last written */
	struct publication_clock clock;
	struct buf state;         /* snapshot.json */
	char state_etag[S3_ETAG]; /* "": there is no such key */
	bool empty;               /* known to have no key but our own */
	/* While it is open. */
	bool many, doubt;
	struct holder holder;
	struct lease *lease;
	enum flying { NOTHING, PUTS, DELETES } flying; /* what may be under way */
	/* The file that is being put. */
	struct buf path, body;
	int spool; /* its beginning, if it is large; -1: it is not */
	uint64_t spooled;
	struct md5_ctx md5;
	int rc;
	struct err failure;
	/* Comparing. */
	place_found_fn *found;
	void *payload;
	struct store_compare compare;
};

static struct store *of(struct place *place)
{
	return (struct store *)place;
}

/* --- reading ------------------------------------------------------------------------- */

/* Asked by the client now and then, whatever it waits for. */
static int tick(void *payload, struct err *err)
{
	struct store *s = payload;
	int rc = s->stop ? stop_check(s->stop, err) : 0;

	return rc || !s->lease ? rc : lease_check(s->lease, err);
}

static void store_set_stop(struct place *place, struct stop *stop)
{
	of(place)->stop = stop;
}

static int connect_store(struct store *s, struct err *err)
{
	const struct s3_settings settings = {s->settings.endpoint_url,
					     s->settings.region};
	int rc;

	if (s->s3) {
		return 0;
	}
	rc = s3_open(&s->s3, &s->at, &settings, err);
	if (!rc) {
		s3_set_tick(s->s3, tick, s);
	}
	return rc;
}

static void forget(struct store *s)
{
	publication_release(&s->publication);
	*s->publication_etag = *s->state_etag = '\0';
	buf_release(&s->state);
	s->loaded = s->empty = false;
}

/* Reads a key; one that does not exist has the ETag "" and no body. One that is larger than
 * `max` was damaged, and comes without its body. */
static int get(struct store *s, struct s3_answer *answer, const char *key, size_t max,
	       struct err *err)
{
	int rc = s3_get(s->s3, key, max, answer, err);

	if (rc == ERR_NOTFOUND) {
		*answer->etag = '\0';
		buf_clear(&answer->body);
		return 0;
	}
	rc = rc == ERR_LARGE ? 0 : rc;
	if (!rc && !*answer->etag) {
		rc = err_set(err, ERR_FAIL,
			     "'%s/%s' came without an ETag: this is no store that "
			     "albumen can publish to",
			     s->place.name, key);
	}
	return rc;
}

/* Reads who publishes. What somebody else has damaged counts as a lease of unknown state. */
static int load_publication(struct store *s, struct s3_answer *answer, struct err *err)
{
	struct buf name = {0};
	struct err unread;
	int rc;

	s->clock.sent_ms = clock_boot_ms();
	rc = get(s, answer, LEASE_KEY, PUBLICATION_MAX, err);
	if (rc) {
		return rc;
	}
	s->clock.date_s = answer->date_s ? answer->date_s : (int64_t)time(NULL);
	s->written_s = answer->modified_s;
	memcpy(s->publication_etag, answer->etag, S3_ETAG);
	if (!*answer->etag) {
		return 0;
	}
	buf_addf(&name, "%s/" LEASE_KEY, s->place.name);
	rc = publication_read(&s->publication, answer->body.data, answer->body.len,
			      name.data, &unread);
	if (rc == ERR_INPUT) {
		publication_unreadable(&s->publication,
				       s->written_s ? s->written_s : s->clock.date_s);
		rc = 0;
	} else if (rc && err) {
		*err = unread;
	}
	buf_release(&name);
	return rc;
}

static int load(struct store *s, struct err *err)
{
	struct s3_answer answer = {0};
	int rc = 0;

	if (s->loaded) {
		return 0;
	}
	forget(s);
	rc = connect_store(s, err);
	/* In this order: whoever publishes writes them in the other one. */
	rc = rc ? rc : load_publication(s, &answer, err);
	rc = rc ? rc : get(s, &answer, PLACE_STATE, PLACE_STATE_MAX, err);
	if (!rc) {
		memcpy(s->state_etag, answer.etag, S3_ETAG);
		buf_add(&s->state, answer.body.data, answer.body.len);
		s->loaded = true;
	}
	s3_answer_release(&answer);
	return rc;
}

static int store_read(struct buf *out, struct place *place, const char *path,
		      size_t limit, struct err *err)
{
	struct store *s = of(place);
	struct s3_answer answer = {0};
	int rc;

	if (strcmp(path, PLACE_STATE) == 0) {
		rc = load(s, err);
		if (rc || !*s->state_etag) {
			return rc ? rc : ERR_NOTFOUND;
		}
		buf_add(out, s->state.data, s->state.len);
		return 0;
	}
	rc = connect_store(s, err);
	rc = rc ? rc : s3_get(s->s3, path, limit, &answer, err);
	if (!rc) {
		buf_add(out, answer.body.data, answer.body.len);
	}
	s3_answer_release(&answer);
	return rc == ERR_LARGE ? ERR_NOTFOUND : rc;
}

/* Ends a listing at the first key that is not our own, and copies it. */
static int find_one(const char *key, const char *etag, uint64_t size, void *payload,
		    struct err *err)
{
	(void)etag;
	(void)size;
	(void)err;
	if (strncmp(key, PLACE_OWN "/", strlen(PLACE_OWN "/")) == 0) {
		return 0;
	}
	buf_addstr(payload, key);
	return 1;
}

static int find_below(struct buf *key, struct store *s, const char *prefix,
		      struct err *err)
{
	int rc = connect_store(s, err);

	rc = rc ? rc : s3_list(s->s3, prefix, find_one, key, err);
	return rc > 0 ? 0 : rc;
}

static int store_is_bare(bool *bare, struct place *place, struct err *err)
{
	struct store *s = of(place);
	struct buf key = {0};
	int rc = 0;

	if (!s->empty) {
		rc = find_below(&key, s, "api/", err);
		rc = rc || key.len ? rc : find_below(&key, s, "audit/", err);
	}
	*bare = !key.len;
	buf_release(&key);
	return rc;
}

static int store_is_site(bool *is, struct place *place, struct err *err)
{
	struct store *s = of(place);
	int rc = load(s, err);

	*is = !rc && *s->publication_etag;
	return rc;
}

static int store_find_entry(struct buf *name, struct place *place, struct err *err)
{
	struct store *s = of(place);
	int rc = s->empty ? 0 : find_below(name, s, "", err);

	s->empty = !rc && !name->len;
	return rc;
}

/* --- opening and closing ------------------------------------------------------------- */

static int refuse_live(const struct store *s, struct err *err)
{
	char until[STAMP_TEXT];

	stamp_format(until, publication_free_s(&s->publication, s->written_s));
	return err_set(err, ERR_LOCKED,
		       "site '%s' is being published by another publisher (%s); wait for "
		       "it; if it has died, try again after %s",
		       s->place.name, s->publication.holder, until);
}

/* Whether nobody else publishes. What was read a while ago may have changed. */
static int check_turn(struct store *s, struct err *err)
{
	bool fresh = !s->loaded;
	int rc;

	for (;; fresh = true, s->loaded = false) {
		if ((rc = load(s, err)) ||
		    publication_turn(&s->publication, s->holder.name, s->written_s,
				     s->clock.date_s) != PUBLICATION_LIVE) {
			return rc;
		}
		if (fresh) {
			return refuse_live(s, err);
		}
	}
}

/* Also to compare: while somebody publishes, nothing could be said. */
static int store_open(struct place *place, struct snapshot_repo *repo, const char *holder,
		      struct err *err)
{
	struct store *s = of(place);
	int rc = holder_open(&s->holder, snapshot_path(repo), err);

	(void)holder;
	s->flying = NOTHING;
	return rc ? rc : check_turn(s, err);
}

static void drop_body(struct store *s)
{
	buf_empty(&s->body);
	if (s->spool >= 0) {
		close(s->spool);
		s->spool = -1;
	}
	s->spooled = 0;
}

static void store_close(struct place *place)
{
	struct store *s = of(place);
	struct err ignored;

	if (s->lease) {
		/* The publication has failed. What was sent ends before the lock does, or
		 * is cut. */
		s3_drain(s->s3, &ignored);
		lease_leave(&s->lease);
	}
	drop_body(s);
	store_compare_release(&s->compare);
	s->found = NULL;
	holder_close(&s->holder);
	s->many = s->doubt = false;
	forget(s);
}

static void store_free(struct place *place)
{
	struct store *s = of(place);

	s3_close(s->s3);
	s3_url_release(&s->at);
	buf_release(&s->path);
	buf_release(&s->body);
	free(s);
}

/* --- what is pending ----------------------------------------------------------------- */

static int store_pending_read(struct buf *lines, bool *unfinished, struct place *place,
			      struct err *err)
{
	struct store *s = of(place);
	int rc = load(s, err);

	*unfinished = rc || s->publication.pending.len;
	if (!rc) {
		buf_add(lines, s->publication.pending.data, s->publication.pending.len);
	}
	return rc;
}

static int store_pending_check(struct place *place, struct err *err)
{
	return load(of(place), err);
}

static int64_t store_pending_since_s(struct place *place)
{
	struct store *s = of(place);
	struct err unread;

	return load(s, &unread) == 0 && *s->publication_etag ? s->written_s : 0;
}

/* The store honours no conditions, and need not. */
static bool is_plain(const struct store *s)
{
	return s->settings.single_publisher && !s->publication.conditional;
}

/* Asks the store once whether two publishers would exclude each other there. */
static int probe(struct store *s, struct err *err)
{
	struct err why;
	int rc;

	if (s->publication.conditional || s->settings.single_publisher) {
		return 0;
	}
	rc = s3_probe(s->s3, PROBE_KEY, &why);
	if (rc == ERR_REFUSED) {
		return err_set(err, ERR_REFUSED,
			       "%s: so nothing would keep two publishers from mixing "
			       "their files in '%s'; if there is only one, say so with "
			       "--single-publisher",
			       why.msg, s->place.name);
	}
	if (rc && err) {
		*err = why;
	}
	s->publication.conditional = !rc;
	return rc;
}

/* snapshot.json must be as it was read before we had the lease. */
static int check_state(struct store *s, struct err *err)
{
	struct s3_answer answer = {0};
	int rc = get(s, &answer, PLACE_STATE, PLACE_STATE_MAX, err);

	if (!rc && strcmp(answer.etag, s->state_etag) != 0) {
		rc = err_set(err, ERR_LOCKED,
			     "another publication of site '%s' has ended meanwhile; "
			     "publish again",
			     s->place.name);
	}
	s3_answer_release(&answer);
	return rc;
}

static int store_pending_begin(struct place *place, const char *lines, size_t len,
			       bool unfinished, struct err *err)
{
	struct store *s = of(place);
	const struct s3_settings settings = {s->settings.endpoint_url,
					     s->settings.region};
	struct lease_job job;
	struct err ignored;
	int rc = probe(s, err);

	(void)unfinished; /* the lines have what was pending, and replace it whole */
	if (rc) {
		return rc;
	}
	job = (struct lease_job){
		.s3 = s->s3,
		.place = &s->at,
		.settings = settings,
		.name = s->place.name,
		.holder = s->holder.name,
		.plain = is_plain(s),
		.etag = s->publication_etag,
		.clock = s->clock,
		.pending = lines,
		.pending_len = len,
		.conditional = s->publication.conditional,
	};
	if ((rc = lease_take(&s->lease, &job, err))) {
		return rc;
	}
	rc = check_state(s, err);
	if (rc == ERR_LOCKED) {
		/* No file was touched. */
		(void)lease_end(&s->lease,
				s->publication.pending.len ? s->publication.pending.data
							   : "",
				&ignored);
	}
	return rc;
}

static int store_pending_end(struct place *place, struct err *err)
{
	return lease_end(&of(place)->lease, "", err);
}

/* --- putting and removing ------------------------------------------------------------ */

/* No order is kept between requests that are under way. So files are removed when those that
 * are put are there, and the other way round. */
static int change_to(struct store *s, enum flying what, struct err *err)
{
	int rc = s->flying == what || s->flying == NOTHING ? 0 : s3_drain(s->s3, err);

	s->flying = what;
	return rc;
}

static void store_set_many(struct place *place, bool many)
{
	of(place)->many = many;
}

/* What is there is not known: files are looked for before they are removed. */
static void store_doubt(struct place *place)
{
	of(place)->doubt = true;
}

static int store_flush(struct place *place, struct err *err)
{
	struct store *s = of(place);

	s->flying = NOTHING;
	return s3_drain(s->s3, err);
}

/* As the edges say it. */
static const char *type_of(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} table[] = {
		{".json", "application/json; charset=utf-8"},
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(table) / sizeof(*table); i++) {
		if (strcmp(dot, table[i].suffix) == 0) {
			return table[i].type;
		}
	}
	return "application/octet-stream";
}

static int store_begin(struct place *place, const char *path, struct err *err)
{
	struct store *s = of(place);

	(void)err;
	buf_clear(&s->path);
	buf_addstr(&s->path, path);
	drop_body(s);
	md5_init(&s->md5);
	s->rc = 0;
	return 0;
}

/* Moves what is in memory to a file without a name. */
static int spool(struct store *s, struct err *err)
{
	struct buf name = {0};
	int rc = 0;

	if (s->spool < 0) {
		s->spool =
			file_make_temp(&name, file_temp_folder(), "albumen-site.", 0600);
		if (s->spool < 0 || unlink(name.data) < 0) {
			rc = err_sys(err, "cannot make a temporary file in '%s'",
				     file_temp_folder());
		}
		buf_release(&name);
	}
	rc = rc ? rc
		: file_write_fd(s->spool, s->body.data, s->body.len, s->path.data, err);
	s->spooled += s->body.len;
	buf_clear(&s->body);
	return rc;
}

static void store_write(struct place *place, const void *bytes, size_t len)
{
	struct store *s = of(place);

	if (s->rc) {
		return;
	}
	if (s->found) {
		md5_update(&s->md5, len, bytes);
	}
	buf_add(&s->body, bytes, len);
	if (s->body.len > MEMORY_MAX) {
		s->rc = spool(s, &s->failure);
	}
}

static int look(struct store *s, const struct s3_object *object, const uint8_t *md5,
		struct err *err);

/* Puts a body, or compares it. */
static int put(struct store *s, const struct s3_object *object, const uint8_t *md5,
	       struct err *err)
{
	int rc;

	if (s->found) {
		return look(s, object, md5, err);
	}
	rc = change_to(s, PUTS, err);
	return rc ? rc : s3_put(s->s3, object, err);
}

static int store_end(struct place *place, struct err *err)
{
	struct store *s = of(place);
	uint8_t md5[LISTING_MD5];
	int rc = s->rc;

	if (!rc && s->spool >= 0) {
		rc = spool(s, &s->failure);
	}
	if (rc && err) {
		*err = s->failure;
	}
	md5_digest(&s->md5, sizeof(md5), md5);
	if (!rc) {
		const struct s3_object object = {
			.key = s->path.data,
			.type = type_of(s->path.data),
			.body = s->spool < 0 ? (s->body.len ? s->body.data : "") : NULL,
			.len = s->spool < 0 ? s->body.len : s->spooled,
			.fd = s->spool,
		};

		rc = put(s, &object, md5, err);
	}
	drop_body(s);
	return rc;
}

static void md5_of(uint8_t out[LISTING_MD5], const void *body, size_t len)
{
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, len, body);
	md5_digest(&md5, LISTING_MD5, out);
}

static int store_put(struct place *place, const char *path, const void *body, size_t len,
		     struct err *err)
{
	struct store *s = of(place);
	const struct s3_object object = {.key = path,
					 .type = type_of(path),
					 .body = len ? body : "",
					 .len = len,
					 .fd = -1};
	uint8_t md5[LISTING_MD5] = {0};

	if (s->found) {
		md5_of(md5, body, len);
	}
	return put(s, &object, md5, err);
}

/* Compares it with what was read. */
static void look_at_state(struct store *s, const void *body, size_t len)
{
	if (s->state.len != len || memcmp(s->state.data, body, len) != 0) {
		s->found(PLACE_STATE, *s->state_etag ? PLACE_CHANGED : PLACE_MISSING,
			 s->payload);
	}
}

static int store_put_state(struct place *place, const void *body, size_t len,
			   struct err *err)
{
	struct store *s = of(place);
	const struct s3_object object = {.key = PLACE_STATE,
					 .type = type_of(PLACE_STATE),
					 .body = body,
					 .len = len,
					 .fd = -1};
	struct s3_answer answer = {0};
	int rc;

	if (s->found) {
		look_at_state(s, body, len);
		return 0;
	}
	if (is_plain(s)) {
		rc = store_put(place, PLACE_STATE, body, len, err);
		return rc ? rc : store_flush(place, err);
	}
	assert(s->flying == NOTHING);
	rc = s3_put_if(s->s3, &object, *s->state_etag ? s->state_etag : NULL, &answer,
		       err);
	s3_answer_release(&answer);
	return rc == ERR_CHANGED ? err_set(err, ERR_LOCKED,
					   "somebody else has written '%s/" PLACE_STATE
					   "' meanwhile; publish again",
					   s->place.name)
				 : rc;
}

static int store_put_beside(struct place *place, const char *path, const void *body,
			    size_t len, struct err *err)
{
	struct store *s = of(place);
	const struct s3_object object = {
		.key = path, .type = type_of(path), .body = body, .len = len, .fd = -1};
	int rc = connect_store(s, err), ended;

	if (rc) {
		return rc;
	}
	rc = s3_put(s->s3, &object, err);
	ended = s3_drain(s->s3, rc ? NULL : err);
	return rc ? rc : ended;
}

/* --- comparing ----------------------------------------------------------------------- */

static void store_set_look(struct place *place, place_found_fn *found, void *payload)
{
	struct store *s = of(place);

	s->found = found;
	s->payload = payload;
	/* What was listed before is not what is there after a repair. */
	store_compare_release(&s->compare);
}

static int compare(struct store *s, enum listing_match *match, const char *path,
		   uint64_t size, const uint8_t *md5, struct err *err)
{
	int rc = connect_store(s, err);

	s->compare.s3 = s->s3;
	s->compare.name = s->place.name;
	s->compare.check = s->found;
	s->compare.many = s->many;
	return rc ? rc : store_compare(&s->compare, match, path, size, md5, err);
}

static int look(struct store *s, const struct s3_object *object, const uint8_t *md5,
		struct err *err)
{
	enum listing_match match = LISTING_SAME;
	int rc = compare(s, &match, object->key, object->len, md5, err);

	if (match != LISTING_SAME) {
		s->found(object->key,
			 match == LISTING_ABSENT ? PLACE_MISSING : PLACE_CHANGED,
			 s->payload);
	}
	return rc;
}

static int store_has(bool *has, struct place *place, const char *path, const void *body,
		     size_t len, struct err *err)
{
	struct store *s = of(place);
	enum listing_match match = LISTING_ABSENT;
	uint8_t md5[LISTING_MD5];
	int rc = 0;

	if (!s->empty) {
		md5_of(md5, body, len);
		rc = compare(s, &match, path, len, md5, err);
	}
	*has = match == LISTING_SAME;
	return rc;
}

static int store_remove(struct place *place, const char *path, uint64_t *removed,
			struct err *err)
{
	struct store *s = of(place);
	enum listing_match match = LISTING_DIFFERS;
	int rc = 0;

	if (s->found || s->doubt) {
		rc = compare(s, &match, path, 0, NULL, err);
	}
	if (rc || match == LISTING_ABSENT) {
		return rc;
	}
	if (s->found) {
		s->found(path, PLACE_EXTRA, s->payload);
		return 0;
	}
	rc = change_to(s, DELETES, err);
	rc = rc ? rc : s3_delete(s->s3, path, err);
	*removed += !rc;
	return rc;
}

struct pruning {
	struct store *store;
	place_keep_fn *keep;
	void *payload;
	uint64_t *removed;
};

static int prune_one(const char *key, const char *etag, uint64_t size, void *payload,
		     struct err *err)
{
	const struct pruning *p = payload;
	struct store *s = p->store;
	int rc = 0;

	(void)etag;
	(void)size;
	if (p->keep(key, p->payload)) {
		return 0;
	}
	if (s->found) {
		s->found(key, PLACE_EXTRA, s->payload);
	} else {
		rc = s3_delete(s->s3, key, err);
		*p->removed += !rc;
	}
	return rc;
}

static int store_prune(struct place *place, const char *path, place_keep_fn *keep,
		       void *payload, uint64_t *removed, struct err *err)
{
	struct store *s = of(place);
	struct pruning pruning = {s, keep, payload, removed};
	struct buf folder = {0};
	int rc = change_to(s, DELETES, err);

	buf_addf(&folder, "%s/", path);
	if (s->found && store_compare_is_exhausted(&s->compare, folder.data)) {
		buf_release(&folder);
		return rc;
	}
	rc = rc ? rc : s3_list(s->s3, folder.data, prune_one, &pruning, err);
	buf_release(&folder);
	return rc;
}

/* As the comment at the top counts them. */
static uint64_t store_requests(const struct place *place, uint64_t puts,
			       uint64_t removals)
{
	(void)place;
	return puts + removals + 6;
}

/* --- the kind ------------------------------------------------------------------------ */

static const struct place_kind kind = {
	.free = store_free,
	.set_stop = store_set_stop,
	.read = store_read,
	.is_bare = store_is_bare,
	.is_site = store_is_site,
	.find_entry = store_find_entry,
	.open = store_open,
	.open_look = store_open,
	.close = store_close,
	.pending_read = store_pending_read,
	.pending_check = store_pending_check,
	.pending_since_s = store_pending_since_s,
	.pending_begin = store_pending_begin,
	.pending_end = store_pending_end,
	.set_many = store_set_many,
	.doubt = store_doubt,
	.flush = store_flush,
	.begin = store_begin,
	.write = store_write,
	.end = store_end,
	.put = store_put,
	.put_state = store_put_state,
	.set_look = store_set_look,
	.has = store_has,
	.remove = store_remove,
	.prune = store_prune,
	.requests = store_requests,
	.put_beside = store_put_beside,
};

int place_store_new(struct place **out, const char *name,
		    const struct place_settings *settings, struct err *err)
{
	struct store *s = xzalloc(sizeof(*s));
	int rc = s3_url_parse(&s->at, name, err);

	if (rc) {
		free(s);
		return rc;
	}
	s->place.kind = &kind;
	s->place.name = xstrdup(name);
	s->settings = *settings;
	s->holder.fd = s->spool = -1;
	*out = &s->place;
	return 0;
}
