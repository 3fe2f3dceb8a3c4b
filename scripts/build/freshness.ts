import { createHash } from "node:crypto";
import { walk } from "./bundle.ts";
import { sha256OfFile } from "./sha256.ts";

/** The input and output of the last build. */
interface Stamp {
  readonly sources: string;
  /** SHA-256 of the product. */
  readonly product: string;
}

/** One hash over everything the product is made from: sources without tests, settings, lock file, the build itself. */
export async function hashOfSources(root: string): Promise<string> {
  const paths = [`${root}/main.ts`, `${root}/deno.json`, `${root}/deno.lock`, `${root}/scripts/build.ts`];
  for (const folder of ["server", "agent", "boot", "scripts/build"]) {
    for await (const path of walk(`${root}/${folder}`)) if (!/_test\.tsx?$/.test(path)) paths.push(path);
  }
  const hash = createHash("sha256");
  for (const path of paths.sort()) hash.update(`${path.slice(root.length)} ${await sha256OfFile(path)}\n`);
  hash.update(`${Deno.version.deno} ${Deno.build.target} ${Deno.env.get("DENORT_BIN") ?? ""}`);
  return hash.digest("hex");
}

export async function isFresh(
  { stamp, product, sources }: { stamp: string; product: string; sources: string },
): Promise<boolean> {
  const text = await Deno.readTextFile(stamp).catch(() => undefined);
  if (text === undefined) return false;
  const last: Stamp = JSON.parse(text);
  return last.sources === sources && last.product === await sha256OfFile(product);
}

export async function writeStamp(path: string, stamp: Stamp): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, `${JSON.stringify(stamp)}\n`);
  await Deno.rename(`${path}.new`, path);
}

/** Locks the folder; waits until no other process is building. */
export async function lockFolder(folder: string): Promise<Disposable> {
  const file = await Deno.open(`${folder}/build.lock`, { write: true, create: true });
  await file.lock(true);
  return { [Symbol.dispose]: () => file.close() };
}
