/** The first steps of a machine in the initramfs: it reaches its server, which tells it what is to become of it. */
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
import type { StepDefinition } from "../steps/run_steps.ts";
import { SwarmTerms } from "../steps/swarm_terms.ts";

/** What the steps find out; all of it is there once they are done. */
export interface Started {
  boot: BootArguments;
  enrolled: Enrolled | EnrolledBackup;
  /** Of an installation. */
  terms: SwarmTerms | undefined;
  firmware: "bios" | "uefi";
  disks: readonly DiskFacts[];
  /** In words. */
  inventory: string;
}

export function startSteps(
  known: Partial<Started>,
  { stack, reporter, run, signal }: {
    stack: AsyncDisposableStack;
    reporter: Reporter;
    run: Run;
    signal: AbortSignal;
  },
): readonly StepDefinition[] {
  let settled: Promise<readonly DiskFacts[]> | undefined;
  return [
    {
      step: "network",
      run: async ({ update }) => {
        const boot = parseBootArguments(await textOf("/proc/cmdline") ?? "");
        if (boot === undefined) throw new RangeError("the kernel's command line has no rackseed.server");
        known.boot = boot;
        update({ message: "loading drivers" });
        const drivers = new Drivers({ run, signal });
        await Promise.all([drivers.load(), drivers.loadFileSystems()]);
        const variables = await mountFirmwareVariables();
        // disks come to light meanwhile; that it failed is told where they are needed
        settled = settledDisks(drivers, signal);
        settled.catch(() => {});
        const link = await bringUpNetwork(boot, { run, signal });
        return { message: [link, `${drivers.count} devices`, variables].filter(Boolean).join("; ") };
      },
    },
    {
      step: "enrol",
      run: async () => {
        const { boot } = known, looking = settled;
        if (boot === undefined || looking === undefined) {
          throw new RangeError("how it was booted is not known yet");
        }
        const look = async () => {
          const disks = await looking;
          const inventory = await machineInventory({ disks, run });
          known.disks = disks.map((disk, i) => ({ ...disk, content: inventory.disks[i]?.content ?? "" }));
          known.firmware = inventory.firmware;
          known.inventory = [
            inventory.model,
            `${inventory.cpus} processors`,
            `${gigabytes(inventory.memoryBytes)} memory`,
            inventory.firmware.toUpperCase(),
            ...disks.map(describeDisk),
          ].filter(Boolean).join(", ");
          return inventory;
        };
        const inventory = look();
        // where the server is not reached, that is what there is to say
        inventory.catch(() => {});
        const told = await enrolMachine({ ...boot, inventory, signal });
        stack.use(told.client);
        known.terms = isBackup(told) ? undefined : new SwarmTerms(told.order.swarm);
        // first, so that an order which is not believed is told of
        await reporter.connect(told.client, known.terms);
        const enrolled = known.enrolled = isBackup(told) ? told : believed(told);
        return { message: describeOrder(enrolled) };
      },
    },
    { step: "inventory", run: () => Promise.resolve({ message: known.inventory ?? "" }) },
  ];
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
