/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/tree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Both tables are open addressing with linear probing, at most half full; what is
 * removed is closed up by moving later entries back, so there are no tombstones. */

static uint32_t hash_name(const struct tree_node *parent, const char *name, size_t len)
{
	/* A parent's hash stands for its whole path. */
	uint32_t h = parent ? parent->hash * 0x9e3779b1u + 1 : 2166136261u;

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	}
	return h ^ h >> 15;
}

static size_t name_slot(const struct tree *tree, const struct tree_node *parent,
			const char *name, size_t len, uint32_t hash)
{
	size_t mask = tree->name_slots - 1;
	size_t i = hash & mask;

	for (; tree->names[i]; i = (i + 1) & mask) {
		const struct tree_node *node = tree->names[i];

		if (node->hash == hash && node->parent == parent &&
		    strncmp(node->name, name, len) == 0 && node->name[len] == '\0') {
			break;
		}
	}
	return i;
}

static void grow_names(struct tree *tree)
{
	struct tree_node **old = tree->names;
	size_t old_slots = tree->name_slots;

	tree->name_slots = old_slots ? 2 * old_slots : 64;
	tree->names = xzalloc(tree->name_slots * sizeof(*tree->names));
	for (size_t i = 0; i < old_slots; i++) {
		struct tree_node *node = old[i];

		if (node) {
			tree->names[name_slot(tree, node->parent, node->name,
					      strlen(node->name), node->hash)] = node;
		}
	}
	free(old);
}

static struct tree_node *new_node(struct tree *tree, struct tree_node *parent,
				  const char *name, size_t len)
{
	struct tree_node *node = xzalloc(sizeof(*node) + len + 1);

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
		if (2 * (tree->nodes + 1) > tree->name_slots) {
			grow_names(tree);
		}
		tree->names[name_slot(tree, parent, name, len, node->hash)] = node;
		tree->nodes++;
	}
	return node;
}

void tree_init(struct tree *tree)
{
	*tree = (struct tree){0};
	tree->root = new_node(tree, NULL, "", 0);
}

/* Whether the entry whose home is `home`, found at `at`, may move to the hole. */
static bool may_move(size_t home, size_t at, size_t hole, size_t mask)
{
	return ((at - home) & mask) >= ((at - hole) & mask);
}

static void remove_name(struct tree *tree, const struct tree_node *node)
{
	size_t mask = tree->name_slots - 1;
	size_t hole =
		name_slot(tree, node->parent, node->name, strlen(node->name), node->hash);

	assert(tree->names[hole] == node);
	for (size_t i = (hole + 1) & mask; tree->names[i]; i = (i + 1) & mask) {
		if (may_move(tree->names[i]->hash & mask, i, hole, mask)) {
			tree->names[hole] = tree->names[i];
			hole = i;
		}
	}
	tree->names[hole] = NULL;
	tree->nodes--;
}

/* Goes down from `node` to a folder without folders. */
static struct tree_node *deepest(struct tree_node *node)
{
	while (node->child) {
		node = node->child;
	}
	return node;
}

void tree_release(struct tree *tree)
{
	struct tree_node *node = tree->root;

	while (node) {
		struct tree_node *up;

		node = deepest(node);
		up = node->parent;
		if (up) {
			up->child = node->next;
		}
		free(node);
		node = up;
	}
	free(tree->names);
	free(tree->wds);
	*tree = (struct tree){0};
}

struct tree_node *tree_child(const struct tree *tree, const struct tree_node *parent,
			     const char *name, size_t len)
{
	if (!tree->name_slots) {
		return NULL;
	}
	return tree
		->names[name_slot(tree, parent, name, len, hash_name(parent, name, len))];
}

/* Walks down `path`; what is missing is made or ends it. */
static struct tree_node *descend(struct tree *tree, const char *path, size_t len,
				 bool make)
{
	struct tree_node *node = tree->root;
	const char *end = path + len;

	while (node && path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		size_t n = (size_t)((slash ? slash : end) - path);
		struct tree_node *child = tree_child(tree, node, path, n);

		if (!child && make) {
			child = new_node(tree, node, path, n);
		}
		node = child;
		path += n + (slash ? 1 : 0);
	}
	return node;
}

