/** DHCP, TFTP and the boot files, connected to the fleet by the one netboot policy. */
import { getLogger } from "@logtape/logtape";
import { BootFiles, type BootProtocol, type ImageBootFiles } from "../../boot/boot_files.ts";
import { type Ipv4, type MacAddress, parseIpv4, parseMac } from "../../boot/dhcp/address.ts";
import type { BootClient } from "../../boot/dhcp/boot_client.ts";
import { FirstPackets } from "../../boot/dhcp/first_packets.ts";
import type { LeaseStore } from "../../boot/dhcp/lease_store.ts";
import { type Ipv6Prefix, parseIpv6, prefixOf } from "../../boot/dhcp6/address.ts";
import type { Dhcp6Client } from "../../boot/dhcp6/request.ts";
import { startDhcp6Server } from "../../boot/dhcp6/server.ts";
import { findOtherDhcpServer } from "../../boot/dhcp/probe.ts";
import { startProxyDhcp } from "../../boot/dhcp/proxy.ts";
import { startDhcpServer } from "../../boot/dhcp/server.ts";
import { RecentBoots } from "../../boot/ndp/recent_boots.ts";
import { startRouterAdvertisements } from "../../boot/ndp/server.ts";
import type { Compression } from "../../boot/initramfs/segment.ts";
import {
  architectureOfClient,
  type BootTarget,
  bootUrl,
  chooseFirstStage,
  chooseTarget,
} from "../../boot/netboot.ts";
import type { UkiSigner } from "../../boot/uki/signed_data.ts";
import { signProgram } from "../../boot/uki/uki.ts";
import { kernelParameters, unifiedCommandLine } from "../../boot/menu/kernel.ts";
import { bootPrograms, efiNames, readBootProgram } from "../../boot/programs/programs.ts";
import { startTftpServer } from "../../boot/tftp/server.ts";
import type { TftpFile } from "../../boot/tftp/tftp_file.ts";
import { type Architecture, ARCHITECTURE_NAMES, architectureOf } from "#contract/architectures.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { AgentSegments } from "../boot_files/agent_segments.ts";
import type { ServerOptions } from "../cli/server_options.ts";
import { refuseLargerFrames } from "./frame_size.ts";
import { installedLoader } from "./installed_loader.ts";
import { MachineSightings } from "./machine_sightings.ts";
import { reservations6Of, reservationsOf } from "./node_reservations.ts";
import { inUrl, type SiteAddresses } from "../connections/site_addresses.ts";
import { UnifiedImages } from "./unified_images.ts";
import { defaultRange } from "./dhcp_range.ts";
import type { ImageStore } from "../store/images.ts";
import { type LateMachine, readLateMachines, writeLateMachines } from "../store/late_machines.ts";
import type { PublishedVersion } from "../store/versions.ts";
import type { Nodes } from "../store/nodes.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { InstallerBoot } from "../fleet/ports.ts";

const log = getLogger(["rackseed", "netboot"]);
const LEASE_SECONDS = 3600;
/** What the server signs beside images, so that it can send a machine to its own disk. */
const SIGNED_PROGRAMS = new Set([
  "snponly.efi",
  "ipxe.efi",
  ...ARCHITECTURE_NAMES.map((one) => efiNames(one).fails),
]);

type BootSite = Parameters<typeof chooseFirstStage>[1]["site"];

interface NetbootOptions {
  readonly options: ServerOptions;
  readonly site: SiteAddresses;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly fleet: Fleet;
  readonly nodes: Nodes;
  readonly store: ImageStore;
  readonly segments: AgentSegments;
  /** Whether a boot file is known to be damaged. No machine boots it then. */
  readonly isDamaged: (path: string) => boolean;
  /** Signs images and iPXE; undefined if the site signs none. */
  readonly signer?: UkiSigner | undefined;
  /** Pin of the server's CA. */
  readonly pin: string;
  readonly leases: LeaseStore;
  /** Called with the outcome of each DHCP and TFTP request. */
  readonly onDhcp: (request: string, answer: string) => void;
  readonly onTftp: (outcome: string, bytes: number) => void;
  readonly signal: AbortSignal;
}

interface NetbootServices {
  /** The table of boot files, for plain HTTP. `address`: the client's. */
  lookup(name: string, client: { readonly address: string }): TftpFile | undefined;
  /** For running machines that start the installer themselves. */
  readonly installer: InstallerBoot;
  readonly tftpPort: number | undefined;
  /** One per service: settles when it has ended, rejects if it broke. */
  readonly finished: readonly Promise<void>[];
}

