/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_tree.h"

#include <stdbool.h>
#include <string.h>

#include "data/base/hex.h"
#include "data/format/name.h"
#include "data/format/record.h"
#include "exporter/git/tree/tree.h"

/* The layout: in a folder of one kind, entries of these shapes, and what they are. */
enum node {
	ROOT,
	AUDIT,
	API,
	V1,
	TAGS_X,
	TAGS_Y,
	TAGS,
	ALBUMS_X,
	ALBUMS_Y,
	ALBUMS,
	ALBUM,
	ALBUM_IMAGES,
	IMAGES_X,
	IMAGES_Y,
	IMAGES,
	NODES
};
enum shape {
	END,
	WORD,  /* the text */
	SHARD, /* two hex digits */
	NAME,  /* an id as a file name, and the text */
};
struct rule {
	enum shape shape;
	const char *text;
	bool folder;
	unsigned to; /* enum node, or enum verify_tree_kind */
};
#define RULES_MAX 3
static const struct rule layout[NODES][RULES_MAX] = {
	[ROOT] = {{WORD, "audit", true, AUDIT}, {WORD, "api", true, API}},
	[AUDIT] = {{WORD, "tags", true, TAGS_X}},
	[API] = {{WORD, "v1", true, V1}},
	[V1] = {{WORD, "albums", true, ALBUMS_X}, {WORD, "tag_images", true, IMAGES_X}},
	[TAGS_X] = {{SHARD, "", true, TAGS_Y}},
	[TAGS_Y] = {{SHARD, "", true, TAGS}},
	[TAGS] = {{NAME, ".json", false, VERIFY_TREE_TAG}},
	[ALBUMS_X] = {{SHARD, "", true, ALBUMS_Y}},
	[ALBUMS_Y] = {{SHARD, "", true, ALBUMS}},
	[ALBUMS] = {{NAME, "", true, ALBUM}},
	[ALBUM] = {{WORD, "images.json", false, VERIFY_TREE_IMAGES},
		   {WORD, "images", true, ALBUM_IMAGES}},
	[ALBUM_IMAGES] = {{WORD, "untag.json", false, VERIFY_TREE_UNTAGGED}},
	[IMAGES_X] = {{SHARD, "", true, IMAGES_Y}},
	[IMAGES_Y] = {{SHARD, "", true, IMAGES}},
	[IMAGES] = {{NAME, ".json", false, VERIFY_TREE_TAG_IMAGES},
		    {NAME, ".album", false, VERIFY_TREE_ALBUM_OF}},
};

struct walk {
	struct verify_store *store;
	struct verify_report *report;
	verify_tree_fn *each;
	void *payload;
	struct buf path;
	struct buf id; /* of the last name that was matched */
	char shard[5]; /* of the folders that the walk is in */
	bool audit;    /* of the root only audit/ is walked, or only the rest */
};

/* One tree of the two: its entries that belong, one after the other. */
struct side {
	struct buf body;
	struct tree_cursor cursor;
	struct tree_entry entry;
	const struct rule *rule; /* of the entry; NULL: there is none any more */
	bool tell;               /* what is wrong is told */
};

/* --- one entry --- */

static bool is_shard(const char *name, size_t len)
{
	uint8_t shard;

	return len == 2 && hex_read(&shard, 1, name);
}

/* Whether it is the name of an id with `suffix`; walk->id is the id then. */
static bool is_name(struct walk *walk, const struct tree_entry *entry, const char *suffix)
{
	size_t suffix_len = strlen(suffix), len = entry->name_len - suffix_len;

	buf_clear(&walk->id);
	return entry->name_len > suffix_len && len <= RECORD_NAME_MAX &&
	       memcmp(entry->name + len, suffix, suffix_len) == 0 &&
	       name_to_id(&walk->id, entry->name, len) == 0 &&
	       !record_id_fault(walk->id.data, walk->id.len);
}

static const struct rule *find_rule(struct walk *walk, enum node node,
				    const struct tree_entry *entry)
{
	const char *mode = entry->is_tree ? "40000" : "100644";

	if (entry->mode_len != strlen(mode) ||
	    memcmp(entry->mode, mode, entry->mode_len) != 0) {
		return NULL;
	}
	for (size_t i = 0; i < RULES_MAX && layout[node][i].shape != END; i++) {
		const struct rule *rule = &layout[node][i];

		if (rule->folder == entry->is_tree &&
		    (rule->shape == WORD    ? strcmp(entry->name, rule->text) == 0
		     : rule->shape == SHARD ? is_shard(entry->name, entry->name_len)
					    : is_name(walk, entry, rule->text))) {
			return rule;
		}
	}
	return NULL;
}

/* Tells what is wrong with the entry `name` of the folder that the walk is in. */
static void fail_entry(struct walk *walk, const char *name, const char *problem)
{
	size_t base = walk->path.len;

	buf_addstr(&walk->path, name);
	verify_report_fail(walk->report, walk->path.data, "%s", problem);
	buf_setlen(&walk->path, base);
}

