import { type AgentBoot, kernelParameters } from "./kernel.ts";

/**
 * The first script of iPXE under UEFI, which it looks for beside itself (`interface/efi/efi_autoexec.c`). With it there is
 * no prompt, before or after, and iPXE goes on with the address that the firmware got. If its first NIC has none, as with
 * IPv6, it asks for one; the answer names the machine's script.
 *
 * @param base as in `ipxeAgentScript`
 */
export function ipxeEntryScript({ base }: { base: string }): string {
  return `#!ipxe
isset \${net0/ip} && ifopen net0 || goto ask
chain --replace ${base}ipxe/\${net0/mac:hexhyp} ||
:ask
autoboot || exit 1
`;
}

/** The pause between attempts. After three attempts the machine starts from its own disk. */
const pauseSeconds = 5;

/**
 * Boots the agent. The agent takes over the address that iPXE got by DHCP and does not ask again.
 * `initrd=` names the initramfs for the kernel's EFI stub; BIOS does not need it.
 *
 * @param base prefix of the kernel and initramfs names: `http://10.0.0.1:8080/boot/`, or `/` for TFTP
 * @param signed UEFI machines boot this image instead: under Secure Boot the firmware lets nothing else start
 */
export function ipxeAgentScript(
  boot: AgentBoot,
  { base, signed }: { base: string; signed?: string },
): string {
  const parameters = kernelParameters(boot, {
    ip: "${netX/ip}",
    mask: "${netX/netmask}",
    gw: "${netX/gateway}",
    dns: "${netX/dns}",
  });
  return `#!ipxe
echo Rackseed: installing this machine (\${netX/mac})
set attempt:int32 0
:again
inc attempt
imgfree
${
    signed === undefined
      ? ""
      : signedImageCommands(signed)
  }kernel ${base}images/${boot.image}/vmlinuz initrd=initramfs ${parameters} || goto failed
initrd --name initramfs ${base}images/${boot.image}/initramfs || goto failed
boot || goto failed
:failed
iseq \${attempt} 3 && goto disk ||
echo Rackseed: cannot load the installer, retrying in ${pauseSeconds} seconds
sleep ${pauseSeconds}
goto again
:disk
${ownDisk}`;
}

function signedImageCommands(name: string): string {
  return `iseq \${platform} efi || goto kernel
chain ${name} || goto failed
:kernel
`;
}

/** Where UEFI finds the boot loader of an installed system. */
export interface InstalledLoader {
  /** GUIDs of the EFI system partitions, each with the same files. */
  readonly partitions: readonly string[];
  /** Relative to them: "EFI/redhat/shimx64.efi". Absent or gone: the fallback that every installation has. */
  readonly program?: string | undefined;
}

/**
 * Starts the machine from its own disk. Under UEFI a known loader is started at once: the firmware would first try its
 * other ways into the network.
 */
export function ipxeOwnDiskScript({ loader }: { loader?: InstalledLoader | undefined } = {}): string {
  return `#!ipxe
echo Rackseed: no order for this machine (\${netX/mac}), starting from its own disk
${loader === undefined ? "" : loaderCommands(loader)}${ownDisk}`;
}

/** Each command goes on to the next if there is no such file, or if it cannot be started. */
function loaderCommands({ partitions, program }: InstalledLoader): string {
  const files = program === undefined ? [""] : [` --filename \\${program.replaceAll("/", "\\")}`, ""];
  const commands = files.flatMap((file) =>
    partitions.map((guid) => `sanboot --no-describe --uuid ${guid}${file} ||\n`)
  );
  return `iseq \${platform} efi || goto firmware\n${commands.join("")}:firmware\n`;
}

/**
 * BIOS: iPXE starts the boot sector of the first disk. UEFI: iPXE exits with an error, so that the firmware tries
 * its next boot entry (UEFI 2.10 §3.1.1; after success it would stop at its menu).
 */
const ownDisk = `iseq \${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 || exit 1
`;
