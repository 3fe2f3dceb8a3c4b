import { type AgentBoot, kernelParameters } from "./kernel.ts";

/** Between two attempts; three attempts, then the machine's own disk. */
const pauseSeconds = 5;

/**
 * Boots the agent. It takes over the address that iPXE got by DHCP, so there is no second DHCP.
 * `initrd=` names the file for the EFI stub of the kernel; BIOS does not need it.
 *
 * @param base prefix of the kernel's and the initramfs' names: `http://10.0.0.1:8080/boot/`, or empty for TFTP
 */
export function ipxeAgentScript(boot: AgentBoot, { base }: { base: string }): string {
  const parameters = kernelParameters(boot, {
    ip: "${netX/ip}",
    mask: "${netX/netmask}",
    gw: "${netX/gateway}",
    dns: "${netX/dns}",
  });
  return `#!ipxe
echo Rackseed: this machine (\${netX/mac}) is to be installed
set attempt:int32 0
:again
inc attempt
imgfree
kernel ${base}images/${boot.image}/vmlinuz initrd=initramfs ${parameters} || goto failed
initrd --name initramfs ${base}images/${boot.image}/initramfs || goto failed
boot || goto failed
:failed
iseq \${attempt} 3 && goto disk ||
echo Rackseed: cannot load the installer, trying again in ${pauseSeconds} seconds
sleep ${pauseSeconds}
goto again
:disk
${ownDisk}`;
}

/** Hands the machine to its own disk. */
export function ipxeOwnDiskScript(): string {
  return `#!ipxe
echo Rackseed: nothing ordered for this machine (\${netX/mac}), starting its own disk
${ownDisk}`;
}

/**
 * BIOS: iPXE starts the first disk's boot sector. UEFI: iPXE ends with an error, upon which the firmware goes on
 * to its next boot entry (UEFI 2.10 §3.1.1; after success it would stop at its menu).
 */
const ownDisk = `iseq \${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 || exit 1
`;