/* Goes on to the next entry that belongs. */
static void side_next(struct side *side, struct walk *walk, enum node node)
{
	struct tree_entry before = side->entry;

	side->rule = NULL;
	while (!side->rule && tree_next(&side->cursor, &side->entry)) {
		const struct tree_entry *entry = &side->entry;

		if (before.name &&
		    (tree_compare(before.name, before.name_len, before.is_tree,
				  entry->name, entry->name_len, entry->is_tree) >= 0 ||
		     strcmp(before.name, entry->name) == 0)) {
			side->cursor.at = side->cursor.end;
			if (side->tell) {
				fail_entry(walk, entry->name,
					   "the entry is out of order, or stands twice");
			}
			return;
		}
		side->rule = find_rule(walk, node, entry);
		if (!side->rule && side->tell) {
			fail_entry(walk, entry->name,
				   "the entry does not belong into a snapshot");
		}
		before = *entry;
	}
	if (!side->rule && side->cursor.broken && side->tell) {
		verify_report_fail(walk->report, walk->path.len ? walk->path.data : "",
				   "the tree is no tree");
	}
}

static void side_start(struct side *side, struct walk *walk, enum node node,
		       const uint8_t *id)
{
	char hex[OBJECT_HEX + 1];
	enum object_type type;
	int rc;

	if (!id) {
		return;
	}
	rc = verify_store_read(&side->body, &type, walk->store, id);
	if (side->tell && (rc || type != OBJECT_TREE)) {
		object_hex(hex, id);
		verify_report_fail(walk->report, walk->path.len ? walk->path.data : "",
				   "tree %s is %s", hex,
				   rc == ERR_NOTFOUND ? "missing"
				   : rc               ? "damaged"
						      : "no tree");
	}
	if (rc || type != OBJECT_TREE) {
		return;
	}
	if (side->tell && !side->body.len && node != ROOT) {
		verify_report_fail(walk->report, walk->path.data,
				   "a folder without files");
	}
	side->cursor = (struct tree_cursor){.at = side->body.data,
					    .end = side->body.data + side->body.len};
	side_next(side, walk, node);
}

/* --- two trees --- */

static void walk_folder(struct walk *walk, enum node node, const uint8_t *from,
			const uint8_t *to);

/* Checks the shard of the folders above, once, when the entry is new. */
static void check_shard(struct walk *walk, const struct tree_entry *entry, size_t len)
{
	char shard[5];

	name_shard(shard, entry->name, len);
	if (strcmp(shard, walk->shard) != 0) {
		fail_entry(walk, entry->name, "the file lies in the wrong shard");
	}
}

static void note_shard(struct walk *walk, enum node node, const char *name)
{
	bool first = node == TAGS_X || node == ALBUMS_X || node == IMAGES_X;

	memcpy(walk->shard + (first ? 0 : 2), name, 2);
	walk->shard[4] = '\0';
}

static void tell_file(struct walk *walk, const struct rule *rule, const uint8_t *from,
		      const uint8_t *to)
{
	struct verify_tree_change change = {.kind = (enum verify_tree_kind)rule->to,
					    .path = walk->path.data,
					    .id = walk->id.data,
					    .id_len = walk->id.len,
					    .old_blob = from,
					    .new_blob = to};

	walk->each(&change, walk->payload);
}

/* An entry that differs. */
static void walk_entry(struct walk *walk, enum node node, const struct side *side,
		       const uint8_t *from, const uint8_t *to)
{
	const struct tree_entry *entry = &side->entry;
	const struct rule *rule = side->rule;
	size_t base = walk->path.len;

	if (node == ROOT && (rule->to == AUDIT) != walk->audit) {
		return;
	}
	if (rule->shape == SHARD) {
		note_shard(walk, node, entry->name);
	} else if (rule->shape == NAME) {
		is_name(walk, entry, rule->text);
		if (to && !from) {
			check_shard(walk, entry, entry->name_len - strlen(rule->text));
		}
	}
	buf_add(&walk->path, entry->name, entry->name_len);
	if (rule->folder) {
		buf_addch(&walk->path, '/');
		walk_folder(walk, rule->to, from, to);
	} else {
		tell_file(walk, rule, from, to);
	}
	buf_setlen(&walk->path, base);
}

static void walk_folder(struct walk *walk, enum node node, const uint8_t *from,
			const uint8_t *to)
{
	struct side old = {0}, new = {0};

	/* The root is walked twice, and told once. */
	new.tell = node != ROOT || walk->audit;
	side_start(&old, walk, node, from);
	side_start(&new, walk, node, to);
	while (old.rule || new.rule) {
		int order = !old.rule ? 1
			    : !new.rule
				    ? -1
				    : tree_compare(old.entry.name, old.entry.name_len,
						   old.entry.is_tree, new.entry.name,
						   new.entry.name_len, new.entry.is_tree);

		if (order || memcmp(old.entry.id, new.entry.id, OBJECT_ID) != 0) {
			walk_entry(walk, node, order <= 0 ? &old : &new,
				   order <= 0 ? old.entry.id : NULL,
				   order >= 0 ? new.entry.id : NULL);
		}
		if (order <= 0) {
			side_next(&old, walk, node);
		}
		if (order >= 0) {
			side_next(&new, walk, node);
		}
	}
	buf_release(&old.body);
	buf_release(&new.body);
}

void verify_tree_walk(struct verify_store *store, struct verify_report *report,
		      const uint8_t *from, const uint8_t to[OBJECT_ID],
		      verify_tree_fn *each, void *payload)
{
	struct walk walk = {
		.store = store, .report = report, .each = each, .payload = payload};

	if (from && memcmp(from, to, OBJECT_ID) == 0) {
		return;
	}
	walk.audit = true;
	walk_folder(&walk, ROOT, from, to);
	walk.audit = false;
	walk_folder(&walk, ROOT, from, to);
	buf_release(&walk.path);
	buf_release(&walk.id);
}
