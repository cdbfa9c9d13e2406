/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- the plot --- */

const SVG = 'http://www.w3.org/2000/svg';

function draw(parent, name, attributes, text) {
	const element = document.createElementNS(SVG, name);

	Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
	if (text !== undefined) {
		element.textContent = text;
	}
	parent.append(element);
	return element;
}

/* The smallest 1, 2 or 5 times a power of ten of which `steps` reach `most`. */
function niceStep(most, steps) {
	const power = 10 ** Math.floor(Math.log10(most / steps));

	return [1, 2, 5, 10].map((n) => n * power).find((step) => step * steps >= most * 0.9999);
}

const MINUTE = 60, HOUR = 3600, DAY = 86400;

/* Round times between two: of the steps that give at most `most` of them, the smallest. Each is
 * [time, label]. */
function roundTimes(first, last, most) {
	const span = Math.max(1, last - first);
	const fixed = [1, 5, 15, 30].map((n) => n * MINUTE).concat([1, 3, 6, 12].map((n) => n * HOUR),
		[1, 2, 7, 14].map((n) => n * DAY)).find((step) => span / step <= most);
	const times = [];

	if (fixed) {
		/* 1970-01-05 was a Monday. */
		const origin = fixed >= 7 * DAY ? 4 * DAY : 0;
		const short = fixed < DAY;

		for (let time = Math.ceil((first - origin) / fixed) * fixed + origin; time <= last; time += fixed) {
			times.push([time, short && time % DAY && times.length ? iso(time).slice(11, 16)
				: short ? time % DAY ? minute(time) : day(time) : day(time)]);
		}
		return times;
	}
	const months = [1, 3, 6, 12, 24, 60, 120, 600, 1200].find((n) => span / (n * 30.4 * DAY) <= most) || 12000;
	const start = new Date(first * 1000);
	let month = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / months) * months;

	for (;; month += months) {
		const date = new Date(0);

		date.setUTCFullYear(Math.floor(month / 12), month % 12, 1);
		const time = date.getTime() / 1000;

		if (time > last) {
			return times;
		}
		if (time >= first) {
			times.push([time, iso(time).slice(0, months % 12 ? 7 : 4)]);
		}
	}
}

/*
 * How many images were untagged in each snapshot. What is known of a snapshot besides stands
 * on the plot, too: a label as a flag at the top, an incident as a triangle at the bottom.
 */
class Plot {
	constructor(root) {
		this.root = root;
		this.rows = [];
		this.marks = []; /* of each row: { labels, incidents }, or nothing */
		this.share = false;
		this.at = 0;
		root.addEventListener('pointermove', (event) => this.point(event));
		root.addEventListener('pointerdown', (event) => this.point(event));
		root.addEventListener('keydown', (event) => this.key(event));
		new ResizeObserver(() => this.draw()).observe(root);
	}

	set(rows, marks) {
		this.rows = rows;
		this.marks = marks;
		this.at = rows.length - 1;
		this.draw();
	}

	/* Paper has another width than the window; the picture is scaled to it. */
	print(on) {
		this.printing = on;
		this.draw();
	}

	value(row) {
		return this.share ? (row[2] ? row[3] / row[2] * 100 : 0) : row[3];
	}

	/* The snapshots to draw: of those on one pixel, the first, lowest, highest and last. */
	points() {
		const kept = [];
		let last = -1, group = [];
		const flush = () => {
			const sorted = [...group].sort((a, b) => this.value(this.rows[a]) - this.value(this.rows[b]));

			[...new Set([group[0], sorted[0], sorted[sorted.length - 1], group[group.length - 1]])]
				.sort((a, b) => a - b).forEach((i) => kept.push(i));
			group = [];
		};

		this.rows.forEach((row, i) => {
			const pixel = Math.round(this.x(row[1]));

			if (pixel !== last && group.length) {
				flush();
			}
			last = pixel;
			group.push(i);
		});
		flush();
		return kept;
	}

