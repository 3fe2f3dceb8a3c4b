/** A file's bytes out of a version's packs, in order, a frame at a time; the frame workers do the work. */
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import { damagedCopy } from "#contract/damaged_copy.ts";
import { messageOf } from "#contract/errors.ts";
import { packKeys } from "#contract/format/manifest.ts";
import { unpack } from "#contract/format/sealed.ts";
import type { FramePool } from "../../store/frame_pool.ts";
import type { PublishedVersion } from "../../store/versions.ts";
import type { VersionIndex } from "./version_index.ts";

type File = Extract<Entry<FrameExtent>, { type: "file" }>;

interface ContentSources {
  readonly version: PublishedVersion;
  readonly index: VersionIndex;
  readonly pool: Pick<FramePool, "cut">;
  /** Called with a damaged pack. */
  readonly onDamage: (path: string, what: string) => void;
}

/** What a hole is sent in. */
const ZEROS = new Uint8Array(256 << 10);

/** Neighbouring extents of a file that are in the same frame. */
interface Run {
  readonly frame: number;
  readonly extents: { readonly offset: number; readonly from: number; readonly sizeBytes: number }[];
}

/**
 * With holes as zeros. Holds one frame's bytes (4 MiB) at a time, and reads the next when it is asked for. Throws
 * RackseedError (410) if the server's copy is damaged.
 */
export async function* fileContent(
  file: File,
  { version, index, pool, onDamage }: ContentSources,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const packs = version.payload.slice(1).map(({ path }) => path);
  const keys = packKeys(version.header, version.key);
  let position = 0;
  for (const { frame, extents } of runsOf(file, index)) {
    const { pack, offset, sealedBytes } = index.frame(frame);
    const path = packs[pack], key = keys[pack];
    if (path === undefined || key === undefined) throw new RangeError(`there is no pack ${pack}`);
    const ranges = extents.flatMap(({ from, sizeBytes }) => [from, sizeBytes]);
    let bytes: Uint8Array;
    try {
      const packed = await pool.cut({ path, at: offset, sealedBytes, key, ranges });
      bytes = unpack(packed, extents.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
    } catch (error) {
      const what = `${path.slice(path.lastIndexOf("/") + 1)}: ${messageOf(error)}`;
      onDamage(path, what);
      throw damagedCopy(`${version.image}@${version.version}`, what);
    }
    let at = 0;
    for (const extent of extents) {
      yield* hole(extent.offset - position);
      yield bytes.slice(at, at + extent.sizeBytes);
      at += extent.sizeBytes;
      position = extent.offset + extent.sizeBytes;
    }
  }
  yield* hole(file.sizeBytes - position);
}

function* hole(sizeBytes: number): Generator<Uint8Array<ArrayBuffer>> {
  for (let left = sizeBytes; left > 0; left -= ZEROS.length) {
    // a copy, because a stream may take the buffer away
    yield ZEROS.slice(0, Math.min(left, ZEROS.length));
  }
}

function* runsOf(file: File, index: VersionIndex): Generator<Run> {
  let run: Run | undefined, bytes = 0;
  for (const { offset, frame, index: number } of file.extents) {
    const slice = index.slice(frame, number);
    // a frame's extent may stand in the file many times: together they are no more than a frame
    if (run?.frame !== frame || bytes + slice.sizeBytes > MAX_RUN_BYTES) {
      if (run) yield run;
      run = { frame, extents: [] };
      bytes = 0;
    }
    run.extents.push({ offset, from: slice.offset, sizeBytes: slice.sizeBytes });
    bytes += slice.sizeBytes;
  }
  if (run) yield run;
}

const MAX_RUN_BYTES = 4 << 20;
