import { messageOf, RackseedError } from "#contract/errors.ts";

/**
 * A boot program that firmware loads first. The build takes the programs from Debian packages
 * (scripts/build/boot_programs.ts); the repository holds no copy.
 */
interface BootProgram {
  /** The name under which TFTP and HTTP serve it; that of the folder's file. */
  readonly name: string;
  /** False for a part of other files, which nobody boots as it is. */
  readonly served?: false;
  readonly debianPackage: string;
  /** The file in the package, relative to `/`. */
  readonly packagePath: string;
}

/** The beginning of every unified kernel image (boot/uki). */
export const EFI_STUB = "linuxx64.efi.stub";

/**
 * shim loads its second stage under the fixed name `grubx64.efi`, from its own folder, so the signed GRUB is served
 * under that name.
 */
export const bootPrograms: readonly BootProgram[] = [
  { name: "undionly.kpxe", debianPackage: "ipxe", packagePath: "usr/lib/ipxe/undionly.kpxe" },
  { name: "ipxe.efi", debianPackage: "ipxe", packagePath: "usr/lib/ipxe/ipxe.efi" },
  { name: "snponly.efi", debianPackage: "ipxe", packagePath: "usr/lib/ipxe/snponly.efi" },
  { name: "shimx64.efi", debianPackage: "shim-signed", packagePath: "usr/lib/shim/shimx64.efi.signed" },
  {
    name: "grubx64.efi",
    debianPackage: "grub-efi-amd64-signed",
    packagePath: "usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed",
  },
  {
    name: EFI_STUB,
    served: false,
    debianPackage: "systemd-boot-efi",
    packagePath: "usr/lib/systemd/boot/efi/linuxx64.efi.stub",
  },
];

/** The programs of a bootable medium (boot/medium), which the network does not serve. */
const mediumPrograms: readonly BootProgram[] = [
  {
    name: "gcdx64.efi",
    debianPackage: "grub-efi-amd64-signed",
    packagePath: "usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed",
  },
  { name: "isolinux.bin", debianPackage: "isolinux", packagePath: "usr/lib/ISOLINUX/isolinux.bin" },
  { name: "isohdpfx.bin", debianPackage: "isolinux", packagePath: "usr/lib/ISOLINUX/isohdpfx.bin" },
  {
    name: "ldlinux.c32",
    debianPackage: "syslinux-common",
    packagePath: "usr/lib/syslinux/modules/bios/ldlinux.c32",
  },
];

/** What the build fetches. */
export const allBootPrograms: readonly BootProgram[] = [...bootPrograms, ...mediumPrograms];

/** The folder of the boot programs: inside the product, or where the build puts them. */
function bootProgramsFolder(): URL {
  return Deno.build.standalone
    ? new URL("./boot-programs/", import.meta.url)
    : new URL("../../.cache/boot-programs/", import.meta.url);
}

/** @throws RackseedError if the build has not fetched the programs yet */
export async function readBootProgram(name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(new URL(name, bootProgramsFolder()));
  } catch (cause) {
    throw new RackseedError(`cannot read the boot program ${name}`, {
      reason: messageOf(cause),
      remedy: "run `deno task build`, which takes it from a Debian package.",
      cause,
    });
  }
}
