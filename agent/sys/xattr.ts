/**
 * Extended attributes, xattr(7): names are "namespace.name"; POSIX ACLs are system.posix_acl_access and
 * system.posix_acl_default, capabilities security.capability.
 */
import type { BytePath } from "#contract/byte_path.ts";
import type { Xattr } from "#contract/entry.ts";
import { c, cPath, errno, fail } from "./libc.ts";

const ENODATA = 61, EOPNOTSUPP = 95;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h. */
const list = Buffer.alloc(65_536);
const value = Buffer.alloc(65_536);
const room = BigInt(list.length);

/** All attributes of an open file, in the byte order of their names; none where it cannot have any. */
export function xattrsOf(fd: number): Xattr[] {
  const length = Number(c().flistxattr(fd, list, room));
  return read(length, (name) => Number(c().fgetxattr(fd, name, value, room)));
}

/** Of a name that need not be openable: a symlink, a device. Relative to an open directory, by way of /proc. */
export function xattrsAt(directory: number, name: BytePath): Xattr[] {
  const path = cPath(`/proc/self/fd/${directory}/${name}`);
  const length = Number(c().llistxattr(path, list, room));
  return read(length, (attribute) => Number(c().lgetxattr(path, attribute, value, room)));
}

export function setXattrOf(fd: number, [name, content]: Xattr): void {
  if (c().fsetxattr(fd, Buffer.from(`${name}\0`), content, BigInt(content.length), 0) !== 0) {
    fail(`set attribute ${name} of`);
  }
}

/** Of a name that need not be openable; `directory` holds it directly. */
export function setXattrAt(directory: number, name: BytePath, [attribute, content]: Xattr): void {
  const place = cPath(`/proc/self/fd/${directory}/${name}`);
  if (c().lsetxattr(place, Buffer.from(`${attribute}\0`), content, BigInt(content.length), 0) !== 0) {
    fail(`set attribute ${attribute} of`, name);
  }
}

/** No error where the file has no such attribute. */
export function removeXattrOf(fd: number, name: string): void {
  if (c().fremovexattr(fd, Buffer.from(`${name}\0`)) === 0) return;
  if (errno() !== ENODATA && errno() !== EOPNOTSUPP) fail(`remove attribute ${name} of`);
}

function read(length: number, get: (name: Uint8Array) => number): Xattr[] {
  if (length < 0) {
    if (errno() === EOPNOTSUPP) return [];
    fail("list attributes of");
  }
  const xattrs: Xattr[] = [];
  for (let start = 0, end; start < length; start = end + 1) {
    end = list.indexOf(0, start);
    const got = get(list.subarray(start, end + 1));
    // gone since it was listed
    if (got < 0 && errno() === ENODATA) continue;
    if (got < 0) fail(`read attribute ${list.toString("utf8", start, end)} of`);
    xattrs.push([list.toString("utf8", start, end), new Uint8Array(value.subarray(0, got))]);
  }
  return xattrs.sort(([a], [b]) => a < b ? -1 : 1);
}
