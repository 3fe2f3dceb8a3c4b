import assert from "node:assert/strict";
import { type Labelled, parseFstab, resolveSpec } from "./fstab.ts";

Deno.test("the entries on disks belong to the system, parents first", () => {
  const text = `
# /etc/fstab
UUID=aaaa / ext4 errors=remount-ro 0 1
UUID=dddd /srv/my\\040data xfs defaults,nofail 0 2
UUID=bbbb\t/srv   ext4
LABEL=ESP /boot/efi/ vfat umask=0077 0 1
UUID=cccc none swap sw 0 0
/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0
nas:/export /nfs nfs defaults 0 0
tmpfs /tmp tmpfs size=1g 0 0
/srv/www /var/www none bind 0 0
/dev/vdb1 /var/alias none rbind 0 0
/dev/vda9 relative ext4 defaults 0 0
`;
  assert.deepEqual(parseFstab(text).map(({ spec, mountPoint, type }) => [spec, mountPoint, type]), [
    ["UUID=bbbb", "/srv", "ext4"],
    ["UUID=dddd", "/srv/my data", "xfs"],
    ["LABEL=ESP", "/boot/efi", "vfat"],
    ["/dev/sr0", "/media/cdrom0", "udf,iso9660"],
  ]);
  assert.deepEqual(parseFstab("UUID=a /x ext4")[0]?.options, ["defaults"]);
});

const volume = (device: string, number: number, facts: Record<string, string>): Labelled => ({
  device,
  number,
  facts: new Map(Object.entries(facts)),
});
const one = [
  volume("/dev/vda1", 1, { UUID: "AB-12", LABEL: "ESP", PART_ENTRY_UUID: "99-01" }),
  volume("/dev/vda2", 2, { UUID: "bbbb", PART_ENTRY_NAME: "data" }),
];
const two = [...one, volume("/dev/vdb2", 2, { UUID: "bbbb" })];

const meant: [spec: string, volumes: readonly Labelled[], device: string | RegExp][] = [
  ["UUID=ab-12", one, "/dev/vda1"],
  ['LABEL="ESP"', one, "/dev/vda1"],
  ["PARTUUID=99-01", one, "/dev/vda1"],
  ["PARTLABEL=data", one, "/dev/vda2"],
  ["/dev/disk/by-uuid/bbbb", one, "/dev/vda2"],
  // the system's own kernel had another name for the disk
  ["/dev/sda2", one, "/dev/vda2"],
  ["/dev/nvme0n1p1", one, "/dev/vda1"],
  ["/dev/sda2", two, /several disks.*vda2, \/dev\/vdb2/],
  ["UUID=bbbb", two, /several disks/],
  ["UUID=none", one, /no disk of this machine/],
  ["/dev/mapper/vg-srv", one, /LVM/],
  ["/dev/sr0", one, /no such volume/],
  ["/dev/vg/root", [{ ...one[0] as Labelled, names: ["/dev/vg/root"] }], "/dev/vda1"],
];
for (const [spec, volumes, device] of meant) {
  Deno.test(`${spec} means ${device} among ${volumes.length} volumes`, () => {
    const found = resolveSpec(spec, volumes);
    if (typeof device === "string") assert.equal("volume" in found && found.volume.device, device);
    else assert.match("because" in found ? found.because : "", device);
  });
}
