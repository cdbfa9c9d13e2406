/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "data/index/index.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"
#include "data/index/build_ids.h"
#include "data/index/dictionary.h"
#include "data/index/feed.h"
#include "data/index/marks.h"
#include "data/index/recent.h"
#include "data/index/store_file.h"
#include "data/index/txn.h"

/*
 * THE STORED FORMAT, version 3
 *
 * An index is a folder with an LMDB environment (data.mdb, lock.mdb), the lock of the
 * writer (albumen-indexer.lock) and the file `changed`. All of it is derived from the
 * metadata folder and needs no backup.
 *
 * Records, and the albums that images name, have numbers, counted up from 1, which the
 * tables use for them: new ones sort last, so a first scan appends. Numbers mean nothing
 * outside this index, and no export depends on them. Integers are big-endian. `/` below
 * separates parts of a key, which have fixed widths. A stamp is the 12 bytes of
 * data/format/stamp.h, a hash 16 bytes of SHA-256.
 *
 * table		key			value
 * meta			"format"		"albumen-index 3"
 *			"uuid"			36 characters
 *			"meta"			totals and counters (meta.c)
 *			"secrets"		"taken" or "rejected" (gate.c)
 *			"epoch" first sequence	random number of the writer that gave
 *						out it and all up to the next row's
 * dictionary		kind (1)		zstd dictionary for texts of this kind
 * file			path (row_path_key)	stat values, rejects, sum of its
 *						claims (row_file_put)
 * claim		file/record		stamp/hash: the version it claims
 * reject		file			path of a file that has rejects
 *			file/n			line (8), column (8), reason
 * id			kind (1) id		number
 * record		number			winning version and what follows from
 *						it; last feed entries (row_record_put)
 * version		record/stamp/hash	claims, pins, facts, packed text
 *						(row_version_put)
 * tag_images		tag/image/tag image	-	known tag images, by tag
 * image_tags		image/tag image		-	and by image
 * album_images		album/image		-	known images by album
 * album_untagged	album/image		-	those with no live tag image
 * feed			sequence		response (1), number
 *
 * What decides an answer is verified when it is read (data/index/row.h, sum.h): the rows
 * `meta`, file, record and version carry a sum of their key and value, a packed text a
 * sum of the text, and the row of a file a sum of its claims. Rows of the other tables
 * are verified against these: the row of a record counts the rows that begin with it in
 * the relation tables, and each of those names a record that agrees; the record of an
 * entry of the feed names the entry, and the record of an id has the id. A missing row is
 * damage. Code that finds damage fails its transaction (txn_damaged).
 *
 * Invariants, all recomputed by check.c:
 * - claim holds what files say, of one file and record only the greatest claim. A
 *   version exists while a claim names it (`claims` counts them) or the version of a
 *   tag image embeds it (`pins`). The winner of a record is its greatest claimed
 *   version, by stamp, then by canonical text; a record with a winner is `known`.
 * - A tag image is live when it, its image and its tag are known; an image counts
 *   its live tag images and is untagged when there are none; a tag counts its own.
 * - Each response that exists has one feed entry, whose sequence its record row holds.
 *   A change moves the entry to the end. A response that no longer exists keeps its
 *   entry, so that exporters remove it, until such entries outnumber the others
 *   (feed.c). Exporters that have not reached the floor export everything. The last
 *   sequence always has its entry.
 * - The text of a tag image is stored without the members for its image and tag, since
 *   answers show others in their place. To compare two texts with equal stamps,
 *   version.c puts the whole text together.
 * - While an index is built (`building` in its meta row) it has only files, claims,
 *   versions and rejects; build.c derives the rest when the folder was read completely.
 *
 * When to raise the version: any change to a key, a value, or what a table contains.
 * There is no upgrade: `scan` and `watch` make an index of a released earlier version again
 * from the folder, and the programs reject one of any other version.
 */

static const char format_name[] = "albumen-index 3";
/* What was released before. */
static const char *const earlier_formats[] = {"albumen-index 2"}; /* 0.1.0 */

