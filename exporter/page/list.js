/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --- a table of untagged images --- */

/*
 * Shows a list of images ({ length, total, row(i), more }) in an element that also gets a bar
 * with a button for thumbnails. A picture is loaded only after a click on it.
 */
class ImageList {
	/* `page` has `summary` and hash(id); `hasAlbum`: the images are of several albums. */
	constructor(page, prefix, label, hasAlbum) {
		this.page = page;
		this.bar = $(`${prefix}-tools`);
		this.status = $(`${prefix}-status`);
		this.button = $(`${prefix}-thumbnails`);
		this.hasAlbum = hasAlbum;
		this.pictures = false;
		this.table = new Table($(`${prefix}-table`), label, [
			{ title: 'Image', style: 'image' },
			hasAlbum && { title: 'Album', style: 'album' },
			{ title: 'Created', style: 'created' },
			page.source.isReport && { title: 'Untagged', style: 'since' },
		].filter(Boolean));
		this.table.root.classList.toggle('with-album', hasAlbum);
		this.table.root.classList.toggle('with-since', page.source.isReport);
		this.table.detail = (i) => this.detail(this.list.row(i));
		this.table.atEnd = () => this.more();
		this.button.addEventListener('click', () => this.setPictures(!this.pictures));
	}

	set(list) {
		this.list = list;
		this.bar.hidden = this.table.root.hidden = !list.total;
		this.setPictures(false);
	}

	refresh(keepPlace) {
		const { list } = this;

		this.table.set(list.length, (i) => this.row(list.row(i), i), keepPlace, list.total);
		this.showButton();
	}

	/* The button is there if it would have an effect. */
	showButton() {
		const { list } = this;

		this.button.hidden = ![...Array(Math.min(list.length, 100)).keys()]
			.some((i) => canLoad(list.row(i).thumbnail));
	}

	/* Loads more of the list, if there is more. */
	more() {
		this.going = this.going || this.load(this.list).finally(() => {
			this.going = null;
		});
		return this.going;
	}

	async load(list) {
		const going = list.more && list.more();

		if (!going) {
			return;
		}
		try {
			await going;
		} catch (error) {
			this.status.textContent = `The list could not be loaded: ${error.message}.`;
			list.more = null;
		}
		if (this.list === list) {
			this.table.grow(list.length);
			this.showButton();
		}
	}

	setPictures(on) {
		this.pictures = on;
		this.button.setAttribute('aria-pressed', on);
		this.table.root.classList.toggle('pictures', on);
		this.refresh(on);
	}

	row(image, i) {
		const cells = [this.nameCell(image, i)];

		if (this.hasAlbum) {
			cells.push(make('a', { href: this.page.hash(image.album), title: image.album },
				make('bdi', null, image.album)));
		}
		cells.push(make('span', { title: String(image.created === null ? '' : stamp(image.created)),
			className: image.created === null ? 'quiet' : '' }, stamp(image.created)));
		if (this.page.source.isReport) {
			const [long, since] = this.sinceWords(image);

			cells.push([make('strong', null, long), make('span', { className: 'quiet' }, since)]);
		}
		return { cells };
	}

	/* Title first, then the id. */
	nameCell(image, i) {
		const isOpen = this.table.opened === i;
		const name = make('button', { type: 'button', className: 'name', 'aria-expanded': isOpen,
			onclick: () => this.table.toggle(i) }, make('bdi', { className: 'title', title: image.title || image.id },
			image.title || image.id));

		if (image.title) {
			name.append(make('bdi', { className: 'id' }, image.id));
		}
		if (!this.pictures) {
			return name;
		}
		return make('div', { className: 'picture' }, this.picture(image), name);
	}

	picture(image) {
		const none = () => make('span', { className: 'no-picture' }, 'No picture');

		return canLoad(image.thumbnail) ? make('img', { referrerPolicy: 'no-referrer', alt: '', decoding: 'async',
			onerror: (event) => event.target.replaceWith(none()), src: image.thumbnail }) : none();
	}

	sinceWords(image) {
		const { as_of: asOf } = this.page.summary;
		const earlier = image.flags & EARLIER ? ' or earlier' : '';
		const since = image.flags & CREATED ? 'since it was created' : `since ${day(image.from)}${earlier}`;

		return [`${earlier ? 'at least ' : ''}${age(image.from, asOf)}`, since];
	}

	detail(image) {
		const entries = [['Image', own(image.id)]];
		const add = (title, ...value) => entries.push([title, ...value]);

		if (image.title) {
			entries.unshift(['Title', own(image.title)]);
		}
		add('Album', make('a', { href: this.page.hash(image.album) }, make('bdi', null, image.album)));
		add('Created', image.created === null ? 'not recorded'
			: typeof image.created === 'number' ? `${minute(image.created)} UTC` : own(image.created));
		if (this.page.source.isReport) {
			add('Observed', `untagged in every snapshot since ${minute(image.since)} UTC` +
				`${image.flags & EARLIER ? ', where the history begins; or earlier' : ''}, commit `,
			make('span', { className: 'address' }, image.commit));
		}
		add('Thumbnail', image.thumbnail === null ? 'no address'
			: make('bdi', { className: 'address' }, image.thumbnail));
		return [make('dl', null, ...entries.map(([title, ...value]) => make('div', null,
			make('dt', null, title), make('dd', null, ...value))))];
	}
}

/* Only addresses that a browser can load. A path is relative to the API's host, which a page
 * opened from a disk does not know. */
function canLoad(address) {
	return address !== null && (/^https?:\/\//i.test(address) ||
		(/^\/(?!\/)/.test(address) && /^https?:$/.test(location.protocol)));
}
