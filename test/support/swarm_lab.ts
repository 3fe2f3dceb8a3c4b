import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Bitfield } from "#torrent/wire/bitfield.ts";
import { createInfo } from "#torrent/metainfo/create_metainfo.ts";
import { FileStorage } from "#torrent/storage/file_storage.ts";
import { encodeMetainfo, type Metainfo, parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import type { Clock } from "#torrent/ports.ts";
import { Swarm, type SwarmOptions } from "#torrent/session/swarm.ts";
import { systemClock } from "#torrent/system_ports.ts";
import { handleWebSeed } from "../../server/swarm/web_seed.ts";
import { BadPeer, type Misdeed } from "./bad_peer.ts";

export const HOST = "127.0.0.1";

export type LabSwarm = Swarm & { readonly port: number };

/** A torrent of two files with random content, with engines and HTTP servers; disposing of it removes all. */
export class SwarmLab implements AsyncDisposable {
  readonly stack = new AsyncDisposableStack();
  readonly #closing = new AbortController();
  readonly directory: string;
  readonly metainfo: Metainfo;

  private constructor(directory: string, metainfo: Metainfo) {
    this.directory = directory;
    this.metainfo = metainfo;
    this.stack.defer(() => Deno.remove(directory, { recursive: true }));
  }

  /** Writes the torrent file to DIRECTORY/torrent and its content to DIRECTORY/seed. */
  static async make({ pieces, pieceLength = 64 * 1024 }: { pieces: number; pieceLength?: number }): Promise<
    SwarmLab
  > {
    const directory = await Deno.makeTempDir({ prefix: "rackseed-swarm-" });
    await Deno.mkdir(`${directory}/seed`);
    const files = ["manifest.rsm", "a.pack"].map((name) => ({ name, path: `${directory}/seed/${name}` }));
    await Deno.writeFile(files[0]!.path, randomBytes(100_000));
    await Deno.writeFile(files[1]!.path, randomBytes(pieces * pieceLength - 100_000));
    const info = await createInfo("web@1", { files, pieceLength });
    const torrent = encodeMetainfo(info, { announce: [], webSeeds: [] });
    await Deno.writeFile(`${directory}/torrent`, torrent);
    return new SwarmLab(directory, parseMetainfo(torrent));
  }

  get totalBytes(): number {
    return this.metainfo.map.totalLength;
  }

  storage(name: string): FileStorage {
    Deno.mkdirSync(`${this.directory}/${name}`, { recursive: true });
    return this.stack.use(FileStorage.open(this.metainfo.map, `${this.directory}/${name}`));
  }

  /** A node that stores its files in DIRECTORY/name. */
  node(name: string, options: Partial<SwarmOptions> = {}): LabSwarm {
    const network = this.stack.use(PeerListener.listen({ hostname: HOST, port: 0 }));
    const swarm = Swarm.start({
      metainfo: this.metainfo,
      storage: options.storage ?? this.storage(name),
      network,
      have: new Bitfield(this.metainfo.map.pieceCount),
      signal: this.#closing.signal,
      ...options,
    });
    this.stack.defer(() => swarm.close());
    return Object.assign(swarm, { port: network.port });
  }

  seed(options: Partial<SwarmOptions> = {}): LabSwarm {
    return this.node("seed", { have: Bitfield.full(this.metainfo.map.pieceCount), ...options });
  }

  badPeer(misdeed: Misdeed): BadPeer {
    return this.stack.use(new BadPeer(misdeed, this.metainfo));
  }

  /** The product's web seed, for requests that `answer` does not answer. */
  webSeed(
    answer: (request: Request) => Response | undefined | Promise<Response | undefined> = () => undefined,
  ): { readonly url: string; readonly paths: string[] } {
    const paths: string[] = [];
    const server = Deno.serve({ hostname: HOST, port: 0, onListen: () => {} }, async (request) => {
      paths.push(new URL(request.url).pathname);
      return await answer(request) ?? await handleWebSeed(request, {
        prefix: "/webseed/",
        lookup: ({ torrent, file }) => {
          const entry = this.metainfo.info.files.find(({ name }) => name === file);
          const path = `${this.directory}/seed/${file}`;
          return torrent === this.metainfo.info.name && entry ? { path, length: entry.length } : undefined;
        },
      });
    });
    this.stack.defer(() => server.shutdown());
    return { url: `http://${HOST}:${server.addr.port}/webseed/`, paths };
  }

  async assertSame(name: string): Promise<void> {
    for (const { name: file } of this.metainfo.info.files) {
      const [a, b] = await Promise.all(
        ["seed", name].map((folder) => Deno.readFile(`${this.directory}/${folder}/${file}`)),
      );
      assert.ok(a && b && Buffer.from(a).equals(b), `${file} of ${name}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.stack.disposeAsync();
  }
}

/** A clock that runs `factor` times as fast, so that a test does not wait as long as the engine does. */
export function hurriedClock(factor: number): Clock {
  return {
    now: () => systemClock.now() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}

export function address({ port }: { port: number }): { hostname: string; port: number } {
  return { hostname: HOST, port };
}