static const char *const table_names[TABLE_COUNT] = {
	[TABLE_META] = "meta",
	[TABLE_DICTIONARY] = "dictionary",
	[TABLE_FILE] = "file",
	[TABLE_CLAIM] = "claim",
	[TABLE_REJECT] = "reject",
	[TABLE_ID] = "id",
	[TABLE_RECORD] = "record",
	[TABLE_VERSION] = "version",
	[TABLE_TAG_IMAGES] = "tag_images",
	[TABLE_IMAGE_TAGS] = "image_tags",
	[TABLE_ALBUM_IMAGES] = "album_images",
	[TABLE_ALBUM_UNTAGGED] = "album_untagged",
	[TABLE_FEED] = "feed",
};

struct index {
	struct store *store;
	char *dir, *lock_path, *changed_path;
	int lock;
	int changed;        /* INDEX_CHANGED_FILE; writers only */
	struct marks marks; /* what it holds */
	bool unsignalled;   /* the last commit could not modify it */
	struct dictionary *dictionary;
	bool building;         /* a writer is building the index; then it has these */
	struct build_ids *ids; /* the ids of all records */
	uint64_t epoch;        /* of the writer: random, never 0 */
	bool in_txn;
};

#define CHANGED_MAX (64U << 10)

/* The most rows of the table meta besides epochs. */
#define META_OTHER_ROWS 8

/* Writes the first rows of a new index. */
static int make_index(struct index *index, struct err *err)
{
	struct store_txn *txn = NULL;
	struct meta meta;
	int rc = meta_init(&meta, err);

	if (rc || (rc = store_begin(&txn, index->store, true, err)) < 0) {
		return rc;
	}
	meta_put(txn, &meta);
	store_put(txn, TABLE_META, "format", 6, format_name, sizeof(format_name) - 1);
	return store_commit(&txn, err);
}

static bool is_earlier(const struct store_value *format)
{
	for (size_t i = 0; i < sizeof(earlier_formats) / sizeof(*earlier_formats); i++) {
		if (format->len == strlen(earlier_formats[i]) &&
		    memcmp(format->data, earlier_formats[i], format->len) == 0) {
			return true;
		}
	}
	return false;
}

/* Checks the format. ERR_NOTFOUND: there is no row yet (the process was killed after
 * making the environment), or, with *earlier, it is that of an earlier version. */
static int check_format(struct index *index, bool *earlier, struct err *err)
{
	struct store_txn *txn = NULL;
	struct store_value v;
	int rc = store_begin(&txn, index->store, false, err);

	if (rc) {
		return rc;
	}
	rc = store_get(txn, TABLE_META, "format", 6, &v);
	*earlier = !rc && is_earlier(&v);
	if (rc == ERR_NOTFOUND) {
		err_set(err, rc, "no index in '%s' yet", index->dir);
	} else if (rc) {
		store_status(txn, err);
	} else if (*earlier) {
		rc = err_set(
			err, ERR_NOTFOUND,
			"index '%s' was made by an earlier version ('%.*s', not "
			"'%s'); albumen-indexer scan --data DIR --index '%s' makes it "
			"again, if the folder holds metadata files",
			index->dir, (int)v.len, (const char *)v.data, format_name,
			index->dir);
	} else if (v.len != sizeof(format_name) - 1 ||
		   memcmp(v.data, format_name, v.len) != 0) {
		rc = err_set(err, ERR_FORMAT,
			     "index '%s' has the format '%.*s', not '%s'; rebuild "
			     "it: rm -r '%s' && albumen-indexer scan --data DIR --index "
			     "'%s'",
			     index->dir, (int)(v.len < 64 ? v.len : 64),
			     (const char *)v.data, format_name, index->dir, index->dir);
	}
	store_abort(&txn);
	return rc;
}

static char *path_in(const char *dir, const char *name)
{
	struct buf path = {0};

	buf_addf(&path, "%s/%s", dir, name);
	return path.data;
}

