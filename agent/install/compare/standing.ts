/** What of an image stands below a target already: names and kinds first, then contents by their SHA-256. */
import type { BytePath } from "#contract/byte_path.ts";
import type { Manifest } from "#contract/manifest.ts";
import { codeOf } from "../../sys/errno.ts";
import { statAt } from "../../sys/file_status.ts";
import { xattrsAt } from "../../sys/xattr.ts";
import { isDressed } from "../extract/dress.ts";
import { type FileEntry, type ImageEntry, planTree, type Standing } from "../extract/frame_plan.ts";
import { type Contents, scanContents, type ScanOptions } from "./scan_contents.ts";
import { surveyTree } from "./survey.ts";

export interface Found extends Standing {
  readonly contents: Contents;
  /** How many of what is to go belong to no entry. */
  readonly unknown: number;
}

export interface StandingOptions extends Omit<ScanOptions, "files"> {
  /** Paths that are left alone, with all that lies below them. */
  readonly spare?: ((path: BytePath) => boolean) | undefined;
  /** For what an install of our own left behind: directories that it may not read any more are made readable. */
  readonly claim: boolean;
}

/** `root`: descriptor of the target. Changes nothing there but what `claim` says. */
export async function findStanding(root: number, options: StandingOptions): Promise<Found> {
  const { manifest, spare = () => false, claim, privileged } = options;
  const { present, strangers, unknown } = surveyTree(root, { manifest, spare, claim });
  const files = manifest.entries.flatMap((e, i) => e.type === "file" && present[i] === 1 ? [i] : []);
  const contents = await scanContents(root, { ...options, files });
  const kept = new Uint8Array(manifest.entries.length);
  const begun = new Map<number, Uint8Array>(), remove = [...strangers];
  const staying = new Set<BytePath>();
  for (const [number, entry] of manifest.entries.entries()) {
    if (present[number] !== 1) continue;
    const right = contents.right.get(number);
    if (entry.type === "file" && !contents.whole.has(number) && right && canBeCompleted(entry, right)) {
      begun.set(number, right);
    } else if (
      entry.type === "link"
        ? staying.has(entry.target)
        : entry.type === "file"
        ? contents.whole.has(number)
        : entry.type === "directory" || isRightNode(root, { entry, privileged })
    ) kept[number] = 1;
    else {
      remove.push(entry.path);
      continue;
    }
    staying.add(entry.path);
  }
  const undressed = new Set([...contents.whole].filter((number) => !contents.dressed.has(number)));
  return { kept, undressed, begun, remove, contents, unknown };
}

/** Numbers of the frames without which what does not stand there cannot be made. */
export function neededFrames(manifest: Manifest, standing: Standing): number[] {
  return planTree(manifest, standing).frames.flatMap((work) => work ? [work.frame] : []);
}

/** A file that one frame holds is written whole by it; only of larger ones it is worth to keep a part. */
function canBeCompleted({ extents }: FileEntry, right: Uint8Array): boolean {
  return right.includes(1) && extents.some((e) => e.frame !== extents[0]?.frame);
}

/** Symlinks, devices and FIFOs are made anew where anything of them is wrong. */
function isRightNode(
  root: number,
  { entry, privileged }: { entry: Exclude<ImageEntry, { type: "link" }>; privileged: boolean },
): boolean {
  try {
    const status = statAt(root, entry.path), xattrs = xattrsAt(root, entry.path);
    return isDressed(entry, { status, xattrs, privileged });
  } catch (error) {
    // attributes of devices and FIFOs that the process may not read
    if (codeOf(error) === "EACCES" || codeOf(error) === "EPERM") return false;
    throw error;
  }
}
