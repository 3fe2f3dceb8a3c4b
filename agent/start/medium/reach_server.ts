/** A machine that a medium started reaches its server, and gets the boot token that a network boot would have brought. */
import { MediumBootAnswer } from "#contract/api/media.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ServerAccess } from "#contract/format/medium.ts";
import { parseMac } from "../../../boot/dhcp/address.ts";
import { readNics } from "../../steps/inventory.ts";
import type { Run } from "../../sys/command.ts";
import type { Console } from "../../sys/console.ts";
import { firstLine } from "../../sys/small_file.ts";
import type { BootArguments } from "../boot_arguments.ts";
import { findAddresses } from "../find_addresses.ts";
import { useLease } from "../nic.ts";
import { deviceOf, openDevice, type Port } from "../port.ts";

const LINK_MS = 20_000, POLL_MS = 5_000;

interface ReachOptions {
  readonly console: Pick<Console, "line">;
  readonly run: Run;
  readonly signal: AbortSignal;
}

interface Reached {
  /** "eth0 10.0.0.7/24 via 10.0.0.1 by DHCP" */
  readonly link: string;
  readonly boot: BootArguments;
}

/** `image`: the medium's. Waits until something is ordered for this machine. Throws RackseedError. */
export async function reachServer(
  access: ServerAccess,
  { image, ...options }: ReachOptions & { image: string },
): Promise<Reached> {
  const { mac: used, link } = await bringUp(access, options);
  const { signal, console } = options;
  const { server, token } = access;
  // the NIC of the lease first: an unknown machine is shown by it
  const macs = [used, ...(await readNics()).map(({ mac }) => mac).filter((mac) => mac !== used)];
  using client = await ApiClient.connect({ server, token, signal });
  for (let isTold = false;;) {
    const response = await client.send("POST", "/node/medium", { json: { macs }, signal });
    if (response.status === 200) {
      const { image: ordered, token, mac } = MediumBootAnswer.parse(await response.json());
      if (ordered !== image) throw otherImage(ordered, image);
      return { link, boot: { server, token, mac, byKexec: true, lacp: false } };
    }
    await response.body?.cancel();
    if (!isTold) console.line(`Nothing is ordered for this machine (${macs.join(", ")}) yet: waiting.`);
    isTold = true;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

type Nic = Awaited<ReturnType<typeof readNics>>[number];

/** The first NIC with a link, and the medium's address; or the first that the network gives an address. */
async function bringUp(access: ServerAccess, options: ReachOptions): Promise<{ mac: string; link: string }> {
  const { run, signal } = options, { server, vlan, address, gateway, dns = [] } = access;
  await run(["ip", "link", "set", "dev", "lo", "up"], { signal });
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
  const ports = linked.map(({ name, mac }): Port => ({ name, mac: parseMac(mac), vlan })), [first] = ports;
  if (first && address !== undefined) {
    const lease = { cidr: address, ...(gateway !== undefined && { gateway }), dns };
    const nic = await openDevice(first, { run, signal });
    return { mac: first.mac, link: await useLease(lease, { nic, server, run, signal }) };
  }
  const reasons: string[] = [];
  for await (
    const { port, use, reason } of findAddresses(ports, { server, run, signal })
  ) {
    if (use !== undefined) return { mac: port.mac, link: await use({ run, signal }) };
    reasons.push(`${deviceOf(port)} (${port.mac}): ${reason}`);
  }
  throw noAddress(all, reasons);
}

/** `reasons`: of those with a link. */
function noAddress(all: readonly Nic[], reasons: readonly string[]): RackseedError {
  return new RackseedError("cannot bring up the network", {
    reason: reasons.length > 0
      ? `${reasons.join("; ")}.`
      : all.length > 0
      ? `no NIC has a link: ${all.map(({ name, mac }) => `${name} (${mac})`).join(", ")}.`
      : "the image's kernel shows no NIC.",
    remedy: "check cable and switch; or write the medium with an address: rackseed medium --address, --vlan.",
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
