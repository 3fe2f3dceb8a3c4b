/**
 * Power is lost while a node with its packs in memory installs: it must fetch only a small part again. Shutting its
 * ext4 down without a flush leaves exactly what had reached the disk until then.
 */
import assert from "node:assert/strict";
import type { Order } from "#contract/api.ts";
import { type Manifest } from "#contract/format/manifest.ts";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import { toHex } from "#torrent/metainfo/hex.ts";
import { type Metainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import { RateLimit } from "#torrent/rate_limit.ts";
import { Swarm } from "#torrent/session/swarm.ts";
import { compareTarget } from "../../agent/install/compare/comparison.ts";
import { Download } from "../../agent/install/fetch/download.ts";
import { installTree } from "../../agent/install/extract/install_tree.ts";
import { safeFrames } from "../../agent/install/fetch/safe_frames.ts";
import { SwarmTerms } from "../../agent/steps/swarm_terms.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { type BenchImage, makeBenchImage } from "../../scripts/bench/install/bench_image.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { missingForDisks } from "./loop_disk.ts";
import { waitFor } from "../support/wait_for.ts";

const missing = missingForDisks(["mkfs.ext4", "mount"]);
if (missing) console.log(`skipped: power cuts: ${missing}`);
const HOST = "127.0.0.1";
/** A few frames are a large part of a small image. */
const SIZES = [
  { what: "an image of 1 GB", files: 260, most: 0.05 },
  { what: "an image of 140 MB", files: 35, most: 0.2 },
];
const { signal } = new AbortController();

/** `rate`: bytes per second that it sends. `holds`: the pieces that it has; by default all. */
interface Seed {
  readonly rate: number;
  readonly holds?: (piece: number) => boolean;
}

/** An image's seeds, and a machine with a disk in memory. */
class Machine implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #directory: string;
  readonly #image: BenchImage;
  readonly #order: Order;
  readonly metainfo: Metainfo;
  readonly root: string;

  /** `directory` holds the image and the disk. */
  private constructor(directory: string, { image, metainfo, seeds }: {
    image: BenchImage;
    metainfo: Metainfo;
    seeds: readonly Seed[];
  }) {
    this.#directory = directory;
    this.#image = image;
    this.metainfo = metainfo;
    this.root = `${directory}/root`;
    const paths = metainfo.info.files.map(({ name }) => `${image.served}/${name}`);
    const storage = this.#stack.use(FileStorage.openReadOnly(metainfo.map, paths));
    const { pieceCount } = metainfo.map;
    const peers = seeds.map(({ rate, holds }) => {
      const network = this.#stack.use(PeerListener.listen({ hostname: HOST, port: 0 }));
      const have = new Bitfield(pieceCount), uploadLimit = new RateLimit(rate);
      for (let piece = 0; piece < pieceCount; piece++) if (holds?.(piece) ?? true) have.add(piece);
      const seed = Swarm.start({
        metainfo,
        storage,
        have,
        network,
        trackers: [],
        deals: have.isFull,
        uploadLimit,
        signal,
        wanted: have,
      });
      this.#stack.defer(() => seed.close());
      return { hostname: HOST, port: network.port };
    });
    const swarm = { infoHash: toHex(metainfo.infoHash), announce: [], webSeeds: [] };
    const fallback = { peers };
    this.#order = {
      image: "test",
      version: 1,
      manifest: image.manifest,
      swarm,
      fallback,
    } as unknown as Order;
  }

  static async make(
    directory: string,
    { image, seeds }: { image: BenchImage; seeds: readonly Seed[] },
  ): Promise<Machine> {
    const disk = "rm -rf disk root; mkdir root; truncate -s 2G disk; mkfs.ext4 -q disk";
    await run(["sh", "-ec", `cd ${directory}; ${disk}`]);
    return new Machine(directory, {
      image,
      metainfo: parseMetainfo(await Deno.readFile(image.torrent)),
      seeds,
    });
  }

  /** Mounts the disk while `use` runs. */
  async on<T>(use: () => Promise<T>): Promise<T> {
    await run(["mount", "-o", "loop", `${this.#directory}/disk`, this.root]);
    try {
      return await use();
    } finally {
      await run(["umount", this.root]);
    }
  }

  /** EXT4_IOC_SHUTDOWN with NOLOGFLUSH: from now on nothing reaches the disk. */
  async losePower(): Promise<void> {
    const script =
      'open(my $d, "<", $ARGV[0]) or die; $a = pack("L", 2); ioctl($d, 0x8004587d, $a) or die "$!"';
    await run(["perl", "-e", script, this.root]);
  }

  download(manifestOnly: boolean): Promise<Download> {
    return Download.start(this.metainfo, {
      order: this.#order,
      packs: { temporary: this.#directory },
      manifestOnly,
      terms: new SwarmTerms(this.#order.swarm),
      signal,
    });
  }

  /** Runs the agent's steps "torrent" and "install". */
  async install(download: Download): Promise<void> {
    const key = Buffer.from(this.#image.keyHex, "hex");
    const manifest = await download.manifest(this.#order, { key, signal });
    const { existing, only } = await this.#resumption(download, manifest);
    const packs = manifest.header.packs.map(({ sha256 }) => download.packPath(sha256));
    await using safe = safeFrames(download, { manifest, only, sync: () => this.#sync() });
    const path = (pack: number) => packs[pack] ?? "";
    await installTree({ manifest, key, target: this.root, packs: { path }, existing, ...safe });
  }

  async #resumption(download: Download, manifest: Manifest) {
    const comparison = { why: "resumes" } as const, routes = { extentService: false, nodes: 1 };
    const onProgress = () => {};
    const { found, differences } = await compareTarget(this.root, {
      manifest,
      comparison,
      routes,
      onProgress,
      signal,
    });
    const only = differences.routes.map(({ frame }) => frame);
    await download.fetchOnly(only, manifest);
    return { existing: found, only };
  }

  /** Rejects if power is lost. */
  async #sync(): Promise<void> {
    await run(["sync", "--file-system", this.root], { accept: [0, 1] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Runs `use` with an image of this many files of 4 MB, and its directory. */
async function withImage(
  files: number,
  use: (directory: string, image: BenchImage) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir({ dir: "/dev/shm", prefix: "rackseed-node-" });
  const script = `for i in $(seq ${files}); do head -c 4000000 /dev/urandom > $i; done`;
  const makeTree = (tree: string) => run(["sh", "-ec", `cd ${tree}; ${script}`]);
  // another process's mount namespace keeps its copy of the disk's mount, and with it the file system that lost its power,
  // unless the mount is shared (mount_namespaces(7)); ip-netns(8) makes such copies
  await run(["mount", "--bind", directory, directory]);
  await run(["mount", "--make-shared", directory]);
  try {
    await use(
      directory,
      await makeBenchImage(directory, { makeTree, level: 1, announce: "udp://127.0.0.1:1" }),
    );
  } finally {
    await run(["umount", directory]);
    await Deno.remove(directory, { recursive: true });
  }
}

const rates = [["that the disk keeps up with", 60e6], ["faster than the disk", 2e9]] as const;

for (const { what, files, most } of SIZES) {
  Deno.test({
    name: `power is lost half way through ${what}: no more than ${
      most * 100
    } % of what was there comes again`,
    ignore: missing !== undefined,
    fn: (t) =>
      withImage(files, async (directory, image) => {
        for (const [link, rate] of rates) {
          await t.step(`over a link ${link}`, async () => {
            await using machine = await Machine.make(directory, { image, seeds: [{ rate }] });
            const had = await loseHalfWay(machine);
            const again = await finish(machine) - (machine.metainfo.map.totalLength - had);
            console.log(`${(again / had * 100).toFixed(1)} % of ${(had / 1e6).toFixed(0)} MB came again`);
            assert.ok(again <= had * most, `${again} of ${had} bytes were fetched again`);
            await machine.on(async () => {
              await Deno.remove(`${machine.root}/lost+found`);
              const made = await dumpTree(machine.root);
              assert.equal(
                describeDifference(withoutRoot(await dumpTree(image.tree)), withoutRoot(made)),
                undefined,
              );
            });
          });
        }
      }),
  });
}

Deno.test({
  name: "any number of incomplete frames does not hold up the pieces that complete them",
  ignore: missing !== undefined,
  fn: () =>
    withImage(35, async (directory, image) => {
      const seeds = [{ rate: 2e9, holds: isEven }, { rate: 20e6, holds: (piece: number) => !isEven(piece) }];
      await using machine = await Machine.make(directory, { image, seeds });
      await machine.on(async () => {
        await using download = await machine.download(false);
        let timer: ReturnType<typeof setTimeout> | undefined;
        const hangs = new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error("the installation hangs")), 90_000);
        });
        await Promise.race([machine.install(download), hangs]).finally(() => clearTimeout(timer));
      });
    }),
});

function isEven(piece: number): boolean {
  return piece % 2 === 0;
}

/** Cuts the power halfway; returns the bytes that the node had. */
async function loseHalfWay(machine: Machine): Promise<number> {
  const total = machine.metainfo.map.totalLength;
  return await machine.on(async () => {
    await using download = await machine.download(false);
    const installing = machine.install(download);
    installing.catch(() => {});
    await waitFor("half of the image", () => download.progress().bytesDone >= total / 2, { everyMs: 5 });
    const had = download.progress().bytesDone;
    await machine.losePower();
    assert.ok(had < total * 0.8, "power was lost in the middle");
    await assert.rejects(installing);
    return had;
  });
}

/** Finishes the installation; returns the bytes that it fetched. */
async function finish(machine: Machine): Promise<number> {
  return await machine.on(async () => {
    await using download = await machine.download(true);
    await machine.install(download);
    return download.downloadedBytes;
  });
}

/** Without the root directory, whose time changed when lost+found was deleted. */
function withoutRoot(dump: Awaited<ReturnType<typeof dumpTree>>): Awaited<ReturnType<typeof dumpTree>> {
  return { ...dump, lines: new Map([...dump.lines].filter(([path]) => path !== ".")) };
}