	draw() {
		const box = this.root.getBoundingClientRect();
		const width = this.printing ? 700 : box.width, height = this.printing ? 220 : box.height;

		if (!this.rows.length || width < 50) {
			return;
		}
		const svg = document.createElementNS(SVG, 'svg');
		const first = this.rows[0][1], last = this.rows[this.rows.length - 1][1];
		const span = Math.max(1, last - first);
		const most = Math.max(this.share ? 1 : 4, this.highest());
		const step = Math.max(niceStep(most, 4), this.share ? 0 : 1);
		const top = Math.ceil(most / step - 1e-9) * step;
		const left = 12 + 7 * (this.share ? 5 : count(top).length);
		const right = width - 14, bottom = height - 34;
		const above = this.marks.some((mark) => mark && mark.labels) ? 30 : 10;

		svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
		svg.setAttribute('preserveAspectRatio', 'xMinYMid meet');
		svg.setAttribute('aria-hidden', 'true');
		this.x = (time) => left + (time - first) / span * (right - left);
		this.y = (value) => bottom - value / top * (bottom - above);
		for (let value = 0; value <= top + step / 2; value += step) {
			const y = Math.round(this.y(value)) + 0.5;

			draw(svg, 'line', { class: 'grid', x1: left, x2: right, y1: y, y2: y });
			draw(svg, 'text', { x: left - 8, y: y + 4, 'text-anchor': 'end' },
				this.share ? `${Math.round(value * 100) / 100} %` : count(value));
		}
		this.drawTimes(svg, first, last, left, right, bottom);
		/* Counts stay the same until the next snapshot, so the line has steps. */
		const points = this.points();
		let path = '';

		points.forEach((i) => {
			const x = this.x(this.rows[i][1]).toFixed(1), y = this.y(this.value(this.rows[i])).toFixed(1);

			path += path ? `H${x}V${y}` : `M${x} ${y}`;
		});
		const end = this.x(this.rows[points[points.length - 1]][1]).toFixed(1);

		draw(svg, 'path', { class: 'area', d: `${path}H${end}V${bottom}H${left}Z` });
		this.drawMarks(svg, right, bottom);
		draw(svg, 'path', { class: 'line', d: path });
		this.cross = draw(svg, 'line', { class: 'cross', y1: above, y2: bottom });
		this.dot = draw(svg, 'circle', { class: 'dot', r: 5 });
		this.root.replaceChildren(svg);
		this.show(this.at);
	}

	highest() {
		return this.rows.reduce((most, row) => Math.max(most, this.value(row)), 0);
	}

	drawTimes(svg, first, last, left, right, bottom) {
		let end = -Infinity;

		roundTimes(first, last, Math.max(1, Math.floor((right - left) / 96))).forEach(([time, label]) => {
			const x = this.x(time), half = label.length * 3.5 + 4;

			draw(svg, 'line', { class: 'tick', x1: x, x2: x, y1: bottom, y2: bottom + 5 });
			/* A label that has no room is left out; its tick stays. */
			if (x - half > end && x - half > 0 && x + half < right + 14) {
				draw(svg, 'text', { x, y: bottom + 30, 'text-anchor': 'middle' }, label);
				end = x + half;
			}
		});
	}

	drawMarks(svg, right, bottom) {
		let incident = -Infinity, label = -Infinity, words = -Infinity;

		this.marks.forEach((mark, i) => {
			const x = this.x(this.rows[i][1]);

			if (mark && mark.incidents && x - incident >= 4) {
				incident = x;
				draw(svg, 'path', { class: 'incident', d: `M${x} ${bottom + 5}l5 9h-10z` });
			}
			if (!mark || !mark.labels || x - label < 4) {
				return;
			}
			const text = [...mark.labels.join(', ')];
			const short = text.length > 16 ? `${text.slice(0, 15).join('')}…` : text.join('');
			const long = [...short].length * 7;
			const before = x + 12 + long > right;
			const begin = before ? x - long - 8 : x;

			label = x;
			draw(svg, 'line', { class: 'label', x1: x, x2: x, y1: 4, y2: bottom });
			draw(svg, 'path', { class: 'flag', d: `M${x} 4h${before ? -8 : 8}v9h${before ? 8 : -8}z` });
			if (begin > words) {
				draw(svg, 'text', { class: 'label', x: before ? x - 12 : x + 12, y: 13,
					'text-anchor': before ? 'end' : 'start' }, short);
				words = begin + long + 16;
			}
		});
	}

