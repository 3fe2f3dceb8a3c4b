/** What a new version gets besides its place in the store: its torrent, and the files that boot a node. */
import { randomBytes } from "node:crypto";
import { toHex } from "#torrent/metainfo/hex.ts";
import { type CommonPrefix, createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { encodeMetainfo, type Info, infoHashOf, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { isPackName } from "#contract/format/sha256.ts";
import type { PublishPorts } from "../capture/publish.ts";
import type { AgentSegments } from "../boot_files/agent_segments.ts";
import { makeBootFiles } from "../boot_files/image_boot.ts";
import type { Controller } from "../../boot/initramfs/modules.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Nodes } from "../store/nodes.ts";
import type { SwarmAddresses } from "../fleet/ports.ts";

export function publishPorts(
  { swarm, segments, nodes, signal }: {
    swarm: SwarmAddresses;
    segments: AgentSegments;
    nodes: Pick<Nodes, "list">;
    signal: AbortSignal;
  },
): PublishPorts {
  return {
    async makeTorrent(files, { parent }) {
      const common = parent && sameBeginning(parent, files);
      const info = await createInfo(`rackseed-${randomBytes(8).toString("hex")}`, { files, common, signal });
      return { metainfo: encodeMetainfo(info, swarm), infoHash: toHex(infoHashOf(info)) };
    },
    makeBoot: (reader, options) =>
      makeBootFiles(reader, { ...options, segments, hardware: hardwareOf(nodes.list()), signal }),
  };
}

/** Each kind of hardware that nodes have reported, once. */
function hardwareOf(nodes: readonly Pick<NodeRecord, "inventory">[]): Controller[] {
  const all = nodes.flatMap(({ inventory }) => inventory?.controllers ?? []);
  return [...new Map(all.map((controller) => [controller.modalias, controller])).values()]
    .sort((a, b) => a.modalias < b.modalias ? -1 : 1);
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
