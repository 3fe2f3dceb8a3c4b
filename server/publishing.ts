/** What becomes of a new version beside its place in the store: its torrent, and the files that boot a node. */
import { randomBytes } from "node:crypto";
import { buildImageSegment, listKernels } from "../boot/initramfs/image_segment.ts";
import { kernelCompression } from "../boot/initramfs/segment.ts";
import type { FileSource, SourceEntry } from "../boot/initramfs/file_source.ts";
import { bytePathOfText, textOf } from "#contract/byte_path.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { toHex } from "#contract/torrent/hex.ts";
import { packageOf, usesOf } from "#contract/tools.ts";
import { createInfo } from "#contract/torrent/create_metainfo.ts";
import { encodeMetainfo, infoHashOf } from "#contract/torrent/metainfo.ts";
import type { PublishPorts } from "./capture/publish.ts";
import type { VersionReader } from "./store/version_reader.ts";
import type { AgentSegments } from "./agent_segments.ts";
import type { SwarmAddresses } from "./web/ports.ts";

export function publishPorts(
  { swarm, segments, signal }: { swarm: SwarmAddresses; segments: AgentSegments; signal: AbortSignal },
): PublishPorts {
  return {
    async makeTorrent(files) {
      const info = await createInfo(`rackseed-${randomBytes(8).toString("hex")}`, { files, signal });
      return { metainfo: encodeMetainfo(info, swarm), infoHash: toHex(infoHashOf(info)) };
    },
    makeBoot: (reader, folder) => makeBootFiles(reader, { folder, segments, signal }),
  };
}

/** Kernel and image segment of the initramfs, where the image has a kernel; else says what is missing. */
async function makeBootFiles(
  reader: VersionReader,
  { folder, segments, signal }: { folder: string; segments: AgentSegments; signal: AbortSignal },
): Promise<{ bootable: boolean; notes: string[] }> {
  const source = sourceOf(reader);
  const { source: machine, layout } = reader.manifest.header;
  const kernels = await listKernels(source);
  const kernelRelease = kernels.find((release) => release === machine?.kernel) ?? kernels[0];
  if (kernelRelease === undefined) {
    return { bootable: false, notes: ["it has no kernel with modules below /boot and /lib/modules."] };
  }
  if (layout === undefined) {
    return { bootable: false, notes: ["it has no disk layout, since it was not captured from a machine."] };
  }
  try {
    const compression = await kernelCompression(source, kernelRelease);
    const { kernelPath, missing } = await buildImageSegment({
      source,
      kernelRelease,
      uses: usesOf(layout, machine?.firmware ?? "bios"),
      output: `${folder}/initrd-image`,
      compression,
      signal,
    });
    await Deno.writeFile(`${folder}/vmlinuz`, await source.read(kernelPath), { mode: 0o600 });
    await segments.ensure(compression);
    const notes = missing.map((tool) => `it lacks ${tool.name} (package ${packageOf(tool)}).`);
    return { bootable: missing.length === 0, notes };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RackseedError)) throw error;
    return { bootable: false, notes: [`${error.title}: ${error.reason} ${error.remedy}`] };
  }
}

/** A version's files as the initramfs is made of them. */
function sourceOf(reader: VersionReader): FileSource {
  const inside = (path: string) => bytePathOfText(path.replace(/^\/+/, ""));
  return {
    lookup(path) {
      return Promise.resolve(entryAt(path));
    },
    read(path) {
      try {
        const content = reader.read(inside(path));
        if (content === undefined) throw new Error(`${path} is no file of the image`);
        return Promise.resolve(new Uint8Array(content));
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(messageOf(error)));
      }
    },
    list(path) {
      return Promise.resolve((reader.list(inside(path)) ?? []).flatMap((name) => textOf(name) ?? []));
    },
  };

  function entryAt(path: string): SourceEntry | undefined {
    const entry = reader.stat(inside(path));
    if (entry?.type === "file") return { type: "file", mode: entry.mode, sizeBytes: entry.sizeBytes };
    if (entry?.type === "directory") return { type: "directory" };
    const target = entry?.type === "symlink" ? textOf(entry.target) : undefined;
    return target === undefined ? undefined : { type: "symlink", target };
  }
}
