/** A disk that cannot be restored is overwritten, as the plan of a restore says. */
import assert from "node:assert/strict";
import { ImageFetch } from "../../agent/install/fetch/image_fetch.ts";
import { mendOrOverwrite } from "../../agent/install/steps/existing_disk.ts";
import type { Machine } from "../../agent/install/steps/machine.ts";
import type { Plan } from "#plan/actions.ts";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { LogTail } from "../../agent/steps/log_tail.ts";
import { Reporter } from "../../agent/steps/reporter.ts";
import { StepRunner } from "../../agent/steps/step_runner.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { TerminalConsole } from "../../agent/sys/console.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, GPT, planFor, template } from "./template_disk.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "blkid", "e2fsck", "mkswap"]);
const order = {
  node: "n1",
  image: "web",
  version: 3,
  manifest: { id: "a".repeat(64), signature: "", publicKey: "", header: "" },
};

/** The steps "partition" and "format" of a restore. `leaves`: a file to make there afterwards. */
async function prepare(plan: Plan, { keep = [], leaves }: { keep?: string[]; leaves?: string } = {}) {
  await using stack = new AsyncDisposableStack();
  const clonePath = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(clonePath));
  let shown = "";
  const write = (text: string) => void (shown += text);
  const console = new TerminalConsole([{ path: "/dev/none", read: () => Promise.resolve(null), write }]);
  const reporter = new Reporter(), log = new LogTail(), { signal } = new AbortController();
  const steps = new StepRunner({ reporter, console, log, signal });
  const options = { steps, stack, clonePath, reporter, log, console, run, signal };
  const machine = { ...options, enrolled: { order } } as unknown as Machine;
  const target = await TargetDisks.prove(plan, { allowLoop: true });
  const request = {
    order: { ...order, restore: { keep, dryRun: false, nodes: 1 } },
    plan,
    layout: undefined,
    run,
    signal,
  };
  const { existing } = await mendOrOverwrite(machine, {
    plan,
    target,
    request,
    fetch: new ImageFetch(machine),
  });
  const files = [...Deno.readDirSync(clonePath)].map(({ name }) => name).sort();
  if (leaves !== undefined) await Deno.writeTextFile(`${clonePath}/${leaves}`, "");
  return { shown, isRestored: existing !== undefined, files };
}

const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

test("a blank disk in place of the node's own is partitioned, formatted and mounted", async () => {
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const { shown, isRestored, files } = await prepare(await planFor(await template(GPT), disk));
  assert.equal(isRestored, false);
  assert.deepEqual(files, [".rackseed-install", "lost+found"]);
  assert.match(shown, /partition: cannot be restored, so it is overwritten: [^\n]*root file system/);
  assert.match(shown, /format: done/);
});

test("a blank disk is refused, with nothing written, if the order keeps something", async () => {
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(await template(GPT), disk);
  await assert.rejects(prepare(plan, { keep: ["/srv"] }), /would lose what must be kept \(\/srv\)/);
  assert.equal((await run(["blkid", "-p", disk.device], { accept: [2] })).stdout, "");
});

test("the node's own disk is restored, and what is on it stays", async () => {
  await using disk = await LoopDisk.make({ sizeBytes: 2 * GIB });
  const plan = await planFor(await template(GPT), disk);
  await carryOut(plan);
  const first = await prepare(plan, { leaves: "mine" });
  assert.equal(first.isRestored, true);
  assert.match(first.shown, /partition: the disk's layout is the planned one/);
  assert.match(first.shown, /format: all file systems are sound/);
  const { isRestored, files } = await prepare(plan);
  assert.equal(isRestored, true);
  assert(files.includes("mine") && !first.files.includes("mine"));
});
