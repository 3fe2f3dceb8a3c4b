/** What of a running system is compared: what a restore would, without what a running system writes by itself. */
import type { CheckOrder } from "#contract/api/checks.ts";
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Manifest } from "#contract/format/manifest.ts";
import { KeptPaths } from "../install/compare/kept_paths.ts";
import { type CloneRecord, readIndex } from "../install/records/clone_record.ts";
import type { ContentIndex } from "../install/records/content_index.ts";
import { OWN_FOLDER } from "../install/records/journal.ts";
import { machineComparison, STATE_PATHS } from "../install/restore/restore_scope.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import type { ImageMounts } from "./image_mounts.ts";
import { LIVE_PATHS } from "./node_state.ts";
import { recordedFolders } from "./recorded_files.ts";

export interface ScopeOptions {
  readonly order: CheckOrder;
  readonly manifest: Manifest;
  readonly mounts: ImageMounts;
  /** What the installation recorded on the node. */
  readonly record: CloneRecord | undefined;
  readonly reader: TreeReader;
}

interface CheckScope {
  /** Left alone if they exist. */
  readonly kept: KeptPaths;
  /** Not the image's, whether they exist or not. */
  readonly own: KeptPaths;
  /** File systems that cannot hold attributes. */
  readonly plain: KeptPaths;
  readonly index: ContentIndex | undefined;
  /** What is not compared, as text. */
  readonly notes: readonly string[];
}

/** Throws RackseedError if the node has another version, or a path to keep is invalid. */
export async function scopeOf(
  { order, manifest, mounts, record, reader }: ScopeOptions,
): Promise<CheckScope> {
  const { layout } = manifest.header;
  const known = await readIndex(reader, order.manifest), index = order.readsAll ? undefined : known;
  // a restore to another version renews the index, not the record
  if (record && record.manifest !== order.manifest && !known) throw otherVersion(order);
  const isMachine = record !== undefined || await Deno.realPath(reader.root) === "/";
  const restore = { keep: order.keep, dryRun: true, nodes: 1 };
  const left = order.left.map(relative);
  // file systems that the node has all the same, below a mount point that it has no disk for
  const written = mounts.mounts.map(({ path }) => path)
    .filter((path) => left.some((above) => path.startsWith(`${above}/`)));
  const comparison = machineComparison({ restore }, {
    record,
    index,
    trustsIndex: !order.readsAll,
    soundLoader: recordedFolders(record, layout),
    fitted: record?.fitted?.map(({ path }) => path) ?? [],
    plain: mounts.plain,
  });
  if (comparison?.why !== "restores") throw new RangeError("a check is compared as a restore is");
  const own = isMachine ? [...comparison.own.paths, ...[...STATE_PATHS, ...LIVE_PATHS].map(relative)] : [];
  const patterns = isMachine ? comparison.own.patterns : undefined;
  return {
    kept: new KeptPaths(
      [OWN_FOLDER, ...KeptPaths.parse(order.keep).paths],
      isMachine ? comparison.kept.patterns : undefined,
    ),
    own: new KeptPaths(
      [...own, ...left, ...(order.own ?? []).map(relative), ...mounts.hidden],
      patterns,
      written,
    ),
    plain: comparison.plain ?? new KeptPaths([]),
    index,
    notes: notesOf({ record, index, isMachine, readsAll: order.readsAll }),
  };
}

function otherVersion({ image, version }: CheckOrder): RackseedError {
  return new RackseedError(`cannot compare this node with ${image}@${version}`, {
    reason:
      "by its own record it was installed from another version; an installation of this one may have failed.",
    remedy: "deploy or restore the node, then check it.",
    status: 409,
  });
}

function notesOf({ record, index, isMachine, readsAll }: {
  record: CloneRecord | undefined;
  index: unknown;
  isMachine: boolean;
  readsAll: boolean;
}): string[] {
  return [
    ...isMachine && record === undefined
      ? ["not compared: boot loader and files of the node's identity, of which the node has no record"]
      : [],
    ...isMachine && index === undefined && !readsAll
      ? ["every file was read: the node has no index of this version's contents"]
      : [],
  ];
}

function relative(path: string): BytePath {
  return bytePathOfText(path.replace(/\/+$/, "").slice(1));
}
