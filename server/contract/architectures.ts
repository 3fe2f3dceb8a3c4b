/**
 * The processors that templates, nodes and servers may have. What they call things differently stands here once; everything
 * else of the product is the same for all.
 */

interface ArchitectureFacts {
  /** For people, and in a REF: `web@arm64`. */
  readonly label: string;
  /** Debian's name, and that of container images. */
  readonly debian: string;
  /** GNU's name, in the folders of Debian's libraries. */
  readonly triplet: string;
  /** The file name of the C library's dynamic loader. */
  readonly loader: string;
  /** e_machine of an ELF file (System V gABI, chapter 4). */
  readonly elfMachine: number;
  /** What names of EFI programs end in: `EFI/BOOT/BOOTX64.EFI` (UEFI 2.10 §3.5.1.1), `grubx64.efi`. */
  readonly efi: string;
  /** GRUB's platform for UEFI, and RHEL's package with it. */
  readonly grubPlatform: string;
  readonly grubRhel: string;
  /**
   * The kernel's consoles. The last that exists takes the agent's dialog. Without a rate a serial port gets 9600 baud
   * (admin-guide/serial-console), at which the kernel's own 25 KB of messages would hold a machine up for 26 s. Boards that
   * redirect their console to the network use this rate.
   */
  readonly consoles: readonly string[];
}

/** Machine names of uname(2), which are Deno's names, too. */
export type Architecture = "x86_64" | "aarch64";

export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureFacts>> = {
  x86_64: {
    label: "x86-64",
    debian: "amd64",
    triplet: "x86_64-linux-gnu",
    loader: "ld-linux-x86-64.so.2",
    elfMachine: 62,
    efi: "x64",
    grubPlatform: "x86_64-efi",
    grubRhel: "grub2-efi-x64",
    consoles: ["tty0", "ttyS0,115200n8"],
  },
  aarch64: {
    label: "arm64",
    debian: "arm64",
    triplet: "aarch64-linux-gnu",
    loader: "ld-linux-aarch64.so.1",
    elfMachine: 183,
    efi: "aa64",
    grubPlatform: "arm64-efi",
    grubRhel: "grub2-efi-aa64",
    // few boards have a UART of the PC's kind, the others the one that Arm's base system architecture asks for
    consoles: ["tty0", "ttyS0,115200n8", "ttyAMA0,115200n8"],
  },
};

export const ARCHITECTURE_NAMES = Object.keys(ARCHITECTURES) as Architecture[];

/**
 * By any of its names. Undefined for an architecture that no node can have.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(["arm64", "aarch64"].map(architectureOf), ["aarch64", "aarch64"]);
 * assert.equal(architectureOf("riscv64"), undefined);
 * ```
 */
export function architectureOf(name: string): Architecture | undefined {
  return ARCHITECTURE_NAMES.find((one) => {
    const { label, debian } = ARCHITECTURES[one];
    return [one, label, debian].includes(name);
  });
}

/** Of an ELF file, by its first 20 bytes; undefined if it is none, or for another machine. */
export function architectureOfElf(head: Uint8Array): Architecture | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  // 64-bit, little-endian
  if (head.length < 20 || view.getUint32(0) !== 0x7f454c46 || view.getUint16(4) !== 0x0201) return undefined;
  const machine = view.getUint16(18, true);
  return ARCHITECTURE_NAMES.find((one) => ARCHITECTURES[one].elfMachine === machine);
}
