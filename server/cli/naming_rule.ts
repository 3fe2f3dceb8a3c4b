/** Which machine gets which name: the rule of `rackseed machine adopt --names`. Pure. */
import type { MachineView } from "#contract/api/machines.ts";
import { switchPortOf } from "../words/hardware_text.ts";
import { UsageError } from "../words/usage.ts";
import { expandNames } from "../words/node_names.ts";

export type AdoptionOrder = "first-seen" | "switch-port";

interface Named {
  readonly machine: MachineView;
  readonly name: string;
}

interface Naming {
  readonly named: readonly Named[];
  /** Machines without a name, as text with the reason. */
  readonly left: readonly string[];
}

const BY_PORT = new Intl.Collator("en", { numeric: true });

/** `pattern`: "node[001-128]"; `taken`: names of nodes. Throws UsageError. */
export function nameMachines(
  machines: readonly MachineView[],
  { pattern, order, taken }: { pattern: string; order: AdoptionOrder; taken: ReadonlySet<string> },
): Naming {
  const names = expandNames(pattern).filter((name) => !taken.has(name.toLowerCase()));
  if (names.length === 0) throw new UsageError(`every name of "${pattern}" belongs to a node already.`);
  const placed = order === "first-seen" ? machines : machines.filter((machine) => switchPort(machine));
  const sorted = order === "first-seen"
    ? placed.toSorted((a, b) =>
      a.sighting.first.localeCompare(b.sighting.first) || BY_PORT.compare(a.mac, b.mac)
    )
    : placed.toSorted((a, b) => BY_PORT.compare(switchPort(a) ?? "", switchPort(b) ?? ""));
  const left = [
    ...machines.filter((machine) => !placed.includes(machine))
      .map(({ mac }) => `${mac}: its switch port is not known; to read it: rackseed node discover ${mac}`),
    ...sorted.slice(names.length).map(({ mac }) => `${mac}: the rule has no name left`),
  ];
  return {
    named: sorted.slice(0, names.length).map((machine, i) => ({ machine, name: names[i] ?? "" })),
    left,
  };
}

/** The port of the NIC that the machine boots from; undefined if it is not known. */
export function switchPort({ mac, inventory }: MachineView): string | undefined {
  const nic = inventory?.nics.find((one) => one.mac.toLowerCase() === mac);
  return nic && switchPortOf(nic);
}
