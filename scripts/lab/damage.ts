/** Damages a clone's disk between two boots, from outside. */
import { run } from "./command.ts";
import { LoopDisk, Mount } from "./loop_disk.ts";
import { rootPartition } from "./template_disk.ts";
import type { Workplace } from "./workplace.ts";

/** A path that the operator keeps. */
export const keptFile = { path: "srv/data/precious", text: "the clone's own data\n" };

/** The lab's application. */
const application = [
  "usr/local/bin/greet",
  "etc/systemd/system/greet.socket",
  "etc/systemd/system/greet@.service",
];

/** Runs `use` with the root file system of a disk that no machine is using. */
export async function onRoot<T>(
  lab: Workplace,
  { disk: image, readOnly = false }: { readonly disk: string; readonly readOnly?: boolean },
  use: (root: string) => Promise<T>,
): Promise<T> {
  await using disk = await LoopDisk.attach(image, { readOnly });
  await using mount = await Mount.at(`${lab.folder}/damage`, {
    source: disk.partition(rootPartition),
    options: readOnly ? ["-o", "ro,noload"] : [],
  });
  return await use(mount.path);
}

/**
 * Damages /usr, deletes the application, adds extra files, and overwrites the first two mebibytes of the disk (boot
 * code, partition table, GRUB's core) with zeros. Returns how many bytes of files are damaged or gone.
 */
export async function damageDisk(lab: Workplace, { disk }: { readonly disk: string }): Promise<number> {
  const bytes = await onRoot(lab, { disk }, async (root) => {
    let bytes = 0;
    const { stdout } = await run([
      "find",
      `${root}/usr/bin`,
      `${root}/usr/lib`,
      "-type",
      "f",
      "-size",
      "+4k",
    ]);
    const files = stdout.trim().split("\n").sort();
    for (let i = 0; i < files.length; i += 60) {
      const path = files[i] ?? "", { size } = await Deno.stat(path);
      using file = await Deno.open(path, { write: true });
      await file.seek(Math.floor(size / 2), Deno.SeekMode.Start);
      await file.write(new TextEncoder().encode("DAMAGED".repeat(10)));
      bytes += size;
    }
    const lost = ["usr/lib/systemd", ...application];
    for (const path of lost) {
      bytes += Number((await run(["du", "-sb", `${root}/${path}`])).stdout.split("\t")[0]);
      await Deno.remove(`${root}/${path}`, { recursive: true });
    }
    await Deno.writeTextFile(`${root}/usr/bin/stranger`, "does not belong\n");
    await Deno.mkdir(`${root}/${keptFile.path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${root}/${keptFile.path}`, keptFile.text);
    return bytes;
  });
  await run(["dd", "if=/dev/zero", `of=${disk}`, "bs=1M", "count=2", "conv=notrunc", "status=none"]);
  return bytes;
}

/** A little damage, which a dry run must find. */
export async function damageLittle(lab: Workplace, { disk }: { readonly disk: string }): Promise<void> {
  await onRoot(lab, { disk }, async (root) => {
    await Deno.remove(`${root}/usr/local/bin/greet`);
    await Deno.writeTextFile(`${root}/usr/bin/stranger`, "does not belong\n");
  });
}

/** Inode and change time of every file, which any write would change. */
export async function fileMarks(
  lab: Workplace,
  { disk }: { readonly disk: string },
): Promise<Map<string, string>> {
  return await onRoot(lab, { disk, readOnly: true }, async (root) => {
    const { stdout } = await run(["find", root, "-xdev", "-type", "f", "-printf", "%P\\t%i %C@\\0"]);
    return new Map(stdout.split("\0").filter(Boolean).map((line) => line.split("\t") as [string, string]));
  });
}
