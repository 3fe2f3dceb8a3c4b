/**
 * Decides which of the files in own_files/table.ts change on a clone. Files kept from the old disk take precedence over
 * fresh ones.
 */
import type { OwnFile } from "#contract/identity.ts";
import { OWN_FILES } from "#contract/own_files/table.ts";
import type { TreeReader } from "../../../tree/tree_files.ts";
import { findPaths } from "./find.ts";
import { freshHostId, freshText, hasForm, nvmeHostOf, type Randomness } from "./fresh_values.ts";

export type OwnChange =
  | { readonly do: "write"; readonly path: string; readonly text: string | Uint8Array; readonly mode: number }
  | { readonly do: "remove"; readonly path: string }
  /** Removes everything in the directory. */
  | { readonly do: "clear"; readonly path: string };

interface OwnChanges {
  readonly changes: readonly OwnChange[];
  /** What was made fresh, for the step's message: "iSCSI initiator name". */
  readonly fresh: readonly string[];
  readonly removed: number;
  readonly kept: number;
}

interface Options {
  /** "kept": only files from the old disk change; nothing of the image is made fresh or removed. */
  readonly takesOnly: "all" | "kept";
  /** Paths that the site adds; they are removed. */
  readonly own: readonly string[];
  /** From the old disk or the server's record. */
  readonly kept: readonly OwnFile[];
  readonly hex: Randomness["hex"];
  readonly uuid: () => string;
}

/** Files that repeat a value: an interface record names the initiator, config.json the NVMe host. */
const REPEATED_IN = ["/etc/iscsi/ifaces/*", "/var/lib/iscsi/ifaces/*", "/etc/nvme/config.json"];

export async function ownChanges(
  tree: TreeReader,
  { takesOnly, own, kept, hex, uuid }: Options,
): Promise<OwnChanges> {
  const takenOver = new Map(kept.map(({ path, base64 }) => [path, Buffer.from(base64, "base64")]));
  const random: Randomness = { hex, nvmeHost: nvmeHost(takenOver) ?? uuid() };
  const ofImage = takesOnly === "all" ? await changesOfImage(tree, { own, random, takenOver }) : NOTHING;
  const { removed, written } = ofImage;
  const paths = new Set(written.map(({ path }) => path));
  const carried: Written[] = [];
  for (const [path, bytes] of takenOver) {
    if (!paths.has(path)) carried.push({ do: "write", path, text: bytes, mode: await modeOf(tree, path) });
  }
  return {
    // directories are cleared before new files are put into them
    changes: [...removed, ...written, ...carried],
    fresh: ofImage.fresh,
    removed: removed.length,
    kept: takenOver.size,
  };
}

type Written = Extract<OwnChange, { do: "write" }>;
type Removed = Exclude<OwnChange, Written>;
const NOTHING = { removed: [], written: [], fresh: [] };

/** The changes to files of the image. */
async function changesOfImage(
  tree: TreeReader,
  { own, random, takenOver }: Pick<Options, "own"> & {
    random: Randomness;
    takenOver: ReadonlyMap<string, Uint8Array>;
  },
): Promise<{ removed: Removed[]; written: Written[]; fresh: string[] }> {
  const written: Written[] = [], fresh: string[] = [], values: Replaced[] = [];
  const patterns = [...OWN_FILES.flatMap((row) => row.clone === "removed" ? row.paths : []), ...own];
  const found = topmost(await removals(tree, patterns));
  // overwriting a file, instead of removing it first, keeps its owner
  const removed = found.filter(({ path }) => !takenOver.has(path));
  for (const row of OWN_FILES) {
    if (row.clone !== "fresh") continue;
    for (const path of row.paths) {
      const made = await freshFile(tree, { path, value: row.value, random, takenOver });
      if (made === undefined) continue;
      written.push(made.change);
      if (made.values) values.push(made.values);
      if (!takenOver.has(path)) fresh.push(row.what);
    }
  }
  const toEmpty = OWN_FILES.flatMap((row) => row.clone === "emptied" ? row.paths : []);
  const further = [...await emptied(tree, toEmpty), ...await repeated(tree, values)];
  written.push(...further.filter(({ path }) => !found.some((gone) => isBelow(path, gone.path))));
  return { removed, written, fresh };
}

