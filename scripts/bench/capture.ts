/**
 * Capturing a tree, from the walk to the published version, against `tar c | zstd -T2` at the same level, on two
 * processors. Both keep attributes, ACLs and holes.
 *
 *     deno run -A scripts/bench/capture.ts [--rounds N] [--levels 3,9] [--json]
 *
 * Ours walks, hashes, cuts, asks, sends, and in the server proves, compresses, seals and writes packs; agent and
 * server are one process here and no network is between. Needs root, GNU tar and zstd.
 */
import { parseArgs } from "node:util";
import type { Api } from "../../agent/capture/capture_api.ts";
import { compileExcludes } from "../../agent/capture/excludes.ts";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import type { CaptureService } from "../../server/capture/capture_service.ts";
import { openTestServer } from "../../server/capture/testing/service.ts";
import {
  type Comparison,
  makeBenchTree,
  printComparisons,
  secondsOf,
  shell,
  useTwoProcessors,
  workplace,
} from "./bench_tree.ts";

const BAR = 1.1;
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    levels: { type: "string", default: "3,9" },
    json: { type: "boolean", default: false },
  },
});

/** The capture service as its HTTP routes would call it. */
function directApi(service: CaptureService, id: string): Api {
  const empty = () => new Response(null, { status: 204 });
  return {
    async send(_method, path, { body, json } = {}) {
      switch (path.split("/").at(-1)) {
        case "known":
          return new Response(service.known(id, body as Uint8Array) as Uint8Array<ArrayBuffer>);
        case "frames":
          await service.addFrame(id, body as Uint8Array);
          return empty();
        case "progress":
          service.progress(id, json as Parameters<CaptureService["progress"]>[1]);
          return empty();
        case "entries":
          await service.endEntries(id, body as Uint8Array);
          return empty();
        default:
          service.addEntries(id, Number(path.split("/").at(-1)), body as Uint8Array);
          return empty();
      }
    },
  };
}

async function capture(place: string, { level }: { level: number }): Promise<void> {
  await using server = await openTestServer(`${place}/data`);
  const { id } = server.service.begin({ image: "bench", level, excludes: [] });
  await sendCapture({
    api: directApi(server.service, id),
    capture: id,
    tree: new TreeSource(`${place}/tree`, { excludes: compileExcludes([]), mountPoints: [] }),
    excludes: [],
    signal: new AbortController().signal,
  });
  const { state, problem } = await server.ended(id);
  if (state !== "published") throw new Error(`the capture ended as ${state}: ${problem?.detail}`);
}

await useTwoProcessors();
await using place = await workplace();
const { path } = place;
await shell("mkdir tree", path);
await makeBenchTree(`${path}/tree`);
const comparisons: Comparison[] = [];
for (const level of values.levels.split(",").map(Number)) {
  const ours: number[] = [], peer: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(await secondsOf(() => capture(path, { level })));
    await shell("rm -rf data", path);
    const tar = "tar c --sparse --xattrs --xattrs-include='*' --acls -C tree .";
    peer.push(await secondsOf(() => shell(`${tar} | zstd -q -T2 -${level} -o tree.tar.zst`, path)));
    await shell("rm tree.tar.zst", path);
  }
  comparisons.push({ name: `capture, level ${level}`, bar: BAR, ours, peer });
}
Deno.exitCode = printComparisons(comparisons, values) ? 0 : 1;
