/**
 * The record that an installation leaves on the clone, so that a later restore can tell the node's own files from the
 * image's: the files of its identity as they were written, and the state of its boot loader. Only root may read it,
 * since it repeats the host keys. Captures exclude its folder.
 *
 *     /var/lib/rackseed/clone.json    a CloneRecord
 */
import { z } from "zod";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { OwnPatterns } from "#contract/own_files/pattern.ts";
import { isCarried, OWN_FILES } from "#contract/own_files/table.ts";
import { sha256 } from "#native/sha256.ts";
import { statAt } from "../../sys/file_status.ts";
import { AT_FDCWD } from "../../sys/libc.ts";
import { type ContentIndex, decodeIndex } from "./content_index.ts";
import type { CloneTree, TreeReader } from "../../tree/tree_files.ts";

export const RECORD_FOLDER = "/var/lib/rackseed";
const FILE = `${RECORD_FOLDER}/clone.json`;
const MAX_BYTES = 16 << 20;
/** A larger file is no configuration. */
const MAX_TEXT = 1 << 20;
const MAX_BINARY = 1 << 16;

const OwnFile = z.strictObject({
  path: z.string().max(4096),
  /** Absent if the node has no such file; the image may have one. */
  text: z.string().max(MAX_TEXT).optional(),
  /** Instead of the text, for a binary file (/etc/hostid). */
  base64: z.base64().max(MAX_BINARY).optional(),
  mode: z.int().min(0).max(0o7777).optional(),
});

export const CloneRecord = z.strictObject({
  format: z.literal("rackseed-clone"),
  formatVersion: z.literal(1),
  /** Id of the installed version. */
  manifest: z.string().max(100),
  own: z.array(OwnFile).max(10_000),
  /** Files of the image that were fitted to this disk, with their hashes after that. */
  fitted: z.array(z.strictObject({
    path: z.string().max(4096),
    sha256: z.string().max(64),
  })).max(1000).optional(),
  boot: z.strictObject({
    /** The boot code outside the file systems, zstd in base64; see boot_area.ts. */
    area: z.string().max(4 << 20),
    /** SHA-256 of the loader's files, by path. */
    files: z.record(z.string(), z.string()),
    /** By path, what changes whenever the file does, as long as the file system is sound. */
    marks: z.record(z.string(), z.string()).optional(),
  }).optional(),
});
export type CloneRecord = z.infer<typeof CloneRecord>;

