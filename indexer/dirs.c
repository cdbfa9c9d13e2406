/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "indexer/dirs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash_name(const struct dirs_node *parent, const char *name, size_t len)
{
	/* A parent's hash covers its whole path. */
	return hash_bytes(name, len, parent ? parent->hash : 0);
}

static void add_name(struct dirs *dirs, struct dirs_node *node)
{
	dirs->node =
		xgrow(dirs->node, dirs->node_count, &dirs->node_cap, sizeof(*dirs->node));
	node->place = (uint32_t)dirs->node_count++;
	dirs->node[node->place] = node;
	hash_add(&dirs->names, node->hash, node->place + 1);
}

/* Moves the last node to the place of the removed one. */
static void remove_name(struct dirs *dirs, const struct dirs_node *node)
{
	struct dirs_node *last = dirs->node[--dirs->node_count];

	hash_remove(&dirs->names, node->hash, node->place + 1);
	if (last != node) {
		hash_replace(&dirs->names, last->hash, last->place + 1, node->place + 1);
		last->place = node->place;
		dirs->node[last->place] = last;
	}
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
		add_name(dirs, node);
	}
	return node;
}

void dirs_init(struct dirs *dirs)
{
	*dirs = (struct dirs){0};
	dirs->root = new_node(dirs, NULL, "", 0);
}

void dirs_release(struct dirs *dirs)
{
	for (size_t i = 0; i < dirs->node_count; i++) {
		free(dirs->node[i]);
	}
	free(dirs->root);
	free(dirs->node);
	free(dirs->wd);
	hash_release(&dirs->names);
	hash_release(&dirs->wds);
	*dirs = (struct dirs){0};
}

struct dirs_node *dirs_child(const struct dirs *dirs, const struct dirs_node *parent,
			     const char *name, size_t len)
{
	uint32_t hash = hash_name(parent, name, len), n;
	size_t at = 0;

	while ((n = hash_next(&dirs->names, hash, &at))) {
		struct dirs_node *node = dirs->node[n - 1];

		if (node->parent == parent && strncmp(node->name, name, len) == 0 &&
		    node->name[len] == '\0') {
			return node;
		}
	}
	return NULL;
}

/* Walks down `path`. Folders that are missing are added, or end the walk. */
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

struct dirs_wd *dirs_wd(const struct dirs *dirs, int wd)
{
	uint32_t hash = hash_number((uint64_t)wd), n;
	size_t at = 0;

	do {
		n = hash_next(&dirs->wds, hash, &at);
	} while (n && dirs->wd[n - 1].wd != wd);
	return n ? &dirs->wd[n - 1] : NULL;
}

void dirs_tie(struct dirs *dirs, struct dirs_node *node, int wd)
{
	struct dirs_wd *entry;

	assert(wd > 0 && node->wd < 0);
	entry = dirs_wd(dirs, wd);
	if (!entry) {
		dirs->wd =
			xgrow(dirs->wd, dirs->wd_count, &dirs->wd_cap, sizeof(*dirs->wd));
		entry = &dirs->wd[dirs->wd_count++];
		hash_add(&dirs->wds, hash_number((uint64_t)wd), (uint32_t)dirs->wd_count);
		*entry = (struct dirs_wd){0};
	}
	assert(!entry->node);
	*entry = (struct dirs_wd){.wd = wd, .node = node};
	node->wd = wd;
}

struct dirs_node *dirs_with_inode(const struct dirs *dirs, uint64_t dev, uint64_t ino)
{
	for (size_t i = 0; i < dirs->wd_count; i++) {
		const struct dirs_wd *entry = &dirs->wd[i];

		if (entry->node && !entry->ended && entry->node->dev == dev &&
		    entry->node->ino == ino) {
			return entry->node;
		}
	}
	return NULL;
}

void dirs_untie(struct dirs *dirs, int wd)
{
	struct dirs_wd *entry = dirs_wd(dirs, wd), *last;

	if (!entry) {
		return;
	}
	if (entry->node && entry->node->wd == wd) {
		entry->node->wd = -1;
	}
	hash_remove(&dirs->wds, hash_number((uint64_t)wd),
		    (uint32_t)(entry - dirs->wd) + 1);
	last = &dirs->wd[--dirs->wd_count];
	if (last != entry) {
		hash_replace(&dirs->wds, hash_number((uint64_t)last->wd),
			     (uint32_t)(last - dirs->wd) + 1,
			     (uint32_t)(entry - dirs->wd) + 1);
		*entry = *last;
	}
}

/* WALK_PATH_MAX bounds the depth of the recursion. */
void dirs_drop(struct dirs *dirs, struct dirs_node *node,
	       void (*each)(int wd, void *payload), void *payload)
{
	struct dirs_node *child, *next;

	assert(node->parent);
	for (child = node->child; child; child = next) {
		next = child->next;
		dirs_drop(dirs, child, each, payload);
	}
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
