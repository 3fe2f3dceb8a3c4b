/**
 * Fits a clone's files to its own disks: names of the template's disks, swap files, and the initramfs, which repeats
 * some of those names. The rules for each file are in agent/disk_references.
 */
import { GRUB_ONLY } from "#contract/format/boot.ts";
import { isEsp, type SwapFile } from "#contract/format/layout.ts";
import { coveredTexts } from "../../disk_references/covered_texts.ts";
import { initramfsProgram } from "../../boot_config/initramfs_program.ts";
import { Rewriting } from "../../disk_references/rewriting.ts";
import type { TemplateDisks } from "../../disk_references/template_disks.ts";
import { makeInitramfs } from "./initramfs.ts";
import { initramfsNeeds } from "../../boot_config/initramfs_needs.ts";
import { initramfsImages } from "../../boot_config/kernels.ts";
import { unifiedNeeds } from "../../boot_config/unified_needs.ts";
import { ownEntries } from "./loader_entries.ts";
import { ownMachineId, withOwnMachineId } from "../../boot_config/machine_id.ts";
import { makeSwapFiles, type SwapOptions } from "./swap_files.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

const CRYPTTAB = "/etc/crypttab";

interface FitOptions extends SwapOptions {
  readonly disks: TemplateDisks;
  /** Modules that this machine's disks need; see agent/sys/storage_drivers.ts. */
  readonly drivers?: readonly string[];
  readonly swapFiles: readonly SwapFile[];
  /** Files that an earlier run has made or rewritten, and nobody has changed since. */
  readonly fitted?: readonly string[];
}

interface Fitted {
  /** What was done, as text. */
  readonly notes: readonly string[];
  /** Files of the image that are now the clone's own. */
  readonly rewritten: readonly string[];
}

/**
 * Throws RackseedError if the clone would not boot.
 *
 * @example
 * ```ts
 * import { runCommand as run } from "../../sys/command.ts";
 * import { CloneTree } from "../../tree/tree_files.ts";
 * import type { TemplateDisks } from "../../disk_references/template_disks.ts";
 * import { fitToDisk } from "./fit_to_disk.ts";
 *
 * async function rewrittenOn(at: string, disks: TemplateDisks): Promise<readonly string[]> {
 *   const { rewritten } = await fitToDisk(new CloneTree(at), { disks, swapFiles: [], run });
 *   return rewritten;
 * }
 * ```
 */
export async function fitToDisk(clone: CloneTree, options: FitOptions): Promise<Fitted> {
  const { disks, drivers = [], swapFiles, fitted = [] } = options;
  const rewritten: string[] = [], repeated: string[] = [], notes: string[] = [];
  const own = await ownMachineId(clone);
  if (
    [...disks.clone.unlock?.values() ?? []].some(({ way }) => way !== "passphrase") &&
    await clone.kind(CRYPTTAB) === undefined
  ) {
    await clone.write(CRYPTTAB, { text: "", mode: 0o644 });
  }
  for (const { path, text, rewrite, inInitramfs = false } of await coveredTexts(clone)) {
    const rewriting = new Rewriting(path, disks);
    const changed = withOwnMachineId(rewrite(text, rewriting), { path, own });
    if (changed === text) continue;
    await clone.rewrite(path, Buffer.from(changed, "latin1"));
    rewritten.push(path);
    notes.push(...rewriting.changes);
    if (inInitramfs) repeated.push(path);
  }
  const facts = disks.layout.boot ?? { ...GRUB_ONLY, ...await initramfsProgram(clone), hostOnly: false };
  const entries = await ownEntries(clone, {
    facts,
    own,
    esp: disks.layout.fileSystems.find(isEsp)?.mountPoint,
  });
  const isFitted = repeated.length === 0 && await hasOwnInitramfs(clone, fitted);
  const needs = [
    ...isFitted ? [] : initramfsNeeds({ facts, drivers, rewritten: repeated, disks }),
    ...await unifiedNeeds(clone, { disks, own }),
  ];
  const isMade = needs.some(({ isVital }) => isVital || facts.initramfs !== "none");
  const rebuilt = isMade ? await makeInitramfs(clone, { ...options, facts, drivers, needs }) : undefined;
  const made = await makeSwapFiles(clone, { ...options, files: swapFiles });
  return {
    rewritten: [...rewritten, ...entries.written, ...rebuilt?.paths ?? []],
    notes: [
      ...rewritten.length > 0 ? [`fitted to this disk: ${rewritten.join(", ")}`] : [],
      ...notes,
      ...entries.notes,
      ...rebuilt ? [rebuilt.note] : [],
      ...made.length > 0 ? [`swap files made: ${made.join(", ")}`] : [],
    ],
  };
}

/** Whether every initramfs was made for this clone: it has all drivers, and what opens the clone's volumes. */
async function hasOwnInitramfs(clone: CloneTree, fitted: readonly string[]): Promise<boolean> {
  const images = fitted.length === 0 ? [] : await initramfsImages(clone);
  return images.length > 0 && images.every(({ path }) => fitted.includes(path));
}
