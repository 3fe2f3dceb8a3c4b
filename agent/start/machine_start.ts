/** The first steps of a machine in the initramfs: it reaches its server, and receives its order. */
import type { Inventory } from "#contract/api.ts";
import type { Console, ConsoleFacts } from "../sys/console.ts";
import type { Run } from "../sys/command.ts";
import { textOf } from "../sys/small_file.ts";
import { type BootArguments, parseBootArguments } from "./boot_arguments.ts";
import { describeDisk, gigabytes } from "#plan/choose_disk.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { readDisks } from "../layout/disks.ts";
import {
  type Enrolled,
  type EnrolledBackup,
  type EnrolledDiscovery,
  enrolMachine,
  isBackup,
  isDiscovery,
  verifyOrder,
} from "../steps/enrol.ts";
import { Drivers, mountFirmwareVariables } from "./initramfs.ts";
import { idleStorage } from "../steps/controllers.ts";
import { readFirmwareTrust } from "../hardware/firmware_trust.ts";
import type { Machine } from "../install/steps/machine.ts";
import { machineInventory } from "../steps/inventory.ts";
import { endProofs, proveMachine, readTpmKey } from "../tpm/prove.ts";
import { findMedium, type FoundMedium, mediumOf } from "./medium/find_medium.ts";
import { openMedium } from "./medium/open_medium.ts";
import { reachServer } from "./medium/reach_server.ts";
import type { CarriedVersion } from "#contract/format/medium.ts";
import { bringUpNetwork } from "./network.ts";
import { fetchOrder } from "./signed_start.ts";
import type { Reporter } from "../steps/reporter.ts";
import type { StepOutcome, StepProgress } from "../steps/step.ts";
import type { StepRunner } from "../steps/step_runner.ts";
import { SwarmTerms } from "../steps/swarm_terms.ts";

/** An enrolled machine and its order. */
interface StartedMachine {
  readonly boot: Pick<BootArguments, "mac" | "byKexec">;
  /** What started it, instead of the network. */
  readonly medium: FoundMedium | undefined;
  readonly firmware: "bios" | "uefi";
  readonly disks: readonly DiskFacts[];
  readonly inventory: Inventory;
  readonly firmwareTrust: Machine["firmwareTrust"];
  readonly job: Job;
}

type Job =
  | { readonly kind: "install"; readonly enrolled: Enrolled; readonly terms: SwarmTerms }
  | { readonly kind: "backup"; readonly enrolled: EnrolledBackup }
  | { readonly kind: "discover"; readonly enrolled: EnrolledDiscovery };

interface StartOptions {
  readonly steps: StepRunner;
  /** Closes what is still open at the end, even after a failure. */
  readonly stack: AsyncDisposableStack;
  readonly reporter: Reporter;
  readonly console: Pick<Console, "show" | "line" | "ask">;
  readonly run: Run;
  readonly signal: AbortSignal;
}

/** Throws RackseedError of the step that failed. */
export async function startMachine(options: StartOptions): Promise<StartedMachine> {
  const { steps } = options;
  const commandLine = await textOf("/proc/cmdline") ?? "", id = mediumOf(commandLine);
  const { start, settled, medium } = await steps.run(
    "network",
    ({ update }) =>
      id === undefined ? reachNetwork(update, options) : startByMedium(id, { ...options, update }),
  );
  const seen = lookAround(settled, options);
  // if enrolment fails, that is the failure to report
  seen.catch(() => {});
  const { job, boot } = await steps.run("enrol", () => enrolBy(start, { ...options, seen, medium }));
  const { summary, firmware, disks, inventory, firmwareTrust } = await seen;
  // if the inventory itself is the order, it takes longer
  if (job.kind !== "discover") await steps.run("inventory", () => ({ message: summary }));
  return { boot, medium, job, firmware, disks, inventory, firmwareTrust };
}

/** Where the order comes from: a server, or the medium. */
type Start = { readonly boot: BootArguments } | { readonly carried: CarriedVersion };

