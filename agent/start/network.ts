/** Brings up the NIC that the node booted over, with the boot program's lease. */
import type { Inventory } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { parseMac } from "../../boot/dhcp/address.ts";
import type { Run } from "../sys/command.ts";
import { firstLine } from "../sys/small_file.ts";
import type { BootArguments } from "./boot_arguments.ts";
import { readNics } from "../steps/inventory.ts";
import { findIpv6Address, ipv6HostOf, useIpv6Address } from "./ipv6_network.ts";
import { within } from "./within.ts";

export const NIC_MS = 20_000;
export const CARRIER_MS = 60_000;

type Lease = NonNullable<BootArguments["lease"]>;

/** Returns what was done, as text. Throws RackseedError. */
export async function bringUpNetwork(
  { mac, lease, server }: Pick<BootArguments, "mac" | "lease"> & { server?: string },
  { run, signal }: { run: Run; signal: AbortSignal },
): Promise<string> {
  await run(["ip", "link", "set", "dev", "lo", "up"], { signal });
  const server6 = server === undefined ? undefined : ipv6HostOf(server);
  if (mac === undefined || lease === undefined && server6 === undefined) {
    throw await unaddressed({ mac, run, signal });
  }
  const name = await within(NIC_MS, {
    signal,
    ask: async () => (await readNics()).find((n) => n.mac === mac)?.name,
  });
  if (name === undefined) {
    const seen = (await readNics()).map(describeNic).join(", ");
    throw new RackseedError(`cannot find the NIC ${mac}`, {
      reason: `the machine booted over it, but the image's kernel shows ${seen || "no NIC"}.`,
      remedy: "install a kernel with this NIC's driver and firmware on the template, and capture it again.",
    });
  }
  const started = performance.now();
  await run(["ip", "link", "set", "dev", name, "up"], { signal });
  if (!await hasLink(name, { budgetMs: CARRIER_MS, signal })) {
    throw new RackseedError(`cannot use the NIC ${name} (${mac})`, {
      reason: `it has had no link for ${CARRIER_MS / 1000} s.`,
      remedy: "check the cable and the switch port.",
    });
  }
  const address = server6 !== undefined
    ? await useIpv6Address(await findIpv6Address({ name, mac: parseMac(mac) }, { signal }), {
      nic: name,
      server: server6,
      run,
      signal,
    })
    : await useLease(lease!, { nic: name, run, signal });
  return `${address}, link after ${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** Gives a NIC its address, the default route and DNS servers. Returns what was done, as text. Throws RackseedError. */
export async function useLease(
  lease: Lease,
  { nic, run, signal }: { nic: string; run: Run; signal: AbortSignal },
): Promise<string> {
  await run(["ip", "address", "replace", lease.cidr, "dev", nic], { signal });
  if (lease.gateway !== undefined) {
    await run(["ip", "route", "replace", "default", "via", lease.gateway, "dev", nic], {
      signal,
      remedy: "check that the gateway assigned by DHCP is in the node's own network.",
    });
  }
  await Deno.mkdir("/etc", { recursive: true });
  await Deno.writeTextFile("/etc/resolv.conf", lease.dns.map((d) => `nameserver ${d}\n`).join(""));
  return `${nic} ${lease.cidr}${lease.gateway ? ` via ${lease.gateway}` : ""}`;
}

function describeNic({ name, mac, driver, randomMac }: Inventory["nics"][number]): string {
  const own = randomMac ? `${mac}, which the kernel made up because the NIC has none` : mac;
  return `${name} (${own}, ${driver ?? "no driver"})`;
}

/** There is no lease: brings up every NIC, so that the message can say which ones have a link. */
async function unaddressed(
  { mac, run, signal }: { mac: string | undefined; run: Run; signal: AbortSignal },
): Promise<RackseedError> {
  const nics = await within(NIC_MS, {
    signal,
    ask: async () => {
      const found = await readNics();
      return found.length > 0 ? found : undefined;
    },
  }) ?? [];
  const states: string[] = [];
  for (const nic of nics) {
    await run(["ip", "link", "set", "dev", nic.name, "up"], { signal, accept: [0, 1, 2] });
    const link = await hasLink(nic.name, { budgetMs: 5_000, signal });
    states.push(`${nic.name} (${nic.mac}, ${link ? "link" : "no link"})`);
  }
  return new RackseedError("cannot bring up the network", {
    reason:
      `the kernel's command line has no ${
        mac === undefined ? "rackseed.mac" : "rackseed.ip"
      }; the NICs are ` +
      `${states.join(", ") || "none"}.`,
    remedy: "boot the node with iPXE from the image server, which passes on its DHCP lease.",
  });
}

/** Waits until the NIC has a link; false if it has none in time. */
export async function hasLink(
  nic: string,
  { budgetMs, signal }: { budgetMs: number; signal: AbortSignal },
): Promise<boolean> {
  const ask = async () => await firstLine(`/sys/class/net/${nic}/carrier`) === "1" ? true : undefined;
  return await within(budgetMs, { signal, ask }) ?? false;
}