export async function startNetboot(context: NetbootOptions): Promise<NetbootServices> {
  const { options, site, httpPort, httpsPort, fleet, nodes, store, segments, isDamaged, signal } = context;
  await refuseLargerFrames(options);
  await ensureSegments(context);
  const network = options.dhcp === "server" && site.netmask !== undefined
    ? {
      mask: site.netmask,
      ...(options.gateway !== undefined && { gw: options.gateway }),
      ...(options.dns[0] !== undefined && { dns: options.dns[0] }),
    }
    : undefined;
  const bootSite = {
    httpUrl: `http://${inUrl(site.advertised)}:${httpPort}`,
    agentUrl: `https://${inUrl(site.advertised)}:${httpsPort}`,
    transport: "http" as const,
    secureBoot: options.secureBoot,
    signedImages: context.signer !== undefined,
    ...(options.bootVlan !== undefined && { bootVlan: options.bootVlan }),
    ...(options.mtu !== undefined && { mtu: options.mtu }),
    ...(network && { network }),
  };
  const sightings = new MachineSightings({ nodes, orders: fleet.netboot });
  const image = (name: string) => imageFiles(name, { store, segments, isDamaged });
  const { signer, pin } = context;
  const { agentUrl, httpUrl } = bootSite;
  const stubs = await readStubs();
  const unified = new UnifiedImages({
    stub: (architecture) => stubs.get(architecture) ?? new Uint8Array(),
    signer,
    commandLine: (architecture) =>
      unifiedCommandLine({ server: agentUrl, pin, httpUrl, vlan: options.bootVlan, architecture }),
    image,
  });
  const files = new BootFiles({
    site: bootSite,
    programs: await readPrograms(signer),
    issueTarget: (mac, by) => issueTarget(mac, { fleet, store, sightings, by }),
    image,
    unified: (name) => unified.get(name),
  });
  const lookupFor = (by: BootProtocol) => (name: string, { address }: { readonly address: string }) => {
    const file = files.lookup(name, { by, ...(by === "tftp" && { address }) });
    if (file) sightings.file(address, by);
    return file;
  };
  const finished: Promise<void>[] = [];
  let tftpPort: number | undefined;
  if (options.tftpPort !== undefined) {
    const tftp = startTftpServer({
      hostname: site.bind,
      port: options.tftpPort,
      lookup: lookupFor("tftp"),
      onOutcome: context.onTftp,
      signal,
    });
    tftpPort = tftp.port;
    finished.push(tftp.finished);
  }
  const link = options.dhcp6 === "server" ? linkOf(site) : undefined;
  if (link) finished.push(startDhcp6(context, { bootSite, sightings, link }).finished);
  // Another DHCP server's clients are not known here, so every machine that asks is answered.
  const recentBoots = options.dhcp === "off" ? undefined : new RecentBoots();
  if (options.dhcp !== "off") {
    finished.push((await startDhcp(context, { bootSite, sightings, recentBoots })).finished);
  }
  if (options.interface !== undefined && options.routerAdvertisements !== "off") {
    const service = startRouterAdvertisements({
      interface: options.interface,
      answers: (mac) => recentBoots?.has(mac, performance.now()) ?? true,
      ...(link && { link }),
      signal,
    });
    if (service) finished.push(service.finished);
  }
  const server = bootSite.agentUrl;
  const installer: InstallerBoot = {
    server,
    file: (name) => files.lookup(name),
    // the installer must not take the firmware's current boot entry for the network
    parameters: (boot) =>
      kernelParameters({ ...boot, architecture: architectureIn(store, boot.image), server }, { by: "kexec" }),
  };
  return { lookup: lookupFor("http"), installer, tftpPort, finished };
}

/** What DHCP and DHCPv6 decide alike. */
function policyOf(
  { options, fleet, nodes, store }: NetbootOptions,
  { bootSite }: { bootSite: BootSite },
) {
  type Client = Pick<BootClient, "pxe"> & { readonly mac?: MacAddress };
  const isNode = (mac: string | undefined) => mac !== undefined && nodes.byMac(mac)?.discovered === false;
  return {
    // an agent that a signed image has started asks for its address by itself
    answers: ({ pxe, mac }: Client) =>
      pxe || options.dhcpClients === "all" || isNode(mac) ||
      mac !== undefined && fleet.netboot.armedWith(mac) !== undefined,
    knows: ({ mac }: Client) => isNode(mac),
    bootOptions: (client: BootClient) => {
      if (!client.pxe) return undefined;
      const uefiProgram = nodes.byMac(client.mac)?.settings.bootProgram;
      const has = client.ipxe ? undefined : architectureOfClient(client.arch);
      const image = has && fleet.netboot.armedWith(client.mac);
      const armedWith = image && { image, architecture: architectureIn(store, image) };
      // the order was given before the machine was known
      if (armedWith && armedWith.architecture !== has) {
        log.warn("other-architecture", { mac: client.mac, has, ...armedWith });
      }
      return chooseFirstStage(client, {
        site: bootSite,
        ...(uefiProgram && { uefiProgram }),
        ...(armedWith && { armedWith }),
      });
    },
  };
}