static int open_changed(struct index *index, struct err *err)
{
	index->changed =
		open(index->changed_path,
		     O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
	if (index->changed < 0) {
		return err_sys(err, "cannot open '%s'", index->changed_path);
	}
	return 0;
}

static void read_marks(struct marks *out, const char *path)
{
	struct buf text = {0};
	struct err ignored;

	*out = (struct marks){0};
	if (file_read(&text, path, CHANGED_MAX, &ignored) == 0 && text.len) {
		marks_read(out, text.data, text.len);
	}
	buf_release(&text);
}

static int open_for_writing(struct index *index, struct err *err)
{
	int rc = file_lock(&index->lock, index->lock_path, "albumen-indexer", err);

	read_marks(&index->marks, index->changed_path);
	return rc ? rc : open_changed(index, err);
}

static int check_lock(const struct index *index, struct err *err)
{
	return index->lock < 0 ? 0 : file_lock_check(index->lock, index->lock_path, err);
}

int index_check_place(const struct index *index, struct err *err)
{
	int rc = store_check_place(index->store, err);

	return rc ? rc : check_lock(index, err);
}

/* --- epochs --------------------------------------------------------------------- */

/* Epochs are rows of the table meta and not a table of their own: an index of an older
 * version does not have that table, but must be opened before it can be rejected. */
#define EPOCH_PREFIX "epoch"
#define EPOCH_PREFIX_LEN (sizeof(EPOCH_PREFIX) - 1)
#define EPOCH_KEY_LEN (EPOCH_PREFIX_LEN + 8)

static void epoch_key(unsigned char key[EPOCH_KEY_LEN], uint64_t first)
{
	memcpy(key, EPOCH_PREFIX, EPOCH_PREFIX_LEN);
	be64_put(key + EPOCH_PREFIX_LEN, first);
}

/* Reads the row to which the cursor was moved with the result `rc`. */
static int epoch_row(struct store_cursor *c, int rc, uint64_t *first, uint64_t *epoch)
{
	*first = *epoch = 0;
	if (rc == 0 && (!store_has_prefix(c, EPOCH_PREFIX, EPOCH_PREFIX_LEN) ||
			store_key(c).len != EPOCH_KEY_LEN ||
			store_cursor_value(c).len != sizeof(*epoch))) {
		rc = ERR_NOTFOUND;
	}
	if (rc == 0) {
		const unsigned char *key = store_key(c).data;

		*first = be64_get(key + EPOCH_PREFIX_LEN);
		*epoch = be64_get(store_cursor_value(c).data);
	}
	return rc;
}

static int last_epoch(struct store_cursor *c, uint64_t *first, uint64_t *epoch)
{
	return epoch_row(c, store_seek_last(c, EPOCH_PREFIX, EPOCH_PREFIX_LEN), first,
			 epoch);
}

uint64_t index_epoch(const struct index_txn *txn)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_META);
	uint64_t first, epoch;

	last_epoch(c, &first, &epoch);
	store_cursor_close(c);
	return epoch;
}

bool index_epoch_holds(const struct index_txn *txn, uint64_t epoch, uint64_t sequence)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_META);
	uint64_t last = txn->meta.sequence; /* the last sequence of the epoch `is` */
	uint64_t first, is;
	int rc = last_epoch(c, &first, &is);

	while (rc == 0 && is != epoch) {
		last = first - 1;
		rc = epoch_row(c, store_previous(c), &first, &is);
	}
	store_cursor_close(c);
	return rc == 0 && epoch && sequence >= first && sequence <= last;
}

/* Stores the epoch of the writer with its first sequence. Looks for that row each time,
 * since a failed transaction may have removed it. */
static void note_epoch(struct index_txn *txn)
{
	unsigned char key[EPOCH_KEY_LEN], value[8];

	if (txn->meta.sequence <= txn->base_sequence ||
	    index_epoch(txn) == txn->index->epoch) {
		return;
	}
	epoch_key(key, txn->base_sequence + 1);
	be64_put(value, txn->index->epoch);
	store_put(txn->store, TABLE_META, key, sizeof(key), value, sizeof(value));
	if (store_count(txn->store, TABLE_META) > INDEX_EPOCHS + META_OTHER_ROWS) {
		struct store_cursor *c = store_cursor_open(txn->store, TABLE_META);
		uint64_t first, epoch;

		if (!epoch_row(c, store_seek(c, EPOCH_PREFIX, EPOCH_PREFIX_LEN), &first,
			       &epoch)) {
			epoch_key(key, first);
			store_delete(txn->store, TABLE_META, key, sizeof(key));
		}
		store_cursor_close(c);
	}
}

/* Removes all epochs: the sequence starts over. */
static void forget_epochs(struct index_txn *txn)
{
	struct store_cursor *c = store_cursor_open(txn->store, TABLE_META);
	uint64_t first, epoch;

	while (last_epoch(c, &first, &epoch) == 0) {
		unsigned char key[EPOCH_KEY_LEN];

		epoch_key(key, first);
		store_delete(txn->store, TABLE_META, key, sizeof(key));
	}
	store_cursor_close(c);
}

