/**
 * The initramfs segment that all images of an architecture share: the product with its libraries and the server's CA. It
 * is made once per compression and cached in `boot/` of the data directory under the product's hash, so that a newer
 * product makes its own.
 */
import { createHash } from "node:crypto";
import { posix } from "node:path";
import {
  type Architecture,
  ARCHITECTURE_NAMES,
  architectureOfElf,
  ARCHITECTURES,
} from "#contract/architectures.ts";
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import type { Compression } from "../../boot/initramfs/segment.ts";
import { RackseedError } from "#contract/errors.ts";
import { CARRIED_CA, pinOf } from "#contract/token.ts";
import type { FileSource } from "../../boot/initramfs/file_source.ts";
import { readBootProgram, runtimeLibraries } from "../../boot/programs/programs.ts";
import { replaceFile } from "../store/durable.ts";
import { CODE_CACHE, codeCacheOf } from "./code_cache.ts";

interface SegmentKind {
  readonly architecture: Architecture;
  readonly compression: Compression;
}

const keyOf = ({ architecture, compression }: SegmentKind) => `${architecture}.${compression}`;

export class AgentSegments {
  readonly #folder: string;
  readonly #ca: string;
  readonly #signal: AbortSignal;
  /** Both by `keyOf`. */
  readonly #making = new Map<string, Promise<string>>();
  readonly #ready = new Map<string, string>();
  readonly #products = new Map<Architecture, string>();

  /** `ca`: the certificate of this server's authority, in PEM. */
  constructor(dataDirectory: string, { ca, signal }: { ca: string; signal: AbortSignal }) {
    this.#ca = ca;
    this.#folder = `${dataDirectory}/boot`;
    this.#signal = signal;
  }

  /** The segment's path; undefined until `ensure` has made it. */
  get(kind: SegmentKind): string | undefined {
    return this.#ready.get(keyOf(kind));
  }

  /** Makes the segment if it is missing. Throws RackseedError if there is no compiled product to make it of. */
  async ensure(kind: SegmentKind): Promise<void> {
    const key = keyOf(kind), making = this.#making.get(key) ?? this.#make(kind);
    this.#making.set(key, making);
    try {
      this.#ready.set(key, await making);
    } finally {
      this.#making.delete(key);
    }
  }

  /** SHA-256 of the product for an architecture, hexadecimal. Throws as `ensure` does. */
  async product(architecture: Architecture): Promise<string> {
    const known = this.#products.get(architecture);
    if (known !== undefined) return known;
    const found = await hashOfFile(await findProduct(architecture));
    this.#products.set(architecture, found);
    return found;
  }

  async #make(kind: SegmentKind): Promise<string> {
    const { architecture, compression } = kind;
    const ready = this.#ready.get(keyOf(kind));
    if (ready !== undefined) return ready;
    const product = await findProduct(architecture);
    await Deno.mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const of = { product: await this.product(architecture), pin: pinOf(this.#ca) };
    const name = agentSegmentName({ ...kind, ...of });
    await this.#dropOthers(name, architecture);
    const output = `${this.#folder}/${name}`;
    const hashFile = `${output}.sha256`;
    if (await isIntact(output, hashFile)) return output;
    const source = await sourceFor(architecture, { product });
    const more = [
      { path: CARRIED_CA, bytes: new TextEncoder().encode(this.#ca) },
      ...architecture === Deno.build.arch ? await this.#compiledCode(product, name) : [],
    ];
    await buildAgentSegment({ product, source, more, output, compression, signal: this.#signal });
    await replaceFile(hashFile, new TextEncoder().encode(await hashOfFile(output)));
    return output;
  }

  async #compiledCode(product: string, name: string): Promise<{ path: string; bytes: Uint8Array }[]> {
    const scratch = await Deno.makeTempDir({ dir: this.#folder, prefix: `${name}.start-` });
    try {
      const bytes = await codeCacheOf(product, { scratch, signal: this.#signal });
      return bytes === undefined ? [] : [{ path: CODE_CACHE, bytes }];
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }

  /** What was made of older products, and by earlier releases, which had one architecture. */
  async #dropOthers(name: string, architecture: Architecture): Promise<void> {
    const [current = ""] = name.split(".");
    for await (const { name: other } of Deno.readDir(this.#folder)) {
      const owner = ARCHITECTURE_NAMES.find((one) => other.startsWith(stemOf(one)));
      if (owner === undefined || owner === architecture && !other.startsWith(current)) {
        await Deno.remove(`${this.#folder}/${other}`, { recursive: true });
      }
    }
  }
}

const stemOf = (architecture: Architecture) => `agent-${architecture}-`;

/** The file of a segment: whose product and which authority is in it. */
export function agentSegmentName(
  { architecture, product, pin, compression }: SegmentKind & { product: string; pin: string },
): string {
  return `${stemOf(architecture)}${product.slice(0, 16)}-${pin.slice(0, 8)}.${compression}`;
}

/** The product with its libraries: this machine's own, or for another architecture those that this product brings. */
export async function sourceFor(
  architecture: Architecture,
  { product }: { product: string },
): Promise<FileSource> {
  const machine = await directorySource("/");
  if (architecture === Deno.build.arch) return machine;
  const brought = new Map(
    runtimeLibraries(architecture).map(({ name, packagePath }) => [posix.basename(packagePath), name]),
  );
  // /lib64 for the dynamic loader of x86-64
  const libraryAt = (path: string) => brought.get(/^\/lib(?:64)?\/([^/]+)$/.exec(path)?.[1] ?? "");
  return {
    async lookup(path) {
      // on this machine a link, to libraries of its own architecture
      if (path === "/lib" || path === "/lib64") return { type: "directory" };
      const name = libraryAt(path);
      if (name === undefined) {
        return `${product}/`.startsWith(`${path}/`) ? await machine.lookup(path) : undefined;
      }
      return { type: "file", mode: 0o755, sizeBytes: (await readBootProgram(name)).length };
    },
    read(path) {
      const name = libraryAt(path);
      return name === undefined ? machine.read(path) : readBootProgram(name);
    },
    list: () => Promise.resolve([]),
  };
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

/**
 * The compiled product: this process, or the output of `deno task build`; for another architecture the file beside it
 * that `deno task build --arch` makes.
 */
async function findProduct(architecture: Architecture): Promise<string> {
  const isOwn = architecture === Deno.build.arch, { label } = ARCHITECTURES[architecture];
  if (isOwn && Deno.build.standalone) return Deno.execPath();
  const folder = Deno.build.standalone
    ? posix.dirname(await Deno.realPath(Deno.execPath()))
    : new URL("../../dist", import.meta.url).pathname;
  const path = `${folder}/${isOwn ? "rackseed" : `rackseed-${label}`}`;
  const found = await architectureOfFile(path);
  if (found === architecture) return path;
  throw new RackseedError(`cannot make the agent's part of the boot initramfs for ${label} machines`, {
    reason: found === undefined
      ? `there is no program ${path}.`
      : `${path} is for ${ARCHITECTURES[found].label}.`,
    remedy: isOwn
      ? "run `deno task build`, start dist/rackseed as the server, and capture again."
      : `put Rackseed's program for ${label} there, of the same release (\`deno task build --arch ${label}\` makes ` +
        "dist/" + `rackseed-${label}), and capture again.`,
  });
}

/** Undefined if there is no such program. */
async function architectureOfFile(path: string): Promise<Architecture | undefined> {
  try {
    using file = await Deno.open(path);
    const head = new Uint8Array(64);
    await file.read(head);
    return architectureOfElf(head);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
