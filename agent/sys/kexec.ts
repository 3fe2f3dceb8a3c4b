/**
 * Loads another kernel, which reboot(2) then starts without the firmware: kexec_file_load(2). Unlike kexec_load(2), it
 * lets a kernel that is locked down check the signature. x86_64 and aarch64; CAP_SYS_BOOT.
 */
import { codeOf, SysError } from "./errno.ts";
import { close, errno } from "./libc.ts";

/** arch/x86/entry/syscalls/syscall_64.tbl; asm-generic/unistd.h. The C library has no wrapper. */
const KEXEC_FILE_LOAD = Deno.build.arch === "aarch64" ? 294n : 320n;
/** include/uapi/linux/kexec.h */
const UNLOAD = 1n, NO_INITRAMFS = 4n;
/** No kernel has this flag: the call is refused (EINVAL), but only after the caller's rights are checked. */
const NO_SUCH_FLAG = 1n << 30n;
const MFD_CLOEXEC = 1;

function load() {
  return Deno.dlopen("libc.so.6", {
    // syscall(2) is variadic; each use gets the types of its call
    kexecFileLoad: {
      name: "syscall",
      parameters: ["i64", "i32", "i32", "usize", "buffer", "usize"],
      result: "i64",
    },
    memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  }).symbols;
}

let loaded: ReturnType<typeof load> | undefined;
function calls(): ReturnType<typeof load> {
  return loaded ??= load();
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) throw new RangeError("a command line contains a NUL");
  return new TextEncoder().encode(`${text}\0`);
}

interface KernelToLoad {
  /** Descriptors, open for reading. */
  readonly kernel: number;
  readonly initramfs?: number | undefined;
  readonly commandLine: string;
}

/**
 * The kernel keeps copies of both files. What was loaded before is replaced. Throws SysError; `loadObstacle` has its
 * words.
 */
export function loadKernel({ kernel, initramfs, commandLine }: KernelToLoad): void {
  const text = cString(commandLine);
  const flags = initramfs === undefined ? NO_INITRAMFS : 0n;
  const result = calls().kexecFileLoad(
    KEXEC_FILE_LOAD,
    kernel,
    initramfs ?? -1,
    BigInt(text.length),
    text,
    flags,
  );
  if (result < 0) throw new SysError("load the kernel", { errno: errno() });
}

/** A restart then goes through the firmware again. */
export function unloadKernel(): void {
  calls().kexecFileLoad(KEXEC_FILE_LOAD, -1, -1, 0n, cString(""), UNLOAD);
}

/** The errno's name with which the kernel refuses to load anything for this process; undefined if it does not. */
export function refusalToLoad(): string | undefined {
  const result = calls().kexecFileLoad(KEXEC_FILE_LOAD, -1, -1, 0n, cString(""), NO_SUCH_FLAG);
  const code = result < 0 ? codeOf(new SysError("ask", { errno: errno() })) : undefined;
  return code === "EINVAL" ? undefined : code;
}

/** A file in memory without a name, which ends with its descriptor; memfd_create(2). */
export class MemoryFile implements Disposable {
  readonly fd: number;

  constructor(name: string) {
    this.fd = calls().memfd_create(cString(name), MFD_CLOEXEC);
    if (this.fd < 0) throw new SysError("make a file in memory", { errno: errno() });
  }

  /** A second descriptor. Close it before the file is loaded: the kernel takes no file that is open for writing. */
  async open(): Promise<Deno.FsFile> {
    return await Deno.open(`/proc/self/fd/${this.fd}`, { write: true });
  }

  [Symbol.dispose](): void {
    close(this.fd);
  }
}