/* --- opening ----------------------------------------------------------------------- */

/* Two writers must not draw the same number. */
static int draw_epoch(uint64_t *epoch, struct err *err)
{
	do {
		if (getrandom(epoch, sizeof(*epoch), 0) != sizeof(*epoch)) {
			return err_sys(err, "cannot get random bytes");
		}
	} while (!*epoch);
	return 0;
}

/* A killed build leaves an index that is not complete. The index that replaces it is
 * another one: readers see another uuid. */
static int begin_build(struct index *index, struct err *err)
{
	struct index_txn *txn = NULL;
	int rc = index_begin(&txn, index, true, err);

	if (rc || !txn->meta.building) {
		index_abort(&txn);
		return rc;
	}
	for (size_t table = 0; table < TABLE_COUNT; table++) {
		if (table != TABLE_META) {
			store_empty(txn->store, table);
		}
	}
	forget_epochs(txn);
	rc = meta_init(&txn->meta, err);
	if (rc) {
		index_abort(&txn);
		return rc;
	}
	index->building = true;
	index->ids = build_ids_new();
	return index_commit(&txn, err);
}

/* The file `changed` is not empty once the first scan is complete. */
static bool was_built(const struct index *index)
{
	struct stat st;

	return stat(index->changed_path, &st) == 0 && st.st_size > 0;
}

static int open_store(struct index *index, bool create, struct err *err)
{
	struct store_spec spec = {
		.noun = "index", .table = table_names, .count = TABLE_COUNT};
	unsigned flags =
		(create ? STORE_CREATE : 0) | (was_built(index) ? 0 : STORE_UNUSED);
	struct buf repair = {0};
	int rc;

	buf_addf(&repair,
		 "rebuild it: rm -r '%s' && albumen-indexer scan --data DIR --index '%s'",
		 index->dir, index->dir);
	spec.repair = repair.data;
	rc = store_open(&index->store, index->dir, &spec, flags, err);
	buf_release(&repair);
	if (rc == ERR_NOTFOUND) {
		err_set(err, rc, "no index in '%s'; make one with 'albumen-indexer scan'",
			index->dir);
	}
	return rc;
}

/* Removes the environment; we have the writer's lock. `changed` first: if this is killed, what
 * is there counts as an index whose first scan has not ended. */
static int remove_store(struct index *index, struct err *err)
{
	static const char *const name[] = {"data.mdb", "lock.mdb"};
	int rc = 0;

	store_close(index->store);
	index->store = NULL;
	if (ftruncate(index->changed, 0) < 0) {
		return err_sys(err, "cannot empty '%s'", index->changed_path);
	}
	index->marks = (struct marks){0};
	for (size_t i = 0; i < 2 && !rc; i++) {
		char *path = path_in(index->dir, name[i]);

		if (unlink(path) < 0 && errno != ENOENT) {
			rc = err_sys(err, "cannot remove '%s'", path);
		}
		free(path);
	}
	return rc;
}

static int open_current(struct index *index, unsigned flags, struct err *err)
{
	bool create = (flags & INDEX_CREATE) != 0, earlier = false;
	int rc = open_store(index, create, err);

	rc = rc ? rc : check_format(index, &earlier, err);
	if (earlier && (flags & INDEX_RENEW)) {
		rc = remove_store(index, err);
		rc = rc ? rc : open_store(index, create, err);
		return rc ? rc : make_index(index, err);
	}
	return rc == ERR_NOTFOUND && create && !earlier ? make_index(index, err) : rc;
}

/* A folder that has other things in it is none for an index: the options may be swapped, and
 * the metadata folder, a repository or a site would get the files of one. */
static int check_folder(const char *dir, struct err *err)
{
	static const char *const own[] = {"albumen-indexer.lock",
					  "lock.mdb",
					  INDEX_CHANGED_FILE,
					  INDEX_STATUS_FILE,
					  (INDEX_STATUS_FILE FILE_SWAP_SUFFIX),
					  "lost+found",
					  NULL};
	struct buf name = {0}, data = {0};
	struct stat st;
	int rc = 0;

	buf_addf(&data, "%s/data.mdb", dir);
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && access(data.data, F_OK) < 0) {
		rc = file_find_entry(&name, dir, own, err);
	}
	/* Another writer may have made it meanwhile. */
	if (!rc && name.len && access(data.data, F_OK) < 0) {
		rc = err_set(err, ERR_FAIL,
			     "folder '%s' is neither empty nor an index: it has '%s'; "
			     "name a folder of its own for the index",
			     dir, name.data);
	}
	buf_release(&name);
	buf_release(&data);
	return rc;
}

