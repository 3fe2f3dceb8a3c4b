/**
 * What an installation leaves on the clone for a later restore, which must tell the node's own from the image's: the
 * files that are the node's identity, as they were given to it, and the state of its boot loader. Readable by root
 * alone, for it repeats the host keys; in a folder that no capture takes.
 *
 *     /var/lib/rackseed/clone.json    a CloneRecord
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { CloneTree } from "./tree_files.ts";

export const RECORD_FOLDER = "/var/lib/rackseed";
const FILE = `${RECORD_FOLDER}/clone.json`;
const MAX_BYTES = 8 << 20;
/** More of the identity than this is no configuration. */
const MAX_TEXT = 1 << 20;

const OwnFile = z.strictObject({
  path: z.string().max(4096),
  /** Absent where the node has no such file, though the image may have one. */
  text: z.string().max(MAX_TEXT).optional(),
  mode: z.int().min(0).max(0o7777).optional(),
});

const CloneRecord = z.strictObject({
  format: z.literal("rackseed-clone"),
  formatVersion: z.literal(1),
  /** Id of the version that the disk was made as. */
  manifest: z.string().max(100),
  own: z.array(OwnFile).max(10_000),
  boot: z.strictObject({
    /** Of the boot code outside of all file systems; see boot_area.ts. */
    area: z.string(),
    /** SHA-256 of the loader's files, by path. */
    files: z.record(z.string(), z.string()),
  }).optional(),
});
export type CloneRecord = z.infer<typeof CloneRecord>;

/** Undefined where there is none, or none that can be believed. */
export async function readCloneRecord(clone: CloneTree): Promise<CloneRecord | undefined> {
  const text = await clone.text(FILE);
  if (text === undefined || text.length > MAX_BYTES) return undefined;
  try {
    return CloneRecord.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** `own`: paths of the identity. Written only where it is another than before. */
export async function writeCloneRecord(
  clone: CloneTree,
  { manifest, own, boot }: Pick<CloneRecord, "manifest" | "boot"> & { own: Iterable<string> },
): Promise<void> {
  const record: CloneRecord = {
    format: "rackseed-clone",
    formatVersion: 1,
    manifest,
    own: await Promise.all([...own].sort().map((path) => ownFile(clone, path))),
    ...(boot && { boot }),
  };
  const text = `${JSON.stringify(record)}\n`;
  if (await clone.text(FILE) === text) return;
  await clone.write(FILE, { text, mode: 0o600 });
}

async function ownFile(clone: CloneTree, path: string): Promise<CloneRecord["own"][number]> {
  const text = await clone.text(path);
  if (text === undefined || text.length > MAX_TEXT) return { path };
  return { path, text, mode: await clone.mode(path) };
}

/** Makes those files of the identity again that are gone or empty. Returns their paths. */
export async function putBack(clone: CloneTree, { own }: CloneRecord): Promise<string[]> {
  const made: string[] = [];
  for (const { path, text, mode = 0o644 } of own) {
    if (text === undefined || text === "") continue;
    const kind = await clone.kind(path);
    const lost = kind === undefined || kind === "file" && await clone.text(path) === "";
    if (!lost) continue;
    await clone.write(path, { text, mode });
    made.push(path);
  }
  return made;
}

/** SHA-256 of all files in these directories and below, by path. grub's environment block is no part of it. */
export async function hashFiles(
  clone: CloneTree,
  directories: readonly string[],
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const directory of directories) {
    for (const path of await clone.list(directory)) {
      const kind = await clone.kind(path);
      if (kind === "directory") Object.assign(hashes, await hashFiles(clone, [path]));
      else if (kind === "file" && !path.endsWith("/grubenv")) {
        hashes[path] = createHash("sha256").update(await clone.bytes(path)).digest("hex");
      }
    }
  }
  return hashes;
}
