import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import { isOnBlockDevice, isReachable, mountOf, parseMountTable, readMountTable } from "./mount_table.ts";

const parse = (...lines: string[]) => parseMountTable(Buffer.from(`${lines.join("\n")}\n`, "latin1"));

Deno.test("every field of a line is read, with names that contain blanks and arbitrary bytes", () => {
  const [mount] = parse(
    "36 35 98:0 /a\\040part /mnt/\\134x\\011\xff rw,noatime shared:1 master:2 - ext4 /dev/my\\040disk ro,errors=continue",
  );
  assert.deepEqual(mount, {
    id: 36,
    parent: 35,
    number: "98:0",
    part: "/a part",
    target: "/mnt/\\x\t\xff",
    type: "ext4",
    source: "/dev/my disk",
    options: "ro,noatime,errors=continue",
    readOnly: true,
    subvolume: undefined,
  });
});

const subvolumes: [line: string, part: string, subvolume: string][] = [
  ["26 1 0:23 /@ / rw - btrfs /dev/vda3 rw,ssd,subvolid=256,subvol=/@", "/@", "/@"],
  ["27 26 0:23 /@/var/log /srv rw - btrfs /dev/vda3 rw,subvolid=256,subvol=/@", "/@/var/log", "/@"],
  ["28 26 0:23 /@a,b\\040c /b rw - btrfs /dev/vda3 rw,subvolid=257,subvol=/@a,b\\040c", "/@a,b c", "/@a,b c"],
];
for (const [line, part, subvolume] of subvolumes) {
  Deno.test(`the subvolume of a btrfs mount is known: ${part} of ${subvolume}`, () => {
    const [mount] = parse(line);
    assert.deepEqual([mount?.part, mount?.subvolume], [part, subvolume]);
  });
}

Deno.test("truncated lines and empty tables yield no mounts", () => {
  assert.deepEqual(parse(""), []);
  assert.deepEqual(parse("36 35 98:0 / /mnt rw,noatime"), []);
});

Deno.test("this machine's own table is read, and has a root", () => {
  assert.ok(readMountTable().some(({ target }) => target === "/"));
});

const ROOT = "1 0 8:1 / / rw - ext4 /dev/sda1 rw";
const DATA = "2 1 8:2 / /data rw - ext4 /dev/sda2 rw";
const reaches: [name: string, reachable: boolean, ...others: string[]][] = [
  ["alone", true],
  ["beside another", true, "3 1 0:40 / /data2 rw - tmpfs none rw"],
  ["below another in it", true, "3 2 0:40 / /data/tmp rw - tmpfs none rw"],
  ["under another", false, "3 2 0:40 / /data rw - tmpfs none rw"],
  ["under one that was slipped in below it", false, "3 1 0:40 / /data rw - tmpfs none rw"],
  ["under another root", false, "3 1 0:40 / / rw - tmpfs none rw"],
];
for (const [name, reachable, ...others] of reaches) {
  Deno.test(`a mount ${name} is ${reachable ? "" : "not "}reached by its path`, () => {
    const table = parse(ROOT, DATA, ...others), mount = table[1];
    assert.ok(mount);
    assert.equal(isReachable(mount, { table, root: 1, trusted: () => true }), reachable);
  });
}

Deno.test("a mount below one that is not trusted is not reached", () => {
  const table = parse(
    ROOT,
    "2 1 0:50 / /net rw - nfs4 server:/ rw",
    "3 2 8:3 / /net/disk rw - ext4 /dev/sda3 rw",
  );
  const trusted = ({ type }: { type: string }) => type === "ext4";
  assert.equal(isReachable(table[2]!, { table, root: 1, trusted }), false);
});

const answers: [path: string, line: string, onBlockDevice: boolean][] = [
  ["/usr/local/bin", "2 1 0:50 / /usr/local rw - nfs4 server:/local rw", false],
  ["/usr/local/bin", "2 1 0:50 / /usr/local/bin rw - autofs systemd-1 rw", false],
  ["/usr/local/bin", "2 1 8:2 / /usr/local rw - fuseblk /dev/sda2 rw", false],
  ["/usr/local/bin", "2 1 8:2 / /usr rw - ext4 /dev/sda2 rw", true],
  ["/usr/local/bin", "2 1 0:23 /@local /usr/local rw - btrfs /dev/sda2 rw,subvol=/@local", true],
  ["/usr/local/bin", "2 1 0:50 / /usr/loc rw - nfs4 server:/local rw", true],
];
for (const [path, line, onBlockDevice] of answers) {
  Deno.test(`${path} ${onBlockDevice ? "answers from a disk" : "may never answer"} with ${line}`, () => {
    const mount = mountOf(path as BytePath, parse(ROOT, line));
    assert.equal(mount && isOnBlockDevice(mount), onBlockDevice);
  });
}
