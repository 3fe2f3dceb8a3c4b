/**
 * DHCP, TFTP and HTTP with the table of boot files, as one program to run in a network namespace. It takes its
 * options as JSON, and prints a line once it is ready.
 */
import { type Ipv4, type MacAddress, parseMac } from "../../boot/dhcp/address.ts";
import { parseIpv6, prefixOf } from "../../boot/dhcp6/address.ts";
import { startDhcp6Server } from "../../boot/dhcp6/server.ts";
import type { BootAnswer, BootClient } from "../../boot/dhcp/boot_client.ts";
import { memoryLeaseStore } from "../../boot/dhcp/testing/memory_lease_store.ts";
import { startProxyDhcp } from "../../boot/dhcp/proxy.ts";
import { startDhcpServer } from "../../boot/dhcp/server.ts";
import { BootFiles, type ImageBootFiles } from "../../boot/boot_files.ts";
import { handleBoot } from "../../boot/http.ts";
import { bootUrl, chooseFirstStage, chooseTarget, type NetbootNode } from "../../boot/netboot.ts";
import { unifiedCommandLine } from "../../boot/menu/kernel.ts";
import { type Piece, signProgram } from "../../boot/uki/uki.ts";
import { signerOf } from "../../boot/uki/signed_data.ts";
import { UnifiedImages } from "../../server/netboot/unified_images.ts";
import { bootPrograms, efiNames, readBootProgram } from "../../boot/programs/programs.ts";
import { RecentBoots } from "../../boot/ndp/recent_boots.ts";
import { startRouterAdvertisements } from "../../boot/ndp/server.ts";
import { startTftpServer } from "../../boot/tftp/server.ts";
import { serveOrders } from "./order_service.ts";

export interface BootServiceOptions {
  readonly interface: string;
  readonly transport: "http" | "tftp";
  readonly secureBoot: boolean;
  readonly bootVlan?: number;
  /** In unsigned images, of the server that gives orders. */
  readonly pin?: string;
  /** "proxy": another server gives the addresses. */
  readonly dhcp?: "server" | "proxy";
  /** Everything by IPv6; the interface has no IPv4 address. */
  readonly ipv6?: { readonly mac: string };
  /** Print what each machine asks for: "asked tftp snponly.efi", "decided discover offer". */
  readonly tells?: boolean;
  /** Every machine counts as this node. */
  readonly node?: NetbootNode;
  /** Sign images with this key; Base64 of the certificate's DER. */
  readonly signing?: {
    readonly privateKey: string;
    readonly certificate: string;
    readonly pin: string;
    /** Change one byte of the initramfs after that. */
    readonly spoils?: boolean;
  };
  readonly images: Readonly<Record<string, ServedImage>>;
  /** Give agents orders; the folder of the certificate authority. See order_service.ts. */
  readonly orders?: string;
}

/** For x86-64, unless it says otherwise. */
export type ServedImage = Omit<ImageBootFiles, "architecture"> & Partial<ImageBootFiles>;

function imageFiles({ images }: BootServiceOptions, name: string): ImageBootFiles | undefined {
  const files = images[name];
  return files && { architecture: "x86_64", ...files };
}

