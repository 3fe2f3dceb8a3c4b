/** A minimal sender of captures, for tests. */
import { zstdCompressSync } from "node:zlib";
import type { CaptureHeader } from "#contract/api.ts";
import { formatHashedEntry } from "#contract/format/entry.ts";
import {
  encodeFrameUpload,
  MAX_FRAME_EXTENTS,
  packFrameUpload,
  type UploadedExtent,
} from "#contract/format/frame_upload.ts";
import { MAX_FRAME_BYTES } from "#contract/format/sealed.ts";
import { pack } from "#native/sealed_codec.ts";
import type { CaptureService } from "../capture_service.ts";
import type { Tree } from "./tree.ts";

/** Sends the missing extents, every second frame packed, then the entries. Returns the number of missing bytes. */
export async function sendTree(service: CaptureService, id: string, tree: Tree): Promise<number> {
  let frames = 0;
  const missing = [...tree.contents].filter(([sha256]) => !service.known(id, hashBytes(sha256))[0]);
  const bodies = framesOf(missing);
  const send = async () => {
    for (const body of bodies) {
      await service.addFrame(id, frames++ % 2 === 0 ? await packedFrame(body) : body);
    }
  };
  const sent = await Promise.allSettled(Array.from({ length: 4 }, send));
  for (const result of sent) if (result.status === "rejected") throw result.reason;
  await sendEntries(service, id, { tree });
  return missing.reduce((sum, [, content]) => sum + content.length, 0);
}

/** Sends the entries in parts, then the header with the members of `header` replaced. */
export async function sendEntries(
  service: CaptureService,
  id: string,
  { tree, header = {}, perPart = 100 }: { tree: Tree; header?: Partial<CaptureHeader>; perPart?: number },
): Promise<void> {
  for (let part = 0; part * perPart < tree.entries.length; part++) {
    service.addEntries(id, part, linesOf(tree.entries.slice(part * perPart, (part + 1) * perPart)));
  }
  const last: CaptureHeader = { excludes: [], notes: [], entries: tree.entries.length, ...header };
  await service.endEntries(id, zstdCompressSync(JSON.stringify(last)));
}

/** One part of entries. */
export function linesOf(entries: Tree["entries"]): Uint8Array {
  return zstdCompressSync(entries.map((entry) => formatHashedEntry(entry) + "\n").join(""));
}

export function* framesOf(contents: Iterable<[sha256: string, content: Uint8Array]>): Generator<Uint8Array> {
  let frame: UploadedExtent[] = [], bytes = 0;
  for (const [sha256, content] of contents) {
    if (frame.length === MAX_FRAME_EXTENTS || bytes + content.length > MAX_FRAME_BYTES) {
      yield encodeFrameUpload(frame);
      frame = [];
      bytes = 0;
    }
    frame.push({ sha256: hashBytes(sha256), content });
    bytes += content.length;
  }
  if (frame.length > 0) yield encodeFrameUpload(frame);
}

/** The frame with its contents packed, as an agent sends it. */
export function packedFrame(body: Uint8Array): Promise<Uint8Array> {
  return packFrameUpload(body as Uint8Array<ArrayBuffer>, (raw) => pack(raw, { level: 9 }));
}

export function hashBytes(sha256: string): Uint8Array {
  return Buffer.from(sha256, "base64url");
}