int index_open(struct index **out, const char *dir, unsigned flags, struct err *err)
{
	struct index *index = xzalloc(sizeof(*index));
	bool create = (flags & INDEX_CREATE) != 0;
	int rc = 0;

	*out = NULL;
	index->dir = xstrdup(dir);
	index->lock_path = path_in(dir, "albumen-indexer.lock");
	index->changed_path = path_in(dir, INDEX_CHANGED_FILE);
	index->lock = index->changed = -1;
	index->dictionary = dictionary_new();
	if ((flags & INDEX_WRITE) &&
	    (rc = store_file_check_disk(dir, "index", err)) < 0) {
		goto out;
	}
	if (create && (rc = check_folder(dir, err)) < 0) {
		goto out;
	}
	if (create && (rc = file_mkdirs(dir, err)) < 0) {
		goto out;
	}
	if ((flags & INDEX_WRITE) && (rc = open_for_writing(index, err)) < 0) {
		goto out;
	}
	rc = open_current(index, flags, err);
	if (!rc && (flags & INDEX_WRITE)) {
		rc = draw_epoch(&index->epoch, err);
	}
	if (!rc && (flags & INDEX_WRITE)) {
		rc = begin_build(index, err);
	}
out:
	if (rc) {
		index_close(index);
		return rc;
	}
	*out = index;
	return 0;
}

void index_close(struct index *index)
{
	if (index) {
		assert(!index->in_txn);
		store_close(index->store);
		dictionary_free(index->dictionary);
		build_ids_free(index->ids);
		if (index->changed >= 0) {
			close(index->changed);
		}
		if (index->lock >= 0) {
			close(index->lock);
		}
		free(index->lock_path);
		free(index->changed_path);
		free(index->dir);
		free(index);
	}
}

/* What access(2) says of a file, asked for the ids that count. */
static bool is_denied(const char *dir, const char *name, int mode)
{
	char *path = path_in(dir, name);
	bool denied = faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0 &&
		      (errno == EACCES || errno == EPERM || errno == EROFS);

	free(path);
	return denied;
}

bool index_is_locked_away(const char *dir)
{
	char *lock = path_in(dir, "lock.mdb");
	bool there = access(lock, F_OK) == 0;

	free(lock);
	return is_denied(dir, "data.mdb", R_OK) ||
	       is_denied(dir, there ? "lock.mdb" : ".", R_OK | W_OK);
}

const char *index_dir(const struct index *index)
{
	return index->dir;
}

bool index_is_building(const struct index *index)
{
	return index->building;
}

struct dictionary *index_dictionary(struct index *index)
{
	return index->dictionary;
}

static int get_meta(struct index_txn *txn, struct err *err)
{
	const char *damaged = meta_get(txn->store, &txn->meta);

	return damaged ? txn_damaged(txn, err, damaged) : 0;
}

static int begin(struct index_txn **out, struct index *index, bool write, bool beside,
		 struct err *err)
{
	struct index_txn *txn = xzalloc(sizeof(*txn));
	int rc;

	*out = NULL;
	txn->beside = beside;
	txn->index = index;
	txn->dir = index->dir;
	txn->dictionary = index->dictionary;
	txn->codec = dictionary_codec(index->dictionary);
	txn->ids = index->building ? index->ids : NULL;
	txn->write = write;
	txn->last_version = UINT64_MAX;
	rc = store_begin(&txn->store, index->store, write, err);
	if (!rc) {
		index->in_txn = true;
		rc = get_meta(txn, err);
	}
	rc = rc ? rc : dictionary_load(txn, err);
	if (rc) {
		index_abort(&txn);
		return rc;
	}
	if (txn->ids && !beside) {
		build_ids_cut(txn->ids, txn->meta.next_number);
	}
	txn->base_sequence = txn->meta.sequence;
	txn->was_building = txn->meta.building;
	*out = txn;
	return 0;
}

