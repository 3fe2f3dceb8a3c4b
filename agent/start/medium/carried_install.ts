/** The order of a machine that is installed from what its medium carries. */
import type { Inventory } from "#contract/api.ts";
import type { CarriedVersion } from "#contract/format/medium.ts";
import type { Enrolled } from "../../steps/enrol.ts";
import { firstNic, nodeOf, orderFor } from "./choose_node.ts";
import type { FoundMedium } from "./find_medium.ts";
import { MediumServer } from "./medium_server.ts";

interface Carried {
  readonly ordered: Pick<Enrolled, "client" | "order"> & { readonly medium: NonNullable<Enrolled["medium"]> };
  /** Of the NIC that an interface without a MAC means. */
  readonly mac: string;
  readonly message: string;
}

/** Throws RackseedError if the medium's table does not tell which machine this is. */
export function choose(
  carried: CarriedVersion,
  { medium: { folder, device, description }, inventory }: { medium: FoundMedium; inventory: Inventory },
): Carried {
  const node = nodeOf(carried.nodes, inventory);
  const order = orderFor(carried, node);
  const { image, version } = order;
  const as = node === undefined ? "this machine, which has no name yet," : node.name;
  const client = new MediumServer(order);
  const medium = {
    folder,
    device,
    id: description.id,
    isNamed: node !== undefined,
    inventory,
    steps: () => client.steps,
  };
  return {
    ordered: { client, order, medium },
    mac: firstNic(inventory, node),
    message: `${as} will become ${image}@${version}, which is on the medium`,
  };
}
