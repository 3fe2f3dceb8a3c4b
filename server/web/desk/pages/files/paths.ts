/** Paths within an image: as text, or as bytes where they are no text. */
import type { FilePath } from "#contract/api/files.ts";

const SLASH = 0x2f;

/** "path=…", for the API and for the page's own address. */
export function pathQuery(path: FilePath): string {
  if (typeof path === "string") return `path=${encodeURIComponent(path).replaceAll("%2F", "/")}`;
  return `path64=${path.base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** Of an address's query. */
export function pathOf({ path, path64 }: Readonly<Record<string, string>>): FilePath {
  if (path64 !== undefined) return { base64: path64.replaceAll("-", "+").replaceAll("_", "/") };
  return (path ?? "").replace(/^\/+|\/+$/g, "");
}

interface Part {
  readonly name: string;
  /** Up to and with this part. */
  readonly path: FilePath;
}

/** From the first folder to the entry itself; none for the root. */
export function partsOf(path: FilePath): Part[] {
  const bytes = bytesOf(path), parts: Part[] = [];
  if (bytes.length === 0) return [];
  for (let start = 0, end = 0; end <= bytes.length; end++) {
    if (end < bytes.length && bytes[end] !== SLASH) continue;
    parts.push({ name: shown(bytes.subarray(start, end)), path: fromBytes(bytes.subarray(0, end)) });
    start = end + 1;
  }
  return parts;
}

/** The folder that it is in. */
export function folderOf(path: FilePath): FilePath {
  return partsOf(path).at(-2)?.path ?? "";
}

export function isSamePath(a: FilePath, b: FilePath): boolean {
  return pathQuery(a) === pathQuery(b);
}

/** "/etc/hosts", for people. */
export function pathText(path: FilePath): string {
  return `/${partsOf(path).map(({ name }) => name).join("/")}`;
}

function bytesOf(path: FilePath): Uint8Array {
  if (typeof path === "string") return new TextEncoder().encode(path);
  return Uint8Array.from(atob(path.base64), (c) => c.charCodeAt(0));
}

function fromBytes(bytes: Uint8Array): FilePath {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: btoa(String.fromCharCode(...bytes)) };
  }
}

function shown(bytes: Uint8Array): string {
  const path = fromBytes(bytes);
  const hex = (code: number) => `\\x${code.toString(16).padStart(2, "0")}`;
  if (typeof path !== "string") {
    return [...bytes].map((byte) => byte < 0x20 || byte > 0x7e ? hex(byte) : String.fromCharCode(byte)).join(
      "",
    );
  }
  // deno-lint-ignore no-control-regex -- as the server shows them
  return path.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => hex(c.charCodeAt(0)));
}
