/** A switch port may carry the network with a VLAN's tag only (IEEE 802.1Q): then the kernel's device for it is used. */
import { openBond } from "./aggregated_port.ts";
import type { MacAddress } from "../../boot/dhcp/address.ts";
import type { Run } from "../sys/command.ts";
import { exists } from "../sys/small_file.ts";

/** One way into a network: a NIC, and the VLAN whose tag it sends; absent: none. */
export interface Port {
  readonly name: string;
  readonly mac: MacAddress;
  readonly vlan?: number | undefined;
  /** The bond of this NIC alone, in which LACP is negotiated; absent: none. */
  readonly bond?: string | undefined;
}

/** The network device that sends so. Interface names have at most 15 characters, and the initramfs names NICs eth0 … */
export function deviceOf({ name, bond = name, vlan }: Port): string {
  return vlan === undefined ? bond : `${bond}.${vlan}`;
}

/** With the tag and without: the server's `--boot-vlan` is its site's, and need not be that of every port. */
export function portsOf(nic: Port, vlan: number | undefined): Port[] {
  return vlan === undefined ? [nic] : [{ ...nic, vlan }, nic];
}

/** The name of its bond, if it needs one. */
export function bondOf({ name }: Port): string {
  return `lag-${name}`;
}

/** Switches the NIC on, in its bond if it needs one. Throws RackseedError. */
export async function switchOn(
  { name, mac, bond }: Port,
  { run, signal }: { run: Run; signal: AbortSignal },
): Promise<void> {
  if (bond === undefined) await run(["ip", "link", "set", "dev", name, "up"], { signal });
  else await openBond({ name, mac, bond }, { run, signal });
}

/** Makes the VLAN's device, if it needs one, and switches it on. The NIC or its bond is up. Throws RackseedError. */
export async function openDevice(
  port: Port,
  { run, signal }: { run: Run; signal: AbortSignal },
): Promise<string> {
  const { name, bond = name, vlan } = port, device = deviceOf(port);
  if (vlan === undefined) return device;
  // part of some kernels
  await run(["modprobe", "-q", "8021q"], { signal, accept: [0, 1] });
  // the same on the NIC itself would keep such frames from the bond
  const before = deviceOf({ ...port, bond: undefined });
  if (before !== device && await exists(`/sys/class/net/${before}`)) {
    await run(["ip", "link", "delete", before], { signal });
  }
  if (!await exists(`/sys/class/net/${device}`)) {
    await run(["ip", "link", "add", "link", bond, "name", device, "type", "vlan", "id", `${vlan}`], {
      signal,
      title: `cannot use the VLAN ${vlan} on ${bond}`,
      remedy: "install a kernel with the module 8021q on the template, and capture it again.",
    });
  }
  await run(["ip", "link", "set", "dev", device, "up"], { signal });
  return device;
}
