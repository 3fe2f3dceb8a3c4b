/** Rewrites kernel command lines in all files that hold them, and boot loader menus. Pure. */
import { changeEnvironment } from "./grub_environment.ts";
import { missingVolumes } from "./volume_arguments.ts";
import { type Form, isComment, replaceInLine, replaceNames, type Rewriting } from "./rewriting.ts";

const EFFECT = "clones do not find it; name it by its UUID, or remove it";
/** Arguments that the kernel or an initramfs reads as a device, and that may be a tag. */
const SPEC_ARGUMENT = /(?<![\w.-])(?:root|resume|RESUME)=["']?$/;
/** No menu entry is longer. */
const MAX_ENTRY_LINES = 50;
const TAGGED = /(?<![\w.-])(root|resume|RESUME)=["']?((?:PART)?(?:UUID|LABEL)=[^\s"']+)/g;

/**
 * `/etc/default/grub`, `/etc/kernel/cmdline`, resume files of initramfs-tools …: "root=/dev/sda1" becomes
 * "root=UUID=…", other arguments get a path.
 */
export function rewriteArguments(text: string, rewriting: Rewriting): string {
  noteArguments(text, rewriting);
  const form = (before: string): Form => SPEC_ARGUMENT.test(before) ? "spec" : "path";
  return replaceNames(text, rewriting, { form, effect: EFFECT });
}

/** grub.cfg, BLS entries and extlinux.conf; a kernel without an initramfs supports only PARTUUID=. */
export function rewriteBootMenu(text: string, rewriting: Rewriting): string {
  noteArguments(text, rewriting);
  noteOtherDisks(text, rewriting);
  const isBare = withoutInitramfs(text);
  return text.split("\n").map((content, line) => {
    const form = (before: string): Form =>
      !SPEC_ARGUMENT.test(before) ? "path" : isBare(line) ? "part-spec" : "spec";
    return isComment(content) ? content : replaceInLine(content, { rewriting, line, form, effect: EFFECT });
  }).join("\n");
}

/** Returns which lines belong to a kernel started without an initramfs: in a menu entry, or in a file with one entry. */
function withoutInitramfs(text: string): (line: number) => boolean {
  const lines = text.split("\n");
  const isMenu = lines.some((content) => /^\s*menuentry\b/.test(content));
  let entry = 0;
  const entries = lines.map((content) => isMenu && /^\s*}/.test(content) ? entry++ : entry);
  const served = new Set(entries.filter((_, line) => isInitramfs(lines[line] ?? "")));
  const isKernel = (line: number) => /^\s*(linux|kernel|options|append)\S*\s/i.test(lines[line] ?? "");
  return (line) => isKernel(line) && !served.has(entries[line] ?? 0);
}

function isInitramfs(content: string): boolean {
  const [, files] = /(?:^|\s)initrd\w*[=\s]\s*(\S.*)/i.exec(content) ?? [];
  // microcode alone cannot find the root
  return files?.split(/\s+/).some((name) => !/ucode/.test(name)) ?? false;
}

/** GRUB's environment block, where RHEL and Fedora keep the kernel arguments. */
export function rewriteEnvironment(block: string, rewriting: Rewriting): string {
  const changed = changeEnvironment(block, (lines) => rewriteArguments(lines, rewriting));
  if (changed === undefined) rewriting.note(0, "cannot be changed: its block is full or invalid");
  return changed ?? block;
}

/** Notes arguments that need no rewriting but are wrong on a clone. */
function noteArguments(text: string, rewriting: Rewriting): void {
  for (const [line, content] of text.split("\n").entries()) {
    if (isComment(content)) continue;
    for (const [, argument, value = ""] of content.matchAll(TAGGED)) {
      if (rewriting.disks.meaning(value).is !== "foreign") continue;
      const waits = "no captured file system or swap area has it: clones wait for it at boot, some forever";
      rewriting.note(line, `has ${argument}=${value}, but ${waits}; remove it`);
    }
    for (const missing of missingVolumes(content, rewriting.disks.layout)) {
      const waits = "no captured volume has it: clones wait for it at boot, some forever";
      rewriting.note(line, `has ${missing}, but ${waits}; remove it`);
    }
    if (/\bresume_offset=/.test(content) && rewriting.disks.hasSwapFile) {
      const where =
        "clones have their swap file elsewhere and cannot resume from hibernation until it is set to";
      rewriting.note(line, `has resume_offset=, but ${where} what \`filefrag -v\` prints there`);
    }
    if (/^\s*GRUB_DISABLE_LINUX_UUID=["']?true/.test(content)) {
      const kernel = "the next update-grub writes the kernel's disk names, which change";
      rewriting.note(line, `has GRUB_DISABLE_LINUX_UUID=true: ${kernel}; remove it`);
    }
  }
}

/** Notes `set root='hd1,msdos1'` without a search by UUID: a clone's BIOS may number its disks differently. */
function noteOtherDisks(text: string, rewriting: Rewriting): void {
  const lines = text.split("\n");
  for (const [line, content] of lines.entries()) {
    const [, place] = /^\s*set root=["']?\(?(hd[1-9]\d*\b[^'"\s)]*)/.exec(content) ?? [];
    if (place === undefined) continue;
    const rest = lines.slice(line + 1, line + MAX_ENTRY_LINES);
    const end = rest.findIndex((l) => /^\s*(linux\S*|chainloader|})/.test(l));
    if (rest.slice(0, end === -1 ? undefined : end).some((l) => /^\s*search\b/.test(l))) continue;
    rewriting.note(
      line,
      `has set root=${place}: a clone's disks may be in another order; add a search --fs-uuid`,
    );
  }
}
