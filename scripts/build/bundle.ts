import { run } from "./command.ts";

/**
 * Bundles the product into `folder`, all files side by side:
 *
 *     main.js, chunk-….js     main.ts, split at its dynamic imports so that they stay lazy
 *     NAME_worker.js          each worker, a bundle of its own
 *
 * Convention for workers: the file is named `NAME_worker.ts`, the name is unique in the project, and it is
 * started by the literal `new URL("./NAME_worker.ts", import.meta.url)`. From source that is the file itself. In
 * the bundle every module's `import.meta.url` lies in the one flat folder, and the literal is rewritten here to
 * `./NAME_worker.js`.
 *
 * @returns the workers' file names, to be passed to `deno compile`
 */
export async function bundleProduct(folder: string, { root }: { root: string }): Promise<string[]> {
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  const workers = await findWorkers(root);
  const bundle = [Deno.execPath(), "bundle", "--quiet", "--platform=deno"] as const;
  await run([...bundle, "--code-splitting", "--outdir", folder, "main.ts"], { cwd: root });
  await bundleWorkers([...workers.values()], { root, folder, bundle });
  for (const name of await fileNames(folder)) {
    const path = `${folder}/${name}`;
    await Deno.writeTextFile(path, rewriteWorkerUrls(await Deno.readTextFile(path), workers));
  }
  return [...workers.keys()].map((name) => `${name}.js`);
}

/** Bundles all workers in one run. esbuild repeats the source folders in its output folder; they are flattened here. */
async function bundleWorkers(
  sources: readonly string[],
  { root, folder, bundle }: { root: string; folder: string; bundle: readonly [string, ...string[]] },
): Promise<void> {
  if (sources.length === 0) return;
  const nested = `${folder}/workers`;
  await run([...bundle, "--outdir", nested, ...sources], { cwd: root });
  for await (const path of walk(nested)) {
    await Deno.rename(path, `${folder}/${path.slice(path.lastIndexOf("/") + 1)}`);
  }
  await Deno.remove(nested, { recursive: true });
}

/** Name without the suffix → path. */
async function findWorkers(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const folder of ["server", "agent", "boot"]) {
    for await (const path of walk(`${root}/${folder}`)) {
      const name = /\/([a-z0-9_]+_worker)\.ts$/.exec(path)?.[1];
      if (name === undefined) continue;
      const other = found.get(name);
      if (other !== undefined) throw new Error(`two workers are named ${name}: ${other} and ${path}`);
      found.set(name, path);
    }
  }
  return found;
}

/** Exported for its test. */
export function rewriteWorkerUrls(code: string, workers: ReadonlyMap<string, string>): string {
  const rewritten = code.replace(
    /new URL\("(?:[^"\n]*\/)?([A-Za-z0-9_-]+)\.ts", import\.meta\.url\)/g,
    (literal, name: string) => {
      if (!workers.has(name)) throw new Error(`${literal} names no worker: its file must be NAME_worker.ts`);
      return `new URL("./${name}.js", import.meta.url)`;
    },
  );
  const missed = /new Worker\(\s*(?!new URL\("\.\/[a-z0-9_]+_worker\.js", import\.meta\.url\))[^)]*\)/.exec(
    rewritten,
  );
  if (missed !== null) {
    throw new Error(`a worker is not started by the literal URL of its file: ${missed[0]}`);
  }
  return rewritten;
}

async function fileNames(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) if (entry.isFile) names.push(entry.name);
  return names;
}

/** Every file under `folder`; none if the folder does not exist. */
export async function* walk(folder: string): AsyncGenerator<string> {
  let entries: Deno.DirEntry[];
  try {
    entries = await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* walk(path);
    else if (entry.isFile) yield path;
  }
}
