import { type Architecture, ARCHITECTURE_NAMES } from "#contract/architectures.ts";
import { type BootFile, fileOfText, openJoined } from "./boot_file.ts";
import { grubAgentMenu, grubEntryMenu, type GrubNetwork, grubOwnDiskMenu } from "./menu/grub.ts";
import { ipxeAgentScript, ipxeEntryScript, ipxeOwnDiskScript } from "./menu/ipxe.ts";
import { type BootTarget, type NetbootSite, unifiedImage } from "./netboot.ts";
import { isOptional, tableNames } from "./file_names.ts";
import { efiNames } from "./programs/programs.ts";
import { ShimClients } from "./shim_clients.ts";
import { fileOfBytes, openFile } from "./tftp/tftp_file.ts";

/** The files of one image version that a node boots. */
export interface ImageBootFiles {
  readonly architecture: Architecture;
  readonly kernel: string;
  /** The segments, in order. The size of each is a multiple of 4 bytes. */
  readonly initramfs: readonly string[];
}

export type BootProtocol = "tftp" | "http";

interface BootFilesOptions {
  readonly site: NetbootSite & {
    /** The URL that the agent connects to: `https://10.0.0.1:8443`. */
    readonly agentUrl: string;
    /** Known only if this server runs the DHCP service. */
    readonly network?: GrubNetwork;
  };
  /** Boot programs by name. */
  readonly programs: ReadonlyMap<string, Uint8Array>;
  /**
   * What the netboot policy decides for a machine that asks by this protocol. Each call for an armed one issues a boot
   * token.
   */
  readonly issueTarget: (mac: string, by: BootProtocol) => BootTarget;
  /** Paths of a version's boot files; undefined if there is no such version. */
  readonly image: (name: string) => ImageBootFiles | undefined;
  /** The pieces of a version's UKI, signed if the site signs images. */
  readonly unified: (name: string) => readonly (string | Uint8Array)[] | undefined;
}

interface LookupOptions {
  /** The client's, if it asks by TFTP. */
  readonly address?: string;
  readonly by?: BootProtocol;
  readonly nowMs?: number;
}

/** shim's second stage, by its own name. */
const SECOND_STAGES: ReadonlyMap<string, string> = new Map(
  ARCHITECTURE_NAMES.map(efiNames).map(({ shim, grub }) => [shim, grub]),
);

/**
 * The table of names that TFTP serves, and HTTP under /boot/. Nothing outside the table can be reached:
 *
 *     undionly.kpxe, snponly.efi, …            boot programs
 *     autoexec.ipxe                            the script that iPXE starts with under UEFI
 *     ipxe/MAC                                 a machine's iPXE script
 *     grub/grub.cfg, grub/node/MAC             the signed GRUB's menus
 *     images/NAME/vmlinuz, images/NAME/initramfs
 *     images/NAME/agent.efi                    both as one UKI, signed if the site signs images
 *     agent/MAC                                the token of an agent that a UKI has started
 *
 * @example A machine without an order boots from its own disk
 * ```ts
 * import assert from "node:assert/strict";
 * import { BootFiles } from "./boot_files.ts";
 *
 * const files = new BootFiles({
 *   site: {
 *     httpUrl: "http://10.0.0.1:8080",
 *     agentUrl: "https://10.0.0.1:8443",
 *     transport: "http",
 *     secureBoot: false,
 *   },
 *   programs: new Map([["undionly.kpxe", new Uint8Array(70_000)]]),
 *   issueTarget: () => ({ kind: "own-disk" }),
 *   image: () => undefined,
 *   unified: () => undefined,
 * });
 * assert.equal(files.lookup("undionly.kpxe")?.sizeBytes, 70_000);
 * assert.ok(files.lookup("ipxe/52-54-00-12-34-56"));
 * assert.equal(files.lookup("../etc/passwd"), undefined);
 * ```
 */
export class BootFiles {
  readonly #options: BootFilesOptions;
  readonly #shimClients = new ShimClients();

  constructor(options: BootFilesOptions) {
    this.#options = options;
  }

