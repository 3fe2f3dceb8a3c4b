/** Checks on disks that no machine is using: file-by-file comparison, and each file system's own check. */
import { createHash } from "node:crypto";
import { lastLines, run } from "./command.ts";
import { compareEntries, covers, describe, type Difference, type Exception } from "./compare_trees.ts";
import { expected } from "./expected_differences.ts";
import { LoopDisk } from "./loop_disk.ts";
import { checkLayout, onDisks } from "./on_disks.ts";
import type { TaskResult } from "./disk_tasks.ts";
import type { VmDisk } from "./qemu.ts";
import type { Check } from "./check.ts";
import { bootPartition, rootPartition } from "./template_disk.ts";
import type { Workplace } from "./workplace.ts";

/** The template as it was read the first time. */
const templates = new WeakMap<readonly VmDisk[], Promise<TaskResult<"read">>>();

/** Compares the clone's file systems with the template's, both read from their disks. */
export async function compareWithTemplate(
  lab: Workplace,
  { clone, template, also = [] }: {
    readonly clone: readonly VmDisk[];
    readonly template: readonly VmDisk[];
    /** What may differ in addition to the list for a fresh clone. */
    readonly also?: readonly Exception[];
  },
): Promise<Check> {
  const allowed = [...expected, ...lab.layout?.mayDiffer ?? [], ...also];
  // The template was captured while it ran: its journal is replayed on the lab's own copy of the disk. The clone's
  // file systems were unmounted by the agent and must be intact as they are.
  const read = templates.get(template) ?? onDisks(lab, "read", { disks: template, access: "replay" });
  templates.set(template, read);
  const left = await read;
  const right = await onDisks(lab, "read", { disks: clone, access: "intact" });
  const differences = compareEntries(new Map(left.entries), new Map(right.entries));
  const unexpected = differences.filter((found) => !allowed.some((exception) => covers(exception, found)));
  await Deno.writeTextFile(
    `${lab.keep}/differences.log`,
    differences.map((found) => `${describe(found)}\n`).join(""),
    { append: true },
  );
  if (left.alike !== right.alike) {
    const seen = `the template:\n${left.alike}\nthe clone:\n${right.alike}`;
    return { what: "subvolumes, flags and properties as the template's", passed: false, seen };
  }
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

/** e2fsck and fsck.vfat check without writing; both exit 0 only if nothing is wrong. */
export async function checkFileSystems(lab: Workplace, disks: readonly VmDisk[]): Promise<Check> {
  const what = "file systems are clean after power-off";
  const { layout } = lab;
  if (layout) {
    const { code, output } = await checkLayout({ ...lab, layout }, { disks });
    return { what, passed: code === 0, seen: code === 0 ? "nothing to repair" : output };
  }
  await using loop = await LoopDisk.attach(disks[0]?.path ?? "", { readOnly: true });
  const checks = [["e2fsck", "-f", "-n", loop.partition(rootPartition)]];
  if (lab.firmware === "uefi") checks.push(["fsck.vfat", "-n", loop.partition(bootPartition)]);
  const results = await Promise.all(
    checks.map((argv) => run(argv, { accept: [1, 2, 4, 8, 12], signal: lab.signal })),
  );
  return {
    what,
    passed: results.every(({ code }) => code === 0),
    seen: results.map(({ stdout, stderr, code }) => code === 0 ? lastLines(stdout, 1) : stdout + stderr).join(
      "; ",
    ),
  };
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}
