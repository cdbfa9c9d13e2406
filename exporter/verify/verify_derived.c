/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/verify/verify_derived.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/base/buf.h"
#include "data/base/file.h"

#define GRAPH_HEAD 8
#define GRAPH_ROW 36
#define NO_PARENT UINT32_C(0x70000000)
#define MIDX_HEAD 12
#define FANOUT_LEN 1024
#define CHAIN_MAX ((size_t)1 << 20)

/* --- a file of chunks: a head, a table of "ID OFFSET", the chunks, a checksum --- */

struct chunks {
	const uint8_t *data; /* NULL: there is no such file */
	size_t len;
	size_t head;
};

static void unmap(struct chunks *chunks)
{
	if (chunks->data) {
		munmap((void *)chunks->data, chunks->len);
	}
	*chunks = (struct chunks){0};
}

/* False: there is no such file; or it is no regular one, which verify_store_check says. */
static bool map(struct chunks *chunks, const char *path, size_t head)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	void *data;

	*chunks = (struct chunks){.head = head};
	if (fd < 0) {
		return false;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data != MAP_FAILED) {
			chunks->data = data;
			chunks->len = (size_t)st.st_size;
		}
	}
	close(fd);
	return chunks->data;
}

static bool has_magic(const struct chunks *chunks, const char *magic)
{
	/* Version 1, with SHA-1. */
	return chunks->len >= chunks->head + OBJECT_ID &&
	       memcmp(chunks->data, magic, 4) == 0 && chunks->data[4] == 1 &&
	       chunks->data[5] == 1;
}

/* NULL: there is none. */
static const uint8_t *find_chunk(size_t *len, const struct chunks *chunks, const char *id)
{
	size_t count = chunks->data[6], end = chunks->len - OBJECT_ID;
	const uint8_t *row = chunks->data + chunks->head;

	*len = 0;
	if (chunks->head + 12 * (count + 1) > end) {
		return NULL;
	}
	for (size_t i = 0; i < count; i++, row += 12) {
		uint64_t from = be64_get(row + 4), to = be64_get(row + 16);

		if (memcmp(row, id, 4) == 0 && from <= to && to <= end) {
			*len = (size_t)(to - from);
			return chunks->data + from;
		}
	}
	return NULL;
}

/* The sorted ids that such a file is about. */
static const uint8_t *find_ids(uint32_t *count, const struct chunks *chunks)
{
	size_t fanout_len, len;
	const uint8_t *fanout = find_chunk(&fanout_len, chunks, "OIDF");
	const uint8_t *ids = find_chunk(&len, chunks, "OIDL");

	if (!fanout || fanout_len != FANOUT_LEN || !ids) {
		return NULL;
	}
	*count = be32_get(fanout + FANOUT_LEN - 4);
	return len == (size_t)*count * OBJECT_ID ? ids : NULL;
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, OBJECT_ID);
}

/* --- the commit-graph, in one file or in layers that each go on from those before --- */

struct layer {
	struct chunks chunks;
	const uint8_t *ids, *rows, *offsets;
	uint32_t count;
};

struct graph {
	const char *name; /* of the file, or of the chain of layers */
	struct layer *layer;
	size_t count, cap;
};

static void graph_release(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		unmap(&graph->layer[i].chunks);
	}
	free(graph->layer);
}

static const char *read_layer(struct layer *layer)
{
	size_t len, filters;

	layer->ids = has_magic(&layer->chunks, "CGPH")
			     ? find_ids(&layer->count, &layer->chunks)
			     : NULL;
	layer->rows = layer->ids ? find_chunk(&len, &layer->chunks, "CDAT") : NULL;
	if (!layer->rows || len != (size_t)layer->count * GRAPH_ROW) {
		return "the file is damaged: it is no commit-graph of version 1";
	}
	layer->offsets = find_chunk(&len, &layer->chunks, "GDA2");
	if (layer->offsets && len != (size_t)layer->count * 4) {
		return "the file is damaged: its times are no list";
	}
	if (find_chunk(&filters, &layer->chunks, "BDAT")) {
		return "git log may leave out snapshots because of the filters of paths "
		       "in "
		       "it, which are not verified: remove the file";
	}
	return NULL;
}

static void add_layer(struct graph *graph, const char *path, const char *name,
		      struct verify_report *report)
{
	struct layer layer = {0};
	const char *problem;

