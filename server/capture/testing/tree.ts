/**
 * Reads a small tree as a template's agent would, for tests. It runs GNU find and getfattr, because Deno's own calls
 * know neither names that are not UTF-8, nor nanoseconds, nor extended attributes.
 */
import { createCipheriv, createHash } from "node:crypto";
import { type BytePath, bytePathOf, bytePathOfText, comparePaths } from "#contract/format/byte_path.ts";
import type { Entry, HashedExtent, Xattr } from "#contract/format/entry.ts";

export interface Tree {
  readonly entries: readonly Entry<HashedExtent>[];
  /** By SHA-256 in base64url. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Blocks of zeros of this size count as holes. */
const HOLE_BYTES = 4096;

export async function readTree(root: string): Promise<Tree> {
  const contents = new Map<string, Uint8Array>();
  const entries: Entry<HashedExtent>[] = [];
  const firstNames = new Map<string, BytePath>();
  const format = ["%y", "%P", "%m", "%U", "%G", "%T@", "%s", "%l", "%i", "%n"].join("\\0") + "\\0";
  const fields = bytePathOf(await output(["find", root, "-printf", format])).split("\0");
  const rows: string[][] = [];
  for (let i = 0; i + 10 <= fields.length; i += 10) rows.push(fields.slice(i, i + 10));
  rows.sort((a, b) => comparePaths(a[1] as BytePath, b[1] as BytePath));
  for (const row of rows) {
    const [
      kind = "",
      path = "",
      mode = "",
      uid = "",
      gid = "",
      time = "",
      ,
      target = "",
      inode = "",
      links = "",
    ] = row;
    const first = firstNames.get(inode);
    if (kind !== "d" && Number(links) > 1 && first !== undefined) {
      entries.push({ type: "link", path: path as BytePath, target: first });
      continue;
    }
    firstNames.set(inode, path as BytePath);
    const common = {
      path: path as BytePath,
      mode: parseInt(mode, 8),
      uid: Number(uid),
      gid: Number(gid),
      ...timeOf(time),
      xattrs: await xattrsOf(root, inode),
    };
    if (kind === "d") entries.push({ ...common, type: "directory" });
    else if (kind === "l") entries.push({ ...common, type: "symlink", target: target as BytePath });
    else if (kind === "p") entries.push({ ...common, type: "fifo" });
    else if (kind === "c" || kind === "b") {
      const device = new TextDecoder().decode(await output(find(root, inode, ["stat", "-c", "%t %T", "{}"])));
      const [major = 0, minor = 0] = device.trim().split(" ").map((hex) => parseInt(hex, 16));
      entries.push({ ...common, type: kind === "c" ? "char" : "block", major, minor });
    } else if (kind === "f") {
      const bytes = await output(find(root, inode, ["cat", "{}"]));
      entries.push({ ...common, type: "file", sizeBytes: bytes.length, extents: cut(bytes, contents) });
    }
  }
  return { entries, contents };
}

/** Files of these sizes, with incompressible bytes that depend only on the seed. */
export function generatedTree({ seed, sizes }: { seed: string; sizes: readonly number[] }): Tree {
  const common = { mode: 0o755, uid: 0, gid: 0, mtimeSec: 0, mtimeNs: 0, xattrs: [] };
  const contents = new Map<string, Uint8Array>();
  const entries: Entry<HashedExtent>[] = [{ ...common, type: "directory", path: bytePathOfText("") }];
  for (const [i, sizeBytes] of sizes.entries()) {
    const key = createHash("sha256").update(`${seed} ${i}`).digest();
    const bytes = createCipheriv("aes-256-ctr", key, new Uint8Array(16)).update(new Uint8Array(sizeBytes));
    const path = bytePathOfText(`file${String(i).padStart(6, "0")}`);
    entries.push({ ...common, type: "file", path, sizeBytes, extents: cut(bytes, contents) });
  }
  return { entries, contents };
}

/** The tree of the crash test: always the same large files, and small ones that depend on the seed. */
export function crashTree(seed: string): Tree {
  const old = generatedTree({ seed: "", sizes: Array(8).fill(2 << 20) });
  const fresh = generatedTree({ seed, sizes: [...Array(8).fill(2 << 20), ...Array(400).fill(300)] });
  return {
    contents: new Map([...old.contents, ...fresh.contents]),
    entries: [
      ...fresh.entries,
      ...old.entries.slice(1).map((entry) => ({ ...entry, path: bytePathOfText(`old-${entry.path}`) })),
    ],
  };
}

/** The tree of the prune test: a large part that all versions share, one that some share, and one of its own. */
export function pruneTree(seed: string): Tree {
  const parts = ["", `${seed.length % 3}`, seed].map((part) =>
    generatedTree({ seed: part, sizes: Array(4).fill(5000) })
  );
  const [root, ...files] = (parts[0] as Tree).entries;
  const named = (entries: Tree["entries"], part: number) =>
    entries.map((entry) => ({ ...entry, path: bytePathOfText(`${part}-${entry.path}`) }));
  return {
    contents: new Map(parts.flatMap((part) => [...part.contents])),
    entries: [
      root as Tree["entries"][number],
      ...named(files, 0),
      ...parts.slice(1).flatMap((part, i) => named(part.entries.slice(1), i + 1)),
    ],
  };
}

/** Extents of up to 1 MiB between holes. */
function cut(bytes: Uint8Array, contents: Map<string, Uint8Array>): HashedExtent[] {
  const extents: HashedExtent[] = [];
  for (let at = 0; at < bytes.length;) {
    const isHole = (from: number) => bytes.subarray(from, from + HOLE_BYTES).every((b) => b === 0);
    if (isHole(at) && bytes.length - at >= HOLE_BYTES) {
      at += HOLE_BYTES;
      continue;
    }
    let end = at;
    do end = Math.min(end + HOLE_BYTES, bytes.length); while (
      end < bytes.length && end - at < 1 << 20 && !isHole(end)
    );
    const content = bytes.subarray(at, end);
    const sha256 = createHash("sha256").update(content).digest("base64url");
    contents.set(sha256, content);
    extents.push({ offset: at, sizeBytes: content.length, sha256 });
    at = end;
  }
  return extents;
}

/** find's %T@ is seconds and nanoseconds as stat(2) gives them: "-2.25" is 250 ms after the second -2. */
function timeOf(text: string): { mtimeSec: number; mtimeNs: number } {
  const [sec = "", fraction = ""] = text.split(".");
  return { mtimeSec: Number(sec), mtimeNs: Number(fraction.slice(0, 9)) };
}

async function xattrsOf(root: string, inode: string): Promise<Xattr[]> {
  const command = ["getfattr", "-h", "-d", "-m", "-", "-e", "base64", "--absolute-names", "{}"];
  const text = new TextDecoder().decode(await output(find(root, inode, command)));
  return [...text.matchAll(/^([^#=\n]+)=0s(.*)$/gm)].map(([, name = "", value = ""]): Xattr => [
    name.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    Buffer.from(value, "base64"),
  ]);
}

/** A command line that runs another one on the file with this inode, whatever its name. */
function find(root: string, inode: string, command: readonly string[]): string[] {
  return ["find", root, "-inum", inode, "-exec", ...command, ";", "-quit"];
}

async function output([program = "", ...args]: readonly string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}
