import { type AgentBoot, kernelParameters } from "./kernel.ts";

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

/** Starts the machine from its own disk. */
export function ipxeOwnDiskScript(): string {
  return `#!ipxe
echo Rackseed: no order for this machine (\${netX/mac}), starting from its own disk
${ownDisk}`;
}

/**
 * BIOS: iPXE starts the boot sector of the first disk. UEFI: iPXE exits with an error, so that the firmware tries
 * its next boot entry (UEFI 2.10 §3.1.1; after success it would stop at its menu).
 */
const ownDisk = `iseq \${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 || exit 1
`;
