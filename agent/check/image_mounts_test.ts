import assert from "node:assert/strict";
import { parseMountTable } from "../sys/mount_table.ts";
import { chooseImageMounts } from "./image_mounts.ts";

const TABLE = parseMountTable(
  new TextEncoder().encode(`22 1 8:2 / / rw - ext4 /dev/sda2 rw
23 22 0:5 / /dev rw - devtmpfs udev rw
24 22 0:20 / /proc rw - proc proc rw
25 22 0:30 / /boot/efi rw - autofs systemd-1 rw
26 25 8:1 / /boot/efi rw - vfat /dev/sda1 rw
27 22 0:41 / /home rw - nfs4 server:/home rw
28 22 8:17 / /srv/data rw - xfs /dev/sdb1 rw
29 22 0:55 / /tmp rw - tmpfs tmpfs rw
`),
);

/** As far as mounts are concerned. */
function layout(...mountPoints: string[]) {
  return {
    fileSystems: mountPoints.map((mountPoint) => ({ mountPoint, mkfs: {} })),
  } as unknown as Parameters<
    typeof chooseImageMounts
  >[0];
}

Deno.test("only file systems of the image are compared, even under an automount; a disk that was added is not", () => {
  const chosen = chooseImageMounts(layout("/", "/boot/efi"), { table: TABLE, root: "/" });
  assert.deepEqual(chosen.own.map(({ path, id }) => [path, id]), [["", 22], ["boot/efi", 26]]);
  assert.deepEqual([chosen.absent, chosen.plain], [[], ["/boot/efi"]]);
});

Deno.test("a file system of the image that is not mounted, or replaced by a file server's, is not compared", () => {
  const chosen = chooseImageMounts(layout("/", "/home", "/var"), { table: TABLE, root: "/" });
  assert.deepEqual(chosen.own.map(({ path }) => path), [""]);
  assert.deepEqual(chosen.absent, ["/home", "/var"]);
});

Deno.test("a directory has one file system, its own, if it has any", () => {
  const at = (root: string) => chooseImageMounts(undefined, { table: TABLE, root }).own.map(({ id }) => id);
  assert.deepEqual([at("/srv/data"), at("/srv/data/node"), at("/home")], [[28], [], []]);
});
