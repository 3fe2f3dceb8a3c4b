/**
 * Names on a Linux file system are bytes, not text (path_resolution(7)). Here a name or path is a string with one
 * character per byte (code units 0 to 255): lossless, and cheap to compare, join and pass to libc. `displayPath` makes
 * human-readable text.
 */
declare const brand: unique symbol;
export type BytePath = string & { readonly [brand]: "BytePath" };

const encoder = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// deno-lint-ignore no-control-regex -- the range is the meaning: more than seven bits
const beyondAscii = /[^\x00-\x7f]/;
/** An empty component, "." or "..", or a NUL. */
const unconfined = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;
const longComponent = /[^/]{256}/;

export function bytePathOf(bytes: Uint8Array): BytePath {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1") as BytePath;
}

/** A path from text, for instance from the command line. */
export function bytePathOfText(text: string): BytePath {
  return (beyondAscii.test(text) ? bytePathOf(encoder.encode(text)) : text) as BytePath;
}

export function bytesOf(path: BytePath): Uint8Array {
  return Buffer.from(path, "latin1");
}

/** For people: valid UTF-8 as text, with control characters as \xNN; otherwise every byte outside ASCII as \xNN. */
export function displayPath(path: BytePath): string {
  const text = textOf(path);
  // deno-lint-ignore no-control-regex -- control characters must not reach a terminal
  const control = /[\x00-\x1f\x7f-\x9f]/g;
  const escape = (c: string) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return text === undefined ? path.replace(/[^\x20-\x7e]/g, escape) : text.replace(control, escape);
}

/** The bytes as UTF-8 text; undefined if they are not UTF-8. */
export function textOf(path: BytePath): string | undefined {
  if (!beyondAscii.test(path)) return path;
  try {
    return strictUtf8.decode(bytesOf(path));
  } catch {
    return undefined;
  }
}

/** JSON form: a string if the bytes are UTF-8, else `{ "base64": … }`. */
export type JsonPath = string | { readonly base64: string };

export function toJsonPath(path: BytePath): JsonPath {
  return textOf(path) ?? { base64: Buffer.from(path, "latin1").toString("base64") };
}

export function fromJsonPath(json: JsonPath): BytePath {
  return typeof json === "string" ? bytePathOfText(json) : bytePathOf(Buffer.from(json.base64, "base64"));
}

/**
 * A path inside an image: relative, components joined by single slashes, none of them empty, "." or "..",
 * no NUL, at most 4095 bytes, components at most 255; the empty path is the root itself. Throws RangeError.
 */
export function confinedPath(path: BytePath): BytePath {
  if (path === "") return path;
  if (path.length > 4095 || unconfined.test(path) || path.length > 255 && longComponent.test(path)) {
    throw new RangeError(`bad path ${displayPath(path)}`);
  }
  return path;
}

/** The directory of this path; that of the root's entries is "". */
export function parentOf(path: BytePath): BytePath {
  const slash = path.lastIndexOf("/");
  return (slash < 0 ? "" : path.slice(0, slash)) as BytePath;
}

export function joinPath(directory: BytePath, name: BytePath): BytePath {
  return (directory === "" ? name : `${directory}/${name}`) as BytePath;
}

/** The order of a manifest: component by component, each by its bytes, a directory before its content. */
export function comparePaths(a: BytePath, b: BytePath): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i), y = b.charCodeAt(i);
    if (x !== y) return (x === 0x2f ? -1 : x) - (y === 0x2f ? -1 : y);
  }
  return a.length - b.length;
}
