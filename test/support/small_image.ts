/** A small sealed image with its pack, in a folder of its own, to install from. */
import { createHash, randomBytes } from "node:crypto";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes, Entry, FrameExtent } from "#contract/format/entry.ts";
import {
  decodeManifest,
  encodeManifest,
  FORMAT,
  FORMAT_VERSION,
  type Manifest,
} from "#contract/format/manifest.ts";
import { seal } from "#native/testing/seal.ts";

export const key = randomBytes(32);
export const common: Omit<Attributes, "path"> = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSec: 1_700_000_000,
  mtimeNs: 123_456_789,
  xattrs: [],
};

export interface Image extends Disposable {
  readonly manifest: Manifest;
  readonly target: string;
  readonly pack: string;
}

/** Three frames of two extents each: file a is in the first, b in all of them, c repeats b's last extent. */
export function makeImage(more: Entry<FrameExtent>[] = []): Image {
  const directory = Deno.makeTempDirSync();
  const target = `${directory}/target`, pack = `${directory}/pack`;
  Deno.mkdirSync(target);
  let packBytes = 0;
  const frames = [0, 1, 2].map((n) => {
    const contents = [Buffer.alloc(1000, `a${n}`), Buffer.alloc(5000, `b${n}`)];
    const sealed = seal(Buffer.concat(contents), { key, level: 3 });
    Deno.writeFileSync(pack, sealed, { append: true });
    const extents = contents.map((content, i) => ({
      sha256: createHash("sha256").update(content).digest("base64url"),
      offset: i * 1000,
      sizeBytes: content.length,
    }));
    packBytes += sealed.length;
    return {
      pack: 0,
      offset: packBytes - sealed.length,
      sealedBytes: sealed.length,
      rawBytes: 6000,
      extents,
    };
  });
  const file = (path: string, sizeBytes: number, extents: FrameExtent[]): Entry<FrameExtent> => ({
    type: "file",
    path: path as BytePath,
    ...common,
    sizeBytes,
    extents,
  });
  const entries: Entry<FrameExtent>[] = [
    { type: "directory", path: "" as BytePath, ...common, mode: 0o755 },
    file("a", 1000, [{ offset: 0, frame: 0, index: 0 }]),
    file("b", 20_000, [0, 1, 2].map((frame) => ({ offset: frame * 5000, frame, index: 1 }))),
    file("c", 5000, [{ offset: 0, frame: 2, index: 1 }]),
    ...more,
  ];
  const manifest = decodeManifest(encodeManifest({
    header: {
      format: FORMAT,
      formatVersion: FORMAT_VERSION,
      image: "test",
      version: 1,
      created: new Date().toISOString(),
      excludes: [],
      notes: [],
      totals: { entries: entries.length, files: 3, fileBytes: 0, extentBytes: 0, sealedBytes: 0 },
      packs: [{ sha256: "0".repeat(64), sizeBytes: packBytes }],
      frames: 3,
    },
    frames,
    entries,
  }));
  return { manifest, target, pack, [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }) };
}
