import assert from "node:assert/strict";
import type { BytePath } from "./byte_path.ts";
import type { FileSystem } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import { withUnsharedBytes } from "./unshared_bytes.ts";

const MIB = 1 << 20;

function fileSystem(mountPoint: string, type: string, usedBytes: number, snapshots?: string): FileSystem {
  return {
    volume: { kind: "partition", disk: 0, number: 1 },
    type,
    mountPoint,
    mountOptions: "",
    sizeBytes: 100 * MIB,
    usedBytes,
    mkfs: {
      features: [],
      ...snapshots !== undefined && {
        btrfs: { subvolumes: [{ path: "s", readOnly: true, mountPoint: snapshots }] } as never,
      },
    },
  };
}

/** Two extents, of 1 and 2 MiB; each file has those named. */
function manifest(files: Record<string, number[]>): Pick<Manifest, "frames" | "entries"> {
  const extents = [1, 2].map((size) => ({ sha256: String(size), offset: 0, sizeBytes: size * MIB }));
  return {
    frames: [{ pack: 0, offset: 0, sealedBytes: 1, rawBytes: 3 * MIB, extents }],
    entries: Object.entries(files).map(([path, own]) => ({
      type: "file",
      path: path as BytePath,
      mode: 0,
      uid: 0,
      gid: 0,
      mtimeSec: 0,
      mtimeNs: 0,
      xattrs: [],
      sizeBytes: 3 * MIB,
      extents: own.map((index) => ({ offset: 0, frame: 0, index })),
    })),
  };
}

const cases: {
  name: string;
  systems: FileSystem[];
  files: Record<string, number[]>;
  unshared: (number | undefined)[];
}[] = [
  {
    name: "files that share nothing",
    systems: [fileSystem("/", "btrfs", 4 * MIB)],
    files: { a: [0], b: [1] },
    unshared: [undefined],
  },
  {
    name: "a snapshot below a mount of its own",
    systems: [fileSystem("/", "btrfs", 4 * MIB, "/.snapshots")],
    files: { ".snapshots/1/a": [0, 1], ".snapshots/2/a": [0, 1], a: [0, 1] },
    unshared: [9 * MIB],
  },
  {
    name: "a compressed file system with a snapshot",
    systems: [fileSystem("/", "btrfs", 1 * MIB)],
    files: { a: [0, 1], s: [0, 1] },
    unshared: [2 * MIB],
  },
  {
    name: "the file systems apart; ext4 shares nothing",
    systems: [
      fileSystem("/", "ext4", MIB),
      fileSystem("/srv", "xfs", 2 * MIB),
      fileSystem("/srvx", "xfs", 2 * MIB),
    ],
    files: { a: [0, 1], b: [0, 1], "srv/a": [1], "srv/b": [1], "srvx/a": [1], srvy: [1] },
    unshared: [undefined, 4 * MIB, undefined],
  },
];
for (const { name, systems, files, unshared } of cases) {
  Deno.test(`room for content that shares nothing any more: ${name}`, () => {
    assert.deepEqual(withUnsharedBytes(systems, manifest(files)).map((f) => f.unsharedBytes), unshared);
  });
}
