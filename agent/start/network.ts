/** Brings up the NIC that the node booted over, with the boot program's lease; or another one that leads on. */
import type { Inventory } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { parseMac } from "../../boot/dhcp/address.ts";
import { readNics } from "../steps/inventory.ts";
import type { Run } from "../sys/command.ts";
import type { BootArguments } from "./boot_arguments.ts";
import { bringUpFirst } from "./first_port.ts";
import { ipv6HostOf } from "./ipv6_network.ts";
import { CARRIER_MS, hasLink, NIC_MS, useLease } from "./nic.ts";
import { bondOf, openDevice, type Port, portsOf, switchOn } from "./port.ts";
import { within } from "./within.ts";

interface Options {
  /** When all drivers are loaded. */
  readonly loaded?: Promise<unknown> | undefined;
  readonly run: Run;
  readonly signal: AbortSignal;
}

type Nic = Inventory["nics"][number];

/** Returns what was done, as text. Throws RackseedError. */
export async function bringUpNetwork(
  boot: Omit<BootArguments, "token">,
  { loaded, run, signal }: Options,
): Promise<string> {
  const { mac, server, vlan } = boot;
  await run(["ip", "link", "set", "dev", "lo", "up"], { signal });
  const outcome = await bringUpBooted(boot, { loaded, run, signal });
  if (typeof outcome === "string") return outcome;
  const { title, reason, remedy } = outcome;
  const others = (await readNics()).filter((nic) => nic.mac !== mac);
  const ports = others.flatMap((nic) => portsOf(portOf(nic), vlan));
  const found = await bringUpFirst(ports, { server, run, signal });
  if ("link" in found) return `${found.link}, instead of ${mac ?? "an unnamed NIC"}: ${reason}`;
  const also = others.length > 0 ? ` Nor can another NIC be used: ${found.reasons.join("; ")}.` : "";
  throw new RackseedError(title, { reason: `${reason}${also}`, remedy });
}

/** Returns what was done, as text, or why the NIC that the machine booted over cannot be used. */
async function bringUpBooted(
  { mac, lease, server, vlan, lacp, byKexec }: Omit<BootArguments, "token">,
  { loaded, run, signal }: Options,
): Promise<string | RackseedError> {
  const ask = async () => (await readNics()).find((one) => mac === undefined || one.mac === mac);
  const find = () => within(NIC_MS, { signal, ask });
  // drivers of storage may take longer than that, and a NIC on USB is found after them
  const nic = await find() ?? (await loaded, await find());
  if (mac === undefined || nic === undefined) return unknownNic(mac, await readNics());
  const { name } = nic;
  const unusable = (reason: string) =>
    new RackseedError(`cannot use the NIC ${name} (${mac})`, {
      reason: `the machine booted over it: ${reason}.`,
      remedy: "check the cable and the switch port.",
    });
  const own = portOf(nic);
  const port: Port = byKexec ? { ...own, vlan, ...(lacp && { bond: bondOf(own) }) } : own;
  // a boot program's lease does not tell whether its firmware sent tags
  const mayBeTagged = vlan !== undefined && !byKexec;
  if (lease === undefined || mayBeTagged || ipv6HostOf(server) !== undefined) {
    const found = await bringUpFirst(mayBeTagged ? portsOf(port, vlan) : [port], { server, run, signal });
    return "link" in found ? found.link : unusable(found.reasons.join("; "));
  }
  const started = performance.now();
  await switchOn(port, { run, signal });
  if (!await hasLink(port.bond ?? name, { budgetMs: CARRIER_MS, signal })) {
    return unusable(`it has had no link for ${CARRIER_MS / 1000} s`);
  }
  const device = await openDevice(port, { run, signal });
  const done = await useLease(lease, { nic: device, server, run, signal });
  return `${done}, link after ${((performance.now() - started) / 1000).toFixed(1)} s`;
}

function unknownNic(mac: string | undefined, nics: readonly Nic[]): RackseedError {
  if (mac === undefined) {
    return new RackseedError("cannot bring up the network", {
      reason: "the kernel's command line has no rackseed.mac.",
      remedy: "boot the node with iPXE from the image server, which names its NIC.",
    });
  }
  return new RackseedError(`cannot find the NIC ${mac}`, {
    reason: `the machine booted over it, but the image's kernel shows ${
      nics.map(describeNic).join(", ") || "no NIC"
    }.`,
    remedy: "install a kernel with this NIC's driver and firmware on the template, and capture it again.",
  });
}

function portOf({ name, mac }: Nic): Port {
  return { name, mac: parseMac(mac) };
}

function describeNic({ name, mac, driver, randomMac }: Nic): string {
  const own = randomMac ? `${mac}, which the kernel made up because the NIC has none` : mac;
  return `${name} (${own}, ${driver ?? "no driver"})`;
}
