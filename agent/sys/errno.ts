/** Errors of the C library as typed errors: which call, on what, and the errno's name (errno(3)). */
import { type BytePath, displayPath } from "#contract/format/byte_path.ts";

/** Numbers of asm-generic/errno-base.h and errno.h; x86_64 and aarch64 share them. */
const NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  8: "ENOEXEC",
  9: "EBADF",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  25: "ENOTTY",
  26: "ETXTBSY",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  31: "EMLINK",
  34: "ERANGE",
  36: "ENAMETOOLONG",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  61: "ENODATA",
  65: "ENOPKG",
  74: "EBADMSG",
  75: "EOVERFLOW",
  95: "EOPNOTSUPP",
  99: "EADDRNOTAVAIL",
  107: "ENOTCONN",
  110: "ETIMEDOUT",
  116: "ESTALE",
  117: "EUCLEAN",
  122: "EDQUOT",
  126: "ENOKEY",
  127: "EKEYEXPIRED",
  128: "EKEYREVOKED",
  129: "EKEYREJECTED",
};

export class SysError extends Error {
  override readonly name = "SysError";
  /** What failed: "open", "set attribute user.origin of". */
  readonly action: string;
  /** "ENOENT"; "E123" if the number has no name here. */
  readonly code: string;
  readonly path: BytePath | undefined;
  readonly #errno: number;

  constructor(action: string, { errno, path }: { errno: number; path?: BytePath | undefined }) {
    const code = NAMES[errno] ?? `E${errno}`;
    super(`cannot ${action}${path === undefined ? "" : ` ${displayPath(path) || "/"}`}: ${code}`);
    this.action = action;
    this.code = code;
    this.path = path;
    this.#errno = errno;
  }

  /** The same error with this path. */
  at(path: BytePath): SysError {
    return new SysError(this.action, { errno: this.#errno, path });
  }
}

/** The errno's name if `error` came from the C library. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof SysError ? error.code : undefined;
}
