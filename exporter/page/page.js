/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- the page --- */

function figures(root, entries) {
	root.replaceChildren(...entries.filter(Boolean).map(([title, value, wide]) => make('div',
		{ className: wide ? 'wide' : '' }, make('dt', null, title), make('dd', null, ...[value].flat()))));
}

/* A text from the data, with a direction of its own. */
const own = (text) => make('bdi', { title: text }, text);

function gauge(part, whole) {
	const bar = make('i', { 'aria-hidden': 'true' });

	bar.style.setProperty('--share', whole ? part / whole : 0);
	return make('div', { className: 'gauge' }, bar, make('span', null, percent(part, whole)));
}

class Page {
	constructor(source) {
		this.source = source;
		this.albums = [];
		this.byId = new Map();
		this.order = [];
		this.lower = []; /* the ids in lower case, for the filter */
		this.sorted = { key: 'untagged', down: true };
		this.open = null;
		this.loaded = false;
		this.pictures = false;
		this.history = [];
		this.makeTables();
		this.listen();
	}

	makeTables() {
		this.table = new Table($('album-table'), 'Albums', [
			{ title: 'Album', key: 'id' },
			{ title: 'Untagged', key: 'untagged', style: 'number' },
			{ title: 'Images', key: 'images', style: 'number' },
			{ title: 'Share', key: 'share', style: 'number' },
		]);
		this.table.sort = (key) => {
			const same = this.sorted.key === key;

			this.sorted = { key, down: same ? !this.sorted.down : key !== 'id' };
			this.sortAlbums();
			this.filterAlbums();
		};
		this.images = new Table($('image-table'), 'Untagged images', [
			{ title: 'Image' },
			{ title: 'Created', style: 'created' },
			this.source.hasSince && { title: 'Untagged since', style: 'known' },
			{ title: 'Thumbnail address', style: 'last' },
		].filter(Boolean));
		this.images.root.classList.toggle('since', this.source.hasSince);
		this.snapshots = new Table($('snapshots'), 'Snapshots', [
			{ title: 'Number', style: 'number extra' },
			{ title: 'Time' },
			{ title: 'Untagged', style: 'number' },
			{ title: 'Images', style: 'number extra' },
			{ title: 'Share', style: 'number' },
			{ title: 'Commit', style: 'extra' },
		]);
		this.plot = new Plot($('plot'));
	}

	listen() {
		$('filter').addEventListener('input', () => {
			this.filterAlbums();
			this.writeHash(true);
		});
		$('filter').addEventListener('keydown', (event) => {
			if (event.key === 'ArrowDown' && this.order.length) {
				event.preventDefault();
				this.table.goTo(0);
			}
		});
		$('close').addEventListener('click', () => this.close());
		$('thumbnails').addEventListener('click', () => this.setPictures(!this.pictures));
		$('skip').addEventListener('click', (event) => {
			event.preventDefault();
			$('albums-title').focus();
		});
		document.addEventListener('keydown', (event) => {
			if (event.key === 'Escape' && this.open && event.target !== $('filter')) {
				this.close();
			}
		});
		[['plot-count', false], ['plot-share', true]].forEach(([id, share]) => {
			$(id).addEventListener('click', () => {
				$('plot-count').setAttribute('aria-pressed', !share);
				$('plot-share').setAttribute('aria-pressed', share);
				this.plot.share = share;
				this.plot.draw();
			});
		});
		$('plot-details').addEventListener('toggle', () => this.showSnapshots());
		window.addEventListener('hashchange', () => this.readHash());
		window.addEventListener('beforeprint', () => this.print(true));
		window.addEventListener('afterprint', () => this.print(false));
	}

	print(on) {
		[this.table, this.images, this.snapshots].forEach((table) => table.print(on));
	}

