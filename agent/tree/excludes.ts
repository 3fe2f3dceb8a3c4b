/**
 * Decides which paths a capture excludes. Patterns match paths relative to the template's root:
 *
 *     /var/log/*      with a leading slash: from the root. Keeps the directory and excludes its content
 *     /srv/scratch    excludes a directory with everything in it
 *     *.tmp           without a leading slash: the last components of any path
 *     cache/tmp/      with a trailing slash: directories only
 *
 * `*` matches any bytes of one component, `**` also slashes, `?` one character, `[a-z]` and `[!a-z]` one character of a
 * set or not of it; a backslash makes the next character literal.
 */
import { type BytePath, bytePathOfText } from "#contract/format/byte_path.ts";
import { RackseedError } from "#contract/errors.ts";
import type { DiskLayout } from "#contract/format/layout.ts";

/** What no clone should get: files that the kernel or the next boot makes again, caches, swap files. */
export const DEFAULT_EXCLUDES: readonly string[] = [
  "/proc/*",
  "/sys/*",
  "/dev/*",
  "/run/*",
  "/tmp/*",
  "/swapfile",
  "/swap.img",
  "/var/lib/swapspace/*",
  "/var/lib/systemd-swap/*",
  "/var/cache/apt/archives/*.deb",
  "/var/cache/apt/*.bin",
  "/var/cache/dnf/*",
  "/var/cache/yum/*",
  "/var/lib/rackseed/",
  // in case a clone is captured before it could report its own first boot
  "/etc/**/*rackseed-first-boot*",
  "/.rackseed-install/",
  "lost+found/",
  "/etc/udev/rules.d/70-persistent-net.rules",
  "/etc/udev/rules.d/75-persistent-net-generator.rules",
  "/etc/lvm/cache/*",
  "/etc/lvm/archive/*",
  "/etc/lvm/backup/*",
];

export interface Excludes {
  readonly patterns: readonly string[];
  matches(path: BytePath, options: { isDirectory: boolean }): boolean;
}

/** Everything a capture excludes: the defaults, the machine's swap files, and the operator's patterns. */
export function excludesOf(layout: DiskLayout | undefined, more: readonly string[]): Excludes {
  const swapFiles = (layout?.swapFiles ?? []).map(({ path }) => path.replace(/[\\*?[\]]/g, "\\$&"));
  return compileExcludes([...new Set([...DEFAULT_EXCLUDES, ...swapFiles, ...more])]);
}

/**
 * Throws RackseedError that names the invalid pattern.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bytePathOfText } from "#contract/format/byte_path.ts";
 *
 * const excludes = compileExcludes(["/var/log/*", "*.tmp", "cache/"]);
 * const file = (path: string) => excludes.matches(bytePathOfText(path), { isDirectory: false });
 * assert.ok(file("var/log/syslog"));
 * assert.ok(file("srv/upload.tmp"));
 * assert.ok(!file("srv/cache"));
 * ```
 */
export function compileExcludes(patterns: readonly string[]): Excludes {
  const compiled = patterns.map(compile);
  const any = compiled.filter((p) => !p.directoryOnly).map((p) => p.source);
  const anyOrDirectory = compiled.map((p) => p.source);
  const of = (sources: string[]) => sources.length === 0 ? /$^/ : new RegExp(sources.join("|"), "s");
  const [file, directory] = [of(any), of(anyOrDirectory)];
  return {
    patterns,
    matches: (path, { isDirectory }) => path !== "" && (isDirectory ? directory : file).test(path),
  };
}

function compile(pattern: string): { source: string; directoryOnly: boolean } {
  const directoryOnly = pattern.endsWith("/");
  const anchored = pattern.startsWith("/");
  const body = pattern.slice(anchored ? 1 : 0, directoryOnly ? -1 : undefined);
  if (body === "" || body.startsWith("/") || body.endsWith("/") || pattern.includes("\0")) {
    throw new RackseedError(`cannot use the exclude pattern "${pattern}"`, {
      reason: "it names no path.",
      remedy: "use a pattern such as /var/log/*, *.tmp or /srv/scratch/.",
      status: 400,
    });
  }
  return { source: `${anchored ? "^" : "(?:^|/)"}(?:${expression(bytePathOfText(body))})$`, directoryOnly };
}

/** One UTF-8 character other than a slash, or one byte that is not part of any: paths are bytes. */
const CHARACTER = "(?:[\\xc2-\\xf4][\\x80-\\xbf]{1,3}|[^/])";
const TOKEN = /\\(.)|\*\*|\*|\?|\[([!^]?)(\]?[^\]\/]*)\]|(.)/gs;

function expression(body: string): string {
  return body.replace(TOKEN, (token, escaped?: string, not?: string, set?: string, plain?: string) => {
    if (escaped !== undefined) return literal(escaped);
    if (plain !== undefined) return literal(plain);
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return CHARACTER;
    return `(?!/)[${not ? "^" : ""}${(set as string).replace(/[\\\]\[^]/g, "\\$&")}]`;
  });
}

function literal(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
