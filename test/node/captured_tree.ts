/** A capture without a server: what it read at every path. */
import assert from "node:assert/strict";
import { displayPath } from "#contract/format/byte_path.ts";
import { type Entry, type HashedExtent, parseHashedEntry } from "#contract/format/entry.ts";
import type { ExtentSink } from "../../agent/capture/capture_source.ts";
import { compileExcludes, DEFAULT_EXCLUDES } from "../../agent/tree/excludes.ts";
import type { CachedEntry } from "../../agent/capture/cache/past_capture.ts";
import type { OwnMount } from "../../agent/layout/mounts/own_mounts.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";
import { runCommand } from "../../agent/sys/command.ts";

export interface Captured {
  /** Every path, with the beginning of its file, its link target, or its type. */
  readonly paths: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

export async function captureTree(
  tree: TreeSource,
  { onEntry }: { onEntry?: (cached: CachedEntry) => void } = {},
): Promise<Captured> {
  const contents = new Map<string, string>();
  const sink: ExtentSink = {
    room: (sizeBytes) => new Uint8Array(sizeBytes),
    take: (content) => {
      const hash = String(contents.size).padStart(43, "A");
      contents.set(hash, new TextDecoder().decode(content.slice(0, 100)).trim());
      return hash;
    },
    full: false,
    drained: () => Promise.resolve(),
  };
  const paths: Record<string, string> = {};
  const options = { signal: new AbortController().signal, onProgress: () => {} };
  await tree.measure(options);
  for await (const cached of tree.entries(sink, options)) {
    onEntry?.(cached);
    const entry = parseHashedEntry(cached.line), path = displayPath(entry.path);
    assert.ok(!(path in paths), `${path} comes twice`);
    paths[path] = shown(entry, contents);
  }
  return { paths, notes: tree.notes };
}

function shown(entry: Entry<HashedExtent>, contents: ReadonlyMap<string, string>): string {
  switch (entry.type) {
    case "file":
      return entry.extents.map(({ sha256 }) => contents.get(sha256)).join("");
    case "link":
      return `= ${displayPath(entry.target)}`;
    default:
      return entry.type;
  }
}

/** Captures in a separate process, which ends with the test even if a mount never answers. */
export async function captureApart(
  root: string,
  { mountPoints, privileged }: { mountPoints: readonly OwnMount[]; privileged: boolean },
): Promise<Captured> {
  const program = import.meta.filename ?? "";
  const deno = [Deno.execPath(), "run", "-A", "--no-check", program] as const;
  const argv = privileged ? deno : ["setpriv", "--bounding-set=-sys_admin", ...deno] as const;
  const { stdout } = await runCommand(argv, {
    input: JSON.stringify({ root, mountPoints }),
    timeoutMs: 30_000,
  });
  return JSON.parse(stdout);
}

if (import.meta.main) {
  const { root, mountPoints } = JSON.parse(await new Response(Deno.stdin.readable).text());
  const tree = new TreeSource(root, { excludes: compileExcludes(DEFAULT_EXCLUDES), mountPoints });
  console.log(JSON.stringify(await captureTree(tree)));
}
