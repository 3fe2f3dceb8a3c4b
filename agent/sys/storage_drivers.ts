/** Finds the kernel modules that a disk needs, from the drivers of all devices between it and the processor. */
import { namesIn } from "./small_file.ts";

/** sysfs nests no deeper. */
const MAX_DEPTH = 32;

/**
 * Modules of the drivers of these disks ("virtio_blk", "virtio_pci"), without those that are built into the kernel.
 * `names`: kernel names of disks; `sysfs`: where it is mounted, for tests.
 */
export async function storageDrivers(
  names: readonly string[],
  { sysfs = "/sys" }: { sysfs?: string } = {},
): Promise<string[]> {
  const found = new Set<string>();
  for (const name of names) {
    for (const module of await driversAbove(`${sysfs}/class/block/${name}`, sysfs)) found.add(module);
  }
  return [...found].sort();
}

async function driversAbove(link: string, sysfs: string): Promise<string[]> {
  const modules: string[] = [];
  let path = await Deno.realPath(link).catch(() => undefined);
  const end = await Deno.realPath(`${sysfs}/devices`).catch(() => undefined);
  for (let depth = 0; path !== undefined && end !== undefined && depth < MAX_DEPTH; depth++) {
    if (!path.startsWith(`${end}/`)) break;
    const module = await Deno.realPath(`${path}/driver/module`).catch(() => undefined);
    const name = module?.slice(module.lastIndexOf("/") + 1);
    // a built-in driver has a folder there, too, but nothing that could be loaded or unloaded
    if (module && name && (await namesIn(module)).includes("initstate")) modules.push(name);
    path = path.slice(0, path.lastIndexOf("/"));
  }
  return modules;
}