	async start() {
		this.summary = await this.source.summary();
		this.showSummary();
		/* The album in the address is shown first; the list follows. */
		this.readHash();
		const albums = this.source.albums((rows) => {
			this.addAlbums(rows);
			this.refreshLater();
		});
		const snapshots = this.source.history((rows) => rows.forEach((row) => this.history.push(row)));

		await albums;
		this.loaded = true;
		if (this.albums.length === 1 && !location.hash) {
			history.replaceState(null, '', this.hash(this.albums[0][0]));
		}
		this.refresh();
		await snapshots;
		this.showHistory();
		document.documentElement.dataset.ready = '';
	}

	showSummary() {
		const { commit, time, number, images, untagged, albums, as_of: asOf } = this.summary;
		const words = number ? `Snapshot ${count(number)}` : 'Snapshot';

		$('snapshot').textContent = `${words} of ${minute(time)} UTC, commit ${commit}` +
			(asOf && asOf !== time ? `, audited as of ${minute(asOf)} UTC` : '');
		$('share').textContent = percent(untagged, images);
		$('meter').style.setProperty('--share', images ? untagged / images : 0);
		const tagged = images === undefined || untagged === undefined ? null : images - untagged;

		figures($('figures'), [
			['Untagged', count(untagged)],
			['Tagged', count(tagged)],
			['Images', count(images)],
			['Albums', count(albums)],
			this.oldestFigure(),
			this.lastFigure(this.summary.last),
		]);
		this.showTags();
	}

	oldestFigure() {
		const { oldest } = this.summary;

		return oldest && ['Oldest untagged image', [own(oldest[0]),
			`, created ${stamp(oldest[1])}${this.sinceWords(oldest)}`], true];
	}

	sinceWords(image) {
		return image[3] === null || image[3] === undefined ? ', untagged since an unknown time'
			: `, untagged since ${day(image[3])} (${age(image[3], this.summary.as_of)})`;
	}

	/* [image, created_at, by]; null for what is unknown. */
	lastFigure(last) {
		return last && ['Last tagged', [own(last[0]), `, ${stamp(last[1])}, by `,
			last[2] === null ? 'unknown' : own(last[2])], true];
	}

	showTags() {
		const { tags } = this.summary;

		if (!tags || !tags.length) {
			return;
		}
		$('tags').hidden = false;
		const table = new Table($('tag-table'), 'Tags', [{ title: 'Label' }, { title: 'Tag' },
			{ title: 'Images', style: 'number' }]);

		table.set(tags.length, (i) => ({ cells: [tags[i][1] === null ? 'unknown' : own(tags[i][1]),
			own(tags[i][0]), count(tags[i][2])] }));
		$('tags').querySelector('summary').append(` ${count(tags.length)} on these images`);
	}

	/* --- history --- */

	showHistory() {
		/* Snapshots without counts are not plotted. */
		const rows = this.history.sort((a, b) => a[0] - b[0])
			.filter((row) => row[2] !== null && row[3] !== null);

		if (!rows.length) {
			$('history').hidden = true;
			return;
		}
		const first = rows[0], last = rows[rows.length - 1];
		let most = first, least = first;

		rows.forEach((row) => {
			most = row[3] > most[3] ? row : most;
			least = row[3] < least[3] ? row : least;
		});
		$('plot-words').textContent = rows.length === 1 ? 'There is one snapshot so far.'
			: `All albums: ${some(rows.length, 'snapshot')} from ${minute(first[1])} (${count(first[3])} untagged) to ` +
			`${minute(last[1])} (${count(last[3])}). The most: ${count(most[3])} on ${day(most[1])}; ` +
			`the fewest: ${count(least[3])} on ${day(least[1])}.`;
		this.plotted = rows;
		this.plot.set(rows);
		this.showSnapshots();
	}

	showSnapshots() {
		if (!$('plot-details').open || !this.plotted) {
			return;
		}
		const rows = this.plotted;

		this.snapshots.set(rows.length, (i) => {
			const [number, time, images, untagged, commit] = rows[rows.length - 1 - i];

			return { cells: [count(number), minute(time), count(untagged), count(images),
				percent(untagged, images), make('span', { title: commit }, commit.slice(0, 12))] };
		});
	}

