/**
 * Makes the clone's initramfs again, with the image's own program, in the clone's tree. The drivers and keys of the
 * template's machine may not do on this one, so what is made leaves nothing out; the system's next kernel update makes
 * it as the distribution does.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { BootFacts } from "#contract/format/boot.ts";
import { bindKernelTrees } from "../../sys/mount.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import { makeWithDracut } from "./dracut.ts";
import type { InitramfsOptions } from "./initramfs_options.ts";
import type { InitramfsNeed } from "../../boot_config/initramfs_needs.ts";
import { makeWithInitramfsTools } from "./initramfs_tools.ts";
import { makeWithMkinitcpio, makeWithMkinitfs } from "./other_initramfs.ts";

interface Made {
  /** Files that were made. */
  readonly paths: readonly string[];
  readonly note: string;
}

const TITLE = "cannot make the clone's initramfs";

/** Throws RackseedError if it fails and the clone would not boot; another failure is noted. */
export async function makeInitramfs(
  clone: CloneTree,
  { needs, ...options }: InitramfsOptions & { readonly needs: readonly InitramfsNeed[] },
): Promise<Made> {
  const reasons = needs.map(({ because }) => because).join("; ");
  options.onProgress?.("making the initramfs");
  try {
    await using _trees = await bindKernelTrees(clone.root);
    const paths = await make(clone, options);
    for (const path of paths) clone.changed.add(path);
    return { paths, note: `initramfs made again: ${reasons}` };
  } catch (error) {
    options.signal?.throwIfAborted();
    const vital = needs.filter(({ isVital }) => isVital);
    if (vital.length === 0) {
      return { paths: [], note: `the initramfs is still the template's: ${messageOf(error)}` };
    }
    throw new RackseedError(TITLE, {
      reason: `${vital.map(({ because }) => because).join("; ")}; and ${messageOf(error)}`,
      remedy: remedyOf(options.facts),
      cause: error,
    });
  }
}

function make(clone: CloneTree, options: InitramfsOptions): Promise<string[]> {
  switch (options.facts.initramfs) {
    case "initramfs-tools":
      return makeWithInitramfsTools(clone, options);
    case "dracut":
      return makeWithDracut(clone, options);
    case "mkinitcpio":
      return makeWithMkinitcpio(clone, options);
    case "mkinitfs":
      return makeWithMkinitfs(clone, options);
    case "none":
      throw new RangeError("the image has no program that makes one");
  }
}

function remedyOf({ initramfs }: BootFacts): string {
  switch (initramfs) {
    case "initramfs-tools":
      return "check `update-initramfs -u -k all` on the template, set MODULES=most there, and capture it again.";
    case "dracut":
      return "check `dracut --force --no-hostonly` on the template, and capture it again.";
    case "mkinitcpio":
      return "check `mkinitcpio -P` on the template, and capture it again.";
    case "mkinitfs":
      return "check `mkinitfs` on the template, and capture it again.";
    case "none":
      return "install initramfs-tools or dracut on the template, and capture it again.";
  }
}
