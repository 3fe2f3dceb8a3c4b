/** Reads the system that is mounted at /mnt/m, as if it were the running one. */
import type { BytePath } from "#contract/format/byte_path.ts";
import { DiskLayout } from "#contract/format/layout.ts";
import { type MachineLayout, readLayout } from "../../agent/layout/read_layout.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { readMountTable } from "../../agent/sys/mount_table.ts";

export async function readMounted({ swapDevices }: { swapDevices: string[] }): Promise<MachineLayout> {
  const mounts = readMountTable().filter(({ target }) => /^\/mnt\/m(\/|$)/.test(target))
    .map((mount) => ({ ...mount, target: (mount.target.slice("/mnt/m".length) || "/") as BytePath }));
  const { layout, ...rest } = await readLayout({ run, root: "/mnt/m", mounts, swapDevices });
  // as the server reads it
  return { layout: DiskLayout.parse(JSON.parse(JSON.stringify(layout))), ...rest };
}
