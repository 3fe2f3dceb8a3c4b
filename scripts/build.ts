/**
 * `deno task build`: builds dist/rackseed, a single file with server, agent, workers, boot programs and web assets.
 * If the sources have not changed since the last build, it ends at once. With --arch arm64 it builds dist/rackseed-arm64
 * instead. With --packages it also makes a .deb, an .rpm and an OCI image of that file, and the Ansible collection.
 */
import { dirname } from "node:path";
import {
  type Architecture,
  architectureOf,
  architectureOfElf,
  ARCHITECTURES,
} from "#contract/architectures.ts";
import { includedPrograms } from "../boot/programs/programs.ts";
import { findCompiler } from "./build/base_runtime.ts";
import { fetchBootPrograms } from "./build/boot_programs.ts";
import { bundleProduct } from "./build/bundle.ts";
import { run } from "./build/command.ts";
import { compileBundle } from "./build/compile.ts";
import { bundleDesk } from "./build/desk.ts";
import { hashOfSources, isFresh, lockFolder, writeStamp } from "./build/freshness.ts";
import { sha256OfFile } from "./build/sha256.ts";

const root = dirname(import.meta.dirname ?? ".");
const cache = `${root}/.cache`;
const desk = `${cache}/desk`;

/** The product of this machine's own architecture is `rackseed`; a server finds the others beside it. */
function pathsOf(architecture: Architecture): { product: string; stamp: string } {
  const suffix = architecture === Deno.build.arch ? "" : `-${ARCHITECTURES[architecture].label}`;
  return { product: `${root}/dist/rackseed${suffix}`, stamp: `${cache}/build${suffix}.json` };
}

/** Returns the absolute path of an up-to-date product, built if sources changed. Safe to call concurrently. */
export async function ensureProduct(
  { log = () => {}, architecture = Deno.build.arch }: {
    log?: (line: string) => void;
    architecture?: Architecture;
  } = {},
): Promise<string> {
  const { product, stamp } = pathsOf(architecture);
  await Deno.mkdir(cache, { recursive: true });
  await Deno.mkdir(`${root}/dist`, { recursive: true });
  using _lock = await lockFolder(cache);
  const sources = await hashOfSources(root);
  if (await isFresh({ stamp, product, sources })) {
    log(`${product} is up to date`);
    return product;
  }
  const sum = await build(product, { architecture, sources, log });
  await writeStamp(stamp, { sources, product: sum });
  return product;
}

/** Bundles the desk for a server that runs from source, if sources changed. Safe to call concurrently. */
export async function ensureDesk(): Promise<void> {
  await Deno.mkdir(desk, { recursive: true });
  using _lock = await lockFolder(cache);
  const sources = await hashOfSources(root);
  const made = await Deno.readTextFile(`${desk}/sources`).catch(() => "");
  if (made !== sources) await makeDesk(sources);
}

async function makeDesk(sources: string): Promise<void> {
  await bundleDesk(desk, { root });
  await Deno.writeTextFile(`${desk}/sources`, sources);
}

/** Returns the product's SHA-256. */
async function build(
  product: string,
  { architecture, sources, log }: {
    architecture: Architecture;
    sources: string;
    log: (line: string) => void;
  },
): Promise<string> {
  const started = performance.now();
  const programsFolder = `${cache}/boot-programs`;
  const programs = await fetchBootPrograms(programsFolder, { scratch: `${cache}/boot-packages` });
  for (const [name, sum] of programs) log(`boot program  ${sum}  ${name}`);

  const bundleFolder = `${cache}/bundle`;
  const workers = await bundleProduct(bundleFolder, { root });
  const included = `${bundleFolder}/boot-programs`;
  await Deno.mkdir(included);
  for (const { name } of includedPrograms(architecture)) {
    await Deno.copyFile(`${programsFolder}/${name}`, `${included}/${name}`);
  }

  await makeDesk(sources);
  await Deno.mkdir(`${bundleFolder}/desk`);
  for (const name of ["desk.js", "desk.css"]) {
    await Deno.copyFile(`${desk}/${name}`, `${bundleFolder}/desk/${name}`);
  }

  const compiler = await findCompiler({ cache, architecture });
  log(`base runtime  ${compiler.origin}`);
  const staged = `${cache}/staged/rackseed`;
  await Deno.mkdir(`${cache}/staged`, { recursive: true });
  await compileBundle(bundleFolder, {
    include: [...workers, "boot-programs", "desk"],
    unstable: await unstableFeatures(),
    compiler,
    output: staged,
  });
  await checkProgram(staged, architecture);
  await Deno.rename(staged, product);

  const { size } = await Deno.stat(product);
  const sum = await sha256OfFile(product) ?? "";
  log(`product       ${sum}  ${product.slice(root.length + 1)}`);
  log(`${(size / 1e6).toFixed(1)} MB in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return sum;
}

/** A program of another architecture cannot be started here: it is checked to be one. */
async function checkProgram(path: string, architecture: Architecture): Promise<void> {
  if (architecture === Deno.build.arch) {
    await run([path, "--help"], { cwd: "/", env: { HOME: "/nonexistent" } });
    return;
  }
  using file = await Deno.open(path);
  const head = new Uint8Array(64);
  await file.read(head);
  if (architectureOfElf(head) === architecture) return;
  throw new Error(
    `the base runtime is not for ${
      ARCHITECTURES[architecture].label
    }. Remedy: set DENORT_BIN to a denort of it.`,
  );
}

/** `--arch arm64`. */
function architectureAsked(args: readonly string[]): Architecture {
  const at = args.indexOf("--arch");
  if (at === -1) return Deno.build.arch;
  const found = architectureOf(args[at + 1] ?? "");
  if (found !== undefined) return found;
  const labels = Object.values(ARCHITECTURES).map(({ label }) => label);
  throw new Error(`--arch takes ${labels.join(" or ")}, not ${args[at + 1] ?? "nothing"}`);
}

async function unstableFeatures(): Promise<string[]> {
  const settings: { unstable?: string[] } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  return settings.unstable ?? [];
}

if (import.meta.main) {
  const product = await ensureProduct({ log: console.log, architecture: architectureAsked(Deno.args) });
  if (Deno.args.includes("--packages")) {
    if (Deno.args.includes("--arch")) {
      throw new Error("--packages makes packages of this machine's own product");
    }
    const { buildPackages, sourceDateEpoch } = await import("./packages/packages.ts");
    const epoch = await sourceDateEpoch(root);
    const made = await buildPackages(product, { folder: dirname(product), root, epoch });
    for (const path of Object.values(made)) console.log(`package       ${await sha256OfFile(path)}  ${path}`);
  }
}
