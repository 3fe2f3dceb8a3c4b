/** Tags and notes of versions, and what depends on a version. */
import { z } from "zod";
import { architectureOf } from "../architectures.ts";
import { ImageName } from "../format/manifest.ts";
import { MachineName } from "./fields.ts";

/** Most tags of one image. */
export const MAX_TAGS = 32;
const MAX_NOTE = 500;

/** NAME already stands for the newest version. */
const RESERVED = ["latest", "newest"];

/** Begins with a letter: NAME@3 is a version, NAME@stable a tag. */
export const TagName = z.string().regex(/^[a-z][a-z0-9._-]{0,31}$/, {
  error: "a tag is 1 to 32 small letters, digits, . _ - and starts with a letter",
}).refine((tag) => !RESERVED.includes(tag), {
  error: "the newest version needs no tag: it is what the image's name alone stands for",
}).refine((tag) => architectureOf(tag) === undefined, {
  error: "NAME@arm64 and the like already stand for the newest version of an architecture",
});
export type TagName = z.infer<typeof TagName>;

/** What names a tag, in paths. */
export const TagKey = z.object({ name: ImageName, tag: TagName });

/** A tag is moved by giving it another version. */
export const TagRequest = z.object({ version: z.int().min(1) });

export const TagView = z.object({
  image: ImageName,
  tag: TagName,
  version: z.int().min(1),
  /** The version that it named before, if that was another. */
  before: z.int().min(1).optional(),
});
export type TagView = z.infer<typeof TagView>;

/** One line about a version, for people. */
export const VersionNote = z.string().max(MAX_NOTE, { error: `a note is at most ${MAX_NOTE} characters` })
  // deno-lint-ignore no-control-regex
  .regex(/^[^\u0000-\u001f\u007f\u2028\u2029]*$/, {
    error: "a note is one line, without control characters",
  });

/** "" removes the note. */
export const NoteRequest = z.object({ note: VersionNote });

/** "true": although it is in use; orders under way still refuse. */
export const ForceQuery = z.object({ force: z.enum(["true", "false"]).optional() });

/** What would lose its image with a version. */
export const VersionUses = z.object({
  /** Armed with it, or being installed. */
  ordered: z.array(MachineName),
  /** They were installed from it: without it, they can be neither restored nor compared. */
  installed: z.array(MachineName),
  /** Each of their boots restores it. */
  everyBoot: z.array(MachineName),
  /** Names of schedules. */
  schedules: z.array(z.string()),
  tags: z.array(TagName),
});
export type VersionUses = z.infer<typeof VersionUses>;
