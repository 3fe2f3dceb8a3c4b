/**
 * System calls of a machine's start and end that the runtime does not offer: glibc on x86-64 by FFI. The library is
 * opened for each call, because these calls are rare.
 */
const symbols = {
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  // the third argument depends on the request; on x86-64 a pointer is passed the same way as an integer
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  sync: { parameters: [], result: "void" },
  reboot: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
  strerror: { parameters: ["i32"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** A failed system call: its name, its errno and the C library's message. */
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
  if (text.includes("\0")) throw new RangeError("a path contains a NUL");
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

/** ioctl(2) on a device, opened for reading; the request reads and writes `data`. */
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
 * Opens a block device exclusively and closes it again. open(2) fails with EBUSY if the kernel uses the device or a
 * part of it (mounted, swap, MD, device mapper), with EROFS or EACCES if it cannot be written.
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

let aside: (() => Promise<void>) | undefined;

/** The same in a separate thread, without blocking this one. An installation does it many times. */
export async function syncAllAside(): Promise<void> {
  aside ??=
    Deno.dlopen("libc.so.6", { sync: { parameters: [], result: "void", nonblocking: true } }).symbols.sync;
  await aside();
}

/** RB_AUTOBOOT, RB_KEXEC, RB_POWER_OFF */
const REBOOT = { restart: 0x01234567, kexec: 0x45584543, "power-off": 0x4321fedc } as const;

/** reboot(2); "kexec" starts the kernel that `loadKernel` has loaded. Returns only by throwing. */
export function rebootNow(command: keyof typeof REBOOT): void {
  withLibc((libc) => check(libc, { call: "reboot", result: libc.reboot(REBOOT[command]) }));
}
