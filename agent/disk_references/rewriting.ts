/** One file's text while its names of disks are replaced, line by line. Pure. */
import type { Meaning, TemplateDisk } from "./template_disk.ts";

/** How a name is written in place of the template's. */
export type Form =
  /** "UUID=…": where mount(8) or an initramfs reads it. */
  | "spec"
  /** "PARTUUID=…" */
  | "part-spec"
  /** "/dev/disk/by-uuid/…": where a program wants a path. */
  | "path"
  /** The clone's own disk: "/dev/disk/by-id/…". */
  | "own";

export class Rewriting {
  readonly disk: TemplateDisk;
  readonly file: string;
  /** In words, for the version's notes. */
  readonly notes: string[] = [];

  constructor(file: string, disk: TemplateDisk) {
    this.file = file;
    this.disk = disk;
  }

  note(line: number, words: string): void {
    this.notes.push(`${this.file} line ${line + 1} ${words}`);
  }

  /** The clone's name for it; the name itself if it stays or nothing better is known, which is noted. */
  name(name: string, { form, line, so }: {
    form: Form;
    line: number;
    /** What happens on a clone, and what to do. */
    so: string;
  }): string {
    if (form === "own" && this.disk.isClones(name)) return name;
    const meaning = this.disk.meaning(name);
    switch (meaning.is) {
      case "no disk":
      case "lasting":
        return name;
      case "foreign":
        this.note(
          line,
          isTag(name)
            ? `names ${name}, which no captured file system or swap area has: ${so}`
            : `names ${name}, which is not of the captured disk: ${so}`,
        );
        return name;
      case "disk":
      case "partition": {
        const found = this.write(meaning, form);
        if (found === undefined) {
          this.note(line, `names ${name}, which has no UUID: on a clone that may be another disk; ${so}`);
        }
        return found ?? name;
      }
    }
  }

  write(meaning: Meaning, form: Form): string | undefined {
    switch (form) {
      case "spec":
        return this.disk.spec(meaning) ?? this.disk.own(meaning);
      case "part-spec":
        return this.disk.partSpec(meaning);
      case "path":
        return this.disk.path(meaning);
      case "own":
        return this.disk.own(meaning);
    }
  }
}

/** What names a file system or a partition, not a disk. */
export function isTag(name: string): boolean {
  return /^((PART)?(UUID|LABEL)=|\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/)/i.test(name);
}

export type Rewrite = (text: string, rewriting: Rewriting) => string;

/** A device's path in running text. */
const DEVICE = /(?<![\w./-])\/dev\/[\w.+:@#%=\\~/-]*\w/g;

interface InLine {
  readonly rewriting: Rewriting;
  /** From 0. */
  readonly line: number;
  /** A function looks at what stands before the name. */
  readonly form: Form | ((before: string) => Form);
  /** See `Rewriting.name`. */
  readonly so: string;
}

/** Changes every name of a device. */
export function replaceInLine(content: string, { rewriting, line, form, so }: InLine): string {
  return content.replace(DEVICE, (found, at: number) => {
    // what follows a colon is an option, but in udev's links
    const [name = found] = found.startsWith("/dev/disk/") ? [found] : found.split(":");
    const chosen = typeof form === "string" ? form : form(content.slice(0, at));
    return rewriting.name(name, { form: chosen, line, so }) + found.slice(name.length);
  });
}

/** In a whole file, outside of comments. */
export function replaceNames(
  text: string,
  rewriting: Rewriting,
  options: Pick<InLine, "form" | "so">,
): string {
  return text.split("\n").map((content, line) =>
    isComment(content) ? content : replaceInLine(content, { ...options, rewriting, line })
  ).join("\n");
}

export function isComment(content: string): boolean {
  return /^\s*[#;]/.test(content);
}
