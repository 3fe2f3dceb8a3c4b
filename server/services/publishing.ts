/** What a new version gets besides its place in the store: its torrent, and the files that boot a node. */
import { randomBytes } from "node:crypto";
import { toHex } from "#torrent/metainfo/hex.ts";
import { type CommonPrefix, createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { encodeMetainfo, type Info, infoHashOf, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { isPackName } from "#contract/format/sha256.ts";
import type { PublishPorts } from "../capture/publish.ts";
import type { AgentSegments } from "../boot_files/agent_segments.ts";
import { makeBootFiles } from "../boot_files/image_boot.ts";
import type { SwarmAddresses } from "../fleet/ports.ts";

export function publishPorts(
  { swarm, segments, signal }: { swarm: SwarmAddresses; segments: AgentSegments; signal: AbortSignal },
): PublishPorts {
  return {
    async makeTorrent(files, { parent }) {
      const common = parent && sameBeginning(parent, files);
      const info = await createInfo(`rackseed-${randomBytes(8).toString("hex")}`, { files, common, signal });
      return { metainfo: encodeMetainfo(info, swarm), infoHash: toHex(infoHashOf(info)) };
    },
    makeBoot: (reader, options) => makeBootFiles(reader, { ...options, segments, signal }),
  };
}

/** How far the torrent begins like `parent`, a torrent file; undefined if that cannot be read. */
function sameBeginning(
  parent: Uint8Array,
  files: readonly { name: string; sizeBytes: number }[],
): CommonPrefix | undefined {
  let info: Info;
  try {
    ({ info } = parseMetainfo(parent));
  } catch {
    return undefined;
  }
  let bytes = 0;
  for (const [i, { name, sizeBytes }] of files.entries()) {
    const other = info.files[i];
    if (!isPackName(name) || other?.name !== name || other.length !== sizeBytes) break;
    bytes += sizeBytes;
  }
  return { info, bytes };
}
