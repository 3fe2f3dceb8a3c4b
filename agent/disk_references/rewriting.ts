/** Replaces the disk names in one file, line by line, and collects notes about what it cannot replace. Pure. */
import type { Meaning, TemplateDisks } from "./template_disks.ts";

/** The form of the name that replaces the template's. */
export type Form =
  /** "UUID=…": for mount(8) or an initramfs. */
  | "spec"
  /** "PARTUUID=…" */
  | "part-spec"
  /** "/dev/disk/by-uuid/…": for programs that need a path. */
  | "path"
  /** The clone's own disk: "/dev/disk/by-id/…". */
  | "own";

export class Rewriting {
  readonly disks: TemplateDisks;
  readonly file: string;
  /** Text for the version's notes. */
  readonly notes: string[] = [];
  /** What changes on this clone besides names, as text. */
  readonly changes: string[] = [];

  constructor(file: string, disks: TemplateDisks) {
    this.file = file;
    this.disks = disks;
  }

  note(line: number, text: string): void {
    this.notes.push(`${this.file} line ${line + 1} ${text}`);
  }

  /** Returns the clone's name for the same thing, or the name itself, with a note if it will not work on a clone. */
  name(name: string, { form, line, effect }: {
    form: Form;
    line: number;
    /** What happens on a clone, and what to do: the end of the note. */
    effect: string;
  }): string {
    if (form === "own" && this.disks.isClones(name)) return name;
    const meaning = this.disks.meaning(name);
    switch (meaning.is) {
      case "no disk":
      case "lasting":
        return name;
      case "volume":
        return meaning.lasts ? name : this.write(meaning, form) ?? name;
      case "foreign":
        this.note(
          line,
          isTag(name)
            ? `names ${name}, which no captured file system or swap area has: ${effect}`
            : `names ${name}, which is not on the captured disks: ${effect}`,
        );
        return name;
      case "disk":
      case "partition": {
        const found = this.write(meaning, form);
        if (found === undefined && !this.disks.isLeft(meaning)) {
          this.note(
            line,
            `names ${name}, which has no UUID: clones may have another disk of that name; ${effect}`,
          );
        }
        return found ?? name;
      }
    }
  }

  write(meaning: Meaning, form: Form): string | undefined {
    switch (form) {
      case "spec":
        return this.disks.spec(meaning) ?? this.disks.own(meaning);
      case "part-spec":
        return this.disks.partSpec(meaning);
      case "path":
        return this.disks.path(meaning);
      case "own":
        return this.disks.own(meaning);
    }
  }
}

/** Whether the name identifies a file system or partition, not a disk. */
export function isTag(name: string): boolean {
  return /^((PART)?(UUID|LABEL)=|\/dev\/disk\/by-(uuid|label|partuuid|partlabel)\/)/i.test(name);
}

export type Rewrite = (text: string, rewriting: Rewriting) => string;

/** The path of a device in running text. */
const DEVICE = /(?<![\w./-])\/dev\/[\w.+:@#%=\\~/-]*\w/g;

interface InLine {
  readonly rewriting: Rewriting;
  /** Counted from 0. */
  readonly line: number;
  /** A function decides by the text before the name. */
  readonly form: Form | ((before: string) => Form);
  /** See `Rewriting.name`. */
  readonly effect: string;
}

/** Replaces every device name in a line. */
export function replaceInLine(content: string, { rewriting, line, form, effect }: InLine): string {
  return content.replace(DEVICE, (found, at: number) => {
    // what follows a colon is an option, except in udev's links
    const [name = found] = found.startsWith("/dev/disk/") ? [found] : found.split(":");
    const chosen = typeof form === "string" ? form : form(content.slice(0, at));
    return rewriting.name(name, { form: chosen, line, effect }) + found.slice(name.length);
  });
}

/** Replaces every device name in a file, except in comments. */
export function replaceNames(
  text: string,
  rewriting: Rewriting,
  options: Pick<InLine, "form" | "effect">,
): string {
  return text.split("\n").map((content, line) =>
    isComment(content) ? content : replaceInLine(content, { ...options, rewriting, line })
  ).join("\n");
}

export function isComment(content: string): boolean {
  return /^\s*[#;]/.test(content);
}