export const bootServiceAddress = "10.78.0.1", bootServiceAddress6 = "fd00:78::1";
export const bootServiceReady = "serving boot files";

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "") as BootServiceOptions;
  const address = bootServiceAddress as Ipv4;
  const hostname = options.ipv6 ? bootServiceAddress6 : address;
  const host = options.ipv6 ? `[${hostname}]` : hostname;
  const site = {
    httpUrl: `http://${host}:8080`,
    agentUrl: `https://${host}:8443`,
    ...(options.ipv6 ? {} : { network: { mask: "255.255.255.0" } }),
    transport: options.transport,
    secureBoot: options.secureBoot,
    signedImages: options.signing !== undefined,
    ...(options.bootVlan !== undefined && { bootVlan: options.bootVlan }),
  };
  const programs = new Map<string, Uint8Array>();
  for (const { name } of bootPrograms) programs.set(name, await readBootProgram(name));
  const unified = unifiedImages(options, { site, programs });
  const files = new BootFiles({
    site,
    programs,
    issueTarget: () => chooseTarget(options.node),
    image: (name) => imageFiles(options, name),
    unified,
  });
  const tell = options.tells ? (text: string) => console.log(text) : () => {};
  const lookupBy = (by: "tftp" | "http") => (name: string) => {
    tell(`asked ${by} ${name}`);
    return files.lookup(name);
  };
  const booting = new RecentBoots();
  const { signal } = new AbortController();
  const common = {
    interface: options.interface,
    address,
    bootOptions(client: BootClient) {
      const { image = "" } = options.node?.armed ?? {}, files = imageFiles(options, image);
      return chooseFirstStage(client, { site, armedWith: files && { image, ...files } });
    },
    onClient: ({ mac, ipxe }: BootClient) =>
      ipxe ? booting.note(mac, performance.now()) : booting.forget(mac),
    onDecision: (request: string, answer: string) => tell(`decided ${request} ${answer}`),
    signal,
  };
  const dhcp = options.ipv6
    ? startIpv6({ ...common, ...options.ipv6, host })
    : options.dhcp === "proxy"
    ? startProxyDhcp(common)
    : startDhcpServer({
      ...common,
      netmask: "255.255.255.0" as Ipv4,
      range: { first: "10.78.0.50" as Ipv4, last: "10.78.0.99" as Ipv4 },
      leaseSeconds: 600,
      leases: memoryLeaseStore(),
      reservations: { addressOf: () => undefined, isReserved: () => false },
      answers: () => true,
      knows: () => true,
    });
  const tftp = startTftpServer({ hostname, port: 69, lookup: lookupBy("tftp"), signal });
  const http = Deno.serve({ hostname, port: 8080, signal, onListen: () => {} }, (request) => {
    return handleBoot(request, { lookup: lookupBy("http") });
  });
  if (!options.ipv6) {
    const answers = (mac: MacAddress) => booting.has(mac, performance.now());
    const service = startRouterAdvertisements({ interface: options.interface, answers, signal });
    if (service === undefined) throw new Error("router solicitations cannot be answered here");
  }
  if (options.orders !== undefined) await serveOrders({ hostname, folder: options.orders, signal });
  console.log(bootServiceReady);
  await Promise.all([dhcp.finished, tftp.finished, http.finished]);
}

/** DHCPv6, and advertisements of it. `host`: this server in a URL. */
function startIpv6(
  { interface: device, mac, host, bootOptions, onDecision, signal }: {
    interface: string;
    mac: string;
    host: string;
    bootOptions: (client: BootClient) => BootAnswer | undefined;
    onDecision: (request: string, answer: string) => void;
    signal: AbortSignal;
  },
) {
  const address = parseIpv6(bootServiceAddress6), prefix = prefixOf(address, 64);
  startRouterAdvertisements({ interface: device, answers: () => false, link: prefix, signal });
  return startDhcp6Server({
    interface: device,
    mac: parseMac(mac),
    address,
    prefix,
    dns: [],
    leaseSeconds: 600,
    reserved: () => undefined,
    answers: () => true,
    knows: () => true,
    bootOptions: (client) => {
      const answer = client.mac && client.pxe && bootOptions({ ...client, mac: client.mac });
      return answer ? { ...answer, file: bootUrl(answer.file, { server: host }) } : undefined;
    },
    onDecision,
    signal,
  });
}

/** If there is a key, they are signed, and iPXE in `programs` is, too. */
function unifiedImages(
  options: BootServiceOptions,
  { site, programs }: {
    site: { agentUrl: string; httpUrl: string; bootVlan?: number };
    programs: Map<string, Uint8Array>;
  },
): (name: string) => readonly Piece[] | undefined {
  const { agentUrl: server, httpUrl, bootVlan: vlan } = site,
    { signing } = options,
    { pin = options.pin ?? "pin", spoils = false } = signing ?? {};
  const signer = signing && signerOf({
    privateKey: signing.privateKey,
    certificate: Uint8Array.fromBase64(signing.certificate),
  });
  const name = "snponly.efi";
  if (signer) programs.set(name, signProgram(programs.get(name) ?? new Uint8Array(), signer, { name }));
  const made = new UnifiedImages({
    stub: (architecture) => programs.get(efiNames(architecture).stub) ?? new Uint8Array(),
    signer,
    commandLine: (architecture) => unifiedCommandLine({ server, pin, httpUrl, vlan, architecture }),
    image: (name) => imageFiles(options, name),
  });
  return (name) => spoils ? spoiled(made.get(name) ?? []) : made.get(name);
}

/** With one other bit in the middle of the first file, which is the initramfs. */
function spoiled(pieces: readonly Piece[]): Piece[] {
  const at = pieces.findIndex((piece) => typeof piece === "string");
  return pieces.map((piece, i) => {
    if (i !== at || typeof piece !== "string") return piece;
    const bytes = Deno.readFileSync(piece);
    bytes[bytes.length >> 1]! ^= 1;
    return bytes;
  });
}
