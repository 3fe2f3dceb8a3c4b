/** Prints this machine's inventory as JSON, with what only a discovery reads of its management controller. */
import { readManagementController } from "../../agent/hardware/ipmi.ts";
import { readDisks } from "../../agent/layout/disks.ts";
import { machineInventory } from "../../agent/steps/inventory.ts";
import { runCommand as run } from "../../agent/sys/command.ts";

if (import.meta.main) {
  const inventory = await machineInventory({ disks: await readDisks(), run });
  const management = { ...inventory.management, ...await readManagementController() };
  console.log(`INVENTORY ${JSON.stringify({ ...inventory, management })}`);
}
