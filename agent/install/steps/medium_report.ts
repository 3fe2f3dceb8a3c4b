/** What happened without a server stays on the clone, until somebody tells a server: `rackseed medium adopt`. */
import { MediumReport } from "#contract/format/medium.ts";
import type { Identity } from "#contract/identity.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { RECORD_FOLDER } from "../records/clone_record.ts";
import type { Machine } from "./machine.ts";

/** Call it once the clone is verified: that it exists says so. Writes nothing if a server had the reports. */
export async function keepMediumReport(
  { enrolled: { medium, order }, bootMac }: Machine,
  { clone, identity: { hostname, interfaces } }: { clone: CloneTree; identity: Identity },
): Promise<void> {
  if (medium === undefined) return;
  const report = MediumReport.parse({
    format: 1,
    medium: medium.id,
    image: `${order.image}@${order.version}`,
    manifest: order.manifest.id,
    hostname,
    interfaces,
    ...(bootMac !== "" && { mac: bootMac }),
    inventory: medium.inventory,
    steps: medium.steps(),
    installed: new Date().toISOString(),
  });
  await clone.write(`${RECORD_FOLDER}/medium.json`, { text: `${JSON.stringify(report)}\n`, mode: 0o600 });
}
