import { messageOf, RackseedError } from "#contract/errors.ts";

/**
 * The boot programs that firmware loads first. The build takes them out of Debian's packages
 * (scripts/build/boot_programs.ts); no binary of theirs is kept in the repository.
 */
interface BootProgram {
  /** The name under which TFTP and HTTP serve it. */
  readonly name: string;
  readonly debianPackage: string;
  /** Where it stands inside the package, relative to `/`. */
  readonly packagePath: string;
}

/**
 * shim loads its second stage by the fixed name `grubx64.efi` from the folder it came from itself,
 * so the signed GRUB is served under that name.
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
];

/** The folder of the boot programs: inside the product, or where the build put them. */
function bootProgramsFolder(): URL {
  return Deno.build.standalone
    ? new URL("./boot-programs/", import.meta.url)
    : new URL("../../.cache/boot-programs/", import.meta.url);
}

/** @throws RackseedError where the build has not fetched the programs yet */
export async function readBootProgram(name: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(new URL(name, bootProgramsFolder()));
  } catch (cause) {
    throw new RackseedError(`cannot read the boot program ${name}`, {
      reason: messageOf(cause),
      remedy: "run `deno task build`, which takes it out of Debian's packages.",
      cause,
    });
  }
}
