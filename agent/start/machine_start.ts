/** The first steps of a machine in the initramfs: it reaches its server, which tells it what is to become of it. */
import type { Inventory } from "#contract/api.ts";
import type { Run } from "../sys/command.ts";
import { textOf } from "../sys/small_file.ts";
import { type BootArguments, parseBootArguments } from "./boot_arguments.ts";
import { describeDisk, gigabytes } from "../install/disk/choose_disk.ts";
import { type DiskFacts, readDisks } from "../layout/disks.ts";
import { believed, type Enrolled, type EnrolledBackup, enrolMachine, isBackup } from "../steps/enrol.ts";
import { Drivers, mountFirmwareVariables } from "./initramfs.ts";
import { machineInventory } from "../steps/inventory.ts";
import { bringUpNetwork } from "./network.ts";
import type { Reporter } from "../steps/reporter.ts";
import type { StepOutcome, StepProgress } from "../steps/step.ts";
import type { StepRunner } from "../steps/step_runner.ts";
import { SwarmTerms } from "../steps/swarm_terms.ts";

/** A machine that its server knows, and what the server wants of it. */
interface StartedMachine {
  readonly boot: BootArguments;
  readonly firmware: "bios" | "uefi";
  readonly disks: readonly DiskFacts[];
  readonly job: Job;
}

type Job =
  | { readonly kind: "install"; readonly enrolled: Enrolled; readonly terms: SwarmTerms }
  | { readonly kind: "backup"; readonly enrolled: EnrolledBackup };

interface StartOptions {
  readonly steps: StepRunner;
  /** What must be closed at the end, however it ends. */
  readonly stack: AsyncDisposableStack;
  readonly reporter: Reporter;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** Throws RackseedError of the step that failed. */
export async function startMachine(options: StartOptions): Promise<StartedMachine> {
  const { steps } = options;
  const { boot, settled } = await steps.run("network", ({ update }) => reachNetwork(update, options));
  const seen = lookAround(settled, options);
  // if the server is not reached, that is the failure to report
  seen.catch(() => {});
  const { job } = await steps.run("enrol", () => enrolWith(boot, { ...options, seen }));
  const { summary, firmware, disks } = await seen;
  await steps.run("inventory", () => ({ message: summary }));
  return { boot, job, firmware, disks };
}

/** `settled`: the disks, for which the kernel still looks when this returns. */
async function reachNetwork(
  update: StepProgress["update"],
  { run, signal }: StartOptions,
): Promise<StepOutcome & { boot: BootArguments; settled: Promise<readonly DiskFacts[]> }> {
  const boot = parseBootArguments(await textOf("/proc/cmdline") ?? "");
  if (boot === undefined) throw new RangeError("the kernel's command line has no rackseed.server");
  update({ message: "loading drivers" });
  const drivers = new Drivers({ run, signal });
  await Promise.all([drivers.load(), drivers.loadFileSystems()]);
  const variables = await mountFirmwareVariables();
  // disks come to light meanwhile; a failure is reported where they are needed
  const settled = settledDisks(drivers, signal);
  settled.catch(() => {});
  const link = await bringUpNetwork(boot, { run, signal });
  const message = [link, `${drivers.count} devices`, variables].filter(Boolean).join("; ");
  return { boot, settled, message };
}

interface Seen extends Pick<StartedMachine, "firmware" | "disks"> {
  readonly inventory: Inventory;
  /** For people. */
  readonly summary: string;
}

async function lookAround(
  settled: Promise<readonly DiskFacts[]>,
  { run }: StartOptions,
): Promise<Seen> {
  const disks = await settled;
  const inventory = await machineInventory({ disks, run });
  return {
    inventory,
    firmware: inventory.firmware,
    disks: disks.map((disk, i) => ({ ...disk, content: inventory.disks[i]?.content ?? "" })),
    summary: [
      inventory.model,
      `${inventory.cpus} processors`,
      `${gigabytes(inventory.memoryBytes)} memory`,
      inventory.firmware.toUpperCase(),
      ...disks.map(describeDisk),
    ].filter(Boolean).join(", "),
  };
}

async function enrolWith(
  boot: BootArguments,
  { seen, stack, reporter, signal }: StartOptions & { seen: Promise<Seen> },
): Promise<StepOutcome & { job: Job }> {
  const inventory = seen.then((found) => found.inventory);
  inventory.catch(() => {});
  const ordered = await enrolMachine({ ...boot, inventory, signal });
  stack.use(ordered.client);
  if (isBackup(ordered)) {
    await reporter.connect(ordered.client);
    return { job: { kind: "backup", enrolled: ordered }, message: describeOrder(ordered) };
  }
  const terms = new SwarmTerms(ordered.order.swarm);
  // first, so that an order which is refused is reported
  await reporter.connect(ordered.client, terms);
  const enrolled = believed(ordered);
  return { job: { kind: "install", enrolled, terms }, message: describeOrder(enrolled) };
}

function describeOrder(enrolled: Enrolled | EnrolledBackup): string {
  if (isBackup(enrolled)) {
    const { node, backup } = enrolled.order;
    return `${node} is to be backed up as ${backup.image}: its disks are only read`;
  }
  const { node, image, version } = enrolled.order;
  return `${node} is to become ${image}@${version}`;
}

const SETTLING = { quietMs: 1_000, mostMs: 20_000 };

/**
 * Devices and with them disks come to light one after the other: waits until there are some disks and nothing more
 * comes, or there are none.
 */
async function settledDisks(drivers: Drivers, signal: AbortSignal): Promise<readonly DiskFacts[]> {
  const deadline = performance.now() + SETTLING.mostMs;
  let before = "", quietSince = performance.now();
  for (;;) {
    const isNew = await drivers.load();
    const disks = await readDisks();
    const names = disks.map((d) => d.name).join(), now = performance.now();
    if (isNew || names !== before || names === "") quietSince = now;
    if (now - quietSince >= SETTLING.quietMs || now > deadline) return disks;
    before = names;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
