/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit page. Its data are rows, each an array. Times are Unix seconds; what is unknown
 * is null.
 *
 *	album		[ID, images, untagged, ...]	(`untagged` is unknown if the list is too
 *			large for a snapshot). In a site also: when the oldest of its untagged
 *			images was created; unknown if that is not known of one of them
 *	untagged image	[ID, created, title, thumbnail, ...]	(`created`: a text if the record's
 *			created_at is no time). In a report also: the number of the album's row;
 *			the time that its age is counted from; the time and the commit of the
 *			snapshot since which it was observed; flags: EARLIER, CREATED
 *	snapshot	[number, time, images, untagged, commit, incidents]	(the last: only if
 *			there are any, see page_history.h)
 *	label		[name, commit, what]	(the last: only for one of albumen's own, which
 *			says what happened to the history)
 *	tag		[ID, label, name, images]
 *
 * A report contains them, in elements <script type="application/json">. A site has them in
 * scripts in data/, each of which calls one function of `albumen` (exporter/site/page_site.h
 * lists the files): scripts are all that a page opened from a disk may load.
 *
 * exporter/page/page.c joins the scripts in this order: data.js, words.js, table.js, plot.js,
 * list.js, page.js.
 *
 * Ids and other texts are untrusted. They become text nodes and properties, never markup, and
 * each is in a <bdi>, so that its direction does not affect the rest. There may be 100,000
 * albums and a million images, so only the visible rows of a table exist.
 */
'use strict';

const EARLIER = 1; /* untagged since then, or from before the history begins */
const CREATED = 2; /* its age is counted from its creation */

const $ = (id) => document.getElementById(id);

/* Makes an element with properties and children; a string becomes a text node. */
function make(name, properties, ...children) {
	const element = document.createElement(name);

	Object.entries(properties || {}).forEach(([key, value]) => {
		if (key.includes('-') || key === 'role') {
			element.setAttribute(key, value);
		} else {
			element[key] = value;
		}
	});
	element.append(...children);
	return element;
}

/* A text from the data, with a direction of its own. */
const own = (text) => make('bdi', { title: text }, text);

/* --- from a report: data are parsed when needed --- */

function reportSource(first) {
	const parse = (element) => JSON.parse(element.textContent);
	const all = (kind) => [...document.querySelectorAll(`script.${kind}`)];
	const albumBlocks = all('block'), imageBlocks = all('untagged');
	const parsed = new Map(); /* element to its value: those used last */
	const read = (element) => {
		const value = parsed.get(element) || parse(element);

		parsed.delete(element);
		parsed.set(element, value);
		if (parsed.size > 16) {
			parsed.delete(parsed.keys().next().value);
		}
		return value;
	};
	let summary = null, ids = [];
	const image = (i) => {
		const [id, created, title, thumbnail, album, from, since, commit, flags] =
			read(imageBlocks[Math.floor(i / summary.block)])[i % summary.block];

		return { id, created, title, thumbnail, album: ids[album], from, since, commit, flags };
	};

	return {
		isReport: true,
		async summary() {
			summary = parse(first);
			return summary;
		},
		async albums(take) {
			for (const element of all('albums')) {
				const rows = parse(element);

				ids = ids.concat(rows.map((row) => row[0]));
				take(rows);
				/* Let the page react to the user in between. */
				await new Promise((done) => setTimeout(done));
			}
		},
		async history(take) {
			all('history').forEach((element) => take(parse(element)));
		},
		labels: async () => all('labels').flatMap(parse),
		/* All untagged images, the longest untagged first. */
		untagged: () => ({ length: summary.untagged, total: summary.untagged, row: image, more: null }),
		async album(row) {
			const [, rows, tags, last] = read(albumBlocks[row[3]]).find(([id]) => id === row[0]);

			return { images: { length: rows.length, total: rows.length, row: (i) => image(rows[i]) }, tags, last };
		},
	};
}

/* --- from a site: data are loaded when needed --- */