function linkOf({ advertised, bind, prefixLength }: SiteAddresses): Ipv6Prefix {
  if (prefixLength === undefined) throw new Error("DHCPv6 needs an interface");
  const link = prefixOf(parseIpv6(bind), prefixLength);
  if (prefixLength <= 64) return link;
  throw new RackseedError(`cannot serve DHCPv6 on the network of ${advertised}`, {
    reason: `its prefix has ${prefixLength} bits, and an address made of a MAC needs 64 for itself.`,
    remedy: "give the interface an address with a prefix of 64 bits, for example fd00:1::1/64.",
    status: 400,
  });
}

function startDhcp6(
  context: NetbootOptions,
  { bootSite, sightings, link }: { bootSite: BootSite; sightings: MachineSightings; link: Ipv6Prefix },
): { finished: Promise<void> } {
  const { options, site, nodes, onDhcp, signal } = context;
  const device = options.interface;
  const mac = Deno.networkInterfaces().find(({ name }) => name === device)?.mac;
  if (device === undefined || mac === undefined) throw new Error("DHCPv6 needs an interface");
  const { answers, knows, bootOptions } = policyOf(context, { bootSite });
  return startDhcp6Server({
    interface: device,
    mac: parseMac(mac),
    address: parseIpv6(site.bind),
    prefix: link,
    dns: options.dns.map(parseIpv6),
    leaseSeconds: LEASE_SECONDS,
    reserved: reservations6Of(nodes, link),
    answers,
    knows,
    bootOptions: (client) => {
      const answer = client.mac && bootOptions({ ...client, mac: client.mac });
      return answer && { ...answer, file: bootUrl(answer.file, { server: inUrl(site.advertised) }) };
    },
    onDecision: onDhcp,
    onClient: (client: Dhcp6Client) => {
      if (client.mac !== undefined) sightings.client({ ...client, mac: client.mac });
    },
    signal,
  });
}

async function startDhcp(
  context: NetbootOptions,
  { bootSite, sightings, recentBoots }: {
    bootSite: BootSite;
    sightings: MachineSightings;
    recentBoots: RecentBoots | undefined;
  },
): Promise<{ finished: Promise<void> }> {
  const { options, site, nodes, leases, onDhcp, signal } = context;
  const { interface: device, gateway, dns } = options;
  const { netmask, advertised } = site;
  if (device === undefined || netmask === undefined) throw new Error("DHCP needs an interface");
  const address = parseIpv4(advertised);
  const firstPackets = new FirstPackets(readLateMachines(options.data), {
    nowMs: Date.now(),
    onChange: (late) => noteLate(options.data, late),
  });
  const { answers, knows, bootOptions } = policyOf(context, { bootSite });
  const common = {
    interface: device,
    address,
    onDecision: onDhcp,
    onClient(client: BootClient) {
      sightings.client(client);
      // Only iPXE: to other firmware the advertisement says that IPv6 is there, and it tries that in vain.
      if (client.ipxe) recentBoots?.note(client.mac, performance.now());
      else recentBoots?.forget(client.mac);
    },
    onBoot: (discover: Parameters<FirstPackets["discover"]>[0]) =>
      firstPackets.discover(discover, Date.now()),
    bootOptions,
    signal,
  };
  if (options.dhcp === "proxy") return startProxyDhcp(common);
  await refuseSecondServer(device, { address, signal });
  const pool = options.dhcpRange ?? defaultRange({ advertised, netmask });
  const network = {
    address,
    netmask: parseIpv4(netmask),
    range: { first: parseIpv4(pool.first), last: parseIpv4(pool.last) },
  };
  return startDhcpServer({
    ...common,
    netmask: network.netmask,
    range: network.range,
    ...(gateway !== undefined && { gateway: parseIpv4(gateway) }),
    dns: dns.map(parseIpv4),
    mtu: options.mtu,
    leaseSeconds: LEASE_SECONDS,
    leases,
    reservations: reservationsOf(nodes, network),
    answers,
    knows,
  });
}

/** For `rackseed doctor`. A full disk must not keep a machine from booting. */
function noteLate(data: string, late: readonly LateMachine[]): void {
  try {
    writeLateMachines(data, late);
  } catch (error) {
    log.error("late-machines-not-written", { error: messageOf(error) });
  }
}

/** Two DHCP servers on one network answer each other's clients: the classic accident. */
async function refuseSecondServer(
  device: string,
  { address, signal }: { address: Ipv4; signal: AbortSignal },
): Promise<void> {
  const other = await findOtherDhcpServer(device, { address, signal });
  if (other === undefined) return;
  throw new RackseedError(`cannot serve DHCP on ${device}`, {
    reason: `another DHCP server, ${other.serverId}, answers there (it offered ${other.offered}).`,
    remedy:
      "switch that server off, run this one beside it with --dhcp proxy, or give the nodes a network of their own.",
  });
}

