/** Notes names of the template's disks in files of unknown form, which cannot be rewritten. Pure. */
import { isComment } from "./rewriting.ts";
import type { TemplateDisks } from "./template_disks.ts";

const NAME = /(?<![\w./-])\/dev\/[\w.+:@#%=\\~/-]*\w/g;
/** "dev-sda3.device", "dev-disk-by\x2did-….swap": names of systemd units (systemd.unit(5)). */
const UNIT = /(?<![\w-])dev-((?:[\w:.]|-|\\x[0-9a-f]{2}){1,255})\.(?:device|swap)\b/g;

/** Notes per file. */
const MAX_NOTES = 3;

export function scanNames(file: string, { text, disks }: { text: string; disks: TemplateDisks }): string[] {
  const notes: string[] = [], { marks } = disks;
  for (const [line, content] of text.split("\n").entries()) {
    if (isComment(content)) continue;
    const found = nameIn(content, { disks, marks });
    if (found === undefined) continue;
    notes.push(
      `${file} line ${line + 1} names ${found}, which is a disk of the template: change it on each clone`,
    );
    if (notes.length === MAX_NOTES) break;
  }
  return notes;
}

function nameIn(
  content: string,
  { disks, marks }: { disks: TemplateDisks; marks: readonly string[] },
): string | undefined {
  const isOwn = (name: string) => ["disk", "partition"].includes(disks.meaning(name).is);
  const [path] = [...content.matchAll(NAME)].flatMap(([name]) =>
    isOwn(name) ? [name] : isOwn(name.split(":")[0] ?? "") ? [name.split(":")[0] ?? ""] : []
  );
  if (path !== undefined) return path;
  const unit = [...content.matchAll(UNIT)].find(([, escaped = ""]) => isOwn(unescapeUnit(escaped)));
  return unit?.[0] ?? marks.find((mark) => content.includes(mark));
}

function unescapeUnit(escaped: string): string {
  const path = escaped.replaceAll("-", "/").replace(
    /\\x([0-9a-f]{2})/g,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
  return `/dev/${path}`;
}
