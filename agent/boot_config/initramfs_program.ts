/** Which program of a system makes its initramfs, and whether that serves only the machine that it was made on. */
import type { BootFacts } from "#contract/format/boot.ts";
import type { TreeReader } from "../tree/tree_files.ts";

export async function initramfsProgram(tree: TreeReader): Promise<Pick<BootFacts, "initramfs" | "hostOnly">> {
  const has = async (...paths: readonly string[]) => {
    for (const path of paths) if (await tree.kind(path) !== undefined) return true;
    return false;
  };
  const hasDracut = await has("/usr/bin/dracut", "/sbin/dracut", "/usr/sbin/dracut");
  if (await has("/usr/sbin/mkinitramfs") && !(hasDracut && await isReplaced(tree))) {
    const texts = await settings(tree, ["/etc/initramfs-tools/initramfs.conf"], [
      "/etc/initramfs-tools/conf.d",
    ]);
    return { initramfs: "initramfs-tools", hostOnly: lastValue(texts, "MODULES") === "dep" };
  }
  if (hasDracut) {
    const folders = ["/usr/lib/dracut/dracut.conf.d", "/etc/dracut.conf.d"];
    const texts = await settings(tree, ["/etc/dracut.conf"], folders);
    // dracut.conf(5): "yes" since dracut 017 wherever a distribution does not say otherwise
    return { initramfs: "dracut", hostOnly: lastValue(texts, "hostonly") !== "no" };
  }
  if (await has("/usr/bin/mkinitcpio")) {
    return { initramfs: "mkinitcpio", hostOnly: (await mkinitcpioHooks(tree)).includes("autodetect") };
  }
  if (await has("/sbin/mkinitfs", "/usr/sbin/mkinitfs")) return { initramfs: "mkinitfs", hostOnly: true };
  return { initramfs: "none", hostOnly: false };
}

/** Debian's dracut takes the place of initramfs-tools, whose mkinitramfs stays: it is of initramfs-tools-core. */
async function isReplaced(tree: TreeReader): Promise<boolean> {
  const update = await tree.text("/usr/sbin/update-initramfs");
  return update === undefined || update.includes("dracut");
}

/** mkinitcpio.conf(5): the last HOOKS counts. */
export async function mkinitcpioHooks(tree: TreeReader): Promise<string[]> {
  const texts = await settings(tree, ["/etc/mkinitcpio.conf"], ["/etc/mkinitcpio.conf.d"]);
  const lists = texts.flatMap((text) =>
    [...text.matchAll(/^\s*HOOKS=\(([^)]*)\)/gm)].map(([, list = ""]) => list)
  );
  return lists.at(-1)?.split(/\s+/).filter(Boolean) ?? [];
}

/**
 * The texts of settings in the order in which they are read: files in folders by name, where one in a later folder
 * replaces its namesake.
 */
async function settings(
  tree: TreeReader,
  files: readonly string[],
  folders: readonly string[],
): Promise<string[]> {
  const named = new Map<string, string>();
  for (const path of (await Promise.all(folders.map((folder) => tree.list(folder)))).flat()) {
    named.set(path.slice(path.lastIndexOf("/") + 1), path);
  }
  const dropIns = [...named].filter(([name]) => !name.startsWith(".")).sort(([a], [b]) => a < b ? -1 : 1);
  const texts = await Promise.all(
    [...files, ...dropIns.map(([, path]) => path)].map((path) => tree.text(path)),
  );
  return texts.filter((text) => text !== undefined);
}

function lastValue(texts: readonly string[], name: string): string | undefined {
  const assignment = new RegExp(`^\\s*${name}=["']?([\\w-]*)`, "gm");
  return texts.flatMap((text) => [...text.matchAll(assignment)].map(([, value]) => value)).at(-1);
}
