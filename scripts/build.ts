/**
 * `deno task build`: builds dist/rackseed, a single file with server, agent, workers, boot programs and web assets.
 * If the sources have not changed since the last build, it ends at once. With --packages it also makes a .deb, an .rpm
 * and an OCI image of that file, and the Ansible collection.
 */
import { dirname } from "node:path";
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
const product = `${root}/dist/rackseed`;
const stamp = `${cache}/build.json`;
const desk = `${cache}/desk`;

/** Returns the absolute path of an up-to-date product, built if sources changed. Safe to call concurrently. */
export async function ensureProduct(
  { log = () => {} }: { log?: (line: string) => void } = {},
): Promise<string> {
  await Deno.mkdir(cache, { recursive: true });
  await Deno.mkdir(`${root}/dist`, { recursive: true });
  using _lock = await lockFolder(cache);
  const sources = await hashOfSources(root);
  if (await isFresh({ stamp, product, sources })) {
    log(`${product} is up to date`);
    return product;
  }
  await build(sources, log);
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

async function build(sources: string, log: (line: string) => void): Promise<void> {
  const started = performance.now();
  const programsFolder = `${cache}/boot-programs`;
  const programs = await fetchBootPrograms(programsFolder, { scratch: `${cache}/boot-packages` });
  for (const [name, sum] of programs) log(`boot program  ${sum}  ${name}`);

  const bundleFolder = `${cache}/bundle`;
  const workers = await bundleProduct(bundleFolder, { root });
  const included = `${bundleFolder}/boot-programs`;
  await Deno.mkdir(included);
  for (const name of programs.keys()) await Deno.copyFile(`${programsFolder}/${name}`, `${included}/${name}`);

  await makeDesk(sources);
  await Deno.mkdir(`${bundleFolder}/desk`);
  for (const name of ["desk.js", "desk.css"]) {
    await Deno.copyFile(`${desk}/${name}`, `${bundleFolder}/desk/${name}`);
  }

  const compiler = await findCompiler({ cache });
  log(`base runtime  ${compiler.origin}`);
  const staged = `${cache}/staged/rackseed`;
  await Deno.mkdir(`${cache}/staged`, { recursive: true });
  await compileBundle(bundleFolder, {
    include: [...workers, "boot-programs", "desk"],
    unstable: await unstableFeatures(),
    compiler,
    output: staged,
  });
  await run([staged, "--help"], { cwd: "/", env: { HOME: "/nonexistent" } });
  await Deno.rename(staged, product);

  const { size } = await Deno.stat(product);
  const sum = await sha256OfFile(product) ?? "";
  await writeStamp(stamp, { sources, product: sum });
  log(`product       ${sum}  dist/rackseed`);
  log(`${(size / 1e6).toFixed(1)} MB in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function unstableFeatures(): Promise<string[]> {
  const settings: { unstable?: string[] } = JSON.parse(await Deno.readTextFile(`${root}/deno.json`));
  return settings.unstable ?? [];
}

if (import.meta.main) {
  const product = await ensureProduct({ log: console.log });
  if (Deno.args.includes("--packages")) {
    const { buildPackages, sourceDateEpoch } = await import("./packages/packages.ts");
    const epoch = await sourceDateEpoch(root);
    const made = await buildPackages(product, { folder: dirname(product), root, epoch });
    for (const path of Object.values(made)) console.log(`package       ${await sha256OfFile(path)}  ${path}`);
  }
}
