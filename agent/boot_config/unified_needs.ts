/** Why unified kernel images must be made again on a clone. */
import { rewriteArguments } from "../disk_references/rewrite_arguments.ts";
import { Rewriting } from "../disk_references/rewriting.ts";
import type { TemplateDisks } from "../disk_references/template_disks.ts";
import type { TreeReader } from "../tree/tree_files.ts";
import { unifiedTexts } from "./boot_texts.ts";
import type { InitramfsNeed } from "./initramfs_needs.ts";
import { withOwnMachineId } from "./machine_id.ts";

/** The command line inside of one cannot be rewritten: the image is made again. `own`: the clone's machine-id. */
export async function unifiedNeeds(
  tree: TreeReader,
  { disks, own }: { disks: TemplateDisks; own: string | undefined },
): Promise<InitramfsNeed[]> {
  return (await unifiedTexts(tree)).flatMap(({ path, text }) => {
    const renamed = rewriteArguments(text, new Rewriting(path, disks)) !== text;
    const isOther = withOwnMachineId(text, { path, own }) !== text;
    return [
      ...renamed
        ? [{ because: `the command line in ${path} names the template's disks`, isVital: true }]
        : [],
      ...isOther
        ? [{ because: `the command line in ${path} sets the template's machine-id`, isVital: true }]
        : [],
    ];
  });
}
