import assert from "node:assert/strict";
import { descriptorsBelow } from "../../agent/sys/descriptors.ts";
import { decodeManifest } from "#contract/format/manifest.ts";
import type { CaptureSource } from "../../agent/capture/capture_source.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { sendCapture, type Sent } from "../../agent/capture/send_capture.ts";
import { TarSource } from "../../agent/capture/tar_source.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import { describeTree } from "./describe_tree.ts";
import { makeOddities, odditiesLack } from "./make_oddities.ts";
import { MemoryServer } from "./memory_server.ts";

const lack = odditiesLack();
if (lack) console.log(`skipped: the oddities through capture and installation: ${lack}`);

interface Places {
  readonly scratch: string;
  readonly from: string;
  readonly to: string;
}

function oddityTest(name: string, fn: (places: Places) => Promise<void>): void {
  Deno.test({
    name,
    ignore: lack !== undefined,
    async fn() {
      const scratch = Deno.makeTempDirSync();
      const places = { scratch, from: `${scratch}/from`, to: `${scratch}/to` };
      try {
        Deno.mkdirSync(places.from);
        Deno.mkdirSync(places.to);
        makeOddities(places.from);
        await fn(places);
      } finally {
        new Deno.Command("rm", { args: ["-rf", scratch] }).outputSync();
      }
    },
  });
}

async function* shuffled(count: number): AsyncGenerator<number> {
  const left = Array.from({ length: count }, (_, i) => i);
  while (left.length > 0) yield* left.splice(Math.floor(Math.random() * left.length), 1);
}

/** Captures and installs into `to`; nothing may be lost. */
async function carry(tree: CaptureSource, { scratch, to }: Places): Promise<Sent> {
  const server = new MemoryServer(scratch);
  const { signal } = new AbortController();
  const sent = await sendCapture({ api: server, capture: "1", tree, excludes: [], signal });
  const installed = await installTree({
    manifest: decodeManifest(server.manifest),
    key: server.key,
    target: to,
    packs: { path: () => server.packPath },
    frames: shuffled(server.frames),
    workers: 2,
  });
  assert.deepEqual(installed.notes, []);
  // A file left open would keep the clone's file system mounted.
  assert.deepEqual([...await descriptorsBelow(scratch)], []);
  return sent;
}

function tar(from: string, args: readonly string[]): void {
  const all = ["--create", "--numeric-owner", "--sparse", "--directory", from, ...args, "."];
  const { success, stderr } = new Deno.Command("tar", { args: all, env: { LC_ALL: "C" } }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

oddityTest("a tree of oddities survives capture and install, frames in any order", async (places) => {
  const tree = new TreeSource(places.from, { excludes: compileExcludes([]), mountPoints: [] });
  const { notes } = await carry(tree, places);
  assert.deepEqual(notes, ["left out, a socket, which its process creates again: special/socket"]);
  assert.deepEqual(describeTree(places.to), describeTree(places.from));
});

oddityTest("a pax tar of the oddities becomes the same tree", async (places) => {
  const path = `${places.scratch}/tree.tar`;
  tar(places.from, ["--file", path, "--format=pax", "--acls", "--xattrs", "--xattrs-include=*"]);
  const { notes } = await carry(new TarSource(path), places);
  assert.deepEqual(notes, []);
  assert.deepEqual(describeTree(places.to), describeTree(places.from));
});

oddityTest(
  "a compressed GNU tar becomes the same tree, except for what GNU's format cannot hold",
  async (places) => {
    const path = `${places.scratch}/tree.tar.gz`;
    tar(places.from, ["--file", path, "--format=gnu", "--gzip"]);
    await carry(new TarSource(path), places);
    // No attributes, and times in whole seconds.
    const kept = (line: string) => !/^# file|xattrs\//.test(line);
    const wholeSeconds = (line: string) => line.replace(/(-?\d+)\.\d{10} /, "$1 ");
    assert.deepEqual(
      describeTree(places.to).filter(kept).map(wholeSeconds),
      describeTree(places.from).filter(kept).map(wholeSeconds),
    );
  },
);
