/**
 * Extended attributes, xattr(7): names are "namespace.name"; POSIX ACLs are system.posix_acl_access and
 * system.posix_acl_default, capabilities security.capability.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Xattr } from "#contract/format/entry.ts";
import { c, cPath, errno, fail } from "./libc.ts";

const ENODATA = 61, ERANGE = 34, EOPNOTSUPP = 95;
/** XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h. */
const list = Buffer.alloc(65_536);
const value = Buffer.alloc(65_536);
/**
 * Buffer sizes to try, in order. The kernel allocates and zeroes as much memory as it is offered, and most files have
 * no attributes or small ones, so it is offered all of it only if the small size does not suffice.
 */
const ROOMS = [512n, 65_536n] as const;

/** All attributes of an open file, sorted by the bytes of their names; none if it cannot have any. */
export function xattrsOf(fd: number): Xattr[] {
  return read({
    names: (room) => c().flistxattr(fd, list, room),
    valueOf: (name, room) => c().fgetxattr(fd, name, value, room),
  });
}

/** The same for a name that may not be openable: a symlink, a device. Relative to an open directory, through /proc. */
export function xattrsAt(directory: number, name: BytePath): Xattr[] {
  const path = cPath(`/proc/self/fd/${directory}/${name}`);
  return read({
    names: (room) => c().llistxattr(path, list, room),
    valueOf: (attribute, room) => c().lgetxattr(path, attribute, value, room),
  });
}

export function setXattrOf(fd: number, [name, content]: Xattr): void {
  if (c().fsetxattr(fd, Buffer.from(`${name}\0`), content, BigInt(content.length), 0) !== 0) {
    fail(`set attribute ${name} of`);
  }
}

/** The same for a name, directly in `directory`, that may not be openable. */
export function setXattrAt(directory: number, name: BytePath, [attribute, content]: Xattr): void {
  const place = cPath(`/proc/self/fd/${directory}/${name}`);
  if (c().lsetxattr(place, Buffer.from(`${attribute}\0`), content, BigInt(content.length), 0) !== 0) {
    fail(`set attribute ${attribute} of`, name);
  }
}

/** No error if the file has no such attribute. */
export function removeXattrOf(fd: number, name: string): void {
  if (c().fremovexattr(fd, Buffer.from(`${name}\0`)) === 0) return;
  if (errno() !== ENODATA && errno() !== EOPNOTSUPP) fail(`remove attribute ${name} of`);
}

interface Calls {
  /** Fill `list` and `value`, of which the kernel may use `room` bytes; they return what the system call returns. */
  readonly names: (room: bigint) => bigint;
  readonly valueOf: (name: Uint8Array, room: bigint) => bigint;
}

function read({ names, valueOf }: Calls): Xattr[] {
  const length = fitting(names);
  if (length < 0) {
    if (errno() === EOPNOTSUPP) return [];
    fail("list attributes of");
  }
  const xattrs: Xattr[] = [];
  for (let start = 0, end; start < length; start = end + 1) {
    end = list.indexOf(0, start);
    const name = list.subarray(start, end + 1);
    const got = fitting((room) => valueOf(name, room));
    // removed since it was listed
    if (got < 0 && errno() === ENODATA) continue;
    if (got < 0) fail(`read attribute ${list.toString("utf8", start, end)} of`);
    xattrs.push([list.toString("utf8", start, end), new Uint8Array(value.subarray(0, got))]);
  }
  return xattrs.sort(([a], [b]) => a < b ? -1 : 1);
}

/** What `call` returns with the smallest buffer that suffices. */
function fitting(call: (room: bigint) => bigint): number {
  const [little, all] = ROOMS;
  const got = Number(call(little));
  return got < 0 && errno() === ERANGE ? Number(call(all)) : got;
}
