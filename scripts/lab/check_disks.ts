/** Checks on disks that no machine is using: file-by-file comparison, and each file system's own check. */
import { createHash } from "node:crypto";
import { lastLines, run } from "./command.ts";
import { compareTrees, covers, describe, type Difference, type Exception } from "./compare_trees.ts";
import { expected } from "./expected_differences.ts";
import { LoopDisk, Mount } from "./loop_disk.ts";
import type { Check } from "./check.ts";
import { bootPartition, rootPartition } from "./template_disk.ts";
import type { Workplace } from "./workplace.ts";

/** Compares the clone's root file system with the template's, both mounted read-only from their disks. */
export async function compareWithTemplate(
  lab: Workplace,
  { clone, template, also = [] }: {
    readonly clone: string;
    readonly template: string;
    /** What may differ in addition to the list for a fresh clone. */
    readonly also?: readonly Exception[];
  },
): Promise<Check> {
  const allowed = [...expected, ...also];
  // One after the other: only one loop device may mount a file system for writing.
  const turn = Promise.withResolvers<void>();
  const before = comparison;
  comparison = turn.promise;
  await using stack = new AsyncDisposableStack();
  stack.defer(() => turn.resolve());
  await before;
  lab.signal.throwIfAborted();
  // The template was captured while it ran: its journal is replayed on the lab's own copy of the disk. The clone's
  // file system was unmounted by the agent and must be intact as it is.
  const left = stack.use(await mountRoot(template, { at: `${lab.folder}/left`, options: [] }));
  const right = stack.use(
    await mountRoot(clone, { at: `${lab.folder}/right`, options: ["-o", "ro,noload"] }),
  );
  const differences = await compareTrees(left.path, right.path, { signal: lab.signal });
  const unexpected = differences.filter((found) => !allowed.some((exception) => covers(exception, found)));
  await Deno.writeTextFile(
    `${lab.keep}/differences.log`,
    differences.map((found) => `${describe(found)}\n`).join(""),
    {
      append: true,
    },
  );
  return {
    what: "file by file equal to the template",
    passed: unexpected.length === 0,
    seen: unexpected.length === 0
      ? `no difference but the expected ones:\n${usedExceptions(differences, allowed).join("\n")}`
      : `${unexpected.length} differences:\n${unexpected.slice(0, 40).map(describe).join("\n")}`,
  };
}

/** The list of permitted differences that occurred, one line per reason. */
function usedExceptions(differences: readonly Difference[], allowed: readonly Exception[]): string[] {
  const used = allowed.filter((exception) => differences.some((found) => covers(exception, found)));
  const byReason = Map.groupBy(used, ({ reason }) => reason);
  return [...byReason].map(([reason, list]) => {
    const paths = list.map(({ path, aspects }) => aspects ? `${path} (${aspects.join(", ")})` : path);
    return `          ${reason}: ${paths.join(", ")}`;
  });
}

/** Comparisons run one after the other; this is the latest. */
let comparison = Promise.resolve();

/** e2fsck and fsck.vfat check without writing; both exit 0 only if nothing is wrong. */
export async function checkFileSystems(lab: Workplace, { disk }: { readonly disk: string }): Promise<Check> {
  await using loop = await LoopDisk.attach(disk, { readOnly: true });
  const checks = [["e2fsck", "-f", "-n", loop.partition(rootPartition)]];
  if (lab.firmware === "uefi") checks.push(["fsck.vfat", "-n", loop.partition(bootPartition)]);
  const results = await Promise.all(
    checks.map((argv) => run(argv, { accept: [1, 2, 4, 8, 12], signal: lab.signal })),
  );
  return {
    what: "file systems are clean after power-off",
    passed: results.every(({ code }) => code === 0),
    seen: results.map(({ stdout, stderr, code }) => code === 0 ? lastLines(stdout, 1) : stdout + stderr).join(
      "; ",
    ),
  };
}

async function mountRoot(
  image: string,
  { at, options }: { readonly at: string; readonly options: readonly string[] },
): Promise<AsyncDisposable & { readonly path: string }> {
  await using stack = new AsyncDisposableStack();
  const disk = stack.use(await LoopDisk.attach(image, { readOnly: options.length > 0 }));
  const mount = stack.use(await Mount.at(at, { source: disk.partition(rootPartition), options }));
  const owned = stack.move();
  return { path: mount.path, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}
