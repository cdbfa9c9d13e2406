/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/dirs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Both tables are open addressing with linear probing, at most half full; what is
 * removed is closed up by moving later entries back, so there are no tombstones. */

static uint32_t hash_name(const struct dirs_node *parent, const char *name, size_t len)
{
	/* A parent's hash stands for its whole path. */
	uint32_t h = parent ? parent->hash * 0x9e3779b1u + 1 : 2166136261u;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	}
	return h ^ h >> 15;
}

static size_t name_slot(const struct dirs *dirs, const struct dirs_node *parent,
			const char *name, size_t len, uint32_t hash)
{
	size_t mask = dirs->name_slots - 1;
	size_t i = hash & mask;

	for (; dirs->names[i]; i = (i + 1) & mask) {
		const struct dirs_node *node = dirs->names[i];

		if (node->hash == hash && node->parent == parent &&
		    strncmp(node->name, name, len) == 0 && node->name[len] == '\0') {
			break;
		}
	}
	return i;
}

static void grow_names(struct dirs *dirs)
{
	struct dirs_node **old = dirs->names;
	size_t old_slots = dirs->name_slots;

	dirs->name_slots = old_slots ? 2 * old_slots : 64;
	dirs->names = xzalloc(dirs->name_slots * sizeof(*dirs->names));
	for (size_t i = 0; i < old_slots; i++) {
		struct dirs_node *node = old[i];

		if (node) {
			dirs->names[name_slot(dirs, node->parent, node->name,
					      strlen(node->name), node->hash)] = node;
		}
	}
	free(old);
}

static struct dirs_node *new_node(struct dirs *dirs, struct dirs_node *parent,
				  const char *name, size_t len)
{
	struct dirs_node *node = xzalloc(sizeof(*node) + len + 1);

	memcpy(node->name, name, len);
	node->parent = parent;
	node->wd = -1;
	node->hash = hash_name(parent, name, len);
	if (parent) {
		node->next = parent->child;
		if (node->next) {
			node->next->prev = node;
		}
		parent->child = node;
		if (2 * (dirs->nodes + 1) > dirs->name_slots) {
			grow_names(dirs);
		}
		dirs->names[name_slot(dirs, parent, name, len, node->hash)] = node;
		dirs->nodes++;
	}
	return node;
}

void dirs_init(struct dirs *dirs)
{
	*dirs = (struct dirs){0};
	dirs->root = new_node(dirs, NULL, "", 0);
}

/* Whether the entry whose home is `home`, found at `at`, may move to the hole. */
static bool may_move(size_t home, size_t at, size_t hole, size_t mask)
{
	return ((at - home) & mask) >= ((at - hole) & mask);
}

static void remove_name(struct dirs *dirs, const struct dirs_node *node)
{
	size_t mask = dirs->name_slots - 1;
	size_t hole =
		name_slot(dirs, node->parent, node->name, strlen(node->name), node->hash);

	assert(dirs->names[hole] == node);
	for (size_t i = (hole + 1) & mask; dirs->names[i]; i = (i + 1) & mask) {
		if (may_move(dirs->names[i]->hash & mask, i, hole, mask)) {
			dirs->names[hole] = dirs->names[i];
			hole = i;
		}
	}
	dirs->names[hole] = NULL;
	dirs->nodes--;
}

/* Goes down from `node` to a folder without folders. */
static struct dirs_node *deepest(struct dirs_node *node)
{
	while (node->child) {
		node = node->child;
	}
	return node;
}

void dirs_release(struct dirs *dirs)
{
	struct dirs_node *node = dirs->root;

	while (node) {
		struct dirs_node *up;

		node = deepest(node);
		up = node->parent;
		if (up) {
			up->child = node->next;
		}
		free(node);
		node = up;
	}
	free(dirs->names);
	free(dirs->wds);
	*dirs = (struct dirs){0};
}

struct dirs_node *dirs_child(const struct dirs *dirs, const struct dirs_node *parent,
			     const char *name, size_t len)
{
	size_t slot;

	if (!dirs->name_slots) {
		return NULL;
	}
	slot = name_slot(dirs, parent, name, len, hash_name(parent, name, len));
	return dirs->names[slot];
}

/* Walks down `path`; what is missing is made or ends it. */
static struct dirs_node *descend(struct dirs *dirs, const char *path, size_t len,
				 bool make)
{
	struct dirs_node *node = dirs->root;
	const char *end = path + len;

	while (node && path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t n = (size_t)((slash ? slash : end) - path);
		struct dirs_node *child = dirs_child(dirs, node, path, n);

		if (!child && make) {
			child = new_node(dirs, node, path, n);
		}
		node = child;
		path += n + (slash ? 1 : 0);
	}
	return node;
}

