/** Keeps what each node's hardware was, and says what changed since an operator accepted it. */
import { getLogger } from "@logtape/logtape";
import type { Inventory } from "#contract/api.ts";
import type { HardwareWarning } from "#contract/api/hardware.ts";
import type { HardwareRecord } from "#contract/api/hardware_history.ts";
import type { HardwareRecords } from "../../store/hardware_records.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import { failingDisks, hardwareChanges } from "./hardware_changes.ts";

const log = getLogger(["rackseed", "nodes"]);
const MAX_WARNINGS = 64;

export class HardwareHistory {
  readonly #records: HardwareRecords;
  readonly #now: () => number;

  constructor(records: HardwareRecords, { now }: { now: () => number }) {
    this.#records = records;
    this.#now = now;
  }

  /** Takes the report of a node, whose record is as before. Returns the report with what it need not repeat. */
  record(node: NodeRecord, reported: Inventory): Inventory {
    const { id, name, inventory: before } = node;
    if (reported.kind !== "machine") return reported;
    const inventory = completed(reported, before);
    const at = new Date(this.#now()).toISOString();
    if (before?.kind !== "machine") {
      this.#records.add(id, { at, changes: [], inventory });
      return inventory;
    }
    const changes = hardwareChanges(before, inventory).map(({ what }) => what);
    if (changes.length > 0) {
      log.warn("hardware-changed", { node: name, changes: changes.slice(0, 8) });
      this.#records.add(id, { at, changes, inventory });
    } else this.#records.replaceLatest(id, { at, inventory });
    const accepted = this.#records.accepted(id) ?? before;
    if (hardwareChanges(accepted, inventory).length > 0) this.#records.setAccepted(id, accepted);
    else this.#records.accept(id);
    return inventory;
  }

  /** What an operator should know before the node is deployed. */
  warnings({ id, inventory }: Pick<NodeRecord, "id" | "inventory">): HardwareWarning[] {
    if (inventory?.kind !== "machine") return [];
    const accepted = this.#records.accepted(id);
    const changes = accepted ? hardwareChanges(accepted, inventory) : [];
    return [...failingDisks(inventory), ...changes].slice(0, MAX_WARNINGS);
  }

  /** The node's hardware is as it should be from now on. */
  accept({ id, name }: NodeRecord): void {
    this.#records.accept(id);
    log.info("hardware-accepted", { node: name });
  }

  /** Newest first. */
  list({ id }: NodeRecord): HardwareRecord[] {
    return this.#records.list(id);
  }

  forget(id: string): void {
    this.#records.forget(id);
  }
}

/** What takes seconds to learn is read only when it is ordered: until then what was learnt before stays true. */
function completed(now: Inventory, before: Inventory | undefined): Inventory {
  if (before?.kind !== "machine") return now;
  const management = now.management?.address === undefined
    ? before.management && { ...before.management, ...now.management }
    : now.management;
  return {
    ...now,
    ...(management && { management }),
    nics: now.nics.map((nic) => {
      const known = before.nics.find(({ mac }) => mac === nic.mac);
      return { ...known?.neighbour && { neighbour: known.neighbour }, ...nic };
    }),
  };
}
