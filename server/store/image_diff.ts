/** Changes from one version to another. */
import type { ImageChange } from "#contract/api.ts";
import { displayPath } from "#contract/format/byte_path.ts";
import type { Attributes, Entry, HashedExtent } from "#contract/format/entry.ts";
import { describeSettings, type InodeSettings, lettersOf } from "#contract/format/inode_flags.ts";

type Hashed = Entry<HashedExtent>;

/** What became of one path: undefined if nothing changed. */
export function changeOf(old: Hashed | undefined, now: Hashed | undefined): ImageChange | undefined {
  if (old === undefined) return now && { change: "added", ...named(now), ...bytesOf(now) };
  if (now === undefined) return { change: "removed", ...named(old), ...bytesOf(old) };
  return changeBetween(old, now);
}

function named({ path, type }: Hashed): Pick<ImageChange, "path" | "type"> {
  return { path: displayPath(path), type };
}

function bytesOf(entry: Hashed): Pick<ImageChange, "bytes"> {
  return entry.type === "file" ? { bytes: entry.sizeBytes } : {};
}

function changeBetween(old: Hashed, now: Hashed): ImageChange | undefined {
  const what = whatDiffers(old, now);
  if (old.type !== now.type) {
    return { change: "content", ...named(now), ...bytesOf(now), what: [`was a ${old.type}`] };
  }
  if (old.type === "file" && now.type === "file" && !sameContent(old, now)) {
    const kept = new Set(old.extents.map((e) => e.sha256));
    const fresh = now.extents.filter((e) => !kept.has(e.sha256));
    const bytes = fresh.reduce((sum, e) => sum + e.sizeBytes, 0);
    return { change: "content", ...named(now), bytes, ...(what.length > 0 && { what }) };
  }
  return what.length === 0 ? undefined : { change: "attributes", ...named(now), what };
}

function sameContent(
  old: Extract<Hashed, { type: "file" }>,
  now: Extract<Hashed, { type: "file" }>,
): boolean {
  return old.sizeBytes === now.sizeBytes && old.extents.length === now.extents.length &&
    old.extents.every((e, i) => e.offset === now.extents[i]?.offset && e.sha256 === now.extents[i].sha256);
}

/** Differences other than content, by the manifest's names. */
function whatDiffers(old: Hashed, now: Hashed): string[] {
  const what: string[] = [];
  const differs = (a: unknown, b: unknown, name: string) => a !== b && what.push(name);
  if (old.type !== "link" && now.type !== "link") {
    differs(old.mode, now.mode, "mode");
    differs(`${old.uid}:${old.gid}`, `${now.uid}:${now.gid}`, "owner");
    differs(`${old.mtimeSec}.${old.mtimeNs}`, `${now.mtimeSec}.${now.mtimeNs}`, "mtime");
    differs(textOf(old.xattrs), textOf(now.xattrs), "xattrs");
    what.push(...inodeChanges(old.inode ?? {}, now.inode ?? {}));
  }
  if ("target" in old && "target" in now) differs(old.target, now.target, "target");
  if ("major" in old && "major" in now) {
    differs(`${old.major}:${old.minor}`, `${now.major}:${now.minor}`, "device");
  }
  return what;
}

/** Flags in the notation of chattr(1): "+i", "-a". */
function inodeChanges(old: InodeSettings, now: InodeSettings): string[] {
  const was = old.flags ?? 0, is = now.flags ?? 0;
  const rest = ({ flags: _, ...others }: InodeSettings) => describeSettings(others) || "none";
  return [
    ...is & ~was ? [`+${lettersOf(is & ~was)}`] : [],
    ...was & ~is ? [`-${lettersOf(was & ~is)}`] : [],
    ...rest(old) === rest(now) ? [] : [`${rest(old)} to ${rest(now)}`],
  ];
}

/** Sorted, because the kernel lists them in no particular order. */
function textOf(xattrs: Attributes["xattrs"]): string {
  return JSON.stringify(xattrs.map(([name, value]) => [name, Buffer.from(value).toString("base64")]).sort());
}
