/**
 * The archive format of an initramfs, "newc" (Linux Documentation/driver-api/early-userspace/buffer-format.rst).
 * Each entry has a header of 110 ASCII bytes (the magic 070701, thirteen numbers of 8 hexadecimal digits), a
 * NUL-terminated name, and the content. The header with its name, and the content, are padded with NULs to a
 * multiple of 4 bytes. The last entry is named TRAILER!!!.
 */

export type CpioEntry =
  | { readonly type: "directory"; readonly path: string; readonly mode: number }
  | { readonly type: "symlink"; readonly path: string; readonly target: string }
  | {
    readonly type: "character-device";
    readonly path: string;
    readonly mode: number;
    readonly device: Device;
  }
  | CpioFile;

interface CpioFile {
  readonly type: "file";
  /** Relative to the root, without a leading or trailing slash: `usr/bin/dash`. */
  readonly path: string;
  /** Permission bits: 0o755. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** Called once, when the entry is written. */
  readonly content: () => Promise<Uint8Array>;
}

export interface Device {
  readonly major: number;
  readonly minor: number;
}

export const headerBytes = 110;
const magic = "070701";
export const trailer = "TRAILER!!!";
const typeBits = {
  "directory": 0o040000,
  "symlink": 0o120000,
  "file": 0o100000,
  "character-device": 0o020000,
};
const noDevice: Device = { major: 0, minor: 0 };
const encoder = new TextEncoder();

/**
 * Writes an archive in parts, with at most one file's content in memory. Every entry belongs to root and has no
 * timestamp, so that equal entries give equal bytes. The kernel creates no parent directories: a directory must
 * come before its contents, or this throws.
 */
export async function* writeCpio(entries: Iterable<CpioEntry>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const directories = new Set([""]);
  const paths = new Set<string>();
  let inode = 0;
  for (const entry of entries) {
    checkPath(entry.path, { directories, paths });
    paths.add(entry.path);
    if (entry.type === "directory") directories.add(entry.path);
    const content = await contentOf(entry);
    yield header({
      inode: ++inode,
      mode: typeBits[entry.type] | (entry.type === "symlink" ? 0o777 : entry.mode),
      links: entry.type === "directory" ? 2 : 1,
      sizeBytes: content.length,
      device: entry.type === "character-device" ? entry.device : noDevice,
      name: entry.path,
    });
    if (content.length > 0) yield padded(content);
  }
  yield header({ inode: 0, mode: 0, links: 1, sizeBytes: 0, device: noDevice, name: trailer });
}

async function contentOf(entry: CpioEntry): Promise<Uint8Array> {
  if (entry.type === "symlink") return encoder.encode(entry.target);
  if (entry.type !== "file") return new Uint8Array();
  const content = await entry.content();
  if (content.length !== entry.sizeBytes) {
    throw new Error(`${entry.path} was announced with ${entry.sizeBytes} bytes but has ${content.length}`);
  }
  return content;
}

function checkPath(
  path: string,
  { directories, paths }: { directories: ReadonlySet<string>; paths: ReadonlySet<string> },
): void {
  const bad = path.includes("\0") || path === trailer ||
    path.split("/").some((name) => name === "" || name === "." || name === "..");
  if (bad) throw new Error(`not a valid archive path: ${JSON.stringify(path)}`);
  if (paths.has(path)) throw new Error(`the archive already has ${path}`);
  if (!directories.has(parentOf(path))) throw new Error(`the directory of ${path} must come first`);
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function header(
  { inode, mode, links, sizeBytes, device, name }: {
    inode: number;
    mode: number;
    links: number;
    sizeBytes: number;
    device: Device;
    name: string;
  },
): Uint8Array<ArrayBuffer> {
  const nameBytes = encoder.encode(name);
  const [uid, gid, mtime, major, minor, check] = [0, 0, 0, 0, 0, 0];
  const fields = [
    inode,
    mode,
    uid,
    gid,
    links,
    mtime,
    sizeBytes,
    major,
    minor,
    device.major,
    device.minor,
    nameBytes.length + 1,
    check,
  ].map((value) => {
    if (value > 0xffff_ffff) throw new Error(`${name} does not fit into an archive: ${value}`);
    return value.toString(16).padStart(8, "0");
  });
  const bytes = new Uint8Array(roundUp(headerBytes + nameBytes.length + 1));
  bytes.set(encoder.encode(magic + fields.join("")));
  bytes.set(nameBytes, headerBytes);
  return bytes;
}

function padded(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(roundUp(content.length));
  bytes.set(content);
  return bytes;
}

/** The size after padding to a multiple of 4 bytes. */
export function roundUp(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 4) * 4;
}
