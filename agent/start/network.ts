/** Brings up the NIC that the node booted over, with the boot program's lease; or another one that leads on. */
import type { Inventory } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { parseMac } from "../../boot/dhcp/address.ts";
import { readNics } from "../steps/inventory.ts";
import type { Run } from "../sys/command.ts";
import type { BootArguments } from "./boot_arguments.ts";
import { findAddress, findAddresses, type Port } from "./find_addresses.ts";
import { ipv6HostOf } from "./ipv6_network.ts";
import { CARRIER_MS, hasLink, NIC_MS, useLease } from "./nic.ts";
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
  boot: Pick<BootArguments, "server" | "mac" | "lease">,
  { loaded, run, signal }: Options,
): Promise<string> {
  const { mac, server } = boot;
  await run(["ip", "link", "set", "dev", "lo", "up"], { signal });
  const server6 = ipv6HostOf(server);
  const outcome = await bringUpBooted(boot, { server6, loaded, run, signal });
  if (typeof outcome === "string") return outcome;
  const { title, reason, remedy } = outcome;
  const others = (await readNics()).filter((nic) => nic.mac !== mac).map(portOf);
  const failed: string[] = [];
  for await (const { port, use, reason: why } of findAddresses(others, { server6, run, signal })) {
    if (use !== undefined) {
      return `${await use({ run, signal })}, instead of ${mac ?? "an unnamed NIC"}: ${reason}`;
    }
    failed.push(`${port.name} (${port.mac}): ${why}`);
  }
  const also = failed.length > 0 ? ` Nor can another NIC be used: ${failed.join("; ")}.` : "";
  throw new RackseedError(title, { reason: `${reason}${also}`, remedy });
}

/** Returns what was done, as text, or why the NIC that the machine booted over cannot be used. */
async function bringUpBooted(
  { mac, lease }: Pick<BootArguments, "mac" | "lease">,
  { server6, loaded, run, signal }: Options & { server6: string | undefined },
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
  if (lease === undefined || server6 !== undefined) {
    const { use, reason = "" } = await findAddress(portOf(nic), { server6, run, signal });
    return use === undefined ? unusable(reason) : await use({ run, signal });
  }
  const started = performance.now();
  await run(["ip", "link", "set", "dev", name, "up"], { signal });
  if (!await hasLink(name, { budgetMs: CARRIER_MS, signal })) {
    return unusable(`it has had no link for ${CARRIER_MS / 1000} s`);
  }
  const done = await useLease(lease, { nic: name, run, signal });
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