int index_begin(struct index_txn **out, struct index *index, bool write, struct err *err)
{
	assert(!index->in_txn);
	return begin(out, index, write, false, err);
}

int index_begin_beside(struct index_txn **out, struct index *index, struct err *err)
{
	assert(index->in_txn);
	return begin(out, index, false, true, err);
}

static void txn_free(struct index_txn *txn)
{
	if (!txn->beside) {
		txn->index->in_txn = false;
	}
	buf_release(&txn->row);
	buf_release(&txn->text);
	recent_free(txn->tags);
	free(txn);
}

/*
 * Modifies the file that exporters watch, after the commit, so that an exporter that
 * wakes up sees it. A failure here does not undo the commit. If the file cannot be
 * written (a full disk), new times wake exporters too; if these cannot be set, the next
 * commit tries again.
 */
static void signal_change(struct index *index, uint64_t sequence)
{
	struct buf text = {0};
	struct stat st;
	bool same = false;

	if (index->changed < 0 ||
	    (file_is_same(&same, index->changed, index->changed_path, NULL) == 0 &&
	     !same)) {
		if (index->changed >= 0) {
			close(index->changed);
		}
		open_changed(index, NULL);
	}
	marks_add(&index->marks, sequence, (int64_t)time(NULL));
	marks_print(&text, &index->marks);
	index->unsignalled =
		pwrite(index->changed, text.data, text.len, 0) != (ssize_t)text.len &&
		futimens(index->changed, NULL) < 0;
	/* Marks that are left out make it shorter; if this fails, nobody reads what is behind.
	 * Else it stays as it is: that would wake exporters a second time. */
	if (fstat(index->changed, &st) == 0 && st.st_size > (off_t)text.len) {
		(void)!ftruncate(index->changed, (off_t)text.len);
	}
	buf_release(&text);
}

int64_t index_changed_after(const char *dir, uint64_t sequence)
{
	char *path = path_in(dir, INDEX_CHANGED_FILE);
	struct marks marks;
	struct stat st;
	int64_t time_s;

	read_marks(&marks, path);
	time_s = marks_after(&marks, sequence);
	if (!time_s && stat(path, &st) == 0) {
		time_s = (int64_t)st.st_mtim.tv_sec;
	}
	free(path);
	return time_s;
}

int index_commit(struct index_txn **txn, struct err *err)
{
	struct index_txn *t = *txn;
	int rc;

	*txn = NULL;
	if (!t->write) {
		rc = store_status(t->store, err);
		store_abort(&t->store);
	} else {
		if (!t->meta.building && !t->was_building) {
			feed_prune(t);
		}
		note_epoch(t);
		meta_put(t->store, &t->meta);
		rc = check_lock(t->index, err);
		if (rc) {
			store_abort(&t->store);
		} else {
			rc = store_commit(&t->store, err);
		}
		if (!rc && !t->meta.building) {
			t->index->building = false;
			build_ids_free(t->index->ids);
			t->index->ids = NULL;
		}
		if (!rc && !t->meta.building &&
		    (t->was_building || t->meta.sequence != t->base_sequence ||
		     t->index->unsignalled)) {
			signal_change(t->index, t->meta.sequence);
		}
	}
	txn_free(t);
	return rc;
}

int index_end(struct index_txn **txn, int rc, struct err *err)
{
	int failed = *txn ? store_status((*txn)->store, err) : 0;

	index_abort(txn);
	return failed ? failed : rc;
}

void index_abort(struct index_txn **txn)
{
	if (*txn) {
		store_abort(&(*txn)->store);
		txn_free(*txn);
		*txn = NULL;
	}
}

bool index_is_built(const struct index_txn *txn)
{
	return !txn->meta.building;
}

const char *index_uuid(const struct index_txn *txn)
{
	return txn->meta.uuid;
}

uint64_t index_sequence(const struct index_txn *txn)
{
	return txn->meta.sequence;
}

uint64_t index_feed_floor(const struct index_txn *txn)
{
	return txn->meta.floor;
}

void index_counts(const struct index_txn *txn, struct index_counts *out)
{
	*out = txn->meta.counts;
}

void index_health(const struct index_txn *txn, struct index_health *out)
{
	*out = txn->meta.health;
}

void index_set_health(struct index_txn *txn, const struct index_health *health)
{
	txn->meta.health = *health;
}