interface Reached {
  readonly start: Start;
  /** The disks, which are still being detected. */
  readonly settled: Promise<readonly DiskFacts[]>;
  readonly medium: FoundMedium | undefined;
}

async function enrolBy(
  start: Start,
  options: StartOptions & { seen: Promise<Seen>; medium: FoundMedium | undefined },
): Promise<StepOutcome & { job: Job; boot: StartedMachine["boot"] }> {
  if ("boot" in start) return { ...await enrolWith(start.boot, options), boot: start.boot };
  const { medium, seen, reporter, console } = options;
  if (medium === undefined) throw new RangeError("there is no medium that carries the version");
  const { choose } = await import("./medium/carried_install.ts");
  const { ordered, mac, message } = choose(start.carried, { medium, inventory: (await seen).inventory });
  const terms = new SwarmTerms(ordered.order.swarm);
  await reporter.connect(ordered.client, terms);
  const enrolled = { ...verifyOrder(ordered), medium: ordered.medium };
  const { node, image, version } = enrolled.order;
  console.show?.({ node, server: "this medium", image: `${image}@${version}`, orderText: "install" });
  return { job: { kind: "install", enrolled, terms }, boot: { mac, byKexec: true }, message };
}

/** The medium is found and opened; if it boots to a server, that is reached. */
async function startByMedium(
  id: string,
  { update, ...options }: StartOptions & Pick<StepProgress, "update">,
): Promise<StepOutcome & Reached> {
  const { run, console, stack, signal } = options;
  const { drivers, settled, variables } = await loadDrivers(update, { run, signal });
  const medium = await findMedium(id, { drivers, signal });
  stack.use(medium.mount);
  const contents = await openMedium(medium, { console, signal });
  const found = `started by the medium ${id} on ${medium.device}`;
  if (contents.kind === "packs") {
    const message = [found, `${drivers.count} devices`, variables].filter(Boolean).join("; ");
    return { start: { carried: contents }, settled, medium, message };
  }
  console.show?.({ server: new URL(contents.server).host });
  const { image } = medium.description;
  const { link, boot } = await reachServer(contents, { image, console, run, signal });
  const message = [found, link, `${drivers.count} devices`, variables].filter(Boolean).join("; ");
  return { start: { boot }, settled, medium, message };
}

async function loadDrivers(
  update: StepProgress["update"],
  { run, signal }: Pick<StartOptions, "run" | "signal">,
) {
  update({ message: "loading drivers" });
  const drivers = new Drivers({ run, signal });
  await Promise.all([drivers.load(), drivers.loadFileSystems()]);
  const variables = await mountFirmwareVariables();
  // disks appear meanwhile; a failure is reported by the step that needs them
  const settled = settledDisks(drivers, signal);
  settled.catch(() => {});
  return { drivers, settled, variables };
}

async function reachNetwork(
  update: StepProgress["update"],
  { run, console, signal }: StartOptions,
): Promise<StepOutcome & Reached> {
  const written = parseBootArguments(await textOf("/proc/cmdline") ?? "");
  if (written === undefined) throw new RangeError("the kernel's command line has no rackseed.server");
  const server = new URL(written.server).host;
  console.show?.({ server, machine: "token" in written ? written.mac : undefined });
  const loading = loadDrivers(update, { run, signal });
  // the NIC that the machine booted over is brought up as soon as it is there; to choose one, all must be
  const reached = "token" in written
    ? bringUpNetwork(written, { loaded: loading, run, signal }).then((link) => ({ boot: written, link }))
    : loading.then(() => fetchOrder(written, { update, run, signal }));
  const [{ drivers, settled, variables }, { boot, link }] = await Promise.all([loading, reached]);
  console.show?.({ server, machine: boot.mac });
  const how = boot.byKexec ? "started by its own system" : undefined;
  const message = [how, link, `${drivers.count} devices`, variables].filter(Boolean).join("; ");
  return { start: { boot }, settled, medium: undefined, message };
}

