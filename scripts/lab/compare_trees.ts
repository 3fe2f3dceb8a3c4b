/**
 * Compares two folders in everything that file systems store: every entry's type, mode, owner, mtime in ns, xattrs,
 * link target, hard-link group, device number, size, content and holes. It shares no code with the product, but uses
 * Debian's find, stat, getfattr and sha256sum, so that a fault in the product's own walk cannot hide here.
 *
 * Names are bytes: they are kept as text with one character per byte (Latin-1) and shown escaped.
 */
import { type Entry, readTree } from "./read_tree.ts";

const aspects = [
  ...["presence", "type", "mode", "owner", "mtime", "size", "content", "holes"] as const,
  ...["target", "device", "links", "xattrs"] as const,
];
export type Aspect = typeof aspects[number];

export interface Difference {
  /** Relative to both roots, with bytes outside printable ASCII as \xNN. */
  readonly path: string;
  readonly aspect: Aspect;
  readonly left: string;
  readonly right: string;
}

/** A permitted difference, and the reason. */
export interface Exception {
  /** As a difference shows it: `etc/hostname`, or `var/log/**` for all under a folder; "." is the root itself. */
  readonly path: string;
  /** By default all. */
  readonly aspects?: readonly Aspect[];
  readonly reason: string;
}

interface CompareOptions {
  readonly except?: readonly Exception[];
  readonly signal?: AbortSignal | undefined;
}

/** All differences between the trees at `left` and `right`, by path. Mounts below them are not entered. */
export async function compareTrees(
  left: string,
  right: string,
  { except = [], signal }: CompareOptions = {},
): Promise<Difference[]> {
  const [a, b] = await Promise.all([readTree(left, { signal }), readTree(right, { signal })]);
  return compareEntries(a, b, { except });
}

/** The same for trees that were read before. */
export function compareEntries(
  a: ReadonlyMap<string, Entry>,
  b: ReadonlyMap<string, Entry>,
  { except = [] }: { readonly except?: readonly Exception[] } = {},
): Difference[] {
  const differences: Difference[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    for (const [aspect, of] of views(a.get(path), b.get(path))) {
      const [l, r] = [of(a.get(path)), of(b.get(path))];
      const difference = { path: printable(path), aspect, left: l, right: r };
      if (l !== r && !except.some((exception) => covers(exception, difference))) differences.push(difference);
    }
  }
  return differences;
}

type View = readonly [Aspect, (entry: Entry | undefined) => string];

const presence: View = ["presence", (entry) => entry ? entry.type : "missing"];

/** A missing entry, or one of another type, counts as a single difference. */
function views(a: Entry | undefined, b: Entry | undefined): readonly View[] {
  if (!a || !b) return [presence];
  if (a.type !== b.type) return [["type", (entry) => entry?.type ?? ""]];
  return same;
}

const same: readonly View[] = [
  ["mode", (entry) => entry?.mode ?? ""],
  ["owner", (entry) => entry?.owner ?? ""],
  ["mtime", (entry) => entry?.mtime ?? ""],
  ["size", (entry) => entry?.size ?? ""],
  ["content", (entry) => entry?.content ?? ""],
  ["holes", (entry) => entry?.data ?? ""],
  ["target", (entry) => printable(entry?.target ?? "")],
  ["device", (entry) => entry?.device ?? ""],
  ["links", (entry) => printable(entry?.links ?? "")],
  ["xattrs", (entry) => entry?.xattrs ?? ""],
];

/** Whether `exception` permits the difference. */
export function covers({ path, aspects }: Exception, difference: Difference): boolean {
  if (aspects && !aspects.includes(difference.aspect)) return false;
  return path.endsWith("/**") ? difference.path.startsWith(path.slice(0, -2)) : difference.path === path;
}

function printable(bytes: string): string {
  return bytes.replace(
    /[^ -~]|\\/g,
    (char) => char === "\\" ? "\\\\" : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** One line per difference, for a report. */
export function describe({ path, aspect, left, right }: Difference): string {
  return `${path}: ${aspect}: ${left || "none"} ≠ ${right || "none"}`;
}