	/* Points at one snapshot: with a line, and in words, also for screen readers. */
	show(i) {
		const row = this.rows[i];
		const words = [snapshotWords(row), ...markWords(this.marks[i])].join('. ');

		this.at = i;
		this.cross.setAttribute('x1', this.x(row[1]));
		this.cross.setAttribute('x2', this.x(row[1]));
		this.dot.setAttribute('cx', this.x(row[1]));
		this.dot.setAttribute('cy', this.y(this.value(row)));
		$('readout').textContent = words;
		this.root.setAttribute('aria-valuemin', this.rows[0][0]);
		this.root.setAttribute('aria-valuemax', this.rows[this.rows.length - 1][0]);
		this.root.setAttribute('aria-valuenow', row[0]);
		this.root.setAttribute('aria-valuetext', words);
	}

	point(event) {
		if (!this.x) {
			return;
		}
		const x = event.clientX - this.root.getBoundingClientRect().left;
		let low = 0, high = this.rows.length - 1;

		while (low < high) {
			const middle = (low + high + 1) >> 1;

			if (this.x(this.rows[middle][1]) <= x) {
				low = middle;
			} else {
				high = middle - 1;
			}
		}
		/* A mark has a few pixels of its own. */
		const near = [low, low + 1].filter((i) => this.marks[i] && Math.abs(this.x(this.rows[i][1]) - x) < 6);

		this.show(near.length ? near[near.length - 1] : low);
	}

	key(event) {
		const tenth = Math.max(1, Math.round(this.rows.length / 10));
		const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -tenth,
			PageUp: tenth, Home: -Infinity, End: Infinity }[event.key];

		if (step && this.x && !event.ctrlKey && !event.altKey && !event.metaKey) {
			event.preventDefault();
			this.show(Math.max(0, Math.min(this.rows.length - 1, this.at + step)));
		}
	}
}

function snapshotWords([number, time, images, untagged]) {
	return `Snapshot ${number}, ${minute(time)}: ${count(untagged)} of ${some(images, 'image')} untagged` +
		` (${percent(untagged, images)})`;
}

function markWords(mark) {
	const { labels, incidents } = mark || {};

	return [...(labels ? [`${labels.length === 1 ? 'Label' : 'Labels'} ${labels.join(', ')}`] : []),
		...(incidents || [])];
}

/*
 * What happened at each snapshot, in words; nothing for most. `own`: labels of albumen's own. A number of rejects that stays is
 * told once. Where most snapshots follow a walk of the whole folder, as each does that `scan`
 * made, that is no incident; nor is it for the first one.
 */
function incidentsOf(rows, own) {
	const walks = rows.filter((row) => row[5] && row[5].rescans).length;
	const isRoutine = walks > rows.length / 2;
	const times = (n) => (n === 1 ? 'once' : `${count(n)} times`);
	const happened = new Map();
	let rejects = 0;

	own.forEach(([, commit, text]) => happened.set(commit, [...(happened.get(commit) || []), text]));
	return rows.map((row) => {
		const what = row[5] || {};
		const words = [];
		const is = (when, text) => when && words.push(text);

		is(what.lost, `Events were lost ${times(what.lost)}`);
		is(what.out_of_step, 'The folder had not been walked since events were lost');
		is(what.rescans && !isRoutine && row[0] > 1, `The whole folder was walked ${times(what.rescans)}`);
		is((what.rejects || 0) > rejects, `Rejected metadata: ${count(what.rejects)}`);
		is(what.restored, 'The index had been restored from a copy');
		is(what.clock_behind, `The clock was ${some(what.clock_behind, 'second')} behind`);
		is(what.accepted, `Made with --accept ${(what.accepted || []).join(', ')}`);
		(happened.get(row[4]) || []).forEach((text) => words.push(text));
		rejects = what.rejects || 0;
		return words.length ? words : null;
	});
}