/** Undefined if there is none, or if it is not valid. */
export async function readCloneRecord(clone: TreeReader): Promise<CloneRecord | undefined> {
  const bytes = await clone.bytes(FILE, { maxBytes: MAX_BYTES });
  if (bytes === undefined) return undefined;
  try {
    return CloneRecord.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

/** `own`: paths of the identity; `fitted`: of the files that were changed for this disk. */
export async function writeCloneRecord(
  clone: CloneTree,
  { manifest, own, fitted = [], boot }: Pick<CloneRecord, "manifest" | "boot"> & {
    own: Iterable<string>;
    fitted?: readonly string[];
  },
): Promise<void> {
  const record: CloneRecord = {
    format: "rackseed-clone",
    formatVersion: 1,
    manifest,
    own: await Promise.all([...own].sort().map((path) => ownFile(clone, path))),
    ...(fitted.length > 0 && { fitted: await hashFitted(clone, fitted) }),
    ...(boot && { boot }),
  };
  await writeRecord(clone, record);
}

/** Updates only the files that were fitted to this disk. */
export async function writeFitted(
  clone: CloneTree,
  { record, fitted }: { record: CloneRecord; fitted: readonly string[] },
): Promise<void> {
  if (fitted.length === 0 && record.fitted === undefined) return;
  await writeRecord(clone, { ...record, fitted: await hashFitted(clone, fitted) });
}

/** Leaves an equal record as it is: its members have a fixed order. */
async function writeRecord(clone: CloneTree, record: CloneRecord): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(CloneRecord.parse(record))}\n`);
  const before = await clone.bytes(FILE, { maxBytes: MAX_BYTES });
  if (before && bytes.equals(before)) return;
  await clone.write(FILE, { text: bytes, mode: 0o600 });
}

/** What a clone does without until a program of its own makes it, such as a random seed, which may be used only once. */
const NEVER_PUT_BACK = new OwnPatterns(
  OWN_FILES.flatMap((row) => row.clone === "removed" && !isCarried(row) ? row.paths : []),
);

async function ownFile(clone: CloneTree, path: string): Promise<CloneRecord["own"][number]> {
  if (NEVER_PUT_BACK.has(bytePathOfText(path.slice(1)))) return { path };
  const bytes = await clone.bytes(path, { maxBytes: MAX_TEXT });
  if (bytes === undefined) return { path };
  const mode = await clone.mode(path);
  try {
    return { path, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), mode };
  } catch {
    const base64 = Buffer.from(bytes).toString("base64");
    return base64.length > MAX_BINARY ? { path } : { path, base64, mode };
  }
}

/** No initramfs is larger. */
const MAX_FITTED_BYTES = 1 << 30;

/** Skips files that are missing. */
async function hashFitted(
  clone: CloneTree,
  paths: readonly string[],
): Promise<NonNullable<CloneRecord["fitted"]>> {
  const fitted: { path: string; sha256: string }[] = [];
  for (const path of paths) {
    const bytes = await clone.bytes(path, { maxBytes: MAX_FITTED_BYTES });
    if (bytes) fitted.push({ path, sha256: sha256(bytes).toString("hex") });
  }
  return fitted;
}

/**
 * The files that were fitted to this disk, if none has changed and they belong to the version `manifest`. Otherwise
 * none, so that all of them come from the image and are fitted again: they belong together.
 */
export async function soundFitted(
  clone: CloneTree,
  { record, manifest }: { record: CloneRecord | undefined; manifest: string },
): Promise<string[]> {
  if (record?.manifest !== manifest) return [];
  const then = record.fitted ?? [], paths = then.map(({ path }) => path);
  const now = await hashFitted(clone, paths);
  return JSON.stringify(now) === JSON.stringify(then) ? paths : [];
}

/** Writes those files of the identity that are gone or empty. Returns their paths. */
export async function putBack(clone: CloneTree, { own }: CloneRecord): Promise<string[]> {
  const made: string[] = [];
  for (const { path, text = "", base64, mode = 0o644 } of own) {
    const content = base64 === undefined ? text : Buffer.from(base64, "base64");
    if (content.length === 0) continue;
    const kind = await clone.kind(path);
    const lost = kind === undefined || kind === "file" && await clone.text(path) === "";
    if (!lost) continue;
    await clone.write(path, { text: content, mode });
    made.push(path);
  }
  return made;
}

export type FileHashes = Pick<NonNullable<CloneRecord["boot"]>, "files" | "marks">;

/**
 * Hashes all files in these folders and below, except GRUB's environment block, which a running system changes. A file
 * that still has its mark in `known` is not read.
 */
export async function hashFiles(
  clone: TreeReader,
  { folders, known }: { folders: readonly string[]; known?: FileHashes | undefined },
): Promise<Required<FileHashes>> {
  const files: Record<string, string> = {}, marks: Record<string, string> = {};
  const hash = (at: string, path: string) => {
    const { inode, sizeBytes, ctimeSec, ctimeNs } = statAt(AT_FDCWD, bytePathOfText(at));
    const mark = marks[path] = [inode, sizeBytes, ctimeSec, ctimeNs].join();
    const before = known?.marks?.[path] === mark ? known.files[path] : undefined;
    files[path] = before ?? sha256(Deno.readFileSync(at)).toString("hex");
  };
  const visit = (at: string, path: string) => {
    for (const { name, isFile, isDirectory } of Deno.readDirSync(at)) {
      if (isDirectory) visit(`${at}/${name}`, `${path}/${name}`);
      else if (isFile && name !== "grubenv") hash(`${at}/${name}`, `${path}/${name}`);
    }
  };
  for (const folder of folders) {
    const at = await clone.directory(folder);
    if (at !== undefined) visit(at, folder);
  }
  return { files, marks };
}

const INDEX = `${RECORD_FOLDER}/clone.index`;
/** Enough for ten million files. */
const MAX_INDEX_BYTES = 300 << 20;

/** See content_index.ts. `manifest`: the id of the manifest that it must belong to. */
export async function readIndex(clone: TreeReader, manifest: string): Promise<ContentIndex | undefined> {
  const bytes = await clone.bytes(INDEX, { maxBytes: MAX_INDEX_BYTES });
  return bytes && decodeIndex(bytes, { manifest });
}

/** Leaves an equal index as it is. */
export async function writeIndex(clone: CloneTree, index: Uint8Array): Promise<void> {
  const before = await clone.bytes(INDEX, { maxBytes: MAX_INDEX_BYTES });
  if (before && Buffer.from(before).equals(index)) return;
  await clone.write(INDEX, { text: index, mode: 0o600 });
}
