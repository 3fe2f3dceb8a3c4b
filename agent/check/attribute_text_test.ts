import assert from "node:assert/strict";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Attributes, Xattr } from "#contract/format/entry.ts";
import type { FileStatus } from "../sys/file_status.ts";
import { describeAttributes } from "./attribute_text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const entry: Attributes = {
  path: "a" as BytePath,
  mode: 0o4755,
  uid: 0,
  gid: 0,
  mtimeSec: 1_700_000_000,
  mtimeNs: 5,
  xattrs: [["security.capability", bytes("cap")], ["user.origin", bytes("image")]],
};
const status: FileStatus = {
  type: "file",
  mode: 0o4755,
  uid: 0,
  gid: 0,
  links: 1,
  inode: 1n,
  sizeBytes: 1,
  allocatedBytes: 1,
  mtimeSec: 1_700_000_000,
  mtimeNs: 5,
  ctimeSec: 0,
  ctimeNs: 0,
  major: 0,
  minor: 0,
  deviceMajor: 8,
  deviceMinor: 1,
  mountRoot: false,
  flags: 0,
};

function describe(
  change: Partial<FileStatus> = {},
  { xattrs = entry.xattrs, privileged = true, timeCounts = true }: {
    xattrs?: readonly Xattr[];
    privileged?: boolean;
    timeCounts?: boolean;
  } = {},
) {
  return describeAttributes(entry, { status: { ...status, ...change }, xattrs, privileged, timeCounts });
}

Deno.test("each attribute that differs is named with both values", () => {
  assert.deepEqual(describe(), []);
  assert.deepEqual(describe({ mode: 0o600, uid: 5 }), ["owner 5:0, not 0:0", "mode 0600, not 4755"]);
  assert.deepEqual(describe({ mtimeNs: 6 }), [
    "modified 2023-11-14T22:13:20.000Z, not 2023-11-14T22:13:20.000Z",
  ]);
  const inode = { settings: { flags: 0x10 }, holds: { flags: 0x10, xflags: 0, project: false } };
  assert.deepEqual(
    describeAttributes(entry, { status, xattrs: entry.xattrs, inode, privileged: true, timeCounts: true }),
    ["inode flags +i, not none"],
  );
});

Deno.test("extended attributes have the names that people know; a label of SELinux's own does not count", () => {
  const xattrs: Xattr[] = [
    ["security.selinux", bytes("label")],
    ["system.posix_acl_access", bytes("acl")],
    ["user.origin", bytes("node")],
  ];
  assert.deepEqual(describe({}, { xattrs }), [
    "capabilities missing",
    "other attribute user.origin",
    "ACL added",
  ]);
});

Deno.test("times count for files with their own content only, owners for root only, modes of links never", () => {
  assert.deepEqual(describe({ mtimeSec: 1 }, { timeCounts: false }), []);
  assert.deepEqual(describe({ type: "directory", mtimeSec: 1 }), []);
  assert.deepEqual(describe({ type: "symlink", mode: 0o777, mtimeSec: 1 }), []);
  assert.deepEqual(describe({ uid: 1000 }, { privileged: false }), []);
});
