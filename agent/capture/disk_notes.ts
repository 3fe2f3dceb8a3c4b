/** Notes at capture which files name the machine's disks in a way that a clone could not use. */
import type { DiskLayout } from "#contract/format/layout.ts";
import { coveredTexts } from "../disk_references/covered_texts.ts";
import { Rewriting } from "../disk_references/rewriting.ts";
import { scanNames } from "../disk_references/scan_names.ts";
import { TemplateDisks } from "../disk_references/template_disks.ts";
import type { TreeReader } from "../tree/tree_files.ts";

/** Bounds of the scan of /etc; anything larger or deeper is not configuration. */
const MAX_FILES = 5000, MAX_DEPTH = 6, MAX_NOTES = 200;
/** Backup copies, samples and certificates. */
const SKIPPED = /\.(dpkg-(dist|old|new)|rpm(new|save|orig)|bak|orig|example|sample|pem|crt|der)$|~$/;

/** For the notes of a capture, which do not depend on what a clone would write, any disks of a clone will do. */
export function anyDisks(layout: DiskLayout): TemplateDisks {
  const disks = layout.disks.map(({ name }) => ({ name, names: [] }));
  return new TemplateDisks(layout, { disks, loader: [{ kind: "disk", disk: 0 }] });
}

/** `tree`: the machine's own, running or not. */
export async function noteDisks(
  tree: TreeReader,
  layout: DiskLayout,
): Promise<string[]> {
  const disks = anyDisks(layout);
  const covered = await coveredTexts(tree);
  const notes = covered.flatMap(({ path, text, rewrite }) => {
    const rewriting = new Rewriting(path, disks);
    rewrite(text, rewriting);
    return rewriting.notes;
  });
  const known = new Set(covered.map(({ path }) => path));
  for (const path of await filesBelow(tree, "/etc")) {
    if (known.has(path) || SKIPPED.test(path)) continue;
    const text = await tree.text(path);
    if (text !== undefined && !text.includes("\0")) notes.push(...scanNames(path, { text, disks }));
  }
  const rest = notes.length - MAX_NOTES;
  return rest <= 0 ? notes : [...notes.slice(0, MAX_NOTES), `and ${rest} more lines that name disks`];
}

async function filesBelow(tree: TreeReader, folder: string): Promise<string[]> {
  const files: string[] = [];
  let folders = [folder];
  for (let depth = 0; depth < MAX_DEPTH && folders.length > 0; depth++) {
    const next: string[] = [];
    for (const path of (await Promise.all(folders.map((f) => tree.list(f)))).flat()) {
      const kind = await tree.kind(path);
      if (kind === "directory") next.push(path);
      else if (kind === "file" && files.length < MAX_FILES) files.push(path);
    }
    folders = next;
  }
  return files;
}
