/**
 * The node of the install benches, which runs the agent's own code. Prints READY, waits for a line on standard input,
 * does its work, prints DONE and stays until the next line, so that its cost can be read.
 *
 *     install_node.ts download|open|extract|install JOB    JOB: a file with an InstallJob
 *
 * open: decrypts, decompresses and verifies all frames; extract: writes them as well.
 */
import type { Order } from "#contract/api.ts";
import { decodeManifest, type Manifest, MAX_MANIFEST_BYTES } from "#contract/format/manifest.ts";
import { bytePathOfText } from "#contract/format/byte_path.ts";
import { open } from "#native/open_sealed.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { Download } from "../../agent/install/fetch/download.ts";
import { SwarmTerms } from "../../agent/steps/swarm_terms.ts";
import { safeFrames } from "../../agent/install/fetch/safe_frames.ts";
import { planTree } from "../../agent/install/extract/frame_plan.ts";
import { FrameSource } from "../../agent/install/extract/frame_source.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import type { PackReader } from "../../agent/install/extract/install_options.ts";
import { AT_FDCWD, close, O, openAt } from "../../agent/sys/libc.ts";

/** Paths, and what an order would contain. */
export interface InstallJob {
  readonly torrent: string;
  readonly keyHex: string;
  readonly manifest: Order["manifest"];
  /** The sealed manifest and the pack: what a node has after fetching everything. */
  readonly fetched: { readonly manifest: string; readonly pack: string };
  /** An empty file system. */
  readonly target: string;
  /** The folder for fetched packs. */
  readonly packs: string;
}

export type InstallMode = "download" | "open" | "extract" | "install";

let syncfs: ((folder: number) => Promise<number>) | undefined;

if (import.meta.main) {
  const [mode, path = ""] = Deno.args;
  const job: InstallJob = JSON.parse(await Deno.readTextFile(path));
  console.log("READY");
  await aLine();
  if (mode === "open") await openFrames(job);
  else if (mode === "extract") await extract(job);
  else await fetchImage(job, { install: mode === "install" });
  console.log("DONE");
  await aLine();
  Deno.exit();
}

async function aLine(): Promise<void> {
  await Deno.stdin.read(new Uint8Array(16));
}

async function openFrames(job: InstallJob): Promise<void> {
  const source = new FrameSource([keyOf(job)]);
  const pack = openAt(AT_FDCWD, bytePathOfText(job.fetched.pack), { flags: O.RDONLY });
  for (const work of planTree(await fetchedManifest(job)).frames) if (work) await source.read(work, pack);
  close(pack);
}

/** Extracts what is already here: an installation without the network. */
async function extract(job: InstallJob): Promise<void> {
  const manifest = await fetchedManifest(job);
  await write(job, { manifest, packs: { path: () => job.fetched.pack }, frames: numbers(manifest) });
}

async function fetchedManifest(job: InstallJob): Promise<Manifest> {
  const sealed = await Deno.readFile(job.fetched.manifest);
  return decodeManifest(open(sealed, { key: keyOf(job), maxRawBytes: MAX_MANIFEST_BYTES }));
}

/** Runs the agent's steps "torrent" and "install", or just waits for all frames instead of the second. */
async function fetchImage(job: InstallJob, { install }: { install: boolean }): Promise<void> {
  const metainfo = parseMetainfo(await Deno.readFile(job.torrent));
  const { signal } = new AbortController();
  const order = orderOf(job, { infoHash: toHex(metainfo.infoHash), announce: metainfo.announce.flat() });
  const packs = { temporary: job.packs };
  await using download = await Download.start(metainfo, {
    order,
    terms: new SwarmTerms(order.swarm),
    packs,
    manifestOnly: false,
    signal,
  });
  const manifest = await download.manifest(order, { key: keyOf(job), signal });
  if (!install) return void await Array.fromAsync(download.frames(manifest));
  await using safe = safeFrames(download, { manifest, sync: () => syncTo(job.target) });
  const paths = manifest.header.packs.map(({ sha256 }) => download.packPath(sha256));
  await write(job, { manifest, packs: { path: (pack) => paths[pack] ?? "" }, ...safe });
}

/** Syncs to disk: what is only in the page cache is not installed. */
async function write(
  job: InstallJob,
  image: {
    manifest: Manifest;
    packs: PackReader;
    frames: AsyncIterable<number>;
    onFrame?: (frame: number) => void;
  },
): Promise<void> {
  await installTree({ ...image, key: keyOf(job), target: job.target });
  await syncTo(job.target);
}

/** syncfs(2) on another thread, as the agent syncs: other disks of this machine are not the bench's. */
async function syncTo(target: string): Promise<void> {
  syncfs ??= Deno.dlopen("libc.so.6", {
    syncfs: { parameters: ["i32"], result: "i32", nonblocking: true },
  }).symbols.syncfs;
  const folder = openAt(AT_FDCWD, bytePathOfText(target), { flags: O.RDONLY | O.DIRECTORY });
  try {
    if (await syncfs(folder) !== 0) throw new Error(`sync of ${target} failed`);
  } finally {
    close(folder);
  }
}

async function* numbers({ frames }: Manifest): AsyncGenerator<number> {
  yield* frames.keys();
}

function keyOf({ keyHex }: InstallJob): Uint8Array {
  return Buffer.from(keyHex, "hex");
}

function orderOf(
  { manifest }: InstallJob,
  { infoHash, announce }: { infoHash: string; announce: string[] },
): Order {
  return {
    deployment: "bench",
    node: "bench",
    session: "",
    image: "test",
    version: 1,
    manifest,
    key: "",
    swarm: { infoHash, announce, webSeeds: [] },
    identity: { mode: "assign", assigned: { hostname: "bench", interfaces: [] }, askSeconds: 1 },
  };
}
