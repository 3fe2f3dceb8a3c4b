/** Versions made of a few lines, for tests. */
import { createHash } from "node:crypto";
import { type BytePath, bytePathOfText, comparePaths } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent, HashedExtent } from "#contract/format/entry.ts";
import { encodeManifest, FORMAT, type Manifest } from "#contract/format/manifest.ts";
import { hashedEntries } from "../../../store/hashed_entries.ts";
import { indexOf } from "../read_index.ts";
import type { VersionIndex } from "../version_index.ts";

const common = { mode: 0o644, uid: 0, gid: 0, mtimeSec: 1, mtimeNs: 0, xattrs: [] };

/** What is at a path: a file's text, a symlink's target, or attributes of either. Paths that end in / are folders. */
export type Tree = Readonly<
  Record<string, string | { content?: string; link?: string; mode?: number; uid?: number }>
>;

interface MadeVersion {
  readonly index: VersionIndex;
  readonly entries: readonly Entry<HashedExtent>[];
}

/** Each file's content is one extent, and each extent a frame of its own, in the order of `Object.keys`. */
export async function makeVersion(tree: Tree): Promise<MadeVersion> {
  const manifest = manifestOf(tree);
  const index = await indexOf(encodeManifest(manifest), { header: manifest.header });
  return { index, entries: [...hashedEntries(manifest)] };
}

function manifestOf(tree: Tree): Manifest {
  const frames: Manifest["frames"][number][] = [];
  const entries = new Map<BytePath, Entry<FrameExtent>>();
  const folder = (path: BytePath) => entries.set(path, { ...common, mode: 0o755, type: "directory", path });
  folder("" as BytePath);
  for (const [name, given] of Object.entries(tree)) {
    const path = bytePathOfText(name.replace(/\/$/, ""));
    const { content = "", link, mode = 0o644, uid = 0 } = typeof given === "string"
      ? { content: given }
      : given;
    const parts = path.split("/");
    for (let i = 1; i < parts.length; i++) {
      const above = parts.slice(0, i).join("/") as BytePath;
      if (!entries.has(above)) folder(above);
    }
    if (name.endsWith("/")) folder(path);
    else if (link !== undefined) {
      entries.set(path, { ...common, type: "symlink", path, target: bytePathOfText(link) });
    } else {
      const sizeBytes = Buffer.byteLength(content);
      const extents = sizeBytes === 0 ? [] : [{ offset: 0, frame: frames.length, index: 0 }];
      entries.set(path, { ...common, mode, uid, type: "file", path, sizeBytes, extents });
      if (sizeBytes === 0) continue;
      const sha256 = createHash("sha256").update(content).digest("base64url");
      const slice = { sha256, offset: 0, sizeBytes };
      frames.push({ pack: 0, offset: 0, sealedBytes: 1, rawBytes: sizeBytes, extents: [slice] });
    }
  }
  const sorted = [...entries.values()].sort((a, b) => comparePaths(a.path, b.path));
  const files = sorted.filter(({ type }) => type === "file").length;
  return {
    header: {
      format: FORMAT,
      formatVersion: 1,
      image: "web",
      version: 1,
      created: "2026-01-01T00:00:00Z",
      excludes: [],
      notes: [],
      totals: { entries: sorted.length, files, fileBytes: 0, extentBytes: 0, sealedBytes: 0 },
      packs: [{ sha256: "0".repeat(64), sizeBytes: 1 }],
      frames: frames.length,
    },
    frames,
    entries: sorted,
  };
}
