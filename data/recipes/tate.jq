# SPDX-License-Identifier: GPL-2.0-or-later
# A museum's open data as records of albumen(7): the artworks of Tate
# (github.com/tategallery/collection, folder artworks; metadata under CC0).
#
#	find artworks/a -name '*.json' -exec cat {} + | jq -nf tate.jq >FOLDER/tate-a.json
#
# An image's id is the accession number, its album is the first artist. Its tags are the leaves of
# the tree of subjects, with their numbers as ids. `metadatas` has the rest of the artwork.

def leaves: .. | objects | select(.children == null and .id != null);

def image: {
	public_id: .acno,
	title: .title,
	description: .medium,
	album_id: (.contributors[0].mda? // .all_artists // "unknown"),
	metadatas: del(.subjects, .thumbnailUrl),
	thumbnails: (if .thumbnailUrl then {full: .thumbnailUrl, large: .thumbnailUrl, mini: .thumbnailUrl} else {} end)
};

# [{image, tags}] as the images, each tag once, and the tags of each image.
def records: if length == 0 then error("the input has no images") else . end |
	map(.image) + (map(.tags[]) | unique_by(.id)) + [.[] | (.image | .id // .public_id) as $image |
		.tags | unique_by(.id)[] | {
			id: "\($image | gsub("%"; "%25") | gsub("#"; "%23"))#\(.id)", # no two have the same
			image_id: $image,
			tag_id: .id
		}];

[inputs | if .acno then . else error("not an artwork: it has no acno") end |
	{image: image, tags: [.subjects | leaves | {id: (.id | tostring), name: .name, label: .name}]}] | records
