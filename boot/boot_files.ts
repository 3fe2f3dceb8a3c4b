import { type BootFile, fileOfText, openJoined } from "./boot_file.ts";
import { grubAgentMenu, grubEntryMenu, type GrubNetwork, grubOwnDiskMenu } from "./menu/grub.ts";
import { ipxeAgentScript, ipxeOwnDiskScript } from "./menu/ipxe.ts";
import type { BootTarget, NetbootSite } from "./netboot.ts";
import { isOptional, tableNames } from "./file_names.ts";
import { ShimClients } from "./shim_clients.ts";
import { fileOfBytes, openFile } from "./tftp/tftp_file.ts";

/** The files of one image version that a node boots. */
export interface ImageBootFiles {
  readonly kernel: string;
  /** The segments in order; each one's size is a multiple of 4. */
  readonly initramfs: readonly string[];
}

interface BootFilesOptions {
  readonly site: NetbootSite & {
    /** What the agent connects to: `https://10.0.0.1:8443`. */
    readonly agentUrl: string;
    /** Known in own-DHCP mode. */
    readonly network?: GrubNetwork;
  };
  /** Boot programs by name. */
  readonly programs: ReadonlyMap<string, Uint8Array>;
  /** The netboot policy's answer for a machine. Each call for an armed one issues a boot token. */
  readonly issueTarget: (mac: string) => BootTarget;
  /** Paths of a version's boot files; undefined where there is no such version. */
  readonly image: (name: string) => ImageBootFiles | undefined;
}

const SHIM = "shimx64.efi";
const SECOND_STAGE = "grubx64.efi";

/**
 * The table of names that TFTP serves, and HTTP below /boot/. There is no other way to a file:
 *
 *     undionly.kpxe, snponly.efi, …            boot programs
 *     ipxe/MAC                                 a machine's iPXE script
 *     grub/grub.cfg, grub/node/MAC             the signed GRUB's menus
 *     images/NAME/vmlinuz, images/NAME/initramfs
 */
export class BootFiles {
  readonly #options: BootFilesOptions;
  readonly #shimClients = new ShimClients();

  constructor(options: BootFilesOptions) {
    this.#options = options;
  }

  /**
   * Takes names as firmware writes them (see `tableNames`). Under Secure Boot the machine at `address`, once it has
   * shim, gets GRUB for a name that is none.
   */
  lookup(asked: string, { address, nowMs = performance.now() }: { address?: string; nowMs?: number } = {}):
    | BootFile
    | undefined {
    for (const name of tableNames(asked)) {
      const file = this.#find(name);
      if (file === undefined) continue;
      if (name === SHIM && address !== undefined) this.#shimClients.add(address, nowMs);
      return file;
    }
    const wantsGrub = this.#options.site.secureBoot && address !== undefined &&
      this.#shimClients.has(address, nowMs) && !isOptional(asked) && !isOurs(asked);
    return wantsGrub ? this.#find(SECOND_STAGE) : undefined;
  }

  #find(name: string): BootFile | undefined {
    const program = this.#options.programs.get(name);
    if (program !== undefined) return fileOfBytes(program);
    if (name === "grub/grub.cfg") return fileOfText(grubEntryMenu());
    const [folder = "", item = "", file, ...rest] = name.split("/");
    if (rest.length > 0) return undefined;
    if (folder === "ipxe" && file === undefined) return this.#menu(item, "ipxe");
    if (folder === "grub" && item === "node" && file !== undefined) return this.#menu(file, "grub");
    if (folder === "images" && file !== undefined) return this.#imageFile(item, file);
    return undefined;
  }

  #menu(text: string, program: "ipxe" | "grub"): BootFile | undefined {
    const mac = text.toLowerCase().replaceAll("-", ":");
    if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return undefined;
    const { issueTarget, site } = this.#options;
    const order = issueTarget(mac);
    if (order.kind === "own-disk") {
      return fileOfText(program === "ipxe" ? ipxeOwnDiskScript() : grubOwnDiskMenu());
    }
    const boot = { server: site.agentUrl, token: order.token, image: order.image, mac };
    if (program === "ipxe") {
      const base = site.transport === "http" ? `${site.httpUrl}/boot/` : "/";
      return fileOfText(ipxeAgentScript(boot, { base }));
    }
    return fileOfText(grubAgentMenu(boot, site.network === undefined ? {} : { network: site.network }));
  }

  #imageFile(name: string, file: string): BootFile | undefined {
    const image = this.#options.image(name);
    if (image === undefined) return undefined;
    if (file === "vmlinuz") return openFile(image.kernel);
    if (file === "initramfs") return openJoined(image.initramfs);
    return undefined;
  }
}

/** A name of one of the table's folders comes from a menu of ours, not from shim. */
function isOurs(asked: string): boolean {
  return /^(images|ipxe|grub)\//.test(tableNames(asked)[0] ?? "");
}
