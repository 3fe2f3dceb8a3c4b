/**
 * Mounts without a place in the file tree: only a descriptor leads to them, and they end with it. They show a file
 * system without what is mounted over it or into it. open_tree(2), fsopen(2), fsmount(2),
 * mount_setattr(2); Linux ≥ 5.2, CAP_SYS_ADMIN.
 */
import type { BytePath } from "#contract/format/byte_path.ts";
import { SysError } from "./errno.ts";
import { AT_FDCWD, close, errno, O, openAt } from "./libc.ts";

/** Numbers of asm-generic/unistd.h: the same on x86_64 and aarch64. glibc < 2.36 has no wrappers for these calls. */
const CALL = { openTree: 428n, fsopen: 430n, fsconfig: 431n, fsmount: 432n, mountSetattr: 442n } as const;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1, FSOPEN_CLOEXEC = 1, FSMOUNT_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_CMD_CREATE = 6;
const MOUNT_ATTR_RDONLY = 1, MS_PRIVATE = 1 << 18;

function load() {
  // syscall(2) is variadic; each use gets the types of its call
  return Deno.dlopen("libc.so.6", {
    openTree: { name: "syscall", parameters: ["i64", "i32", "buffer", "u32"], result: "i64" },
    fsopen: { name: "syscall", parameters: ["i64", "buffer", "u32"], result: "i64" },
    fsconfig: {
      name: "syscall",
      parameters: ["i64", "i32", "u32", "buffer", "buffer", "i32"],
      result: "i64",
    },
    fsmount: { name: "syscall", parameters: ["i64", "i32", "u32", "u32"], result: "i64" },
    mountSetattr: {
      name: "syscall",
      parameters: ["i64", "i32", "buffer", "u32", "buffer", "usize"],
      result: "i64",
    },
  }).symbols;
}

let loaded: ReturnType<typeof load> | undefined;
function calls(): ReturnType<typeof load> {
  return loaded ??= load();
}

function check(action: string, result: number | bigint): number {
  if (result < 0) throw new SysError(action, { errno: errno() });
  return Number(result);
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(`${text}\0`, (character) => character.charCodeAt(0));
}

export class DetachedMount implements Disposable {
  /** The mount's root, opened for reading. */
  readonly fd: number;
  /** Path-only. While it is open the mount counts as mounted, and looking up its files is cheaper. */
  readonly #mount: number;

  /** Takes over `mount`, a path-only descriptor. */
  constructor(mount: number) {
    this.#mount = mount;
    try {
      makePrivate(mount);
      this.fd = openAt(mount, "." as BytePath, { flags: O.RDONLY | O.DIRECTORY });
    } catch (error) {
      close(mount);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    close(this.fd);
    close(this.#mount);
  }
}

/** The directory that `fd` has open, read-only and with nothing mounted in it. */
export function cloneMount(fd: number): DetachedMount {
  const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | O.CLOEXEC;
  return new DetachedMount(check("clone the mount", calls().openTree(CALL.openTree, fd, cString(""), flags)));
}

/**
 * A file system that is mounted already, mounted a second time, read-only, so that nothing hides any of it. Refuses
 * (ENXIO) a device that is not in use, because mounting it might write to it.
 */
export function mountAgain(
  { device, type, readOnly, subvolume }: {
    device: BytePath;
    type: string;
    /** Whether the file system itself is read-only: the kernel does not mount it both ways. */
    readOnly: boolean;
    subvolume?: BytePath | undefined;
  },
): DetachedMount {
  if (!isInUse(device)) throw new SysError("mount again", { errno: ENXIO, path: device });
  const context = check("mount", calls().fsopen(CALL.fsopen, cString(type), FSOPEN_CLOEXEC));
  try {
    const configure = (command: number, key?: string, value?: string) =>
      check(
        `mount ${device} again`,
        calls().fsconfig(
          CALL.fsconfig,
          context,
          command,
          key === undefined ? null : cString(key),
          value === undefined ? null : cString(value),
          0,
        ),
      );
    configure(FSCONFIG_SET_STRING, "source", device);
    if (subvolume !== undefined) configure(FSCONFIG_SET_STRING, "subvol", subvolume);
    if (readOnly) configure(FSCONFIG_SET_FLAG, "ro");
    configure(FSCONFIG_CMD_CREATE);
    return new DetachedMount(
      check("mount", calls().fsmount(CALL.fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY)),
    );
  } finally {
    close(context);
  }
}

const ENXIO = 6;

/** open(2): the kernel gives no exclusive descriptor of a block device that it uses itself. */
function isInUse(device: BytePath): boolean {
  try {
    close(openAt(AT_FDCWD, device, { flags: O.RDONLY | O.EXCL }));
    return false;
  } catch (error) {
    if (error instanceof SysError && error.code === "EBUSY") return true;
    throw error;
  }
}

/**
 * Makes the mount private and read-only: reading changes no access times, and later mounts on the original do not show
 * up here. Linux 5.12; before that no mount propagates to a detached one (since 6.15 it does), so only access times change.
 */
function makePrivate(mounted: number): void {
  // struct mount_attr: attr_set, attr_clr, propagation, userns_fd
  const attributes = new BigUint64Array([BigInt(MOUNT_ATTR_RDONLY), 0n, BigInt(MS_PRIVATE), 0n]);
  const bytes = new Uint8Array(attributes.buffer);
  calls().mountSetattr(CALL.mountSetattr, mounted, cString(""), AT_EMPTY_PATH, bytes, BigInt(bytes.length));
}
