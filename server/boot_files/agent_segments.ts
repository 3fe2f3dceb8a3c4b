/**
 * The initramfs segment that all images share: this product with its libraries. It is made once per compression and
 * cached in `boot/` of the data directory under the product's hash, so that a newer product makes its own.
 */
import { createHash } from "node:crypto";
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import { CODE_CACHE, codeCacheOf } from "./code_cache.ts";
import type { Compression } from "../../boot/initramfs/segment.ts";
import { RackseedError } from "#contract/errors.ts";
import { CARRIED_CA, pinOf } from "#contract/token.ts";
import { replaceFile } from "../store/durable.ts";

export class AgentSegments {
  readonly #folder: string;
  readonly #ca: string;
  readonly #signal: AbortSignal;
  readonly #making = new Map<Compression, Promise<string>>();
  readonly #ready = new Map<Compression, string>();
  #product: string | undefined;

  /** `ca`: the certificate of this server's authority, in PEM. */
  constructor(dataDirectory: string, { ca, signal }: { ca: string; signal: AbortSignal }) {
    this.#ca = ca;
    this.#folder = `${dataDirectory}/boot`;
    this.#signal = signal;
  }

  /** The segment's path; undefined until `ensure` has made it. */
  get(compression: Compression): string | undefined {
    return this.#ready.get(compression);
  }

  /** Makes the segment if it is missing. Throws RackseedError if there is no compiled product to make it of. */
  async ensure(compression: Compression): Promise<void> {
    const making = this.#making.get(compression) ?? this.#make(compression);
    this.#making.set(compression, making);
    try {
      this.#ready.set(compression, await making);
    } finally {
      this.#making.delete(compression);
    }
  }

  /** SHA-256 of the product, hexadecimal. Throws as `ensure` does. */
  async product(): Promise<string> {
    return this.#product ??= await hashOfFile(await findProduct());
  }

  async #make(compression: Compression): Promise<string> {
    const ready = this.#ready.get(compression);
    if (ready !== undefined) return ready;
    const product = await findProduct();
    await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const name = agentSegmentName({ product: await this.product(), pin: pinOf(this.#ca), compression });
    await this.#dropOthers(name);
    const output = `${this.#folder}/${name}`;
    const hashFile = `${output}.sha256`;
    if (await isIntact(output, hashFile)) return output;
    const source = await directorySource("/"), more = await this.#moreFiles(product, name);
    await buildAgentSegment({ product, source, more, output, compression, signal: this.#signal });
    await replaceFile(hashFile, new TextEncoder().encode(await hashOfFile(output)));
    return output;
  }

  async #moreFiles(product: string, name: string): Promise<{ path: string; bytes: Uint8Array }[]> {
    const ca = { path: CARRIED_CA, bytes: new TextEncoder().encode(this.#ca) };
    const scratch = await Deno.makeTempDir({ dir: this.#folder, prefix: `${name}.start-` });
    try {
      const bytes = await codeCacheOf(product, { scratch, signal: this.#signal });
      return [ca, ...bytes === undefined ? [] : [{ path: CODE_CACHE, bytes }]];
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }

  /** What was made of older products. */
  async #dropOthers(name: string): Promise<void> {
    const [stem = ""] = name.split(".");
    for await (const other of Deno.readDir(this.#folder)) {
      if (other.name.startsWith(stem)) continue;
      await Deno.remove(`${this.#folder}/${other.name}`, { recursive: true });
    }
  }
}

/** The file of a segment, which begins with the hash of its product. */
export function agentSegmentName(
  { product, pin, compression }: { product: string; pin: string; compression: Compression },
): string {
  return `agent-${product.slice(0, 16)}-${pin.slice(0, 8)}.${compression}`;
}

/** Whether a cached segment is intact. Nodes boot it, whatever it is. */
export async function isIntact(segment: string, hashFile: string): Promise<boolean> {
  try {
    return await Deno.readTextFile(hashFile) === await hashOfFile(segment);
  } catch {
    return false;
  }
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const part of file.readable) hash.update(part);
  return hash.digest("hex");
}

/** The compiled product: this process, or the output of `deno task build`. */
async function findProduct(): Promise<string> {
  if (Deno.build.standalone) return Deno.execPath();
  const built = new URL("../../dist/rackseed", import.meta.url).pathname;
  if (await exists(built)) return built;
  throw new RackseedError("cannot make the agent's part of the boot initramfs", {
    reason: "this server runs from source, and dist/rackseed is not built.",
    remedy: "run `deno task build`, start dist/rackseed as the server, and capture again.",
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