/** Each path once, without those below another. */
function topmost(removed: readonly Removed[]): Removed[] {
  const byPath = new Map(removed.map((change) => [change.path, change]));
  return [...byPath.values()].filter(({ path }) =>
    ![...byPath.keys()].some((other) => other !== path && isBelow(path, other))
  );
}

function isBelow(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`);
}

/** For the step's message, without secrets. */
export function describeOwnChanges({ fresh, removed, kept }: OwnChanges): string[] {
  return [
    ...(fresh.length > 0 ? [`fresh: ${[...new Set(fresh)].join(", ")}`] : []),
    ...(removed > 0 ? [`${removed} ${removed === 1 ? "file" : "files"} of the template's own removed`] : []),
    ...(kept > 0 ? [`${kept} ${kept === 1 ? "file" : "files"} of its own kept`] : []),
  ];
}

/** The mode in the image; a file that the image lacks is private, unless libc or the kernel's tools read it. */
async function modeOf(tree: TreeReader, path: string): Promise<number> {
  const [found] = await findPaths(tree, path);
  if (found !== undefined && await tree.kind(found) === "file") return await tree.mode(found);
  return ["/etc/hostid", "/etc/nvme/hostnqn", "/etc/nvme/hostid"].includes(path) ? 0o644 : 0o600;
}

/** The NVMe host UUID of the kept files: hostnqn and hostid are a pair, and either one determines the other. */
function nvmeHost(kept: ReadonlyMap<string, Uint8Array>): string | undefined {
  for (const path of ["/etc/nvme/hostnqn", "/etc/nvme/hostid"]) {
    const uuid = nvmeHostOf(new TextDecoder().decode(kept.get(path)));
    if (uuid !== undefined) return uuid;
  }
  return undefined;
}

interface Replaced {
  readonly before: string;
  readonly after: string;
}

async function freshFile(
  tree: TreeReader,
  { path, value, random, takenOver }: {
    path: string;
    value: Parameters<typeof hasForm>[0];
    random: Randomness;
    takenOver: ReadonlyMap<string, Uint8Array>;
  },
): Promise<{ change: Written; values?: Replaced } | undefined> {
  const [found] = await findPaths(tree, path);
  if (found === undefined) return undefined;
  const mode = await modeOf(tree, path);
  const before = await tree.text(found) ?? "";
  const kept = takenOver.get(path);
  const write = (text: string | Uint8Array) => ({ do: "write" as const, path: found, text, mode });
  if (value === "host-id") return { change: write(kept ?? freshHostId(random.hex)) };
  const text = kept ? new TextDecoder().decode(kept) : freshText(value, before, random);
  if (text === undefined) return undefined;
  const values = { before: nameIn(before), after: nameIn(text) };
  return { change: write(text), ...(values.before.length >= 8 && { values }) };
}

/** The initiator's name, or the whole text of a one-line file. */
function nameIn(text: string): string {
  return (/^[ \t]*InitiatorName[ \t]*=[ \t]*(\S+)/m.exec(text)?.[1] ?? text).trim();
}

async function removals(tree: TreeReader, patterns: readonly string[]): Promise<Removed[]> {
  const changes: Removed[] = [];
  for (const pattern of patterns) {
    for (const path of await findPaths(tree, pattern)) {
      changes.push({ do: await tree.kind(path) === "directory" ? "clear" : "remove", path });
    }
  }
  return changes;
}

async function emptied(tree: TreeReader, patterns: readonly string[]): Promise<Written[]> {
  const changes: Written[] = [];
  for (const pattern of patterns) {
    for (const path of await findPaths(tree, pattern)) {
      if (await tree.kind(path) !== "file") continue;
      changes.push({ do: "write", path, text: "", mode: await tree.mode(path) });
    }
  }
  return changes;
}

async function repeated(tree: TreeReader, values: readonly Replaced[]): Promise<Written[]> {
  const changes: Written[] = [];
  for (const pattern of REPEATED_IN) {
    for (const path of await findPaths(tree, pattern)) {
      const before = await tree.text(path) ?? "";
      const text = values.reduce((text, value) => text.replaceAll(value.before, value.after), before);
      if (text !== before) changes.push({ do: "write", path, text, mode: await tree.mode(path) });
    }
  }
  return changes;
}