struct dirs_node *dirs_find(const struct dirs *dirs, const char *path, size_t len)
{
	return descend((struct dirs *)dirs, path, len, false);
}

struct dirs_node *dirs_make(struct dirs *dirs, const char *path, size_t len)
{
	return descend(dirs, path, len, true);
}

void dirs_path(const struct dirs_node *node, struct buf *out)
{
	size_t len = 0;
	char *at;

	for (const struct dirs_node *n = node; n->parent; n = n->parent) {
		len += strlen(n->name) + 1;
	}
	buf_grow(out, len);
	at = out->data + out->len + len;
	for (const struct dirs_node *n = node; n->parent; n = n->parent) {
		size_t name = strlen(n->name);

		*--at = '/';
		at -= name;
		memcpy(at, n->name, name);
	}
	out->len += len;
	out->data[out->len] = '\0';
}

/* Fibonacci hashing: descriptors are given out in order. */
static size_t wd_home(const struct dirs *dirs, int wd)
{
	return ((uint32_t)wd * 0x9e3779b1u >> 7) & (dirs->wd_slots - 1);
}

static size_t wd_slot(const struct dirs *dirs, int wd)
{
	size_t i = wd_home(dirs, wd);

	while (dirs->wds[i].wd && dirs->wds[i].wd != wd) {
		i = (i + 1) & (dirs->wd_slots - 1);
	}
	return i;
}

struct dirs_wd *dirs_wd(const struct dirs *dirs, int wd)
{
	size_t i;

	if (wd <= 0 || !dirs->wd_slots) {
		return NULL;
	}
	i = wd_slot(dirs, wd);
	return dirs->wds[i].wd ? &dirs->wds[i] : NULL;
}

static void grow_wds(struct dirs *dirs)
{
	struct dirs_wd *old = dirs->wds;
	size_t old_slots = dirs->wd_slots;

	dirs->wd_slots = old_slots ? 2 * old_slots : 64;
	dirs->wds = xzalloc(dirs->wd_slots * sizeof(*dirs->wds));
	for (size_t i = 0; i < old_slots; i++) {
		if (old[i].wd) {
			dirs->wds[wd_slot(dirs, old[i].wd)] = old[i];
		}
	}
	free(old);
}

void dirs_tie(struct dirs *dirs, struct dirs_node *node, int wd)
{
	struct dirs_wd *entry;

	assert(wd > 0 && node->wd < 0);
	if (2 * (dirs->wd_count + 1) > dirs->wd_slots) {
		grow_wds(dirs);
	}
	entry = &dirs->wds[wd_slot(dirs, wd)];
	assert(!entry->node);
	dirs->wd_count += !entry->wd;
	*entry = (struct dirs_wd){.wd = wd, .node = node};
	node->wd = wd;
}

struct dirs_node *dirs_with_inode(const struct dirs *dirs, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < dirs->wd_slots; i++) {
		const struct dirs_wd *entry = &dirs->wds[i];

		if (entry->node && !entry->ended && entry->node->dev == dev &&
		    entry->node->ino == ino) {
			return entry->node;
		}
	}
	return NULL;
}

void dirs_untie(struct dirs *dirs, int wd)
{
	struct dirs_wd *entry = dirs_wd(dirs, wd);
	size_t mask = dirs->wd_slots - 1;
	size_t hole;

	if (!entry) {
		return;
	}
	if (entry->node && entry->node->wd == wd) {
		entry->node->wd = -1;
	}
	hole = (size_t)(entry - dirs->wds);
	for (size_t i = (hole + 1) & mask; dirs->wds[i].wd; i = (i + 1) & mask) {
		if (may_move(wd_home(dirs, dirs->wds[i].wd), i, hole, mask)) {
			dirs->wds[hole] = dirs->wds[i];
			hole = i;
		}
	}
	dirs->wds[hole] = (struct dirs_wd){0};
	dirs->wd_count--;
}

void dirs_drop(struct dirs *dirs, struct dirs_node *top,
	       void (*each)(int wd, void *payload), void *payload)
{
	bool last = false;

	assert(top->parent);
	while (!last) {
		struct dirs_node *node = deepest(top);

		last = node == top;
		if (node->wd > 0) {
			struct dirs_wd *entry = dirs_wd(dirs, node->wd);

			assert(entry && entry->node == node);
			entry->node = NULL;
			if (each && !entry->ended) {
				each(node->wd, payload);
			}
		}
		remove_name(dirs, node);
		if (node->prev) {
			node->prev->next = node->next;
		} else {
			node->parent->child = node->next;
		}
		if (node->next) {
			node->next->prev = node->prev;
		}
		free(node);
	}
}