	/* --- the list of albums --- */

	addAlbums(rows) {
		rows.forEach((row) => {
			this.byId.set(row[0], this.albums.length);
			this.albums.push(row);
			this.lower.push(row[0].toLowerCase());
		});
	}

	/* Refreshes at most a few times a second while albums arrive. */
	refreshLater() {
		if (!this.timer) {
			this.timer = setTimeout(() => this.refresh(), 250);
		}
	}

	refresh() {
		clearTimeout(this.timer);
		this.timer = null;
		this.sortAlbums();
		this.filterAlbums(true);
		this.readHash();
	}

	sortAlbums() {
		const { albums } = this;
		const { key, down } = this.sorted;
		const byId = (a, b) => (albums[a][0] < albums[b][0] ? -1 : albums[a][0] > albums[b][0] ? 1 : 0);
		const value = {
			untagged: (row) => row[2],
			images: (row) => row[1],
			share: (row) => row[2] / row[1],
		}[key];
		const sign = down ? -1 : 1;

		this.all = albums.map((row, i) => i);
		if (value) {
			this.all.sort((a, b) => sign * (value(albums[a]) - value(albums[b])) || byId(a, b));
		} else {
			this.all.sort((a, b) => sign * byId(a, b));
		}
		this.table.setSorted(key, down);
	}

	filterAlbums(keepPlace) {
		const wanted = $('filter').value.toLowerCase();

		this.order = wanted ? this.all.filter((i) => this.lower[i].includes(wanted)) : this.all;
		this.table.set(this.order.length, (i) => this.albumRow(this.order[i]), keepPlace);
		const total = count(this.albums.length);
		const words = !this.loaded ? `${total} albums so far`
			: wanted ? `${count(this.order.length)} of ${total} albums` : some(this.albums.length, 'album');

		if ($('count').textContent !== words) {
			$('count').textContent = words;
		}
	}

	albumRow(i) {
		const [id, images, untagged] = this.albums[i];

		return {
			open: id === this.open,
			cells: [make('a', { href: this.hash(id), title: id, tabIndex: -1 }, make('bdi', null, id)),
				count(untagged), count(images), gauge(untagged, images)],
		};
	}

	/* --- one album --- */

	async show(id) {
		const i = this.byId.get(id);

		this.open = id;
		$('main').classList.add('open');
		$('album').hidden = false;
		$('album-id').textContent = id;
		$('image-table').hidden = true;
		$('album-tools').hidden = true;
		figures($('album-figures'), []);
		if (i === undefined) {
			$('album-words').textContent = this.loaded ? 'The snapshot has no album with this id.'
				: 'Loading …';
			return;
		}
		const row = this.albums[i];

		this.shownRow = row;
		if (row[2] === null) {
			$('album-words').textContent = 'The list of its untagged images is too large for a snapshot.';
			return;
		}
		$('album-words').textContent = row[2] ?
			`${count(row[2])} of ${some(row[1], 'image')} untagged (${percent(row[2], row[1])})`
			: `All of its ${some(row[1], 'image')} are tagged.`;
		try {
			const album = await this.source.album(row);

			if (this.shownRow === row && this.open === id) {
				this.showAlbum(album);
			}
		} catch (error) {
			$('album-words').textContent += ` The list could not be loaded: ${error.message}.`;
		}
	}

	showAlbum({ images, tags, last }) {
		figures($('album-figures'), [
			tags && ['Tags', tags.length ? tags.slice(0, 50).flatMap(([id, label, n], i) =>
				[i ? ', ' : '', own(label === null ? id : label), ` ${count(n)}`]) : 'none', true],
			this.lastFigure(last),
		]);
		this.shownImages = images;
		$('album-tools').hidden = $('image-table').hidden = !images.length;
		$('album-status').textContent = some(images.length, 'untagged image');
		$('thumbnails').hidden = !images.some((image) => this.canLoad(image[2]));
		this.setPictures(false);
	}

