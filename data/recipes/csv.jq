# SPDX-License-Identifier: GPL-2.0-or-later
# A table as records of albumen(7), through Miller or csvkit, with every value as a text:
#
#	mlr --icsv --ojson --infer-none --no-auto-unflatten cat TABLE.csv | jq -nf csv.jq >FOLDER/table.json
#	csvjson --no-inference TABLE.csv | jq -nf csv.jq >FOLDER/table.json
#
# Each row is an image. These columns are known, in any case and order; `id` and `album` must be
# there. The others become `metadatas`. Tags are separated by `;` or `|`; a tag's id is its name.
#
#	id album tags title description filename format url width height size
#	latitude longitude taken_at created_at updated_at (as in 2024-06-03T10:00:00+02:00)

def known: ["id", "album", "tags", "title", "description", "filename", "format", "url", "width", "height",
	"size", "latitude", "longitude", "taken_at", "created_at", "updated_at"];

def number($row; $name): .[$name] | if . == null then null else
	try tonumber catch error("row \($row): \($name) is no number") end;

# A row without its empty values, with the names of known columns in lower case.
def row($row): with_entries(
	(.key | ascii_downcase) as $key | if known | index($key) then .key = $key else . end |
	if .value == null or .value == "" then empty
	elif .value | type != "string" then
		error("row \($row): \(.key) is no text: give csvjson --no-inference, or mlr --infer-none")
	else . end) |
	if .id and .album then . else error("row \($row): it needs a value in the columns `id` and `album`") end;

def image($row): {
	public_id: .id,
	gps: ([number($row; "latitude", "longitude") | numbers] | if length == 2 then . else null end),
	created_at: .created_at,
	updated_at: .updated_at,
	taken_at: .taken_at,
	width: number($row; "width"),
	height: number($row; "height"),
	filename: .filename,
	format: .format,
	title: .title,
	description: .description,
	size: number($row; "size"),
	album_id: .album,
	metadatas: delpaths([known[] | [.]]),
	thumbnails: (if .url then {full: .url, large: .url, mini: .url} else {} end)
};

# [{image, tags}] as the images, each tag once, and the tags of each image.
def records: if length == 0 then error("the input has no images") else . end |
	map(.image) + (map(.tags[]) | unique_by(.id)) + [.[] | (.image | .id // .public_id) as $image |
		.tags | unique_by(.id)[] | {
			id: "\($image | gsub("%"; "%25") | gsub("#"; "%23"))#\(.id)", # no two have the same
			image_id: $image,
			tag_id: .id
		}];

[foreach inputs[] as $line (0; . + 1; . as $row | $line | row($row) | {
	image: image($row),
	tags: [.tags // "" | splits("[;|]") | gsub("^\\s+|\\s+$"; "") | select(. != "") | {id: ., name: ., label: .}]
})] | records
