/** Keeps the EFI system partitions that are not mounted equal to the one that is. */
import { actionsOf, type Plan } from "#plan/actions.ts";
import type { EspPartition } from "#plan/plan_boot_loader.ts";
import { Mount } from "../../sys/mount.ts";
import type { CloneTree } from "../../tree/tree_files.ts";
import type { TargetDisks } from "../disk/guard.ts";

/** Each systemd-boot makes its own: two machines or disks with one seed would be worse than none. */
const OWN = "/loader/random-seed";

/** Returns how many files were written. Throws RackseedError if a copy cannot be mounted. */
export async function fillCopies(
  target: TargetDisks,
  { clone, esp, copies }: { clone: CloneTree; esp: string; copies: readonly EspPartition[] },
): Promise<number> {
  const from = await clone.directory(esp);
  if (from === undefined) return 0;
  let written = 0;
  for (const volume of copies) {
    const at = await Deno.makeTempDir({ prefix: "rackseed-esp-" });
    try {
      await using _mount = await Mount.at(at, { source: target.device(volume), type: "vfat" });
      written += await mirror(from, at, "");
    } finally {
      await Deno.remove(at).catch(() => {});
    }
  }
  return written;
}

/** Makes `to` hold the same files, and nothing else. `path`: from the top, for what is left out. */
async function mirror(from: string, to: string, path: string): Promise<number> {
  const wanted = new Map<string, Deno.DirEntry>();
  for await (const entry of Deno.readDir(from)) wanted.set(entry.name.toLowerCase(), entry);
  for await (const { name } of Deno.readDir(to)) {
    if (!wanted.has(name.toLowerCase()) && `${path}/${name}` !== OWN) {
      await Deno.remove(`${to}/${name}`, { recursive: true });
    }
  }
  let written = 0;
  for (const { name, isDirectory, isFile } of wanted.values()) {
    const below = `${path}/${name}`;
    if (below === OWN) continue;
    if (isDirectory) {
      await Deno.mkdir(`${to}/${name}`, { recursive: true });
      written += await mirror(`${from}/${name}`, `${to}/${name}`, below);
    } else if (isFile && !await isEqual(`${from}/${name}`, `${to}/${name}`)) {
      await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
      written++;
    }
  }
  return written;
}

async function isEqual(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => Deno.stat(path).catch(() => undefined)));
  if (!first || !second?.isFile || first.size !== second.size) return false;
  const [left, right] = await Promise.all([Deno.readFile(a), Deno.readFile(b)]);
  return Buffer.from(left).equals(right);
}

/** The same for a clone whose loader is kept: a disk of the mirror may be a new one. */
export async function refillCopies(
  target: TargetDisks,
  { plan, clone }: { plan: Plan; clone: CloneTree },
): Promise<number> {
  const [action] = actionsOf(plan, "boot-loader");
  if (action?.bootLoader.firmware !== "uefi") return 0;
  const { esp, copies } = action.bootLoader;
  return await fillCopies(target, { clone, esp, copies });
}
