import { type AgentBoot, kernelParameters } from "./kernel.ts";

/** What the agent is to use beside its address, which GRUB knows by itself. */
export interface GrubNetwork {
  readonly mask: string;
  readonly gw?: string;
  readonly dns?: string;
}

/** What signed GRUB reads first, /grub/grub.cfg: it only sends each machine to its own menu. */
export function grubEntryMenu(): string {
  return "configfile /grub/node/$net_default_mac\n";
}

/**
 * Boots the agent. GRUB does not keep the network's mask, gateway and DNS; where the site does not know them
 * either (beside another DHCP server) the agent asks DHCP by itself.
 */
export function grubAgentMenu(boot: AgentBoot, { network }: { network?: GrubNetwork } = {}): string {
  const parameters = kernelParameters(
    boot,
    network === undefined ? {} : { ip: "$net_default_ip", ...network },
  );
  return `echo "Rackseed: this machine ($net_default_mac) is to be installed"
if linux /images/${boot.image}/vmlinuz ${parameters}; then
  if initrd /images/${boot.image}/initramfs; then
    boot
  fi
fi
${ownDisk}`;
}

export function grubOwnDiskMenu(): string {
  return `echo "Rackseed: nothing ordered for this machine ($net_default_mac), starting its own disk"
${ownDisk}`;
}

/**
 * GRUB starts the loader on the machine's own disk by itself: it can end only with success, and after that the
 * firmware stops at its menu instead of going on to the next boot entry (UEFI 2.10 §3.1.1). The path for removable
 * media comes last.
 */
const ownDisk = `for loader in ${
  [
    ...["debian", "ubuntu", "rocky", "almalinux", "redhat", "centos", "fedora", "opensuse", "sles"]
      .map((vendor) => `/EFI/${vendor}/shimx64.efi`),
    "/EFI/Microsoft/Boot/bootmgfw.efi",
    "/EFI/BOOT/BOOTX64.EFI",
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
