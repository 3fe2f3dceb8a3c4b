/**
 * Rewrites lvm.conf(5)'s filters and lvmdevices(8)'s files, which name physical volumes by disk: a clone whose physical
 * volumes they leave out does not find its root. Pure.
 */
import type { Volume } from "#contract/format/layout.ts";
import { isComment, type Rewriting } from "./rewriting.ts";
import { kernelName } from "./template_disks.ts";

const FILTER = /^(\s*(?:global_)?filter\s*=\s*)(\[[\s,]*(?:"(?:[^"\\\n]|\\.)*"[\s,]*)*\]|"[^"\n]*")/;

/** Lets a filter accept the clone's physical volumes where it would reject them. Filters stand on one line. */
export function rewriteLvmFilters(text: string, rewriting: Rewriting): string {
  return text.split("\n").map((content, line) => {
    if (isComment(content)) return content;
    const [all, start = "", value = ""] = FILTER.exec(content) ?? [];
    if (all === undefined) {
      if (/^\s*(?:global_)?filter\s*=\s*\[\s*$/.test(content)) {
        rewriting.note(
          line,
          "has a filter of several lines: write it on one, or clones may not find their volumes",
        );
      }
      return content;
    }
    const patterns = [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, pattern = ""]) => pattern);
    const missed = physicalNames(rewriting).filter((names) => !accepts(patterns, names));
    const added = missed.map(([name = ""]) => `"a|^${name.replace(/[.+*?^$()[\]{}|\\]/g, "\\\\$&")}$|"`);
    if (added.length === 0) return content;
    const list = [...added, ...patterns.map((pattern) => `"${pattern}"`)].join(", ");
    return `${start}[ ${list} ]${content.slice(all.length)}`;
  }).join("\n");
}

/** For each physical volume on a disk of the clone, its names, the most persistent one first. */
function physicalNames({ disks }: Rewriting): string[][] {
  const volumes = disks.layout.groups?.flatMap(({ physical }) => physical.map(({ volume }) => volume)) ?? [];
  return volumes.flatMap((volume) => {
    const names = namesOf(volume, disks.clone.disks);
    return names.length > 0 ? [names] : [];
  });
}

function namesOf(volume: Volume, disks: Rewriting["disks"]["clone"]["disks"]): string[] {
  if (volume.kind === "md") return [`/dev/md/${volume.name}`, `/dev/${volume.name}`];
  if (volume.kind === "luks") return [`/dev/mapper/${volume.name}`];
  if (volume.kind === "lv") return [];
  const disk = disks[volume.disk];
  if (disk === undefined) return [];
  const links = [...disk.names].sort((a, b) => Number(b.includes("/by-id/")) - Number(a.includes("/by-id/")));
  return volume.kind === "disk"
    ? [...links, `/dev/${disk.name}`]
    : [...links.map((link) => `${link}-part${volume.number}`), kernelName(disk.name, volume.number)];
}

/** A device is accepted if no pattern matches, or if for one of its names the first that matches accepts. */
function accepts(patterns: readonly string[], names: readonly string[]): boolean {
  const verdicts = names.map((name) => {
    const first = patterns.map(parsePattern).find((p) => p?.regex.test(name));
    return first?.accepts;
  });
  return verdicts.includes(true) || !verdicts.includes(false);
}

/** "a|regex|", "r/regex/": any character separates. Bounded, since the file is not trusted. */
function parsePattern(pattern: string): { accepts: boolean; regex: RegExp } | undefined {
  const [, action, , source = ""] = /^\s*([ar])(\S)(.{1,200})\2$/.exec(pattern) ?? [];
  // nested repetition could take for ever, and no filter needs it
  if (action === undefined || /[*+}]\)?[*+{]/.test(source)) return undefined;
  try {
    return { accepts: action === "a", regex: new RegExp(source) };
  } catch {
    return undefined;
  }
}

/** Kinds of identifiers that stay on a clone: of arrays, LUKS and LVM volumes. */
const LASTING_KIND = /\bIDTYPE=(md_uuid|crypt_uuid|lvmlv_uuid|mpath_uuid)\b/;

/**
 * "IDTYPE=sys_wwid IDNAME=naa.5000… DEVNAME=/dev/sda2 PVID=… PART=2" names the template's disk. By "devname", LVM looks
 * at other devices, too, for the physical volume with this PVID.
 */
export function rewriteDevicesFile(text: string, rewriting: Rewriting): string {
  const { disks } = rewriting;
  const physical = new Map(
    disks.layout.groups?.flatMap((g) => g.physical).map((p) => [p.uuid.replaceAll("-", ""), p.volume]),
  );
  return text.split("\n").map((content) => {
    const [, pvid = ""] = /\bPVID=(\w+)/.exec(content) ?? [];
    const volume = physical.get(pvid);
    if (isComment(content) || volume === undefined || LASTING_KIND.test(content)) return content;
    const disk = volume.kind === "partition" || volume.kind === "disk"
      ? disks.clone.disks[volume.disk]
      : undefined;
    if (disk === undefined) return content;
    const device = volume.kind === "partition" ? kernelName(disk.name, volume.number) : `/dev/${disk.name}`;
    const part = volume.kind === "partition" ? ` PART=${volume.number}` : "";
    return `IDTYPE=devname IDNAME=${device} DEVNAME=${device} PVID=${pvid}${part}`;
  }).join("\n");
}
