/** A machine that appeared, as text. */
import { architectureOf, ARCHITECTURES } from "#contract/architectures.ts";
import type { MachineView } from "#contract/api/machines.ts";
import { stateOf } from "./node_state.ts";

const PROTOCOLS = { dhcp: "DHCP", tftp: "TFTP", http: "HTTP" } as const;

/** "x86-64, UEFI", as far as its requests said; "address only" if it did not ask to boot from the network. */
export function describeFirmware({ sighting }: Pick<MachineView, "sighting">): string {
  const { architecture, firmware, boots } = sighting;
  if (!boots) return "address only";
  const parts = [architecture, firmware?.toUpperCase()].filter(Boolean);
  return parts.length === 0 ? "network boot" : parts.join(", ");
}

/** "arm64" for "aarch64"; another name stays as it is. */
export function architectureText(name: string | undefined): string | undefined {
  const known = name === undefined ? undefined : architectureOf(name);
  return known === undefined ? name : ARCHITECTURES[known].label;
}

/** "DHCP, TFTP" */
export function describeProtocols({ sighting: { by } }: Pick<MachineView, "sighting">): string {
  return by.map((protocol) => PROTOCOLS[protocol]).join(", ") || "-";
}

/** How far the order to read its hardware is; undefined if it has none. */
export function describeOrder({ state }: Pick<MachineView, "state">): string | undefined {
  return state === "idle" ? undefined : stateOf({ state, discover: true });
}
