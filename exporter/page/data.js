/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit page. Its data are rows, each an array. Times are Unix seconds; an unknown count
 * is null.
 *
 *	album		[ID, images, untagged, BLOCK]	(BLOCK: only in a report; a count is
 *			unknown if the list is too large for a snapshot)
 *	untagged image	[ID, created_at, thumbnail, since, since's commit]	(the last
 *			two: only in a report)
 *	snapshot	[number, time, images, untagged, commit]
 *	tag		[ID, label, images]
 *
 * A report contains them, in elements <script type="application/json">. A site has them in
 * scripts in data/, each of which calls one function of `albumen` (exporter/site/page_site.h
 * lists the files): scripts are all that a page opened from a disk may load.
 *
 * exporter/page/page.c joins the four scripts in this order: data.js, table.js, plot.js,
 * page.js.
 *
 * Ids and other texts are untrusted. They become text nodes and properties, never markup, and
 * each is in a <bdi>, so that its direction does not affect the rest. There may be 100,000
 * albums, so only the visible rows of a table exist.
 */
'use strict';

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

/* --- numbers and times, for people --- */

const grouped = new Intl.NumberFormat('en');
const count = (n) => (n === null || n === undefined ? 'unknown' : grouped.format(n));
const some = (n, noun) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;

/* A share in percent. It is 0 % or 100 % only if that is exact. */
function percent(part, whole) {
	if (part === null || whole === null || part === undefined || whole === undefined) {
		return 'unknown';
	}
	if (!whole || !part) {
		return '0 %';
	}
	const tenths = Math.round(part / whole * 1000);

	if (part === whole) {
		return '100 %';
	}
	if (tenths === 0) {
		return '< 0.1 %';
	}
	return tenths === 1000 ? '> 99.9 %' : `${(tenths / 10).toFixed(1)} %`;
}

function iso(seconds) {
	const date = new Date(seconds * 1000);

	return isNaN(date) ? '' : date.toISOString();
}
const day = (seconds) => iso(seconds).slice(0, 10);
const minute = (seconds) => iso(seconds).slice(0, 16).replace('T', ' ');
/* The created_at of a record: its date, or the whole text if it does not look like a time. */
const stamp = (text) => (text === null ? 'unknown' :
	/^\d{4}-\d\d-\d\dT/.test(text) ? text.slice(0, 10) : text);

function age(from, to) {
	const days = Math.floor((to - from) / 86400);

	return days > 0 ? some(days, 'day') : 'less than a day';
}

/* --- loading data --- */

/* From a report: data are parsed when needed. */
function reportSource(first) {
	const parse = (element) => JSON.parse(element.textContent);
	const all = (kind) => [...document.querySelectorAll(`script.${kind}`)];
	const blocks = all('block');
	let kept = -1, block = null;

	return {
		hasSince: true,
		summary: async () => parse(first),
		async albums(take) {
			for (const element of all('albums')) {
				take(parse(element));
				/* Let the page react to the user in between. */
				await new Promise((done) => setTimeout(done));
			}
		},
		async history(take) {
			all('history').forEach((element) => take(parse(element)));
		},
		async album(row) {
			if (kept !== row[3]) {
				block = new Map(parse(blocks[row[3]]).map((entry) => [entry[0], entry]));
				kept = row[3];
			}
			const [, images, tags, last] = block.get(row[0]);

			return { images, tags, last };
		},
	};
}

/* From a site: data are loaded when needed. */
function siteSource() {
	const waiting = new Map();
	const AT_ONCE = 8;
	const answer = (key, value) => {
		if (waiting.has(key)) {
			waiting.get(key)(value);
		}
	};
	const load = (path, key) => new Promise((done, fail) => {
		const script = make('script', { src: `data/${path}` });

		waiting.set(key, done);
		script.onload = script.onerror = () => {
			/* Has no effect if the script has called answer(). */
			fail(new Error(`cannot load data/${path}`));
			waiting.delete(key);
			script.remove();
		};
		document.head.append(script);
	});
	/* Loads several files at a time, and passes each to `take` when it arrives. */
	const each = async (jobs, take) => {
		const next = async () => {
			while (jobs.length) {
				take(await load(...jobs.shift()));
			}
		};

		await Promise.all(Array.from({ length: AT_ONCE }, next));
	};
	let known = null;

	window.albumen = Object.freeze({
		summary: (value) => answer('summary', value),
		albums: (shard, rows) => answer(`albums ${shard}`, rows),
		history: (chunk, rows) => answer(`history ${chunk}`, rows),
		untagged: (id, rows) => answer(`untagged ${id}`, rows),
	});
	return {
		hasSince: false,
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
			return each(jobs, take);
		},
		history(take) {
			const jobs = [];

			/* The newest first. */
			for (let n = known.number; known.first && n >= known.first;) {
				const chunk = Math.floor((n - 1) / known.chunk);

				jobs.push([`history/${chunk}.js`, `history ${chunk}`]);
				n = chunk * known.chunk;
			}
			return each(jobs, take);
		},
		async album(row) {
			const path = encodeURIComponent(fileName(row[0]));

			return {
				images: row[2] ? await load(`untagged/${path}.js`,
					`untagged ${row[0]}`) : [],
			};
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
