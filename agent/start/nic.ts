/** One NIC: its link, and the settings that it is given. */
import type { Run } from "../sys/command.ts";
import { firstLine } from "../sys/small_file.ts";
import { setFrameSize } from "./frame_size.ts";
import type { BootArguments } from "./boot_arguments.ts";
import { within } from "./within.ts";

/** How long its driver takes. */
export const NIC_MS = 20_000;
export const CARRIER_MS = 60_000;

type Lease = NonNullable<BootArguments["lease"]>;

/** Gives a NIC its address, the default route, DNS servers and MTU. `server`: its URL. Returns what was done, as text. Throws RackseedError. */
export async function useLease(
  lease: Lease,
  { nic, server, run, signal }: { nic: string; server: string; run: Run; signal: AbortSignal },
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
  const done = `${nic} ${lease.cidr}${lease.gateway ? ` via ${lease.gateway}` : ""}`;
  if (lease.mtu === undefined) return done;
  return `${done}, ${await setFrameSize(lease.mtu, { device: nic, server, run, signal })}`;
}

/** Waits until the NIC has a link; false if it has none in time. */
export async function hasLink(
  nic: string,
  { budgetMs, signal }: { budgetMs: number; signal: AbortSignal },
): Promise<boolean> {
  const ask = async () => await firstLine(`/sys/class/net/${nic}/carrier`) === "1" ? true : undefined;
  return await within(budgetMs, { signal, ask }) ?? false;
}
