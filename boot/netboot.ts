import type { BootAnswer, BootClient } from "./dhcp/boot_client.ts";

/**
 * The one netboot policy: what a machine that boots from the network is given. Two questions, both pure:
 * `chooseTarget` says whether the machine is installed or starts its own disk, `chooseFirstStage` which program
 * its firmware can run to get there.
 */

/** What the store knows of a machine, as far as its boot goes. */
export interface NetbootNode {
  /** Set exactly while the operator's order to install this node stands. */
  readonly armed?: {
    /** Folder of the image version's kernel and initramfs in the table of boot files. */
    readonly image: string;
    /** One-time token of this boot. */
    readonly token: string;
  };
}

export type BootTarget =
  | { readonly kind: "agent"; readonly image: string; readonly token: string }
  | { readonly kind: "own-disk" };

/** Whoever is not armed, known or not, idle, installed or failed, starts from its own disk. */
export function chooseTarget(node: NetbootNode | undefined): BootTarget {
  return node?.armed === undefined ? { kind: "own-disk" } : { kind: "agent", ...node.armed };
}

export interface NetbootSite {
  /** Where /boot/… is served by plain HTTP, without trailing slash: `http://10.0.0.1:8080`. */
  readonly httpUrl: string;
  /** How iPXE gets its script, the kernel and the initramfs. */
  readonly transport: "http" | "tftp";
  /** Serve shim and signed GRUB to every UEFI machine: DHCP does not tell whether Secure Boot is on. */
  readonly secureBoot: boolean;
}

/** The two iPXE builds for UEFI: each hangs on some machine, so a node may name the one it needs. */
type UefiProgram = "snponly.efi" | "ipxe.efi";

/**
 * The file of a DHCP answer; undefined where no boot program fits the machine, which then tries its next boot
 * device. iPXE is told its script instead of iPXE once more.
 */
export function chooseFirstStage(
  client: BootClient,
  { site, uefiProgram = "snponly.efi" }: { site: NetbootSite; uefiProgram?: UefiProgram },
): BootAnswer | undefined {
  if (client.ipxe) {
    const name = scriptName(client.mac);
    return { file: site.transport === "http" ? `${site.httpUrl}/boot/${name}` : name };
  }
  const program = firmwareProgram(client, { site, uefiProgram });
  if (program === undefined) return undefined;
  return { file: client.http ? `${site.httpUrl}/boot/${program}` : program };
}

function firmwareProgram(
  { arch, http }: BootClient,
  { site, uefiProgram }: { site: NetbootSite; uefiProgram: UefiProgram },
): string | undefined {
  if (arch === "bios") return http ? undefined : "undionly.kpxe";
  if (arch !== "uefi-x64") return undefined;
  if (!site.secureBoot) return uefiProgram;
  // GRUB's HTTP client needs `Content-Length` in that case, which our HTTP server does not write: the firmware's
  // PXE entry, by TFTP, is tried next.
  return http ? undefined : "shimx64.efi";
}

/** The name of a machine's iPXE script, the same by TFTP and below /boot/ by HTTP: `ipxe/52-54-00-12-34-56`. */
function scriptName(mac: string): string {
  return `ipxe/${mac.replaceAll(":", "-")}`;
}
