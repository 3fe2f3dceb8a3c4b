/** A sealed image of a tree with its torrent, as on a server. */
import { manifestId } from "#contract/format/manifest.ts";
import { seal } from "#native/testing/seal.ts";
import { createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { encodeMetainfo } from "#torrent/metainfo/metainfo.ts";
import { compileExcludes } from "../../../agent/tree/excludes.ts";
import { sendCapture } from "../../../agent/capture/send_capture.ts";
import { TreeSource } from "../../../agent/capture/tree_source.ts";
import { MemoryServer } from "../../../test/oddities/memory_server.ts";
import type { InstallJob } from "../install_node.ts";

/** The default of captures. */
export const BENCH_LEVEL = 9;

export interface BenchImage extends Omit<InstallJob, "target" | "packs"> {
  /** The files that it was made from. */
  readonly tree: string;
  /** The folder of manifest.rsm and the pack. */
  readonly served: string;
  readonly torrentBytes: number;
}

export async function makeBenchImage(
  directory: string,
  { makeTree, level = BENCH_LEVEL, announce }: {
    makeTree: (tree: string) => Promise<unknown>;
    level?: number;
    announce: string;
  },
): Promise<BenchImage> {
  const tree = `${directory}/tree`, served = `${directory}/served`, torrent = `${directory}/bench.torrent`;
  for (const folder of [tree, served]) await Deno.mkdir(folder);
  await makeTree(tree);
  const server = new MemoryServer(directory, { level });
  const source = new TreeSource(tree, { excludes: compileExcludes([]), mountPoints: [] });
  await sendCapture({
    api: server,
    capture: "1",
    tree: source,
    excludes: [],
    signal: new AbortController().signal,
  });

  const text = server.manifest;
  const header = new TextDecoder().decode(text.subarray(0, text.indexOf(10)));
  const [{ sha256 }] = JSON.parse(header).packs;
  const fetched = { manifest: `${served}/manifest.rsm`, pack: `${served}/${sha256}.pack` };
  await Deno.writeFile(fetched.manifest, seal(text, { key: server.key, level }));
  await Deno.rename(server.packPath, fetched.pack);
  const files = [fetched.manifest, fetched.pack].map((path) => ({
    path,
    name: path.slice(served.length + 1),
  }));
  const info = await createInfo("bench", { files });
  await Deno.writeFile(torrent, encodeMetainfo(info, { announce: [announce], webSeeds: [] }));
  return {
    tree,
    served,
    torrent,
    fetched,
    keyHex: Buffer.from(server.key).toString("hex"),
    manifest: { id: manifestId(text), signature: "", publicKey: "", header },
    torrentBytes: info.files.reduce((sum, { length }) => sum + length, 0),
  };
}
