/** `rackseed image tag` and `rackseed image note`. */
import { NoteRequest, TagKey } from "#contract/api/image_tags.ts";
import { connect } from "./connection.ts";
import { type ImageOptions, refOf } from "./images.ts";
import { print, printJson } from "./terminal.ts";
import { checked } from "../words/usage.ts";

/** Sets or moves a tag, or removes it. */
export async function tagImage(
  ref: string,
  { tag, remove = false, force = false, json, signal, ...options }: ImageOptions & {
    tag: string;
    remove?: boolean | undefined;
    force?: boolean | undefined;
  },
): Promise<void> {
  const [image = ""] = refOf(ref).split("@");
  const { name } = checked(TagKey, { name: "TAG", value: { name: image, tag } });
  using client = await connect(options, signal);
  if (remove) {
    const query = force ? { force: "true" as const } : {};
    await client.call("DELETE /images/:name/tags/:tag", { name, tag, query, signal });
    if (json) printJson({ image: name, tag });
    else print(`removed the tag ${name}@${tag}`);
    return;
  }
  const { version } = await client.call("GET /images/:ref", { ref, signal });
  const set = await client.call("PUT /images/:name/tags/:tag", { name, tag, body: { version }, signal });
  if (json) return printJson(set);
  const before = set.before === undefined ? "" : ` (before: ${name}@${set.before})`;
  print(`${name}@${tag} is ${name}@${set.version}${before}`);
}

/** Sets or removes the note of a version, or shows it if no text is given. */
export async function noteImage(
  ref: string,
  { text, remove = false, json, signal, ...options }: ImageOptions & {
    text?: string | undefined;
    remove?: boolean | undefined;
  },
): Promise<void> {
  const named = refOf(ref), note = remove ? "" : text;
  using client = await connect(options, signal);
  const version = note === undefined
    ? await client.call("GET /images/:ref", { ref: named, signal })
    : await client.call("PUT /images/:ref/note", {
      ref: named,
      body: checked(NoteRequest, { name: "TEXT", value: { note } }),
      signal,
    });
  const { image, version: number, note: now } = version;
  if (json) return printJson({ image, version: number, note: now });
  print(`${image}@${number}: ${now ?? "no note"}`);
}
