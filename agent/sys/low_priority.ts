/** The calling thread gives way to every other one: setpriority(2), ioprio_set(2). In Linux both are set by thread. */

const PRIO_PROCESS = 0, IOPRIO_WHO_PROCESS = 1;
/** The least favourable one; sched(7). */
const LOWEST_NICE = 19;
/** IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT of linux/ioprio.h: served when no other program wants the disk. */
const IDLE_IO = 3 << 13;
/** asm/unistd_64.h, and asm-generic/unistd.h for aarch64. */
const IOPRIO_SET = Deno.build.arch === "aarch64" ? 30n : 251n;

/** Where the kernel refuses, as in some containers, the thread keeps the priority that it has. */
export function takeLowestPriority(): void {
  const library = Deno.dlopen("libc.so.6", {
    setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
    syscall: { parameters: ["i64", "i32", "i32", "i32"], result: "i64" },
  });
  try {
    // 0: the calling thread
    library.symbols.setpriority(PRIO_PROCESS, 0, LOWEST_NICE);
    library.symbols.syscall(IOPRIO_SET, IOPRIO_WHO_PROCESS, 0, IDLE_IO);
  } finally {
    library.close();
  }
}
