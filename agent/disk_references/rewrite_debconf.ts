/**
 * Rewrites debconf's database (config.dat), which says where updates of GRUB's packages install it. Without a terminal,
 * grub-pc's postinst fails if a listed device does not exist or none is listed. A clone's GRUB is where
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
    // a question that was never answered stays unanswered
    if (!QUESTIONS.includes(question) || !value?.trim()) return content;
    const { disks } = rewriting;
    const places = disks.loaderPlaces;
    if (places.length === 0) return content;
    const named = value.split(/,\s*/).filter((device) => device !== "");
    const others = named.filter((device) => disks.meaning(device).is === "foreign");
    if (others.length > 0) {
      const left = others.length === named.length ? "" : `, not to ${others.join(" and ")}`;
      rewriting.note(
        line,
        `has ${question} = ${
          named.join(", ")
        }, not all on the captured disks: on clones, GRUB's updates go to ` +
          `their own disks${left}`,
      );
    }
    return `Value: ${places.join(", ")}`;
  }).join("\n");
}
