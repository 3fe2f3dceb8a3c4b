import type { BootAnswer, BootClient } from "./dhcp/boot_client.ts";

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
}

export type BootTarget =
  | { readonly kind: "agent"; readonly image: string; readonly token: string }
  | { readonly kind: "own-disk" };

/** Every machine that is not armed starts from its own disk: known or unknown, idle, installed or failed. */
export function chooseTarget(node: NetbootNode | undefined): BootTarget {
  return node?.armed === undefined ? { kind: "own-disk" } : { kind: "agent", ...node.armed };
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
}

/** What a node may name: one of the two iPXE builds for UEFI, as each hangs on some machines, or shim. */
type UefiProgram = "snponly.efi" | "ipxe.efi" | "shimx64.efi";

interface FirstStage {
  readonly site: NetbootSite;
  /** The node's own choice. */
  readonly uefiProgram?: UefiProgram;
  /** The image that the machine is armed with at this moment. */
  readonly armedWith?: string | undefined;
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
  if (arch !== "uefi-x64") return undefined;
  const asks = site.signedImages ? uefiProgram : site.secureBoot ? "shimx64.efi" : uefiProgram;
  // An unarmed machine gets iPXE: without a boot file, firmware would wait for another server's answer.
  if (asks === undefined && site.signedImages && armedWith !== undefined) return signedImage(armedWith);
  if (asks !== "shimx64.efi") return asks ?? "snponly.efi";
  // GRUB's HTTP client insists on a header spelled `Content-Length`; ours is lower case. Without an answer, the
  // firmware tries its PXE entry next, which uses TFTP.
  return http ? undefined : "shimx64.efi";
}

/** The name of an image's UKI in the table of boot files. */
export function signedImage(image: string): string {
  return `images/${image}/agent.efi`;
}

/** The name of a machine's iPXE script, over TFTP and under /boot/ over HTTP: `ipxe/52-54-00-12-34-56`. */
function scriptName(mac: string): string {
  return `ipxe/${mac.replaceAll(":", "-")}`;
}
