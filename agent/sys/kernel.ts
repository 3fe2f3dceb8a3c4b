/**
 * System calls that the runtime does not offer and that belong to a machine's start and end. glibc on x86-64 by
 * FFI; the library is opened for each call, since these are few and far between.
 */
const symbols = {
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // its third argument is of whatever kind; on x86-64 a pointer is passed the same way
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  sync: { parameters: [], result: "void" },
  reboot: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
  strerror: { parameters: ["i32"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** A failed system call: its name, errno and the C library's words for it. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  constructor(readonly call: string, { errno, text }: { errno: number; text: string }) {
    super(`${call}: ${text}`);
    this.errno = errno;
  }
  readonly errno: number;
}

export const EBUSY = 16, EROFS = 30;

type Libc = Deno.StaticForeignLibraryInterface<typeof symbols>;

function withLibc<T>(use: (libc: Libc) => T): T {
  const library = Deno.dlopen("libc.so.6", symbols);
  try {
    return use(library.symbols);
  } finally {
    library.close();
  }
}

function check(libc: Libc, { call, result }: { call: string; result: number }): number {
  if (result >= 0) return result;
  const location = libc.__errno_location();
  const errno = location === null ? 0 : new Deno.UnsafePointerView(location).getInt32();
  const words = libc.strerror(errno);
  const text = words === null ? `errno ${errno}` : new Deno.UnsafePointerView(words).getCString();
  throw new SystemCallError(call, { errno, text });
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new RangeError("a NUL inside a path");
  return new TextEncoder().encode(`${text}\0`);
}

/** mount(2) */
export function mount(
  { source, target, type, flags = 0, data = "" }: {
    source: string;
    target: string;
    type: string;
    flags?: number;
    data?: string;
  },
): void {
  withLibc((libc) => {
    const result = libc.mount(cString(source), cString(target), cString(type), BigInt(flags), cString(data));
    check(libc, { call: "mount", result });
  });
}

/** umount2(2) */
export function unmount(target: string, flags = 0): void {
  withLibc((libc) => check(libc, { call: "umount2", result: libc.umount2(cString(target), flags) }));
}

/** ioctl(2) on a device that is opened for reading; `data` is what the request reads and writes. */
export function controlDevice(
  path: string,
  { request, data, call }: { request: number; data: Uint8Array<ArrayBuffer>; call: string },
): void {
  withLibc((libc) => {
    const fd = check(libc, { call: `open ${path}`, result: libc.open(cString(path), O_CLOEXEC) });
    try {
      check(libc, { call, result: libc.ioctl(fd, BigInt(request), data) });
    } finally {
      libc.close(fd);
    }
  });
}

const O_EXCL = 0o200, O_CLOEXEC = 0o2000000, O_RDWR = 2;

/**
 * Opens a block device exclusively and closes it again: open(2) says EBUSY where the kernel itself uses it or a
 * part of it (mounted, swap, MD, device mapper), EROFS or EACCES where it cannot be written.
 */
export function claimBlockDevice(path: string): void {
  withLibc((libc) => {
    const fd = check(libc, { call: "open", result: libc.open(cString(path), O_RDWR | O_EXCL | O_CLOEXEC) });
    libc.close(fd);
  });
}

/** sync(2): returns when everything is on the disks. */
export function syncAll(): void {
  withLibc((libc) => libc.sync());
}

/** The same in a thread of its own, so that everything else goes on meanwhile. */
export async function syncAllAside(): Promise<void> {
  const library = Deno.dlopen("libc.so.6", { sync: { parameters: [], result: "void", nonblocking: true } });
  try {
    await library.symbols.sync();
  } finally {
    library.close();
  }
}

/** reboot(2); RB_AUTOBOOT or RB_POWER_OFF. Does not return where it works. */
export function rebootNow(command: "restart" | "power-off"): void {
  const code = command === "restart" ? 0x01234567 : 0x4321fedc;
  withLibc((libc) => check(libc, { call: "reboot", result: libc.reboot(code) }));
}