struct tree_node *tree_find(const struct tree *tree, const char *path, size_t len)
{
	return descend((struct tree *)tree, path, len, false);
}

struct tree_node *tree_make(struct tree *tree, const char *path, size_t len)
{
	return descend(tree, path, len, true);
}

void tree_path(const struct tree_node *node, struct buf *out)
{
	size_t len = 0;
	char *at;

	for (const struct tree_node *n = node; n->parent; n = n->parent) {
		len += strlen(n->name) + 1;
	}
	buf_grow(out, len);
	at = out->data + out->len + len;
	for (const struct tree_node *n = node; n->parent; n = n->parent) {
		size_t name = strlen(n->name);

		*--at = '/';
		at -= name;
		memcpy(at, n->name, name);
	}
	out->len += len;
	out->data[out->len] = '\0';
}

/* Fibonacci hashing: descriptors are given out in order. */
static size_t wd_home(const struct tree *tree, int wd)
{
	return ((uint32_t)wd * 0x9e3779b1u >> 7) & (tree->wd_slots - 1);
}

static size_t wd_slot(const struct tree *tree, int wd)
{
	size_t i = wd_home(tree, wd);

	while (tree->wds[i].wd && tree->wds[i].wd != wd) {
		i = (i + 1) & (tree->wd_slots - 1);
	}
	return i;
}

struct tree_wd *tree_wd(const struct tree *tree, int wd)
{
	size_t i;

	if (wd <= 0 || !tree->wd_slots) {
		return NULL;
	}
	i = wd_slot(tree, wd);
	return tree->wds[i].wd ? &tree->wds[i] : NULL;
}

struct tree_node *tree_tie(struct tree *tree, struct tree_node *node, int wd)
{
	struct tree_node *other;
	struct tree_wd *entry;

	assert(wd > 0);
	if (2 * (tree->wd_count + 1) > tree->wd_slots) {
		struct tree_wd *old = tree->wds;
		size_t old_slots = tree->wd_slots;

		tree->wd_slots = old_slots ? 2 * old_slots : 64;
		tree->wds = xzalloc(tree->wd_slots * sizeof(*tree->wds));
		for (size_t i = 0; i < old_slots; i++) {
			if (old[i].wd) {
				tree->wds[wd_slot(tree, old[i].wd)] = old[i];
			}
		}
		free(old);
	}
	if (node->wd > 0 && node->wd != wd) {
		tree_wd(tree, node->wd)->node = NULL;
	}
	entry = &tree->wds[wd_slot(tree, wd)];
	other = entry->wd && entry->node != node ? entry->node : NULL;
	if (other) {
		other->wd = -1;
	}
	tree->wd_count += !entry->wd;
	*entry = (struct tree_wd){.wd = wd, .node = node};
	node->wd = wd;
	return other;
}

void tree_untie(struct tree *tree, int wd)
{
	struct tree_wd *entry = tree_wd(tree, wd);
	size_t mask = tree->wd_slots - 1;
	size_t hole;

	if (!entry) {
		return;
	}
	if (entry->node && entry->node->wd == wd) {
		entry->node->wd = -1;
	}
	hole = (size_t)(entry - tree->wds);
	for (size_t i = (hole + 1) & mask; tree->wds[i].wd; i = (i + 1) & mask) {
		if (may_move(wd_home(tree, tree->wds[i].wd), i, hole, mask)) {
			tree->wds[hole] = tree->wds[i];
			hole = i;
		}
	}
	tree->wds[hole] = (struct tree_wd){0};
	tree->wd_count--;
}

void tree_drop(struct tree *tree, struct tree_node *top,
	       void (*each)(int wd, void *payload), void *payload)
{
	bool last = false;

	assert(top->parent);
	while (!last) {
		struct tree_node *node = deepest(top);

		last = node == top;
		if (node->wd > 0) {
			struct tree_wd *entry = tree_wd(tree, node->wd);

			assert(entry && entry->node == node);
			entry->node = NULL;
			if (each && !entry->ended) {
				each(node->wd, payload);
			}
		}
		remove_name(tree, node);
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
