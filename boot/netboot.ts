import type { Architecture } from "#contract/architectures.ts";
import type { BootAnswer, BootClient } from "./dhcp/boot_client.ts";
import type { InstalledLoader } from "./menu/ipxe.ts";
import { efiNames } from "./programs/programs.ts";

/**
 * The netboot policy: what a machine that boots from the network gets. Two pure functions: `chooseTarget` decides
 * between the agent and the machine's own disk; `chooseFirstStage` picks a program that its firmware can run.
 *
 * @example Nothing but an armed node boots the agent
 * ```ts
 * import assert from "node:assert/strict";
 * import { chooseTarget } from "./netboot.ts";
 *
 * assert.equal(chooseTarget({ armed: { image: "web@3", token: "rs1.secret" } }).kind, "agent");
 * assert.equal(chooseTarget({}).kind, "own-disk");
 * assert.equal(chooseTarget(undefined).kind, "own-disk");
 * ```
 */

/** What the store knows about a machine that matters to its boot. */
export interface NetbootNode {
  /** Set while, and only while, the operator's order to install this node is in force. */
  readonly armed?: {
    /** Folder of the image version's kernel and initramfs in the table of boot files. */
    readonly image: string;
    /** One-time token for this boot. */
    readonly token: string;
  };
  /** Of the system that was last installed, if that is known. */
  readonly loader?: InstalledLoader | undefined;
}

export type BootTarget =
  | { readonly kind: "agent"; readonly image: string; readonly token: string }
  | { readonly kind: "own-disk"; readonly loader?: InstalledLoader };

/** Every machine that is not armed starts from its own disk: known or unknown, idle, installed or failed. */
export function chooseTarget(node: NetbootNode | undefined): BootTarget {
  if (node?.armed !== undefined) return { kind: "agent", ...node.armed };
  return { kind: "own-disk", ...(node?.loader && { loader: node.loader }) };
}

export interface NetbootSite {
  /** Where plain HTTP serves /boot/…, without a trailing slash: `http://10.0.0.1:8080`. */
  readonly httpUrl: string;
  /** How iPXE fetches its script, the kernel and the initramfs. */
  readonly transport: "http" | "tftp";
  /** Serve shim and signed GRUB to every UEFI machine: DHCP does not reveal whether Secure Boot is on. */
  readonly secureBoot: boolean;
  /** Boot UEFI machines from the image's signed UKI. iPXE is signed by the same key then. */
  readonly signedImages?: boolean;
  /** The nodes' switch ports may carry the network tagged with this VLAN, which iPXE and GRUB would not reach. */
  readonly bootVlan?: number;
  /** The largest packet of the nodes' network, if larger than usual. */
  readonly mtu?: number;
}

/**
 * What a node may name: one of the two iPXE builds for UEFI, as each hangs on some machines, or shim. There is no iPXE for
 * arm64, and shim has another name there.
 */
type UefiProgram = "snponly.efi" | "ipxe.efi" | "shimx64.efi";

interface FirstStage {
  readonly site: NetbootSite;
  /** The node's own choice. */
  readonly uefiProgram?: UefiProgram;
  /** The image that the machine is armed with at this moment, and the architecture that it is for. */
  readonly armedWith?: { readonly image: string; readonly architecture: Architecture } | undefined;
}

/**
 * The boot file of a DHCP answer; undefined if no boot program fits the machine, which then tries its next boot
 * device. iPXE gets its script rather than iPXE again, and is told not to wait 2 s and more for a proxyDHCP server.
 */
export function chooseFirstStage(
  client: BootClient,
  options: FirstStage,
): BootAnswer | undefined {
  const { site } = options;
  if (client.ipxe) {
    const name = scriptName(client.mac);
    return { file: site.transport === "http" ? `${site.httpUrl}/boot/${name}` : name, noProxyDhcp: true };
  }
  const program = firmwareProgram(client, options);
  if (program === undefined) return undefined;
  return { file: client.http ? `${site.httpUrl}/boot/${program}` : program };
}

/** A boot file as DHCPv6 names it, which is always by a URL (RFC 5970 §3.1). `server`: as it stands in a URL. */
export function bootUrl(file: string, { server }: { server: string }): string {
  return file.includes("://") ? file : `tftp://${server}/${file}`;
}

function firmwareProgram(
  { arch, http }: BootClient,
  { site, uefiProgram, armedWith }: FirstStage,
): string | undefined {
  if (arch === "bios") return http ? undefined : "undionly.kpxe";
  const architecture = architectureOfClient(arch);
  if (architecture === undefined) return undefined;
  const { ipxe, shim, grub, fails } = efiNames(architecture);
  const asks = site.secureBoot && !site.signedImages ? "shimx64.efi" : uefiProgram;
  // GRUB's HTTP client insists on a header spelled `Content-Length`; ours is lower case. Without an answer, the
  // firmware tries its PXE entry next, which uses TFTP.
  if (asks === "shimx64.efi") return http ? undefined : shim;
  const mayBeTagged = site.bootVlan !== undefined && asks === undefined;
  const isDirect = ipxe === undefined || mayBeTagged || (site.signedImages && asks === undefined);
  // another architecture's image could not start
  if (isDirect && armedWith?.architecture === architecture) return unifiedImage(armedWith.image);
  if (mayBeTagged) return fails;
  // An unarmed machine gets iPXE, or GRUB: without a boot file, firmware would wait for another server's answer.
  if (ipxe !== undefined) return asks ?? ipxe;
  return http ? undefined : grub;
}

/** Of a machine with 64-bit UEFI; all others have no boot program for it. */
export function architectureOfClient(arch: BootClient["arch"]): Architecture | undefined {
  if (arch === "uefi-x64") return "x86_64";
  return arch === "uefi-arm64" ? "aarch64" : undefined;
}

/** The name of an image's UKI in the table of boot files. */
export function unifiedImage(image: string): string {
  return `images/${image}/agent.efi`;
}

/** The name of a machine's iPXE script, over TFTP and under /boot/ over HTTP: `ipxe/52-54-00-12-34-56`. */
function scriptName(mac: string): string {
  return `ipxe/${mac.replaceAll(":", "-")}`;
}
