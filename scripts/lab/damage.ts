/** Damages a clone's disk between two boots, from outside. */
import { run } from "./command.ts";

/** A path that the operator keeps. */
export const keptFile = { path: "srv/data/precious", text: "the clone's own data\n" };

/** The lab's application. */
const application = [
  "usr/local/bin/greet",
  "etc/systemd/system/greet.socket",
  "etc/systemd/system/greet@.service",
];

/** Damages /usr, deletes the application, and adds extra files. Returns how many bytes are damaged or gone. */
export async function damageFiles(root: string): Promise<number> {
  let bytes = 0;
  const { stdout } = await run(["find", `${root}/usr/bin`, `${root}/usr/lib`, "-type", "f", "-size", "+4k"]);
  const files = stdout.trim().split("\n").sort();
  for (let i = 0; i < files.length; i += 60) {
    const path = files[i] ?? "", { size } = await Deno.stat(path);
    using file = await Deno.open(path, { write: true });
    await file.seek(Math.floor(size / 2), Deno.SeekMode.Start);
    await file.write(new TextEncoder().encode("DAMAGED".repeat(10)));
    bytes += size;
  }
  for (const path of ["usr/lib/systemd", ...application]) {
    bytes += Number((await run(["du", "-sb", `${root}/${path}`])).stdout.split("\t")[0]);
    await Deno.remove(`${root}/${path}`, { recursive: true });
  }
  await Deno.writeTextFile(`${root}/usr/bin/stranger`, "does not belong\n");
  await Deno.mkdir(`${root}/${keptFile.path}`.replace(/\/[^/]*$/, ""), { recursive: true });
  await Deno.writeTextFile(`${root}/${keptFile.path}`, keptFile.text);
  return bytes;
}

/**
 * Overwrites the first two mebibytes of a disk with zeros: boot code, partition table, GRUB's core, and the start of an
 * EFI system partition. Returns the size of the files on that.
 */
export async function eraseStart(disk: string): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-lab-esp-" });
  // fails if there is none
  const { code } = await run(["mcopy", "-s", "-i", `${disk}@@1M`, "::/*", folder], { accept: [1] });
  const lost = code === 0 ? Number((await run(["du", "-sb", folder])).stdout.split("\t")[0]) : 0;
  await Deno.remove(folder, { recursive: true });
  await run(["dd", "if=/dev/zero", `of=${disk}`, "bs=1M", "count=2", "conv=notrunc", "status=none"]);
  return lost;
}

/** A little damage, which a dry run must find. */
export async function damageLittle(root: string): Promise<void> {
  await Deno.remove(`${root}/usr/local/bin/greet`);
  await Deno.writeTextFile(`${root}/usr/bin/stranger`, "does not belong\n");
}
