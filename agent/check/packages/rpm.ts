/**
 * rpm's database has a format of its own in every release, so rpm(8) itself is asked. As nobody, who may read it: root
 * would make locks and logs beside it.
 */
import type { Run } from "../../sys/command.ts";
import type { Owners, OwnersOptions } from "./listed_names.ts";

const DATABASES = ["/var/lib/rpm", "/usr/lib/sysimage/rpm"];
/** Paths that are asked for at once, and at most: each takes a moment of rpm's. */
const AT_ONCE = 50, MOST = 500;
const TIMEOUT_MS = 60_000;
/** A path that exists and that no package owns: its line separates the answers. */
const MARK = "/proc/self";
const LINE_OF_MARK = `file ${MARK} is not owned by any package`;
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] as const;

export async function rpmOwners(
  paths: readonly string[],
  { tree, run, rest, charge }: OwnersOptions,
): Promise<Owners> {
  const owners: Owners = new Map();
  // another root's database is not this program's
  if (await Deno.realPath(tree.root) !== "/" || !await hasDatabase(tree)) return owners;
  const asked = paths.slice(0, MOST);
  for (let from = 0; from < asked.length; from += AT_ONCE) {
    const began = performance.now();
    const some = asked.slice(from, from + AT_ONCE);
    for (const [path, name] of await askRpm(some, { run, as: Deno.uid() === 0 ? NOBODY : [] })) {
      owners.set(path, name);
    }
    charge(performance.now() - began);
    await rest();
  }
  return owners;
}

async function hasDatabase(tree: OwnersOptions["tree"]): Promise<boolean> {
  for (const path of DATABASES) if ((await tree.list(path)).length > 0) return true;
  return false;
}

/** `as`: a program that runs it as another user; `options`: further ones of rpm. */
export async function askRpm(
  paths: readonly string[],
  { run, as, options = [] }: { run: Run; as: readonly string[]; options?: readonly string[] },
): Promise<Owners> {
  const argv = [
    ...as,
    "rpm",
    ...options,
    "-qf",
    "--qf",
    "%{NAME}\n",
    ...paths.flatMap((path) => [path, MARK]),
  ];
  // a path without a package makes its exit code another one
  const accept = Array.from({ length: 256 }, (_, code) => code);
  const { stdout } = await run(["nice", "-n", "19", ...argv], { timeoutMs: TIMEOUT_MS, accept });
  return parseRpmOwners(stdout, paths);
}

/** Pure. Several packages may share a path; the first is taken. */
export function parseRpmOwners(stdout: string, paths: readonly string[]): Owners {
  const owners: Owners = new Map();
  let number = 0;
  for (const line of stdout.split("\n")) {
    const path = paths[number];
    if (line === LINE_OF_MARK) number++;
    else if (path !== undefined && !owners.has(path) && /^[\w.+-]+$/.test(line)) owners.set(path, line);
  }
  return owners;
}