	/* Only addresses that a browser can load. A path is relative to the API's host, which a
	 * page opened from a disk does not know. */
	canLoad(address) {
		return address !== null && (/^https?:\/\//i.test(address) ||
			(/^\/(?!\/)/.test(address) && /^https?:$/.test(location.protocol)));
	}

	setPictures(on) {
		this.pictures = on;
		$('thumbnails').setAttribute('aria-pressed', on);
		$('thumbnails').textContent = on ? 'Hide thumbnails' : 'Load thumbnails';
		this.images.root.classList.toggle('pictures', on);
		this.images.set(this.shownImages.length, (i) => this.imageRow(this.shownImages[i]));
	}

	imageRow(image) {
		const [id, created, address, since] = image;
		const cells = [own(id), make('span', { title: created || '', className: created === null ? 'quiet' : '' },
			stamp(created))];

		if (this.source.hasSince) {
			cells.push(since === null ? 'unknown' : `${day(since)}, ${age(since, this.summary.as_of)}`);
		}
		cells.push(this.addressCell(address));
		return { cells };
	}

	addressCell(address) {
		if (address === null) {
			return make('span', { className: 'quiet' }, 'unknown');
		}
		const text = make('bdi', { className: 'address', title: address }, address);

		if (!this.pictures) {
			return text;
		}
		const picture = make('div', { className: 'picture' });

		if (this.canLoad(address)) {
			picture.append(make('img', { referrerPolicy: 'no-referrer', alt: '', decoding: 'async',
				onerror: (event) => event.target.replaceWith(make('span', { className: 'quiet' },
					'Not available')),
				src: address }));
		}
		picture.append(text);
		return picture;
	}

	close() {
		const id = this.open;

		this.hide();
		this.writeHash(false);
		const place = this.order.indexOf(this.byId.get(id));

		if (place >= 0) {
			this.table.goTo(place);
		} else {
			$('albums-title').focus();
		}
	}

	hide() {
		this.open = this.shownRow = null;
		$('main').classList.remove('open');
		$('album').hidden = true;
		this.filterAlbums(true);
	}

	/* --- the address: #album=ID&filter=TEXT --- */

	hash(id) {
		const parts = [];

		if (id !== null) {
			parts.push(`album=${encodeURIComponent(id)}`);
		}
		if ($('filter').value) {
			parts.push(`filter=${encodeURIComponent($('filter').value)}`);
		}
		return `#${parts.join('&')}`;
	}

	writeHash(replace) {
		const hash = this.hash(this.open);

		if (replace) {
			history.replaceState(null, '', hash);
		} else {
			history.pushState(null, '', hash);
		}
	}

	readHash() {
		const wanted = { album: null, filter: '' };

		location.hash.slice(1).split('&').forEach((part) => {
			const equals = part.indexOf('=');
			const key = part.slice(0, equals);

			if (equals > 0 && key in wanted) {
				try {
					wanted[key] = decodeURIComponent(part.slice(equals + 1));
				} catch (error) {
					/* A link that was cut off within an escape. */
				}
			}
		});
		if (wanted.filter !== $('filter').value) {
			$('filter').value = wanted.filter;
			this.all && this.filterAlbums();
		}
		if (wanted.album === null && this.open !== null) {
			this.hide();
		} else if (wanted.album !== null && (wanted.album !== this.open || !this.shownRow)) {
			const linked = wanted.album !== this.open;

			this.show(wanted.album);
			if (this.all && linked) {
				this.filterAlbums(true);
			}
			if (linked) {
				$('album-title').focus({ preventScroll: true });
				$('album').scrollIntoView({ block: 'nearest' });
			}
		}
	}
}

const report = document.querySelector('script.summary');
const page = new Page(report ? reportSource(report) : siteSource());

page.start().catch((error) => {
	$('problem').textContent = `The page cannot show its data: ${error.message}.`;
	$('problem').hidden = false;
});
