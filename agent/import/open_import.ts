/** The source of `rackseed image import`: a directory, a tar, a disk image or a container image. */
import { RackseedError } from "#contract/errors.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import type { CaptureSource } from "../capture/capture_source.ts";
import { TarSource } from "../capture/tar_source.ts";
import { TreeSource } from "../capture/tree_source.ts";
import { type Run, runCommand } from "../sys/command.ts";
import { compileExcludes } from "../tree/excludes.ts";
import { type Blobs, FolderBlobs, TarBlobs } from "./blob_store.ts";
import { openContainer } from "./container_source.ts";
import { type Firmware, openDiskImage } from "./disk_image.ts";

type ImportKind = "directory" | "tar" | "disk" | "container";

interface Import {
  readonly tree: CaptureSource;
  /** Absent for a directory, a tar, and a container image without a chosen layout. */
  readonly source?: Source;
  readonly layout?: DiskLayout;
  readonly excludes: readonly string[];
  readonly notes: readonly string[];
}

interface ImportOptions {
  readonly excludes: readonly string[];
  /** Absent: what the file looks like. */
  readonly kind?: ImportKind | undefined;
  /** For a disk image that boots both ways. For a container image: makes a machine of it. */
  readonly firmware?: Firmware | undefined;
  /** Takes what must be undone at the end. */
  readonly stack: AsyncDisposableStack;
  readonly signal: AbortSignal;
  readonly run?: Run;
}

/**
 * `excludes` apply to directories and disk images; the others are imported whole. Throws RackseedError.
 *
 * @example
 * ```ts
 * import { openImport } from "./open_import.ts";
 *
 * async function layoutOf(path: string, signal: AbortSignal) {
 *   await using stack = new AsyncDisposableStack();
 *   return (await openImport(path, { excludes: [], stack, signal })).layout;
 * }
 * ```
 */
export async function openImport(path: string, options: ImportOptions): Promise<Import> {
  const { excludes, firmware, stack, signal, run = runCommand } = options;
  const kind = options.kind ?? await kindOf(path);
  if (firmware !== undefined && (kind === "directory" || kind === "tar")) throw noLayout(path, kind);
  switch (kind) {
    case "directory":
      return {
        tree: new TreeSource(path, { excludes: compileExcludes(excludes), mountPoints: [] }),
        excludes,
        notes: [],
      };
    case "tar":
      return { tree: new TarSource(path), excludes, notes: [] };
    case "disk":
      return await openDiskImage(path, { excludes, firmware, stack, run, signal });
    case "container": {
      const blobs = stack.use(await blobsIn(path));
      return { excludes, ...await openContainer(path, { blobs, firmware, signal }) };
    }
  }
}

async function blobsIn(path: string): Promise<Blobs> {
  return (await Deno.stat(path)).isDirectory ? new FolderBlobs(path) : await TarBlobs.open(path);
}

async function kindOf(path: string): Promise<ImportKind> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory) {
    return await new FolderBlobs(path).has("oci-layout") ? "container" : "directory";
  }
  if (info?.isFile || info?.isBlockDevice) return await kindOfFile(path);
  throw new RackseedError(`cannot import ${path}`, {
    reason: info ? "it is neither a directory nor a file." : "there is no such file or directory.",
    remedy: "name a directory, a tar (plain, .gz or .zst), a disk image or a container image.",
    status: 400,
  });
}

/** ustar.h: the name of the first member, and the magic at 257. */
const MEMBER_NAME_BYTES = 100, TAR_MAGIC_AT = 257;
/** How the first member of a container image is named: by docker save, podman, skopeo and buildx. */
const CONTAINER_MEMBER =
  /^(\.\/)?(blobs\/?|index\.json|oci-layout|manifest\.json|repositories|[0-9a-f]{64}(\/|\.json|\.tar))/;

async function kindOfFile(path: string): Promise<ImportKind> {
  using file = await Deno.open(path);
  const head = new Uint8Array(512);
  const length = await file.read(head) ?? 0;
  const text = Buffer.from(head.subarray(0, length)).toString("latin1");
  const isTar = text.startsWith("ustar", TAR_MAGIC_AT);
  if (isTar) {
    const name = text.slice(0, MEMBER_NAME_BYTES).replace(/\0.*$/s, "");
    return CONTAINER_MEMBER.test(name) ? "container" : "tar";
  }
  // compressed, or a tar from before POSIX, whose header has no magic but is text and NUL
  const isPacked = text.startsWith("\x1f\x8b") || text.startsWith("\x28\xb5\x2f\xfd");
  return isPacked || isOldTar(head.subarray(0, length)) ? "tar" : "disk";
}

/** tar(5): the header's checksum counts its own eight bytes as blanks. */
function isOldTar(header: Uint8Array): boolean {
  if (header.length < 512) return true;
  const sum = header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  const text = Buffer.from(header.subarray(148, 156)).toString("latin1").replace(/[\0 ]+/g, "");
  return text !== "" && parseInt(text, 8) === sum;
}

function noLayout(path: string, kind: ImportKind): RackseedError {
  return new RackseedError(`cannot choose a layout for ${path}`, {
    reason: `it is a ${kind}, whose files alone make no machine.`,
    remedy: "import a disk image or a container image, or capture a running machine.",
    status: 400,
  });
}
