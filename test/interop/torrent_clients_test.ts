/**
 * Stock BitTorrent clients against our engine, each in its own network namespace (transmission refuses peers on
 * loopback). They fetch a torrent with our tracker and seeder, and seed it to our engine while our seeder is away.
 * aria2 and webtorrent use the HTTP tracker, transmission the UDP one.
 */
import { randomBytes } from "node:crypto";
import { createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { encodeMetainfo } from "#torrent/metainfo/metainfo.ts";
import { LinkLab } from "../../scripts/bench/link_lab.ts";
import { Program } from "../../scripts/bench/program.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";

const MIB = 1024 * 1024;
const FILES = [["manifest.rsm", 100_000], ["a.pack", 40 * MIB], ["b.pack", 24 * MIB - 7]] as const;
const TRACKERS = { http: "http://10.213.0.1:6969/announce", udp: "udp://10.213.0.1:6969" };
/** transmission alone idles for some thirty seconds, because it acts on interest and announces every ten. */
const PATIENCE_MS = 150_000;
const [SERVER, CLIENT, NODE] = [0, 1, 2];

interface Client {
  readonly tracker: keyof typeof TRACKERS;
  readonly programs: string[];
  /** The command line that fetches the torrent into `folder`/web@1, or seeds it from there. */
  argv(options: { torrent: string; folder: string; scratch: string }): Promise<string[]>;
  /** The output line that shows that the client has everything. */
  hasAll(line: string): boolean;
}

const aria2: Client = {
  tracker: "http",
  programs: ["aria2c"],
  argv: async ({ torrent, folder, scratch }) => {
    const quiet = ["--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false"];
    const console = ["--summary-interval=0", "--show-console-readout=false", "--enable-color=false"];
    const seed = ["--seed-ratio=0.0", "--check-integrity=true", "--file-allocation=none"];
    const hook = `--on-bt-download-complete=${await makeHook(scratch)}`;
    return ["aria2c", ...quiet, ...console, ...seed, hook, `--dir=${folder}`, torrent];
  },
  hasAll: (line) => line === "COMPLETE" || line.includes("Verification finished successfully"),
};

const transmission: Client = {
  tracker: "udp",
  programs: ["transmission-cli"],
  argv: async ({ torrent, folder, scratch }) => {
    const settings = {
      "dht-enabled": false,
      "lpd-enabled": false,
      "utp-enabled": false,
      "pex-enabled": false,
    };
    await Deno.writeTextFile(`${scratch}/settings.json`, JSON.stringify(settings));
    return ["transmission-cli", "-M", "-et", "-U", "-D", "-v", "-g", scratch, "-w", folder, torrent];
  },
  hasAll: (line) => line.startsWith("Seeding"),
};

const webtorrent: Client = {
  tracker: "http",
  programs: [],
  argv: async ({ torrent, folder, scratch }) => {
    await linkStubs(scratch);
    const script = `${scratch}/webtorrent_peer.ts`;
    await Deno.copyFile(new URL("../support/webtorrent_peer.ts", import.meta.url), script);
    const config = ["--no-lock", `--config=${scratch}/deno.json`];
    // Its packages are cached here: its namespace cannot reach a registry.
    await run([Deno.execPath(), "install", ...config]);
    const flags = ["-A", "--no-check", "--cached-only", ...config];
    return [Deno.execPath(), "run", ...flags, script, torrent, folder];
  },
  hasAll: (line) => line === "COMPLETE",
};

/** A program for aria2 to run when a download turns into seeding, which it does not log. */
async function makeHook(scratch: string): Promise<string> {
  await Deno.writeTextFile(`${scratch}/hook`, "#!/bin/sh\necho COMPLETE\n", { mode: 0o755 });
  return `${scratch}/hook`;
}

/** Replaces native modules that webtorrent imports but does not use over plain TCP. */
async function linkStubs(scratch: string): Promise<void> {
  const stubs = [
    ["webrtc-polyfill", "1.2.99"],
    ["utp-native", "2.5.99"],
    ["bufferutil", "4.0.99"],
    ["utf-8-validate", "6.0.99"],
    ["fs-native-extensions", "1.99.0"],
  ] as const;
  for (const [name, version] of stubs) {
    await Deno.mkdir(`${scratch}/${name}`);
    const description = { name, version, main: "index.js", type: "module" };
    await Deno.writeTextFile(`${scratch}/${name}/package.json`, JSON.stringify(description));
    const names = ["RTCPeerConnection", "RTCSessionDescription", "RTCIceCandidate"];
    const exports = names.map((name) => `export const ${name} = undefined;`).join("\n");
    await Deno.writeTextFile(`${scratch}/${name}/index.js`, `${exports}\nexport default {};\n`);
  }
  const links = stubs.map(([name]) => `./${name}`);
  await Deno.writeTextFile(
    `${scratch}/deno.json`,
    JSON.stringify({ imports: { webtorrent: "npm:webtorrent@3.0.21" }, links, nodeModulesDir: "auto" }),
  );
}

/** The lab, a torrent of 64 MiB, and the programs started on it; disposing of it removes all. */
class Fixture implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #lab: LinkLab;
  readonly #directory: string;

  private constructor(stack: AsyncDisposableStack, { lab, directory }: { lab: LinkLab; directory: string }) {
    this.#stack = stack;
    this.#lab = lab;
    this.#directory = directory;
  }

  static async make(tracker: keyof typeof TRACKERS): Promise<Fixture> {
    await using stack = new AsyncDisposableStack();
    const directory = await Deno.makeTempDir();
    stack.defer(() => Deno.remove(directory, { recursive: true }));
    for (const name of ["seed/web@1", "client", "node", "scratch"]) {
      await Deno.mkdir(`${directory}/${name}`, { recursive: true });
    }
    const files = FILES.map(([name]) => ({ name, path: `${directory}/seed/web@1/${name}` }));
    for (const [i, { path }] of files.entries()) await Deno.writeFile(path, randomBytes(FILES[i]![1]));
    const info = await createInfo("web@1", { files });
    const metainfo = encodeMetainfo(info, { announce: [TRACKERS[tracker]], webSeeds: [] });
    await Deno.writeFile(`${directory}/web.torrent`, metainfo);
    const lab = stack.use(await LinkLab.make("torrent-interop", { count: 3 }));
    return new Fixture(stack.move(), { lab, directory });
  }

  /** Our server with its tracker and, if `seeds`, its seeder. */
  async server(seeds: boolean): Promise<void> {
    const torrent = `${this.#directory}/web.torrent`;
    const folder = seeds ? [`${this.#directory}/seed/web@1`] : [];
    const server = this.#ours(SERVER, [
      seeds ? "serve" : "track",
      torrent,
      ...folder,
      this.#lab.address(SERVER),
    ]);
    await server.line((line) => line === "READY");
  }

  /** Runs the client on the seed's files or an empty folder, until it has everything. */
  async client(client: Client, folder: "seed" | "client"): Promise<void> {
    const argv = await client.argv({
      torrent: `${this.#directory}/web.torrent`,
      folder: `${this.#directory}/${folder}`,
      scratch: `${this.#directory}/scratch`,
    });
    await this.#start(CLIENT, argv).line(client.hasAll, PATIENCE_MS);
  }

  /** Runs our engine until it has everything. */
  async node(): Promise<void> {
    const [torrent, folder] = [`${this.#directory}/web.torrent`, `${this.#directory}/node`];
    const node = this.#ours(NODE, ["leech", torrent, folder, this.#lab.address(NODE)]);
    await node.line((line) => line === "READY");
    await node.go();
    await node.line((line) => line.startsWith("DONE"), PATIENCE_MS);
  }

  /** transmission may say that it seeds before it has looked at its folder. It names a file when that is complete. */
  async untilNamed(): Promise<void> {
    const isThere = ([name]: typeof FILES[number]) =>
      Deno.lstat(`${this.#directory}/client/web@1/${name}`).then(() => true, () => false);
    await waitFor("the client's files", async () => (await Promise.all(FILES.map(isThere))).every(Boolean), {
      timeoutMs: PATIENCE_MS,
      everyMs: 500,
    });
  }

  async assertSame(folder: "client/web@1" | "node"): Promise<void> {
    for (const [name] of FILES) {
      await run(["cmp", `${this.#directory}/seed/web@1/${name}`, `${this.#directory}/${folder}/${name}`]);
    }
  }

  #ours(machine: number, args: string[]): Program {
    const script = new URL("../../scripts/bench/swarm_node.ts", import.meta.url).pathname;
    return this.#start(machine, [Deno.execPath(), "run", "-A", "--no-check", script, ...args]);
  }

  #start(machine: number, argv: string[]): Program {
    const program = new Program(this.#lab.on(machine, argv), new AbortController().signal);
    this.#stack.defer(() => program.stop());
    return program;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function run([program = "", ...args]: string[]): Promise<void> {
  const { success, stderr, stdout } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${program}: ${text.decode(stdout)}${text.decode(stderr)}`);
}

for (const [name, client] of Object.entries({ aria2, transmission, webtorrent })) {
  const needed = needs({ root: true, programs: client.programs });

  Deno.test({
    name: `${name} fetches a torrent from our seeder, with our ${client.tracker.toUpperCase()} tracker`,
    ...needed,
    fn: async () => {
      await using fixture = await Fixture.make(client.tracker);
      await fixture.server(true);
      await fixture.client(client, "client");
      await fixture.untilNamed();
      await fixture.assertSame("client/web@1");
    },
  });

  Deno.test({
    name: `${name} seeds a torrent to our engine, with our ${client.tracker.toUpperCase()} tracker`,
    ...needed,
    fn: async () => {
      await using fixture = await Fixture.make(client.tracker);
      await fixture.server(false);
      await fixture.client(client, "seed");
      await fixture.node();
      await fixture.assertSame("node");
    },
  });
}
