/**
 * Fits a clone's files to its own disk: names of the template's disk, swap files, and the initramfs, which repeats some
 * of those names. The rules for each file are in agent/disk_references.
 */
import type { DiskLayout, SwapFile } from "#contract/format/layout.ts";
import { messageOf } from "#contract/errors.ts";
import { coveredTexts } from "../../disk_references/covered_texts.ts";
import { Rewriting } from "../../disk_references/rewriting.ts";
import { type CloneDisks, TemplateDisks } from "../../disk_references/template_disks.ts";
import { bindKernelTrees } from "../../sys/mount.ts";
import { makeSwapFiles, type SwapOptions } from "./swap_files.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

interface FitOptions extends SwapOptions {
  readonly layout: DiskLayout;
  readonly disks: CloneDisks;
  readonly swapFiles: readonly SwapFile[];
}

interface Fitted {
  /** What was done, as text. */
  readonly notes: readonly string[];
  /** Files of the image that are now the clone's own. */
  readonly rewritten: readonly string[];
}

/**
 * @example
 * ```ts
 * import type { DiskLayout } from "#contract/format/layout.ts";
 * import { runCommand as run } from "../../sys/command.ts";
 * import { CloneTree } from "../../tree/tree_files.ts";
 * import { fitToDisk } from "./fit_to_disk.ts";
 *
 * async function rewrittenOn(at: string, layout: DiskLayout): Promise<readonly string[]> {
 *   const disks = { disks: [{ name: "nvme0n1", names: [] }], loader: [] };
 *   const { rewritten } = await fitToDisk(new CloneTree(at), { layout, disks, swapFiles: [], run });
 *   return rewritten;
 * }
 * ```
 */
export async function fitToDisk(clone: CloneTree, options: FitOptions): Promise<Fitted> {
  const { layout, disks, swapFiles } = options;
  const template = new TemplateDisks(layout, disks);
  const rewritten: string[] = [];
  let initramfs = false;
  for (const { path, text, rewrite, inInitramfs = false } of await coveredTexts(clone)) {
    const changed = rewrite(text, new Rewriting(path, template));
    if (changed === text) continue;
    await clone.rewrite(path, Buffer.from(changed, "latin1"));
    rewritten.push(path);
    initramfs ||= inInitramfs;
  }
  const rebuilt = initramfs ? await rebuildInitramfs(clone, options) : { paths: [] };
  const made = await makeSwapFiles(clone, { ...options, files: swapFiles });
  const paths = [...rewritten, ...rebuilt.paths];
  return {
    rewritten: paths,
    notes: [
      ...rewritten.length > 0 ? [`fitted to this disk: ${rewritten.join(", ")}`] : [],
      ...rebuilt.note ? [rebuilt.note] : [],
      ...made.length > 0 ? [`swap files made: ${made.join(", ")}`] : [],
    ],
  };
}

/** Runs the image's own initramfs-tools. A failure at worst delays the boot, so it is only noted. */
async function rebuildInitramfs(
  clone: CloneTree,
  { run, signal, onProgress }: FitOptions,
): Promise<{ paths: string[]; note?: string }> {
  if (await clone.kind("/usr/sbin/update-initramfs") === undefined) return { paths: [] };
  onProgress?.("rebuilding the initramfs");
  try {
    await using _trees = await bindKernelTrees(clone.root);
    await run(["update-initramfs", "-u", "-k", "all"], {
      root: clone.root,
      signal,
      timeoutMs: 10 * 60_000,
      title: "cannot rebuild the clone's initramfs",
    });
  } catch (error) {
    signal?.throwIfAborted();
    return { paths: [], note: `the initramfs still has the template's disk names: ${messageOf(error)}` };
  }
  // older versions keep the images' checksums there
  const images = (await clone.list("/boot")).filter((path) => /^\/boot\/initrd\.img-/.test(path));
  const paths = [...images, ...await clone.list("/var/lib/initramfs-tools")];
  for (const path of paths) clone.changed.add(path);
  return { paths };
}
