/**
 * Measures writing a tree from an image's frames, against `zstd -dc | tar x` of the same tree, on two processors.
 * Both keep attributes and ACLs.
 *
 *     deno run -A scripts/bench/extract.ts [--rounds N] [--level N] [--json]
 *
 *     --rounds  number of measurements; the median counts     (5)
 *     --level   zstd level                                    (3)
 *     --json    print the figures as JSON
 *
 * The product starts its workers, plans, decrypts, decompresses, verifies (SHA-256) and writes. The manifest is
 * decoded before, as a node does while it waits for the first frame (the line `decode` shows how long that takes).
 * Needs root, GNU tar and zstd.
 */
import { parseArgs } from "node:util";
import { decodeManifest } from "#contract/format/manifest.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import { MemoryServer } from "../../test/oddities/memory_server.ts";
import {
  makeBenchTree,
  printComparisons,
  secondsOf,
  shell,
  useTwoProcessors,
  workplace,
} from "./bench_tree.ts";
import { numberOption } from "./number_option.ts";

const BAR = 0.9;
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    level: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const level = numberOption("level", values.level);

async function* allAtOnce(count: number): AsyncGenerator<number> {
  for (let frame = 0; frame < count; frame++) yield frame;
}

await useTwoProcessors();
await using place = await workplace();
const { path } = place;
await shell("mkdir tree", path);
await makeBenchTree(`${path}/tree`);
const KEEP = "--xattrs --xattrs-include='*' --acls";
await shell(`tar c ${KEEP} -C tree . | zstd -q -${level} -T2 -o tree.tar.zst`, path);
const server = new MemoryServer(path, { level });
const tree = new TreeSource(`${path}/tree`, { excludes: compileExcludes([]), mountPoints: [] });
await sendCapture({ api: server, capture: "1", tree, excludes: [], signal: new AbortController().signal });

const decodeStart = performance.now();
const manifest = decodeManifest(server.manifest);
const decodeMs = performance.now() - decodeStart;
if (!values.json) console.log(`decode: ${manifest.entries.length} entries in ${decodeMs.toFixed(0)} ms`);

const ours: number[] = [], peer: number[] = [];
const rounds = numberOption("rounds", values.rounds);
for (let round = 0; round < rounds; round++) {
  await shell("mkdir ours peer", path);
  ours.push(
    await secondsOf(() =>
      installTree({
        manifest,
        key: server.key,
        target: `${path}/ours`,
        packs: { path: () => server.packPath },
        frames: allAtOnce(server.frames),
        workers: 2,
      })
    ),
  );
  peer.push(await secondsOf(() => shell(`zstd -dc tree.tar.zst | tar x ${KEEP} -C peer`, path)));
  await shell("rm -rf ours peer", path);
}
const kept = printComparisons([{ name: `extract, level ${level}`, bar: BAR, ours, peer }], values);
Deno.exitCode = kept ? 0 : 1;
