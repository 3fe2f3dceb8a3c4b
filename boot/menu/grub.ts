import { type AgentBoot, kernelParameters } from "./kernel.ts";

/** The agent's network settings. GRUB itself knows only the address. */
export interface GrubNetwork {
  readonly mask: string;
  readonly gw?: string;
  readonly dns?: string;
}

/** The first file that signed GRUB reads, /grub/grub.cfg. It only sends each machine to its own menu. */
export function grubEntryMenu(): string {
  return "configfile /grub/node/$net_default_mac\n";
}

/**
 * Boots the agent. GRUB does not keep the network's mask, gateway and DNS servers. If the site does not know them
 * either (because another DHCP server runs the network), the agent gets them by DHCP.
 */
export function grubAgentMenu(boot: AgentBoot, { network }: { network?: GrubNetwork } = {}): string {
  const parameters = kernelParameters(
    boot,
    network === undefined ? {} : { ip: "$net_default_ip", ...network },
  );
  return `echo "Rackseed: installing this machine ($net_default_mac)"
if linux /images/${boot.image}/vmlinuz ${parameters}; then
  if initrd /images/${boot.image}/initramfs; then
    boot
  fi
fi
${ownDisk}`;
}

export function grubOwnDiskMenu(): string {
  return `echo "Rackseed: no order for this machine ($net_default_mac), starting from its own disk"
${ownDisk}`;
}

/**
 * GRUB chainloads the loader on the machine's own disk. It cannot just exit: GRUB always exits with success, and
 * after success the firmware stops at its menu instead of trying the next boot entry (UEFI 2.10 §3.1.1). The path
 * for removable media comes last. Names on an EFI system partition may be written in either case.
 */
const ownDisk = `set efi=x64
if [ "$grub_cpu" = arm64 ]; then set efi=aa64; fi
for loader in ${
  [
    ...["debian", "ubuntu", "rocky", "almalinux", "redhat", "centos", "fedora", "opensuse", "sles"]
      .map((vendor) => `/EFI/${vendor}/shim$efi.efi`),
    "/EFI/Microsoft/Boot/bootmgfw.efi",
    "/EFI/BOOT/BOOT$efi.EFI",
  ].join(" ")
}; do
  if search --no-floppy --file --set=root $loader; then
    if chainloader $loader; then
      boot
    fi
  fi
done
exit
`;
