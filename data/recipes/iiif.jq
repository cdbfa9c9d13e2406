# SPDX-License-Identifier: GPL-2.0-or-later
# IIIF Presentation 3 manifests (iiif.io/api/presentation/3.0) as records of albumen(7).
#
#	jq -nf iiif.jq MANIFEST.json... >FOLDER/iiif.json
#
# Each canvas is an image, each manifest is an album; their URIs are the ids. Tags are
#
# - the annotations of a canvas with the motivation `tagging`, in the canvas or in the manifest; those
#   of annotation pages that the manifest only links to are not there;
# - the values in `metadata` of the canvas, or of the manifest and so of each of its canvases, whose
#   label is one of these:
def subjects: "subject", "subjects", "keyword", "keywords", "tag", "tags";

def list: if type == "array" then .[] elif . == null then empty else . end;

# The texts of a language map, in English if there are any; the first of them, or null.
def texts: if type == "object" then .en // .none // first(.[]) // [] | list else list end;
def text: first(texts, null);

# What is painted on a canvas: an image, or the first of a choice.
def body: first((.items[0].items[]? | .body | list | if .type == "Choice" then .items[0] else . end), null);
def service: first((.service? | list | .id // ."@id"), null);

def image($manifest): body as $body | ($body | service) as $service | {
	public_id: .id,
	infos: {url: $body.id, resource_type: "image", width: $body.width, height: $body.height},
	width: .width,
	height: .height,
	format: ($body.format // "" | ltrimstr("image/")),
	title: ((.label | text) // ($manifest.label | text)),
	description: (.summary | text),
	album_id: $manifest.id,
	metadatas: {manifest: ($manifest.label | text), metadata: (.metadata // [])},
	thumbnails: ({full: $body.id} + if $service then {
		large: "\($service)/full/!200,200/0/default.jpg",
		mini: "\($service)/full/!100,100/0/default.jpg"
	} else {} end)
};

# The tags of all canvases, as {canvas, tag}.
def tags($manifest): (.items[], $manifest) | .annotations | list | .items | list |
	select(any(.motivation | list; . == "tagging")) |
	(.target | list | if type == "object" then .source // .id | .id? // . else . end | sub("#.*$"; "")) as $canvas |
	.body | list | select(.type == "TextualBody") | first((.language | list), null) as $language |
	{canvas: $canvas, tag: {id: .value, name: .value, label: (if $language then {($language): .value} | tojson else .value end)}};
def subject_tags: .metadata | list | select(any(.label | texts; ascii_downcase | IN(subjects))) |
	.value | texts | {id: ., name: ., label: .};

# [{image, tags}] as the images, each tag once, and the tags of each image.
def records: if length == 0 then error("the input has no images") else . end |
	map(.image) + (map(.tags[]) | unique_by(.id)) + [.[] | (.image | .id // .public_id) as $image |
		.tags | unique_by(.id)[] | {
			id: "\($image | gsub("%"; "%25") | gsub("#"; "%23"))#\(.id)", # no two have the same
			image_id: $image,
			tag_id: .id
		}];

[inputs | if .type == "Manifest" then . else error("\(input_filename): not a manifest of IIIF Presentation 3") end |
	. as $manifest | [tags($manifest)] as $tags | .items[] | .id as $id | {
		image: image($manifest),
		tags: [($tags[] | select(.canvas == $id) | .tag), subject_tags, ($manifest | subject_tags)]
	}] | records