	if (!map(&layer.chunks, path, GRAPH_HEAD)) {
		return;
	}
	problem = read_layer(&layer);
	if (problem) {
		verify_report_fail(report, name, "%s", problem);
		unmap(&layer.chunks);
		return;
	}
	graph->layer =
		xgrow(graph->layer, graph->count, &graph->cap, sizeof(*graph->layer));
	graph->layer[graph->count++] = layer;
}

static void add_layers(struct graph *graph, const char *git_dir,
		       struct verify_report *report)
{
	struct buf path = {0}, chain = {0};
	char *save = NULL, *line;
	struct err err;

	buf_addf(&path, "%s/%s", git_dir, graph->name);
	if (file_read(&chain, path.data, CHAIN_MAX, &err) == 0 && chain.len) {
		line = strtok_r(chain.data, "\n", &save);
		for (; line; line = strtok_r(NULL, "\n", &save)) {
			buf_clear(&path);
			buf_addf(&path, "%s/objects/info/commit-graphs/graph-%.*s.graph",
				 git_dir, OBJECT_HEX, line);
			add_layer(graph, path.data, graph->name, report);
		}
	}
	buf_release(&path);
	buf_release(&chain);
}

/* NULL: none has that position. */
static const uint8_t *id_at(const struct graph *graph, uint32_t position)
{
	for (size_t i = 0; i < graph->count; i++) {
		if (position < graph->layer[i].count) {
			return graph->layer[i].ids + (size_t)position * OBJECT_ID;
		}
		position -= graph->layer[i].count;
	}
	return NULL;
}

static bool has_parent(const struct graph *graph, const uint8_t *row,
		       const struct verify_commit *commit)
{
	uint32_t first = be32_get(row + OBJECT_ID),
		 second = be32_get(row + OBJECT_ID + 4);
	const uint8_t *id = id_at(graph, first);

	if (second != NO_PARENT) {
		return false;
	}
	return commit->parents ? id && memcmp(id, commit->parent, OBJECT_ID) == 0
			       : first == NO_PARENT;
}

/* What git orders commits by, and leaves some out by: how many there are up to this one, and
 * its time, or the first one after its parent's. Both are known if the history is whole. */
struct order {
	uint64_t level;
	int64_t time_s;
};

static const char *compare_row(const struct graph *graph, const struct layer *layer,
			       size_t n, const struct verify_commit *commit,
			       bool has_beginning, const struct order *order)
{
	const uint8_t *row = layer->rows + n * GRAPH_ROW;
	uint32_t high = be32_get(row + OBJECT_ID + 8), level = high >> 2;
	int64_t time_s =
		(int64_t)((uint64_t)(high & 3) << 32 | be32_get(row + OBJECT_ID + 12));
	uint32_t offset = layer->offsets ? be32_get(layer->offsets + n * 4) : 0;

	if (memcmp(row, commit->tree, OBJECT_ID) != 0) {
		return "because of it git shows another tree";
	}
	if (!has_beginning && !has_parent(graph, row, commit)) {
		return "because of it git shows another parent";
	}
	if (time_s != commit->time_s) {
		return "because of it git shows another time";
	}
	if (order &&
	    ((level && level != order->level) ||
	     (layer->offsets && !(offset >> 31) && time_s + offset != order->time_s))) {
		return "because of it git shows another order";
	}
	return NULL;
}

static void check_commit(const struct graph *graph, const struct verify_commit *commit,
			 bool has_beginning, const struct order *order,
			 struct verify_report *report)
{
	for (size_t i = 0; i < graph->count; i++) {
		const struct layer *layer = &graph->layer[i];
		const uint8_t *id =
			layer->count ? bsearch(commit->id, layer->ids, layer->count,
					       OBJECT_ID, compare_ids)
				     : NULL;
		const char *problem =
			id ? compare_row(graph, layer,
					 (size_t)(id - layer->ids) / OBJECT_ID, commit,
					 has_beginning, order)
			   : NULL;
		char hex[OBJECT_HEX + 1];

		if (problem) {
			object_hex(hex, commit->id);
			verify_report_at(report, hex, commit->number);
			verify_report_fail(report, graph->name, "%s", problem);
		}
	}
}

static void check_graph(const struct graph *graph, const struct verify_line *line,
			struct verify_report *report)
{
	bool whole = line->count && line->held == 0 && line->commit[0].parents == 0;
	struct order order = {0};

	for (size_t i = 0;
	     graph->count && i < line->count && !verify_report_is_full(report); i++) {
		const struct verify_commit *commit = &line->commit[i];

		order.level++;
		order.time_s = i && order.time_s >= commit->time_s ? order.time_s + 1
								   : commit->time_s;
		check_commit(graph, commit, i <= line->held && commit->parents > 0,
			     whole ? &order : NULL, report);
	}
	verify_report_at(report, NULL, 0);
}

