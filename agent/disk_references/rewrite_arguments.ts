/** Kernel command lines, wherever they are written down, and what else boot loaders read. Pure. */
import { changeEnvironment } from "./grub_environment.ts";
import { type Form, isComment, replaceInLine, replaceNames, type Rewriting } from "./rewriting.ts";

const SO = "clones do not find it; name it by its UUID, or remove it";
/** What the kernel or an initramfs reads as a device: it may be a tag. */
const SPEC_ARGUMENT = /(?<![\w.-])(?:root|resume|RESUME)=["']?$/;
const TAGGED = /(?<![\w.-])(root|resume|RESUME)=["']?((?:PART)?(?:UUID|LABEL)=[^\s"']+)/g;

/**
 * `/etc/default/grub`, `/etc/kernel/cmdline`, resume files of initramfs-tools …: "root=/dev/sda1" becomes
 * "root=UUID=…", other arguments get a path.
 */
export function rewriteArguments(text: string, rewriting: Rewriting): string {
  noteArguments(text, rewriting);
  const form = (before: string): Form => SPEC_ARGUMENT.test(before) ? "spec" : "path";
  return replaceNames(text, rewriting, { form, so: SO });
}

/** grub.cfg, BLS entries and extlinux.conf: a kernel without an initramfs knows PARTUUIDs only. */
export function rewriteBootMenu(text: string, rewriting: Rewriting): string {
  noteArguments(text, rewriting);
  noteOtherDisks(text, rewriting);
  const lines = text.split("\n");
  const isBare = lines.map((content, i) =>
    /^\s*(linux|kernel|options|append)\S*\s/i.test(content) && !hasInitrd(lines, i)
  );
  return lines.map((content, line) => {
    const form = (before: string): Form =>
      !SPEC_ARGUMENT.test(before) ? "path" : isBare[line] ? "part-spec" : "spec";
    return isComment(content) ? content : replaceInLine(content, { rewriting, line, form, so: SO });
  }).join("\n");
}

/** In the same menu entry; in a BLS entry the order is free. */
function hasInitrd(lines: readonly string[], at: number): boolean {
  // microcode alone finds no root
  const isInitrd = (content: string) =>
    /(?:^|\s)initrd\w*[=\s]\s*(\S.*)/i.exec(content)?.[1]?.split(/\s+/).some((name) => !/ucode/.test(name)) ??
      false;
  if (!lines.some((content) => /^\s*menuentry\b/.test(content))) return lines.some(isInitrd);
  for (const content of lines.slice(at)) {
    if (isInitrd(content)) return true;
    if (/^\s*}/.test(content)) return false;
  }
  return false;
}

/** GRUB's environment block: RHEL and Fedora keep the kernel's arguments there. */
export function rewriteEnvironment(block: string, rewriting: Rewriting): string {
  const changed = changeEnvironment(block, (lines) => rewriteArguments(lines, rewriting));
  if (changed === undefined) rewriting.note(0, "cannot be changed: its block is full or none of GRUB's");
  return changed ?? block;
}

/** What is right in form and wrong on a clone. */
function noteArguments(text: string, rewriting: Rewriting): void {
  for (const [line, content] of text.split("\n").entries()) {
    if (isComment(content)) continue;
    for (const [, argument, value = ""] of content.matchAll(TAGGED)) {
      if (rewriting.disk.meaning(value).is !== "foreign") continue;
      const waits =
        "no captured file system or swap area has it: a clone waits for it at boot, some for ever";
      rewriting.note(line, `has ${argument}=${value}, but ${waits}; remove it`);
    }
    if (/\bresume_offset=/.test(content) && rewriting.disk.hasSwapFile) {
      const where =
        "a clone's swap file lies elsewhere, so it does not wake from hibernation until it is set to";
      rewriting.note(line, `has resume_offset=, but ${where} what \`filefrag -v\` tells there`);
    }
    if (/^\s*GRUB_DISABLE_LINUX_UUID=["']?true/.test(content)) {
      const kernel = "the next update-grub writes the kernel's disk names, which change";
      rewriting.note(line, `has GRUB_DISABLE_LINUX_UUID=true: ${kernel}; remove it`);
    }
  }
}

/** `set root='hd1,msdos1'`, without a search for a UUID after it: BIOS counts a clone's disks in its own order. */
function noteOtherDisks(text: string, rewriting: Rewriting): void {
  const lines = text.split("\n");
  for (const [line, content] of lines.entries()) {
    const [, place] = /^\s*set root=["']?\(?(hd[1-9]\d*\b[^'"\s)]*)/.exec(content) ?? [];
    if (place === undefined) continue;
    const rest = lines.slice(line + 1);
    const end = rest.findIndex((l) => /^\s*(linux\S*|chainloader|})/.test(l));
    if (rest.slice(0, end === -1 ? undefined : end).some((l) => /^\s*search\b/.test(l))) continue;
    rewriting.note(
      line,
      `has set root=${place}: a clone's disks may be in another order; add a search --fs-uuid`,
    );
  }
}
