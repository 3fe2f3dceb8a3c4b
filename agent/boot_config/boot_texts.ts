/** Reads a system's boot configuration: menus, loader entries, and the command lines in unified kernel images. */
import type { TreeReader } from "../tree/tree_files.ts";
import { coveredTexts } from "../disk_references/covered_texts.ts";
import { type BootText, isBootFile } from "./prove_root.ts";
import { commandLineOf } from "./unified_kernel.ts";
import { rewriteArguments } from "../disk_references/rewrite_arguments.ts";
import { Rewriting } from "../disk_references/rewriting.ts";
import type { TemplateDisks } from "../disk_references/template_disks.ts";

const ESPS = ["/boot/efi", "/efi", "/boot"];

/**
 * `rewrittenFor`: as a clone will have the files; otherwise as they are. Empty if there is nothing to start: GRUB's
 * environment block alone, which grub-install makes, is no configuration.
 */
export async function bootTexts(
  tree: TreeReader,
  { rewrittenFor }: { rewrittenFor?: TemplateDisks } = {},
): Promise<BootText[]> {
  const menus = (await coveredTexts(tree)).filter(({ path }) => isBootFile(path)).map((
    { path, text, rewrite },
  ) => ({
    path,
    text: rewrittenFor ? rewrite(text, new Rewriting(path, rewrittenFor)) : text,
  }));
  const unified = (await unifiedTexts(tree)).map(({ path, text }) => ({
    path,
    // an installation makes the image again if its command line has to change
    text: rewrittenFor ? rewriteArguments(text, new Rewriting(path, rewrittenFor)) : text,
  }));
  const texts = [...menus, ...unified];
  return texts.every(({ path }) => path.endsWith("/grubenv")) ? [] : texts;
}

/** The command lines in unified kernel images, as they are. */
export async function unifiedTexts(tree: TreeReader): Promise<BootText[]> {
  const paths = (await Promise.all(ESPS.map((esp) => tree.list(`${esp}/EFI/Linux`)))).flat();
  const texts: BootText[] = [];
  for (const path of paths.filter((p) => /\.efi$/i.test(p))) {
    const at = await tree.file(path);
    const text = at === undefined ? undefined : await commandLineOf(at);
    if (text !== undefined) texts.push({ path, text });
  }
  return texts;
}
