import { type Architecture, ARCHITECTURE_NAMES, ARCHITECTURES } from "#contract/architectures.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";

/**
 * A boot program that firmware loads first, or a part of what it boots. The build takes them from Debian packages
 * (scripts/build/boot_programs.ts); the repository holds no copy.
 */
interface BootProgram {
  /** The name under which TFTP and HTTP serve it; that of the folder's file. */
  readonly name: string;
  /** False for a part of other files, which no firmware boots as it is. */
  readonly served?: false;
  readonly debianPackage: string;
  /** The file in the package, relative to `/`. */
  readonly packagePath: string;
}

/** Others boot an image at once (boot/netboot.ts). */
const IPXE: Partial<Record<Architecture, string>> = { x86_64: "snponly.efi" };

/** The names under which EFI programs are served. */
export function efiNames(architecture: Architecture): {
  readonly ipxe?: string;
  readonly shim: string;
  /** shim asks for its second stage by this name. */
  readonly grub: string;
  /** The beginning of every unified kernel image (boot/uki). */
  readonly stub: string;
  /** Fails at once, so that the firmware tries its next boot entry (UEFI 2.10 §3.1.1): the stub, without a kernel. */
  readonly fails: string;
} {
  const { efi } = ARCHITECTURES[architecture], ipxe = IPXE[architecture];
  return {
    ...(ipxe && { ipxe }),
    shim: `shim${efi}.efi`,
    grub: `grub${efi}.efi`,
    stub: `linux${efi}.efi.stub`,
    fails: `fails${efi}.efi`,
  };
}

function efiPrograms(architecture: Architecture): BootProgram[] {
  const { efi, debian, grubPlatform } = ARCHITECTURES[architecture];
  const { shim, grub, stub, fails } = efiNames(architecture);
  const stubSource = {
    debianPackage: `systemd-boot-efi:${debian}`,
    packagePath: `usr/lib/systemd/boot/efi/${stub}`,
  };
  return [
    { name: shim, debianPackage: `shim-signed:${debian}`, packagePath: `usr/lib/shim/${shim}.signed` },
    {
      name: grub,
      debianPackage: `grub-efi-${debian}-signed:${debian}`,
      packagePath: `usr/lib/grub/${grubPlatform}-signed/grubnet${efi}.efi.signed`,
    },
    { name: stub, served: false, ...stubSource },
    { name: fails, ...stubSource },
  ];
}

/**
 * Debian 13's iPXE, whatever release the build runs on: that of Debian 12 neither takes over the firmware's address nor
 * starts a disk under UEFI. It is not signed, so no revocation makes a newer one necessary.
 */
export const ipxePackage = {
  name: "ipxe",
  /** On any mirror of Debian. */
  path: "pool/main/i/ipxe/ipxe_1.21.1+git20250501.dad20602+dfsg-1_all.deb",
  sha256: "eeaca79dbde0fb86c102bf1d362c6f6a67ed0ddab38b3dd12e1b332339f5dd99",
} as const;

/** What network boot needs. */
export const bootPrograms: readonly BootProgram[] = [
  ...["undionly.kpxe", "ipxe.efi", "snponly.efi"].map((name) => ({
    name,
    debianPackage: ipxePackage.name,
    packagePath: `usr/lib/ipxe/${name === "ipxe.efi" ? "ipxe-amd64.efi" : name}`,
  })),
  ...efiPrograms("x86_64"),
  ...efiPrograms("aarch64"),
];

/** Of the C library and the compiler's: what the product needs to run. */
const RUNTIME_LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  "libc6": ["libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "librt.so.1"],
  "libgcc-s1": ["libgcc_s.so.1"],
};

/**
 * The libraries of the agent on nodes of another architecture than the server's, which has them itself only for its own.
 * `loader`: their dynamic loader.
 */
export function runtimeLibraries(architecture: Architecture): readonly BootProgram[] {
  const { debian, triplet, loader } = ARCHITECTURES[architecture];
  const files = { ...RUNTIME_LIBRARIES, libc6: [...RUNTIME_LIBRARIES.libc6 ?? [], loader] };
  return Object.entries(files).flatMap(([name, libraries]) =>
    libraries.map((library) => ({
      name: `${architecture}.${library}`,
      served: false as const,
      debianPackage: `${name}:${debian}`,
      packagePath: `lib/${triplet}/${library}`,
    }))
  );
}

/** The programs of a bootable medium (boot/medium), which the network does not serve. */
const mediumPrograms: readonly BootProgram[] = [
  {
    name: "gcdx64.efi",
    debianPackage: "grub-efi-amd64-signed:amd64",
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

/** All that the product of an architecture contains. */
export function includedPrograms(product: Architecture): BootProgram[] {
  const others = ARCHITECTURE_NAMES.filter((one) => one !== product);
  return [...bootPrograms, ...mediumPrograms, ...others.flatMap(runtimeLibraries)];
}

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

/** Those of all architectures, as far as they are there. */
export async function readAllPrograms(): Promise<Uint8Array[]> {
  const names = new Set(ARCHITECTURE_NAMES.flatMap(includedPrograms).map(({ name }) => name));
  const read = await Promise.all([...names].map((name) => readBootProgram(name).catch(() => undefined)));
  return read.filter((program) => program !== undefined);
}
