/**
 * How this machine reaches its server, and whether the installer can reach it the same way: with one NIC, one IPv4
 * address, a gateway; or by IPv6, whose address it finds by itself. The boot programs of a network boot give the kernel the same facts.
 */
import { RackseedError } from "#contract/errors.ts";
import { KERNEL, type KernelTrees } from "../layout/disks.ts";
import { readNics } from "../steps/inventory.ts";
import { exists, firstLine, namesIn, textOf } from "../sys/small_file.ts";

export interface NetworkPath {
  /** Of the NICs that lead to the server; any of them does. */
  readonly macs: readonly string[];
  readonly address: string;
  /** Dotted; undefined by IPv6. */
  readonly mask: string | undefined;
  readonly gateway: string | undefined;
  readonly dns: readonly string[];
  /** Whose tag these NICs send. */
  readonly vlan: number | undefined;
  /** They negotiate with their switch, which drops everything of a NIC that does not. */
  readonly lacp: boolean;
}

/** What is between an interface and its NICs. */
type Between = Pick<NetworkPath, "vlan" | "lacp">;

interface Carrier extends Between {
  readonly mac: string;
}

/** What the runtime knows of this machine's network. */
export interface NetworkPort {
  /** Connects to the server and closes again: which addresses both ends had. */
  readonly connect: (server: URL, signal: AbortSignal) => Promise<{ local: string; remote: string }>;
  readonly interfaces: () => readonly Pick<Deno.NetworkInterfaceInfo, "name" | "address" | "netmask">[];
  readonly trees: KernelTrees & { readonly etc: string; readonly run: string };
}

const CONNECT_MS = 20_000;
/** Bonds in which each NIC may speak on its own. Those with LACP can be made again; the others need all NICs (bonding.rst). */
const SINGLE_MODES = new Set(["active-backup", "balance-tlb", "balance-alb"]);

const LACP_MODE = "802.3ad";

export const NETWORK: NetworkPort = {
  async connect({ hostname, port }, signal) {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(CONNECT_MS)]);
    const to = { hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443), signal: limited };
    using connection = await Deno.connect(to);
    return { local: connection.localAddr.hostname, remote: connection.remoteAddr.hostname };
  },
  interfaces: () => Deno.networkInterfaces(),
  trees: { ...KERNEL, etc: "/etc", run: "/run" },
};

/** Throws RackseedError if the installer cannot repeat it. */
export async function readNetworkPath(
  server: URL,
  { signal, port = NETWORK }: { signal: AbortSignal; port?: NetworkPort },
): Promise<NetworkPath> {
  const { local, remote } = await port.connect(server, signal);
  const used = port.interfaces().find(({ address }) => address === local);
  if (used === undefined) throw unrepeatable(`its address ${local} belongs to no network interface`);
  if (local.startsWith("127.") || local === remote) throw unrepeatable("the server runs on this machine");
  const carriers = await nicsBelow(used.name, port.trees), macs = carriers.map(({ mac }) => mac);
  const [{ vlan, lacp } = { vlan: undefined, lacp: false }, ...others] = carriers;
  if (others.some((other) => other.vlan !== vlan || other.lacp !== lacp)) {
    throw unrepeatable(`the NICs below ${used.name} are in several VLANs, or in bonds of several kinds`);
  }
  if (local.includes(":")) {
    return { macs, address: local, mask: undefined, gateway: undefined, dns: [], vlan, lacp };
  }
  const routes = parseRoutes(await textOf(`${port.trees.proc}/net/route`) ?? "");
  return {
    macs,
    address: local,
    mask: used.netmask,
    gateway: gatewayTo(remote, { device: used.name, routes }),
    dns: await nameServers(port.trees),
    vlan,
    lacp,
  };
}

function unrepeatable(reason: string): RackseedError {
  return new RackseedError("cannot repeat this machine's network in the installer", {
    reason: `${reason}.`,
    remedy: "let the machine boot from the network.",
    status: 409,
  });
}

