/**
 * debconf's database, config.dat: where an update of GRUB's packages installs it. grub-pc's postinst stops the update
 * without a terminal if one of the named devices does not exist, or none is named; a clone's GRUB lies where
 * `boot_loader.ts` put it, whatever the template had chosen. Pure.
 */
import type { Rewriting } from "./rewriting.ts";

const QUESTIONS: readonly string[] = [
  "grub-pc/install_devices",
  "grub-pc/install_devices_disks_changed",
  "grub-efi/install_devices",
  "grub-efi/install_devices_disks_changed",
];

export function rewriteDebconf(text: string, rewriting: Rewriting): string {
  let question = "";
  return text.split("\n").map((content, line) => {
    const [, name] = /^Name: (\S+)/.exec(content) ?? [];
    if (name !== undefined) question = name;
    const [, value] = /^Value: (.*)$/.exec(content) ?? [];
    // an answer that was never given stays so
    if (!QUESTIONS.includes(question) || !value?.trim()) return content;
    const { disk } = rewriting;
    const place = disk.grubPlace;
    if (place === undefined) return content;
    const named = value.split(/,\s*/).filter((device) => device !== "");
    const others = named.filter((device) => disk.meaning(device).is === "foreign");
    if (others.length > 0) {
      const left = others.length === named.length ? "" : `, ${others.join(" and ")} is left out`;
      rewriting.note(
        line,
        `has ${question} = ${
          named.join(", ")
        }, not all of it of the captured disk: on a clone GRUB's updates go to ` +
          `its own disk${left}`,
      );
    }
    return `Value: ${place}`;
  }).join("\n");
}
