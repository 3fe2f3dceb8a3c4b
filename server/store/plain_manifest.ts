/** A version's manifest for a node that compares itself with the version: readable, and without any key. */
import { Header, MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { open } from "#native/open_sealed.ts";
import { pack } from "#native/sealed_codec.ts";
import type { PublishedVersion } from "./versions.ts";

const LEVEL = 3;
const LINE_END = 10;

/** In zstd. Throws what reading and opening throw: the file may be lost or damaged. */
export async function plainManifest(version: PublishedVersion): Promise<Uint8Array<ArrayBuffer>> {
  const sealed = await Deno.readFile(`${version.folder}/manifest.rsm`);
  const text = open(sealed, { key: version.key, maxRawBytes: MAX_MANIFEST_BYTES });
  const head = new TextEncoder().encode(JSON.stringify(withoutKeys(version.header)));
  const rest = text.subarray(text.indexOf(LINE_END));
  const plain = new Uint8Array(head.length + rest.length);
  plain.set(head);
  plain.set(rest, head.length);
  return new Uint8Array(await pack(plain, { level: LEVEL }));
}

/** A pack of another lineage comes with that lineage's key, which opens more than this version. */
function withoutKeys({ packs, ...header }: Header): Header {
  return { ...header, packs: packs.map(({ key: _, ...one }) => one) };
}