/* Calls `one` for each job, AT_ONCE at a time. */
async function each(jobs, one) {
	const AT_ONCE = 8;
	let next = 0;
	const work = async () => {
		while (next < jobs.length) {
			await one(jobs[next++]);
		}
	};

	await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function siteSource() {
	const waiting = new Map(); /* what is being loaded: { done, loaded } */
	const answer = (key, value) => {
		if (waiting.has(key)) {
			waiting.get(key).done(value);
		}
	};
	const load = (path, key) => {
		if (waiting.has(key)) {
			return waiting.get(key).loaded;
		}
		const entry = {};

		entry.loaded = new Promise((done, fail) => {
			/* With the page's own query: it may hold a token, which the edge asks for again. */
			const script = make('script', { src: `data/${path}${location.search}` });

			entry.done = done;
			script.onload = script.onerror = () => {
				/* Has no effect if the script has called answer(). */
				fail(new Error(`cannot load data/${path}`));
				waiting.delete(key);
				script.remove();
			};
			document.head.append(script);
		});
		waiting.set(key, entry);
		return entry.loaded;
	};
	let known = null;
	const image = (album, [id, created, title, thumbnail]) => ({ id, created, title, thumbnail, album });
	const list = async (id, rest) => {
		const kind = rest ? 'rest' : 'untagged';
		const path = encodeURIComponent(fileName(id));
		const rows = await load(`untagged/${path}${rest ? '.rest' : ''}.js`, `${kind} ${id}`);

		return rows.map((row) => image(id, row));
	};

	window.albumen = Object.freeze({
		summary: (value) => answer('summary', value),
		albums: (shard, rows) => answer(`albums ${shard}`, rows),
		history: (chunk, rows) => answer(`history ${chunk}`, rows),
		labels: (rows) => answer('labels', rows),
		untagged: (id, rows) => answer(`untagged ${id}`, rows),
		rest: (id, rows) => answer(`rest ${id}`, rows),
	});
	return {
		isReport: false,
		async summary() {
			known = await load('summary.js', 'summary');
			return known;
		},
		albums(take) {
			const jobs = [];

			for (let i = 0; i < 256; i++) {
				const digit = parseInt(known.shards[i >> 2], 16);

				if (digit & 8 >> i % 4) {
					const hex = i.toString(16).padStart(2, '0');

					jobs.push([`albums/${hex}.js`, `albums ${i}`]);
				}
			}
			return each(jobs, async (job) => take(await load(...job)));
		},
		history(take) {
			const jobs = [];

			/* The newest first. */
			for (let n = known.number; known.first && n >= known.first;) {
				const chunk = Math.floor((n - 1) / known.chunk);

				jobs.push([`history/${chunk}.js`, `history ${chunk}`]);
				n = chunk * known.chunk;
			}
			return each(jobs, async (job) => take(await load(...job)));
		},
		labels: () => load('labels.js', 'labels'),
		untagged: (albums) => new Merge(albums, known, list),
		async album(row) {
			const rows = row[2] ? await list(row[0], false) : [];

			if (row[2] > known.head) {
				(await list(row[0], true)).forEach((other) => rows.push(other));
			}
			return { images: { length: rows.length, total: rows.length, row: (i) => rows[i] } };
		},
	};
}

/* An id as a file name (data/format/name.h). */
function fileName(id) {
	return [...new TextEncoder().encode(id)].map((byte) => {
		const char = String.fromCharCode(byte);

		return /[A-Za-z0-9_-]/.test(char) ? char
			: `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
	}).join('');
}

/*
 * The untagged images of all albums of a site, by the time of their creation. There is no file
 * of them: one changed image would change it. But the row of an album says when its oldest
 * image was created, and its own list is in order; so the lists are merged, and one is loaded
 * only when its oldest image is older than all that are loaded. So n images take n lists
 * at most (and AHEAD), though all may be of one second; and of a long list its first part
 * (summary.head images) will do.
 */
class Merge {
	constructor(albums, summary, load) {
		const byId = (a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);

		this.load = load;
		this.head = summary.head;
		this.rows = [];
		/* Albums whose lists are not loaded, the oldest image first. */
		this.later = albums.filter((row) => row[2]).sort((a, b) => Merge.key(a[3]) - Merge.key(b[3]) || byId(a, b));
		this.total = this.later.reduce((sum, row) => sum + row[2], 0);
		this.next = 0;
		this.open = []; /* a heap of loaded lists, by their next image */
	}

	get length() {
		return this.rows.length;
	}

	row(i) {
		return this.rows[i];
	}

	/* Goes on, and resolves when it has; null if there are no more. */
	more() {
		if (this.rows.length === this.total) {
			return null;
		}
		this.going = this.going || this.step().finally(() => {
			this.going = null;
		});
		return this.going;
	}

	async step() {
		const wanted = Math.min(this.total, this.rows.length + Merge.STEP);

		while (this.rows.length < wanted) {
			await this.openNext();
			const list = this.open[0];

			if (!list) {
				throw new Error('a list of untagged images is shorter than its album says');
			}
			this.rows.push(list.images[list.at++]);
			if (list.at === list.images.length && list.more) {
				list.images = await this.load(list.id, true);
				list.at = 0;
				list.more = false;
			}
			if (list.at < list.images.length) {
				this.sift(0);
			} else {
				this.close();
			}
		}
	}

	/* Opens the lists that may have the next image, and some that are likely to follow. */
	async openNext() {
		const due = () => this.next < this.later.length &&
			(!this.open.length || Merge.key(this.later[this.next][3]) < this.key(0));

		while (due()) {
			const rows = this.later.slice(this.next, this.next + Merge.AHEAD);

			this.next += rows.length;
			await each(rows, async (row) => {
				const images = await this.load(row[0], false);

				if (images.length) {
					this.open.push({ id: row[0], images, at: 0, more: row[2] > this.head });
					this.rise(this.open.length - 1);
				}
			});
		}
	}

	key(i) {
		const list = this.open[i];

		return Merge.key(list.images[list.at].created);
	}

	isBefore(a, b) {
		return this.key(a) - this.key(b) || (this.open[a].id < this.open[b].id ? -1 : 1);
	}

	swap(a, b) {
		[this.open[a], this.open[b]] = [this.open[b], this.open[a]];
	}

	rise(i) {
		for (let up = (i - 1) >> 1; i && this.isBefore(i, up) < 0; i = up, up = (i - 1) >> 1) {
			this.swap(i, up);
		}
	}

	sift(i) {
		for (;;) {
			let least = i;

			[2 * i + 1, 2 * i + 2].forEach((child) => {
				if (child < this.open.length && this.isBefore(child, least) < 0) {
					least = child;
				}
			});
			if (least === i) {
				return;
			}
			this.swap(i, least);
			i = least;
		}
	}

	close() {
		const last = this.open.pop();

		if (this.open.length) {
			this.open[0] = last;
			this.sift(0);
		}
	}
}
Merge.STEP = 200;
Merge.AHEAD = 8; /* lists that are loaded together */
/* What has no known time comes first, as in the responses. */
Merge.key = (created) => (typeof created === 'number' ? created : -1e15);
