/** A machine that a medium started reaches its server, and gets the boot token that a network boot would have brought. */
import { MediumBootAnswer } from "#contract/api/media.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ServerAccess } from "#contract/format/medium.ts";
import { parseMac } from "../../../boot/dhcp/address.ts";
import { requestLease } from "../../../boot/dhcp/client.ts";
import { prefixOfMask } from "../../install/identity/network_config/netmask.ts";
import { readNics } from "../../steps/inventory.ts";
import type { Run } from "../../sys/command.ts";
import type { Console } from "../../sys/console.ts";
import { firstLine } from "../../sys/small_file.ts";
import type { BootArguments } from "../boot_arguments.ts";
import { findIpv6Address, ipv6HostOf } from "../ipv6_network.ts";
import { bringUpNetwork } from "../network.ts";

/** A switch port may block for half a minute after the link comes up. */
const LINK_MS = 20_000, DHCP_MS = 40_000, POLL_MS = 5_000;

interface ReachOptions {
  readonly console: Pick<Console, "line">;
  readonly run: Run;
  readonly signal: AbortSignal;
}

interface Reached {
  /** "eth0 10.0.0.7/24, link after 0.1 s" */
  readonly link: string;
  readonly boot: BootArguments;
}

/** `image`: the medium's. Waits until something is ordered for this machine. Throws RackseedError. */
export async function reachServer(
  access: ServerAccess,
  { image, ...options }: ReachOptions & { image: string },
): Promise<Reached> {
  const { nic, lease } = await findLease(access, options);
  const { signal, console } = options;
  const { server, token } = access;
  const link = await bringUpNetwork({ mac: nic.mac, server, ...(lease && { lease }) }, options);
  // the NIC of the lease first: an unknown machine is shown by it
  const macs = [nic.mac, ...(await readNics()).map(({ mac }) => mac).filter((mac) => mac !== nic.mac)];
  using client = await ApiClient.connect({ server, token, signal });
  for (let isTold = false;;) {
    const response = await client.send("POST", "/node/medium", { json: { macs }, signal });
    if (response.status === 200) {
      const { image: ordered, token, mac } = MediumBootAnswer.parse(await response.json());
      if (ordered !== image) throw otherImage(ordered, image);
      return { link, boot: { server, token, mac, byKexec: true } };
    }
    await response.body?.cancel();
    if (!isTold) console.line(`Nothing is ordered for this machine (${macs.join(", ")}) yet: waiting.`);
    isTold = true;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

type Lease = NonNullable<BootArguments["lease"]>;
type Nic = Awaited<ReturnType<typeof readNics>>[number];

/** The first NIC with a link, and the medium's address; or the first that the network gives an address. */
async function findLease(access: ServerAccess, options: ReachOptions): Promise<{ nic: Nic; lease?: Lease }> {
  const { run, signal } = options;
  const deadline = performance.now() + LINK_MS;
  let linked: Nic[] = [], all: Nic[] = [];
  while (linked.length === 0 && performance.now() < deadline) {
    signal.throwIfAborted();
    all = await readNics();
    for (const { name } of all) {
      await run(["ip", "link", "set", "dev", name, "up"], { signal, accept: [0, 1, 2] });
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    const links = await Promise.all(
      all.map(async (nic) => await firstLine(`/sys/class/net/${nic.name}/carrier`)),
    );
    linked = all.filter((_, i) => links[i] === "1");
  }
  const { address, gateway, dns = [] } = access, [first] = linked;
  if (first && address !== undefined) {
    return { nic: first, lease: { cidr: address, ...(gateway !== undefined && { gateway }), dns } };
  }
  // all at once: only one of them may lead to a server
  const asking = new AbortController(), stop = AbortSignal.any([signal, asking.signal]);
  try {
    return await Promise.any(linked.map(async (nic) => {
      if (ipv6HostOf(access.server) !== undefined) {
        await findIpv6Address({ name: nic.name, mac: parseMac(nic.mac) }, { signal: stop });
        return { nic };
      }
      const lease = await requestLease(nic.name, {
        mac: parseMac(nic.mac),
        timeoutMs: DHCP_MS,
        signal: stop,
      });
      if (lease === undefined) throw new Error(`nobody answers on ${nic.name}`);
      const { address, netmask, router: gateway, dns } = lease;
      const cidr = `${address}/${prefixOfMask(netmask) ?? 24}`;
      return { nic, lease: { cidr, ...(gateway !== undefined && { gateway }), dns } };
    }));
  } catch {
    signal.throwIfAborted();
    throw noAddress(all, linked);
  } finally {
    asking.abort();
  }
}

function noAddress(all: readonly Nic[], linked: readonly Nic[]): RackseedError {
  const names = (nics: readonly Nic[]) => nics.map(({ name, mac }) => `${name} (${mac})`).join(", ");
  return new RackseedError("cannot bring up the network", {
    reason: linked.length > 0
      ? `nobody gives an address on ${names(linked)}.`
      : all.length > 0
      ? `no NIC has a link: ${names(all)}.`
      : "the image's kernel shows no NIC.",
    remedy: "check cable and switch; or write the medium with an address: rackseed medium --address.",
  });
}

/** Another image's tools could make file systems that it does not know. */
function otherImage(ordered: string, image: string): RackseedError {
  return new RackseedError("cannot carry out this machine's order", {
    reason: `it is for ${ordered}, and this medium starts machines by the kernel and tools of ${image}.`,
    remedy: `write a medium for it: rackseed medium --image ${ordered} -o FILE`,
    status: 409,
  });
}
