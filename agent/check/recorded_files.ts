/**
 * The files that an installation made or changed for one machine: its boot loader's, and those that name its disks. They
 * are not the image's, so they are compared with what the installation recorded of them.
 */
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { createHash } from "node:crypto";
import { bootFolders } from "../install/boot_loader/boot_area.ts";
import { type CloneRecord, hashFiles } from "../install/records/clone_record.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import type { Finding } from "./findings.ts";

const CHUNK_BYTES = 4 << 20;

interface RecordedOptions {
  readonly tree: TreeReader;
  readonly record: CloneRecord;
  readonly layout: DiskLayout | undefined;
  readonly rest: () => Promise<void>;
}

/** Whether the installation recorded its boot loader: then its folders are compared here, and not with the image. */
export function recordedFolders(
  record: CloneRecord | undefined,
  layout: DiskLayout | undefined,
): readonly string[] {
  return record?.boot === undefined ? [] : bootFolders(layout);
}

export async function recordedFindings(options: RecordedOptions): Promise<Finding[]> {
  return [...await loaderFindings(options), ...await fittedFindings(options)];
}

async function loaderFindings({ tree, record, layout, rest }: RecordedOptions): Promise<Finding[]> {
  const then = record.boot;
  if (then === undefined) return [];
  const { files: now } = await hashFiles(tree, { folders: bootFolders(layout), known: then });
  await rest();
  const detail = "the boot loader as it was installed";
  const wrong = Object.entries(then.files).flatMap(([path, hash]): Finding[] => {
    if (now[path] === hash) return [];
    return [{
      path: pathOf(path),
      what: now[path] === undefined ? "missing" : "changed",
      detail: `differs from ${detail}`,
    }];
  });
  const more = Object.keys(now).filter((path) => then.files[path] === undefined);
  return [
    ...wrong,
    ...more.map((path): Finding => ({ path: pathOf(path), what: "foreign", detail: `not in ${detail}` })),
  ];
}

async function fittedFindings({ tree, record, rest }: RecordedOptions): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const { path, sha256 } of record.fitted ?? []) {
    const now = await hashOf(tree, { path, rest });
    if (now === sha256) continue;
    found.push({
      path: pathOf(path),
      what: now === undefined ? "missing" : "changed",
      detail: "differs from what the installation made for this machine's disks",
    });
  }
  return found;
}

/** Undefined if there is no such file. An initramfs is large: it is read in pieces. */
async function hashOf(
  tree: TreeReader,
  { path, rest }: { path: string; rest: () => Promise<void> },
): Promise<string | undefined> {
  const at = await tree.file(path);
  if (at === undefined) return undefined;
  using file = await Deno.open(at);
  const hash = createHash("sha256"), chunk = new Uint8Array(CHUNK_BYTES);
  for (let got = file.readSync(chunk); got !== null; got = file.readSync(chunk)) {
    hash.update(chunk.subarray(0, got));
    await rest();
  }
  return hash.digest("hex");
}

function pathOf(path: string) {
  return bytePathOfText(path.slice(1));
}
