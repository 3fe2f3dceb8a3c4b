/** Reads a machine's hardware for the server, and does nothing else: the kernel write-protects all disks meanwhile. */
import type { Inventory } from "#contract/api.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { readManagementController } from "../hardware/ipmi.ts";
import { hearNeighbours } from "../hardware/neighbours.ts";
import { deviceNodes } from "../layout/disks.ts";
import type { EnrolledDiscovery } from "../steps/enrol.ts";
import { readNics } from "../steps/inventory.ts";
import type { StepRunner } from "../steps/step_runner.ts";
import type { Run } from "../sys/command.ts";
import { withRetry } from "../sys/retry.ts";
import { protectFromWriting } from "../sys/write_protection.ts";
import { Drivers } from "./initramfs.ts";
import { summaryOf } from "./machine_start.ts";

const SERVER_BACK_MS = 5 * 60_000;

/** Throws the RackseedError of the failed step. `inventory`: as the machine enrolled with it. */
export async function discoverMachine(
  { enrolled: { client, order }, inventory, disks, steps, stack, run, signal }: {
    enrolled: EnrolledDiscovery;
    inventory: Inventory;
    disks: readonly DiskFacts[];
    steps: StepRunner;
    /** Takes what must be undone at the end, however it ends. */
    stack: AsyncDisposableStack;
    run: Run;
    signal: AbortSignal;
  },
): Promise<void> {
  await steps.run("inventory", async ({ update }) => {
    stack.use(protectFromWriting(deviceNodes(disks)));
    const nics = await readNics();
    for (const { name } of nics) {
      await run(["ip", "link", "set", "dev", name, "up"], { signal, accept: [0, 1, 2] });
    }
    const { listenSeconds } = order.discover;
    update({ message: `listening for up to ${listenSeconds} s for what its switches announce` });
    const names = nics.map(({ name }) => name);
    const [neighbours, controller] = await Promise.all([
      hearNeighbours(names, { forMs: listenSeconds * 1000, signal }),
      askController({ run, signal }),
    ]);
    const found = (await readNics()).map((nic) => {
      const neighbour = neighbours.get(nic.name);
      return { ...nic, ...(neighbour && { neighbour }) };
    });
    const management = controller && { ...inventory.management, ...controller };
    const body = { inventory: { ...inventory, nics: found, ...(management && { management }) } };
    await withRetry(() => client.send("POST", "/node/inventory", { json: body, signal }), {
      signal,
      budgetMs: SERVER_BACK_MS,
    });
    const heard = `${neighbours.size} of ${nics.length} NICs heard a switch`;
    return { message: `${summaryOf(inventory, disks)}; ${heard}`.slice(0, 8000) };
  });
  await steps.run("finish", () => ({ message: "the hardware was read; nothing was written to the disks" }));
}

async function askController(options: { run: Run; signal: AbortSignal }): Promise<Inventory["management"]> {
  await new Drivers(options).loadIpmi();
  return await readManagementController();
}
