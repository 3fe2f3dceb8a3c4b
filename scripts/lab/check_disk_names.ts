/** Checks that a clone's files name its own disk, which has other names than the template's. */
import type { Check } from "./check.ts";
import type { Guest } from "./guest.ts";
import { swapFile } from "./template_settings.ts";
import type { Workplace } from "./workplace.ts";

export async function checkDiskNames(lab: Workplace, guest: Guest): Promise<Check[]> {
  const table = await guest.shell("grep -v '^#' /etc/fstab; findmnt --verify 2>&1 || true", lab);
  const swaps = (await guest.shell("swapon --show=NAME --noheadings --raw", lab)).trim().split("\n");
  if (lab.layout) {
    const seen = table.trim().replace(/\s+/g, " ");
    const own = lab.layout.fileSystems.flatMap(({ at, isOwn }) => isOwn ? [at] : []);
    const isOptional = (at: string) => new RegExp(` ${at} \\S+ \\S*\\bnofail\\b`).test(table);
    const passed = unreachable(table).every((at) => own.includes(at) && isOptional(at));
    return [
      { what: "fstab names its own file systems", passed, seen },
      {
        what: "it swaps where the template does",
        passed: swaps.filter(Boolean).length === lab.layout.swaps,
        seen: swaps.join(" "),
      },
    ];
  }
  const checks = [
    {
      what: "fstab names its own file systems",
      passed: !/\/dev\/|unreachable/.test(table) && /^UUID=\S+ \/ /m.test(table),
      seen: table.trim().replace(/\s+/g, " "),
    },
    {
      what: "it swaps to its partition and to its file",
      passed: swaps.includes(swapFile) && swaps.length === 2,
      seen: swaps.join(" "),
    },
  ];
  if (lab.firmware === "uefi") return checks;
  const answer = (await guest.shell(grubDevice, lab)).trim();
  return [...checks, {
    what: "an update of GRUB finds the disk to install it to",
    passed: answer.endsWith("there") && answer.startsWith("/dev/disk/by-"),
    seen: answer,
  }];
}

/** Mount points whose source is not there. findmnt(8) indents its messages below each mount point. */
function unreachable(text: string): string[] {
  let at = "";
  return text.split("\n").flatMap((line) => {
    if (/^\S/.test(line)) at = line.trim();
    return /^\s.*unreachable/.test(line) ? [at] : [];
  });
}

/** Looks for it as grub-pc's postinst does. */
const grubDevice = `device=$(debconf-show grub-pc | sed -n 's,^..grub-pc/install_devices: ,,p')
[ -e "$device" ] && echo "$device is there" || echo "$device is missing"`;
