/** The bytes to distribute, and their torrent. */
import { randomFillSync } from "node:crypto";
import { createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { encodeMetainfo } from "#torrent/metainfo/metainfo.ts";
import { PAYLOAD } from "./engine.ts";

const CHUNK_BYTES = 64 * 1024 * 1024;

/** Random bytes, which cannot be compressed. */
export async function makePayload(
  directory: string,
  { sizeBytes, serverAddress }: { sizeBytes: number; serverAddress: string },
): Promise<{ seed: string; torrent: string }> {
  const seed = `${directory}/seed`;
  const torrent = `${directory}/bench.torrent`;
  const path = `${seed}/${PAYLOAD}`;
  await Deno.mkdir(`${seed}/bench`, { recursive: true });
  using file = await Deno.open(path, { write: true, createNew: true });
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES) {
    const chunk = randomFillSync(new Uint8Array(Math.min(left, CHUNK_BYTES)));
    for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
  }
  const info = await createInfo("bench", { files: [{ name: "0.pack", path }] });
  const announce = [`http://${serverAddress}:6969/announce`];
  await Deno.writeFile(torrent, encodeMetainfo(info, { announce, webSeeds: [] }));
  return { seed, torrent };
}
