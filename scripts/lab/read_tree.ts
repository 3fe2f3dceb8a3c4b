/** Reads everything about a tree's entries with Debian's own programs. */
import { runBytes } from "./command.ts";
import { dataMaps } from "./data_map.ts";

export const readTreePrograms = ["find", "stat", "xargs", "sha256sum", "getfattr", "sort"];

export interface Entry {
  /** As find's %y: d f l p s b c. */
  readonly type: string;
  /** Octal, with setuid, setgid and sticky. */
  readonly mode: string;
  /** uid:gid */
  readonly owner: string;
  /** Seconds.nanoseconds */
  readonly mtime: string;
  /** In bytes; "" for a folder, whose size depends on the file system. */
  readonly size: string;
  /** SHA-256 of a regular file. */
  readonly content: string;
  /** The runs of data in a regular file, as start-end. */
  readonly data: string;
  readonly target: string;
  /** major:minor, hexadecimal. */
  readonly device: string;
  /** All names of its inode in this tree, if there is more than one. */
  readonly links: string;
  readonly xattrs: string;
}

/** The entries of all file systems that are mounted below `root`, on "/" first. */
export async function readTrees(
  root: string,
  places: readonly string[],
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Map<string, Entry>> {
  const all = new Map<string, Entry>();
  for (const place of places) {
    const folder = place.slice(1);
    for (const [path, entry] of await readTree(`${root}/${folder}`, options)) {
      const links = folder && entry.links.split(" ").map((name) => `${folder}/${name}`).join(" ");
      const full = !folder ? path : path === "." ? folder : `${folder}/${path}`;
      all.set(full, folder && entry.links ? { ...entry, links } : entry);
    }
  }
  return all;
}

/** The entries under `root` on the same file system, including ".", by Latin-1 path (see compare_trees.ts). */
export async function readTree(
  root: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Map<string, Entry>> {
  const list = async (script: string) =>
    latin1((await runBytes(["sh", "-ec", script, root], { signal })).stdout);
  const [found, devices, hashes, attributes] = await Promise.all([
    list(`cd "$0"; find . -xdev -printf '${fields.map((field) => `${field}\\0`).join("")}'`),
    list(
      `cd "$0"; find . -xdev '(' -type b -o -type c ')' -print0 | xargs -0r stat --printf='%n\\0%t:%T\\0'`,
    ),
    list(`cd "$0"; find . -xdev -type f -print0 | xargs -0r sha256sum -z --`),
    list(`cd "$0"; find . -xdev -print0 | xargs -0r getfattr -h -d -m - -e hex --`),
  ]);
  const rows = parseRows(found);
  const device = new Map(pairs(devices.split("\0")));
  const content = new Map(
    hashes.split("\0").filter(Boolean).map((line) => [line.slice(66), line.slice(0, 64)] as const),
  );
  const xattrs = parseXattrs(attributes);
  const names = linkNames(rows);
  const data = dataMaps(root, rows.filter(({ type }) => type === "f").map(({ path }) => path));
  return new Map(rows.map((row) => [relative(row.path), {
    type: row.type,
    mode: row.mode,
    owner: row.owner,
    mtime: row.mtime,
    size: row.type === "d" ? "" : row.size,
    content: content.get(row.path) ?? "",
    data: data.get(row.path) ?? "",
    target: row.target,
    device: device.get(row.path) ?? "",
    links: names.get(row.inode) ?? "",
    xattrs: xattrs.get(relative(row.path)) ?? "",
  }]));
}

// find(1): %p path, %y type, %m mode, %U:%G owner, %T@ mtime, %s size, %l target, %i inode, %n links
const fields = ["%p", "%y", "%m", "%U:%G", "%T@", "%s", "%l", "%i", "%n"];

interface Row {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  readonly mtime: string;
  readonly size: string;
  readonly target: string;
  readonly inode: string;
  readonly links: string;
}

function parseRows(text: string): Row[] {
  const words = text.split("\0");
  const rows: Row[] = [];
  for (let i = 0; i + fields.length <= words.length; i += fields.length) {
    const [path, type, mode, owner, mtime, size, target, inode, links] = words.slice(i, i + fields.length);
    rows.push({
      path: path!,
      type: type!,
      mode: mode!,
      owner: owner!,
      mtime: mtime!,
      size: size!,
      target: target!,
      inode: inode!,
      links: links!,
    });
  }
  return rows;
}

function linkNames(rows: readonly Row[]): Map<string, string> {
  const groups = Map.groupBy(
    rows.filter(({ type, links }) => type !== "d" && links !== "1"),
    ({ inode }) => inode,
  );
  return new Map(
    [...groups].map(([inode, group]) => [inode, group.map(({ path }) => path).sort().join(" ")]),
  );
}

/** getfattr's blocks: "# file: NAME" with \ooo escapes and without "./", then name=0xHEX lines, then an empty line. */
function parseXattrs(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const block of text.split("\n\n")) {
    const [head, ...attributes] = block.split("\n").filter(Boolean);
    if (!head?.startsWith("# file: ")) continue;
    const name = head.slice("# file: ".length).replace(
      /\\([0-7]{3})/g,
      (_, octal: string) => String.fromCharCode(parseInt(octal, 8)),
    );
    found.set(name, attributes.sort().join(" "));
  }
  return found;
}

function relative(path: string): string {
  return path.replace(/^\.\//, "");
}

function pairs(words: readonly string[]): (readonly [string, string])[] {
  return words.slice(0, -1).flatMap((word, i) => i % 2 === 0 ? [[word, words[i + 1]!] as const] : []);
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}
