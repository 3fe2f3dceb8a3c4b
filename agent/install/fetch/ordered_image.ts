/** Proves that what the network delivered is what the order names. Pure. */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { manifestId, MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { open } from "#native/open_sealed.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import { type Metainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";

/** Parses a torrent file. Throws RackseedError unless its info hash is the one in the order. */
export function orderedMetainfo(bytes: Uint8Array, { swarm }: Order): Metainfo {
  const metainfo = parseMetainfo(bytes);
  if (toHex(metainfo.infoHash) === swarm.infoHash.toLowerCase()) return metainfo;
  throw new RackseedError("cannot use the torrent of the image", {
    reason: "its info hash is not the ordered one.",
    remedy: "deploy again; if the error persists, verify the image on the server.",
  });
}

/** Opens a sealed manifest. Throws RackseedError unless its id and header are those in the order. */
export function openOrderedManifest(
  sealed: Uint8Array,
  { order, key }: { order: Order; key: Uint8Array },
): Uint8Array {
  const text = open(sealed, { key, maxRawBytes: MAX_MANIFEST_BYTES });
  const header = Buffer.from(text.buffer, text.byteOffset, Math.max(0, text.indexOf(10))).toString("utf8");
  if (manifestId(text) === order.manifest.id && header === order.manifest.header) return text;
  throw new RackseedError(`cannot trust the manifest of ${order.image}@${order.version}`, {
    reason: "it is not the one that the server signed.",
    remedy: "verify the image on the server, then deploy again.",
  });
}