interface Seen extends Pick<StartedMachine, "firmware" | "disks" | "inventory" | "firmwareTrust"> {
  /** For people. */
  readonly summary: string;
}

async function lookAround(
  settled: Promise<readonly DiskFacts[]>,
  { run }: StartOptions,
): Promise<Seen> {
  const disks = await settled;
  const [found, tpmKey, firmwareTrust] = await Promise.all([
    machineInventory({ disks, run }),
    readTpmKey(),
    readFirmwareTrust(),
  ]);
  const inventory = {
    ...found,
    ...(tpmKey !== undefined && { tpmKey }),
    ...(firmwareTrust && { secureBoot: firmwareTrust.trust }),
  };
  return {
    inventory,
    firmwareTrust,
    firmware: inventory.firmware,
    disks: disks.map((disk, i) => {
      const { content = "", labels = [], signatures = [] } = inventory.disks[i] ?? {};
      return { ...disk, content, labels, signatures };
    }),
    summary: summaryOf(inventory, disks),
  };
}

export function summaryOf(inventory: Inventory, disks: readonly DiskFacts[]): string {
  return [
    inventory.model,
    `${inventory.cpus} processors`,
    `${gigabytes(inventory.memoryBytes)} memory`,
    inventory.firmware.toUpperCase(),
    ...disks.map(describeDisk),
    ...idleStorage(inventory.controllers ?? []),
  ].filter(Boolean).join(", ");
}

async function enrolWith(
  boot: BootArguments,
  { seen, stack, reporter, console, signal }: StartOptions & { seen: Promise<Seen> },
): Promise<StepOutcome & { job: Job }> {
  const inventory = seen.then((found) => found.inventory);
  inventory.catch(() => {});
  const ordered = await enrolMachine({
    ...boot,
    inventory,
    reports: () => reporter.takeWaiting(),
    prove: (client) => proveMachine(client, { ...boot, signal }),
    signal,
  });
  stack.use(ordered.client);
  // a TPM that fails must not keep a node from installing that needs no proof
  await endProofs().catch(() => {});
  console.show?.(factsOf(ordered, boot));
  if (isBackup(ordered)) {
    await reporter.connect(ordered.client);
    return { job: { kind: "backup", enrolled: ordered }, message: describeOrder(ordered) };
  }
  if (isDiscovery(ordered)) {
    await reporter.connect(ordered.client);
    const message = `the hardware of ${ordered.order.node} will be read, and nothing else`;
    return { job: { kind: "discover", enrolled: ordered }, message };
  }
  const terms = new SwarmTerms(ordered.order.swarm);
  // first, so that an order which is refused is reported
  await reporter.connect(ordered.client, terms);
  const enrolled = verifyOrder(ordered);
  return { job: { kind: "install", enrolled, terms }, message: describeOrder(enrolled) };
}

/** For the screen. */
function factsOf(
  { order }: Awaited<ReturnType<typeof enrolMachine>>,
  { server }: BootArguments,
): ConsoleFacts {
  const { host, origin } = new URL(server), { node } = order;
  const page = `${origin}/nodes/${encodeURIComponent(node)}`;
  if ("backup" in order) return { node, server: host, page, orderText: `back up as ${order.backup.image}` };
  if ("discover" in order) return { node, server: host, page, orderText: "read the hardware" };
  const { image, version, restore } = order;
  const orderText = restore?.dryRun ? "compare, write nothing" : restore ? "restore" : "install";
  return { node, server: host, page, image: `${image}@${version}`, orderText };
}

function describeOrder(enrolled: Enrolled | EnrolledBackup): string {
  if (isBackup(enrolled)) {
    const { node, backup } = enrolled.order;
    return `${node} will be backed up as ${backup.image}: its disks are only read`;
  }
  const { node, image, version } = enrolled.order;
  return `${node} will become ${image}@${version}`;
}

const SETTLING = { quietMs: 1_000, mostMs: 20_000 };

/** Devices, disks among them, appear one by one: waits until there are disks and no more come, or time is up. */
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