function issueTarget(mac: string, { fleet, store, sightings, by }: {
  fleet: Fleet;
  store: ImageStore;
  sightings: MachineSightings;
  by: BootProtocol;
}): BootTarget {
  if (!sightings.script(mac, by)) return chooseTarget(undefined);
  const order = fleet.netboot.issue(mac);
  if (order === undefined) {
    const installed = fleet.netboot.installed(mac);
    const layout = installed && findVersion(installed, store)?.header.layout;
    return chooseTarget(layout ? { loader: installedLoader(layout) } : undefined);
  }
  const image = `${order.image}@${order.version}`;
  log.info("boots-agent", { mac, node: order.node.name, image });
  return chooseTarget({ armed: { image, token: order.token } });
}

function imageFiles(
  name: string,
  { store, segments, isDamaged }: Pick<NetbootOptions, "store" | "segments" | "isDamaged">,
): ImageBootFiles | undefined {
  const version = findVersion(name, store);
  if (!version?.bootable) return undefined;
  const damaged = [version.kernelPath, version.initrdPath].find(isDamaged);
  if (damaged !== undefined) {
    log.error("boot-file-damaged", { image: name, path: damaged });
    return undefined;
  }
  const architecture = architectureOfVersion(version);
  const compression = compressionOf(version);
  const agent = compression && segments.get({ architecture, compression });
  return agent === undefined
    ? undefined
    : { architecture, kernel: version.kernelPath, initramfs: [agent, version.initrdPath] };
}

function architectureIn(store: ImageStore, name: string): Architecture {
  return architectureOfVersion(findVersion(name, store));
}

/** What boots a node was captured from a machine, which had one of these. */
function architectureOfVersion(version: Pick<PublishedVersion, "header"> | undefined): Architecture {
  return architectureOf(version?.header.source?.architecture ?? "") ?? Deno.build.arch;
}

function findVersion(name: string, store: ImageStore): PublishedVersion | undefined {
  try {
    return store.published(name);
  } catch (error) {
    if (error instanceof RackseedError && error.status === 404) return undefined;
    throw error;
  }
}

/** After an upgrade of the product, the existing versions need its new segment. */
async function ensureSegments({ store, segments, signal }: NetbootOptions): Promise<void> {
  const kinds = new Map<string, Parameters<AgentSegments["ensure"]>[0]>();
  for (const version of store.allPublished().filter(({ bootable }) => bootable)) {
    const architecture = architectureOfVersion(version), compression = compressionOf(version);
    if (compression !== undefined) kinds.set(`${architecture} ${compression}`, { architecture, compression });
  }
  for (const kind of kinds.values()) {
    try {
      await segments.ensure(kind);
    } catch (error) {
      signal.throwIfAborted();
      log.error("no-agent-segment", { ...kind, error: messageOf(error) });
    }
  }
}

/** By the magic number: gzip RFC 1952 §2.3.1, zstd RFC 8878 §3.1.1. Undefined if the file cannot be read. */
function compressionOf({ image, version, initrdPath }: PublishedVersion): Compression | undefined {
  try {
    using file = Deno.openSync(initrdPath);
    const magic = new Uint8Array(2);
    file.readSync(magic);
    return magic[0] === 0x1f && magic[1] === 0x8b ? "gzip" : "zstd";
  } catch (error) {
    log.error("no-boot-files", { image: `${image}@${version}`, error: messageOf(error) });
    return undefined;
  }
}

async function readStubs(): Promise<ReadonlyMap<Architecture, Uint8Array>> {
  const stubs = new Map<Architecture, Uint8Array>();
  for (const architecture of ARCHITECTURE_NAMES) {
    try {
      stubs.set(architecture, await readBootProgram(efiNames(architecture).stub));
    } catch (error) {
      log.error("no-unified-images", { architecture, reason: messageOf(error) });
    }
  }
  return stubs;
}

/** With a signer, the programs that carry no signature get its own. */
async function readPrograms(signer: UkiSigner | undefined): Promise<ReadonlyMap<string, Uint8Array>> {
  const programs = new Map<string, Uint8Array>();
  const missing: string[] = [];
  let reason = "";
  for (const { name, served = true } of bootPrograms) {
    if (!served) continue;
    try {
      const program = await readBootProgram(name);
      programs.set(
        name,
        signer && SIGNED_PROGRAMS.has(name) ? signProgram(program, signer, { name }) : program,
      );
    } catch (error) {
      missing.push(name);
      reason = messageOf(error);
    }
  }
  if (missing.length > 0) log.warn("no-boot-programs", { missing, reason });
  return programs;
}