/* --- the multi-pack-index --- */

#define MIDX "objects/pack/multi-pack-index"

struct midx {
	struct chunks chunks;
	const uint8_t *ids, *places, *large;
	size_t large_count;
	uint32_t count, packs;
	size_t *pack; /* in the store, by its number here */
};

static const char *read_packs(struct midx *midx, const struct verify_store *store)
{
	size_t left;
	const uint8_t *name = find_chunk(&left, &midx->chunks, "PNAM");

	midx->packs = be32_get(midx->chunks.data + 8);
	if (!name || midx->packs > left) {
		return "the file is damaged: it does not name its packs";
	}
	midx->pack = xreallocarray(NULL, (size_t)midx->packs + 1, sizeof(*midx->pack));
	for (uint32_t i = 0; i < midx->packs; i++) {
		size_t len = strnlen((const char *)name, left);

		if (len == left) {
			return "the file is damaged: it does not name its packs";
		}
		midx->pack[i] = verify_store_pack(store, (const char *)name);
		if (midx->pack[i] == VERIFY_STORE_NONE) {
			return "it is about a pack that is not there, or has no index";
		}
		name += len + 1;
		left -= len + 1;
	}
	return NULL;
}

static const char *read_midx(struct midx *midx, const struct verify_store *store)
{
	size_t len;

	midx->ids = has_magic(&midx->chunks, "MIDX")
			    ? find_ids(&midx->count, &midx->chunks)
			    : NULL;
	midx->places = midx->ids ? find_chunk(&len, &midx->chunks, "OOFF") : NULL;
	if (!midx->places || len != (size_t)midx->count * 8) {
		return "the file is damaged: it is no index of version 1";
	}
	midx->large = find_chunk(&len, &midx->chunks, "LOFF");
	midx->large_count = len / 8;
	return read_packs(midx, store);
}

static bool is_right(const struct midx *midx, uint32_t n,
		     const struct verify_store *store)
{
	uint32_t pack = be32_get(midx->places + (size_t)n * 8);
	uint64_t at = be32_get(midx->places + (size_t)n * 8 + 4);

	if (midx->large && at >> 31) {
		at &= 0x7fffffff;
		if (at >= midx->large_count) {
			return false;
		}
		at = be64_get(midx->large + at * 8);
	}
	return pack < midx->packs &&
	       verify_store_is_at(store, midx->pack[pack],
				  midx->ids + (size_t)n * OBJECT_ID, at);
}

static void check_midx(const char *git_dir, const struct verify_store *store,
		       struct verify_report *report)
{
	struct midx midx = {0};
	struct buf path = {0};
	const char *problem;
	struct stat st;

	buf_addf(&path, "%s/" MIDX, git_dir);
	if (map(&midx.chunks, path.data, MIDX_HEAD)) {
		problem = read_midx(&midx, store);
		if (problem) {
			verify_report_fail(report, MIDX, "%s", problem);
		}
		for (uint32_t i = 0;
		     !problem && i < midx.count && !verify_report_is_full(report); i++) {
			char hex[OBJECT_HEX + 1];

			if (!is_right(&midx, i, store)) {
				object_hex(hex, midx.ids + (size_t)i * OBJECT_ID);
				verify_report_fail(report, MIDX,
						   "because of it git shows another "
						   "object in place of %s",
						   hex);
			}
		}
		free(midx.pack);
		unmap(&midx.chunks);
	}
	buf_addstr(&path, ".d");
	if (lstat(path.data, &st) == 0) {
		verify_report_fail(report, MIDX ".d",
				   "indexes in layers are not verified: remove them");
	}
	buf_release(&path);
}

/* --- all --- */

void verify_derived_check(const char *git_dir, const struct verify_line *line,
			  struct verify_store *store, struct verify_report *report)
{
	struct graph single = {.name = "objects/info/commit-graph"};
	struct graph chain = {.name = "objects/info/commit-graphs/commit-graph-chain"};
	struct buf path = {0};

	buf_addf(&path, "%s/%s", git_dir, single.name);
	add_layer(&single, path.data, single.name, report);
	add_layers(&chain, git_dir, report);
	check_graph(&single, line, report);
	check_graph(&chain, line, report);
	check_midx(git_dir, store, report);
	graph_release(&single);
	graph_release(&chain);
	buf_release(&path);
}