/** The NICs that carry an interface. */
async function nicsBelow(
  name: string,
  trees: Pick<KernelTrees, "sys" | "proc">,
  { vlan, lacp }: Between = { vlan: undefined, lacp: false },
): Promise<Carrier[]> {
  const at = `${trees.sys}/class/net/${name}`;
  if (await exists(`${at}/phy80211`)) throw unrepeatable(`it reaches the server by Wi-Fi (${name})`);
  if (await exists(`${at}/device`)) {
    const nic = (await readNics(trees)).find((one) => one.name === name);
    if (nic && !nic.randomMac) return [{ mac: nic.mac, vlan, lacp }];
    throw unrepeatable(`its NIC ${name} has no MAC address of its own`);
  }
  const mode = (await firstLine(`${at}/bonding/mode`))?.split(" ")[0];
  if (mode !== undefined && mode !== LACP_MODE && !SINGLE_MODES.has(mode)) {
    throw unrepeatable(`its bond ${name} has the mode ${mode}, which needs all NICs at once`);
  }
  const isBridge = await exists(`${at}/bridge`);
  const isVlan = /^DEVTYPE=vlan$/m.test(await textOf(`${at}/uevent`) ?? "");
  if (mode === undefined && !isBridge && !isVlan) {
    throw unrepeatable(
      `it reaches the server over ${name}, which is neither a NIC nor a bond, bridge or VLAN`,
    );
  }
  if (isVlan && vlan !== undefined) throw unrepeatable(`${name} is a VLAN within another one`);
  const between = {
    vlan: isVlan ? await vlanOf(name, trees) : vlan,
    lacp: lacp || mode === LACP_MODE,
  };
  const lower = (await namesIn(at)).flatMap((link) => /^lower_(.+)$/.exec(link)?.[1] ?? []);
  // the ports of a bridge may be virtual machines
  const carriers = await Promise.all(
    lower.map(async (port) => ({ port, isReal: await isCarrier(port, trees) })),
  );
  const nics = (await Promise.all(
    carriers.filter(({ isReal }) => isReal).map(({ port }) => nicsBelow(port, trees, between)),
  )).flat();
  if (nics.length === 0) throw unrepeatable(`${name} has no NIC below it`);
  return nics;
}

/** "eth0.7  VID: 7  REORDER_HDR: 1 …" (linux/net/8021q/vlanproc.c) */
async function vlanOf(name: string, { proc }: Pick<KernelTrees, "proc">): Promise<number> {
  const id = /\bVID: (\d+)/.exec(await textOf(`${proc}/net/vlan/${name}`) ?? "")?.[1];
  if (id === undefined) throw unrepeatable(`the kernel does not tell the VLAN of ${name}`);
  return Number(id);
}

async function isCarrier(name: string, { sys }: Pick<KernelTrees, "sys">): Promise<boolean> {
  const at = `${sys}/class/net/${name}`;
  return await exists(`${at}/device`) || await exists(`${at}/bonding`) ||
    /^DEVTYPE=vlan$/m.test(await textOf(`${at}/uevent`) ?? "");
}

interface Route {
  readonly device: string;
  readonly to: number;
  readonly mask: number;
  /** 0: the network is on the link. */
  readonly gateway: number;
  readonly metric: number;
}

/** /proc/net/route: words of 32 bits in hexadecimal, in the processor's byte order. Pure. */
function parseRoutes(text: string): Route[] {
  return text.split("\n").slice(1).flatMap((line) => {
    const [device, to, gateway, flags, , , metric, mask] = line.trim().split(/\s+/);
    if (device === undefined || mask === undefined || (Number(`0x${flags}`) & RTF_UP) === 0) return [];
    const word = (hex = "0") => Buffer.from(hex.padStart(8, "0"), "hex").readUInt32LE();
    return [{ device, to: word(to), mask: word(mask), gateway: word(gateway), metric: Number(metric) }];
  });
}

const RTF_UP = 1;

/** The gateway to the server; if there is none in between, the one to everywhere else. Pure. */
function gatewayTo(
  server: string,
  { device, routes }: { device: string; routes: readonly Route[] },
): string | undefined {
  const address = Buffer.from(server.split(".").map(Number)).readUInt32BE();
  const own = routes.filter((route) => route.device === device);
  const leads = own.filter(({ to, mask }) => ((address & mask) >>> 0) === to);
  const [best] = leads.sort((a, b) => b.mask - a.mask || a.metric - b.metric);
  const [usual] = own.filter(({ mask, gateway }) => mask === 0 && gateway !== 0)
    .sort((a, b) => a.metric - b.metric);
  const gateway = best?.gateway || usual?.gateway;
  return gateway ? [24, 16, 8, 0].map((shift) => gateway >>> shift & 255).join(".") : undefined;
}

/** IPv4 only; systemd-resolved keeps the real ones elsewhere (systemd-resolved.service(8)). */
async function nameServers({ etc, run }: NetworkPort["trees"]): Promise<string[]> {
  for (const path of [`${run}/systemd/resolve/resolv.conf`, `${etc}/resolv.conf`]) {
    const found = [...(await textOf(path) ?? "").matchAll(/^\s*nameserver\s+([\d.]+)\s*$/gm)]
      .map(([, address = ""]) => address).filter((address) => !address.startsWith("127."));
    if (found.length > 0) return found.slice(0, 3);
  }
  return [];
}
