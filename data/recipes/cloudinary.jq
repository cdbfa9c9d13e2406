# SPDX-License-Identifier: GPL-2.0-or-later
# Cloudinary's resource listings as records of albumen(7).
#
#	jq -nf cloudinary.jq PAGE.json... >FOLDER/cloudinary.json
#
# The input is all pages of a listing of the Admin API, GET /resources/image?tags=true&context=true,
# or of the Search API. The record of an image has the whole resource as `infos`. Its id is
# the asset_id, which stays when the image is renamed; its album is the folder ("." at the top).
# A tag's id is its name.

def id: .asset_id // .public_id;
def folder: .asset_folder // .folder // (.public_id | sub("/?[^/]*$"; "")) | if . == "" then "." else . end;
def context: .context | if type == "object" then .custom // . else {} end;

# Only these URLs may be changed; others are signed.
def sized($size): if .type == "upload" then
	.secure_url | sub("/upload/"; "/upload/c_fill,h_\($size),w_\($size)/") else .secure_url end;

def image: {
	id: id,
	public_id: .public_id,
	infos: .,
	created_at: .created_at,
	width: .width,
	height: .height,
	filename: (.display_name // .filename // (.public_id | sub("^.*/"; ""))),
	format: .format,
	title: context.caption,
	description: context.alt,
	size: .bytes,
	album_id: folder,
	thumbnails: {full: .secure_url, large: sized(200), mini: sized(100)}
};

# [{image, tags}] as the images, each tag once, and the tags of each image.
def records: if length == 0 then error("the input has no images") else . end |
	map(.image) + (map(.tags[]) | unique_by(.id)) + [.[] | (.image | .id // .public_id) as $image |
		.tags | unique_by(.id)[] | {
			id: "\($image | gsub("%"; "%25") | gsub("#"; "%23"))#\(.id)", # no two have the same
			image_id: $image,
			tag_id: .id
		}];

[inputs | if (.resources? // null | type) == "array" then . else error("\(input_filename): not a listing of resources") end] |
if length > 0 and all(.[]; .next_cursor) then
	error("the listing goes on: fetch the page that follows next_cursor \(last.next_cursor), too")
else . end |
map(.resources[] | select(.resource_type == "image")) |
if length > 0 and all(.[]; .tags == null) then error("no image has a list of tags: ask for tags=true") else . end |
map({image: image, tags: [.tags // [] | .[] | {id: ., name: ., label: .}]}) | records
