/**
 * C library calls that Deno lacks, for this process's descriptors, limits and memory. For Linux on x86-64 and arm64,
 * where the constants are the same.
 */
const SYMBOLS = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  malloc_trim: { parameters: ["usize"], result: "i32" },
} as const;

let loaded: ReturnType<typeof Deno.dlopen<typeof SYMBOLS>>["symbols"] | undefined;

/** The C library. It stays loaded, since the server uses it as long as it runs. */
export function libc(): NonNullable<typeof loaded> {
  return loaded ??= Deno.dlopen("libc.so.6", SYMBOLS).symbols;
}
