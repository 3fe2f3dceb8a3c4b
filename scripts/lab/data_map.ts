/** Finds data and holes of files by lseek(2) with SEEK_DATA and SEEK_HOLE, which no Debian program offers. */

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const O_RDONLY = 0;

/** The data runs "start-end …" (bytes) of the files `paths` (Latin-1, relative to `root`). */
export function dataMaps(root: string, paths: readonly string[]): Map<string, string> {
  const libc = Deno.dlopen("libc.so.6", {
    open: { parameters: ["buffer", "i32"], result: "i32" },
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const prefix = new TextEncoder().encode(`${root}/`);
  try {
    return new Map(paths.map((path) => {
      const name = Uint8Array.from([...prefix, ...[...path].map((char) => char.charCodeAt(0)), 0]);
      const fd = libc.symbols.open(name, O_RDONLY);
      if (fd < 0) throw new Error(`cannot open ${path} in ${root}`);
      try {
        return [path, runs(libc.symbols.lseek, fd)] as const;
      } finally {
        libc.symbols.close(fd);
      }
    }));
  } finally {
    libc.close();
  }
}

/** lseek fails with ENXIO if no data follows. */
function runs(lseek: (fd: number, offset: bigint, whence: number) => bigint, fd: number): string {
  const found: string[] = [];
  for (let end = 0n;;) {
    const start = lseek(fd, end, SEEK_DATA);
    if (start < 0n) return found.join(" ");
    end = lseek(fd, start, SEEK_HOLE);
    found.push(`${start}-${end}`);
  }
}
