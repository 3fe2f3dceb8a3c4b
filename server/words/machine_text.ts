/** A machine that appeared, as text. */
import type { MachineView } from "#contract/api/machines.ts";
import { stateOf } from "./node_state.ts";

const ARCHITECTURES = { "x86": "x86", "x86-64": "x86-64", "arm32": "ARM", "arm64": "ARM64" } as const;
const PROTOCOLS = { dhcp: "DHCP", tftp: "TFTP", http: "HTTP" } as const;

/** "x86-64, UEFI", as far as its requests said; "address only" if it did not ask to boot from the network. */
export function describeFirmware({ sighting }: Pick<MachineView, "sighting">): string {
  const { architecture, firmware, boots } = sighting;
  if (!boots) return "address only";
  const parts = [architecture && ARCHITECTURES[architecture], firmware?.toUpperCase()].filter(Boolean);
  return parts.length === 0 ? "network boot" : parts.join(", ");
}

/** "DHCP, TFTP" */
export function describeProtocols({ sighting: { by } }: Pick<MachineView, "sighting">): string {
  return by.map((protocol) => PROTOCOLS[protocol]).join(", ") || "-";
}

/** How far the order to read its hardware is; undefined if it has none. */
export function describeOrder({ state }: Pick<MachineView, "state">): string | undefined {
  return state === "idle" ? undefined : stateOf({ state, discover: true });
}