  /**
   * Accepts names as firmware writes them (see `tableNames`). Under Secure Boot, a machine that has fetched shim is
   * sent GRUB for any name that the table lacks.
   */
  lookup(
    requested: string,
    { address, by = "http", nowMs = performance.now() }: LookupOptions = {},
  ): BootFile | undefined {
    for (const name of tableNames(requested)) {
      const file = this.#find(name, by);
      if (file === undefined) continue;
      const secondStage = SECOND_STAGES.get(name);
      if (secondStage !== undefined && address !== undefined) {
        this.#shimClients.add(address, { secondStage, nowMs });
      }
      return file;
    }
    if (!this.#options.site.secureBoot || address === undefined) return undefined;
    if (isOptional(requested) || isTableFolder(requested)) return undefined;
    const secondStage = this.#shimClients.secondStageOf(address, nowMs);
    return secondStage === undefined ? undefined : this.#find(secondStage, by);
  }

  #find(name: string, by: BootProtocol): BootFile | undefined {
    const program = this.#options.programs.get(name);
    if (program !== undefined) return fileOfBytes(program);
    if (name === "autoexec.ipxe") return fileOfText(ipxeEntryScript({ base: this.#base }));
    if (name === "grub/grub.cfg") return fileOfText(grubEntryMenu());
    const [folder = "", item = "", file, ...rest] = name.split("/");
    if (rest.length > 0) return undefined;
    if (folder === "ipxe" && file === undefined) return this.#menu(item, { program: "ipxe", by });
    if (folder === "grub" && item === "node" && file !== undefined) {
      return this.#menu(file, { program: "grub", by });
    }
    if (folder === "agent" && file === undefined) return this.#token(item, by);
    if (folder === "images" && file !== undefined) return this.#imageFile(item, file);
    return undefined;
  }

  /** What iPXE puts before a name of the table. */
  get #base(): string {
    const { transport, httpUrl } = this.#options.site;
    return transport === "http" ? `${httpUrl}/boot/` : "/";
  }

  #menu(
    text: string,
    { program, by }: { program: "ipxe" | "grub"; by: BootProtocol },
  ): BootFile | undefined {
    const mac = macIn(text);
    if (mac === undefined) return undefined;
    const { issueTarget, site } = this.#options;
    const order = issueTarget(mac, by);
    if (order.kind === "own-disk") {
      return fileOfText(program === "ipxe" ? ipxeOwnDiskScript(order) : grubOwnDiskMenu());
    }
    const { image, token } = order;
    // if there is no such image, nothing of it is loaded
    const { architecture = "x86_64" } = this.#options.image(image) ?? {};
    const boot = {
      server: site.agentUrl,
      token,
      image,
      architecture,
      mac,
      vlan: site.bootVlan,
      mtu: site.mtu,
    };
    if (program === "ipxe") {
      const base = this.#base;
      const signed = site.signedImages ? { signed: `${base}${unifiedImage(order.image)}` } : {};
      return fileOfText(ipxeAgentScript(boot, { base, ...signed }));
    }
    return fileOfText(grubAgentMenu(boot, site.network === undefined ? {} : { network: site.network }));
  }

  #token(text: string, by: BootProtocol): BootFile | undefined {
    const mac = macIn(text);
    if (mac === undefined) return undefined;
    const order = this.#options.issueTarget(mac, by);
    return order.kind === "agent" ? fileOfText(`${order.token}\n`) : undefined;
  }

  #imageFile(name: string, file: string): BootFile | undefined {
    if (file === "agent.efi") {
      const pieces = this.#options.unified(name);
      return pieces && openJoined(pieces);
    }
    const image = this.#options.image(name);
    if (image === undefined) return undefined;
    if (file === "vmlinuz") return openFile(image.kernel);
    if (file === "initramfs") return openJoined(image.initramfs);
    return undefined;
  }
}

/** Undefined if the text is not a MAC address. */
function macIn(text: string): string | undefined {
  const mac = text.toLowerCase().replaceAll("-", ":");
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac) ? mac : undefined;
}

/** A name in one of the table's folders was requested by one of our menus, not by shim. */
function isTableFolder(requested: string): boolean {
  return /^(images|ipxe|grub|agent)\//.test(tableNames(requested)[0] ?? "");
}
