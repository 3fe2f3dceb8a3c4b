/** Describes a tree by find(1) and sha256sum(1), so that the product does not check its own work. */

interface TreeDump {
  /** One line per entry, by path: every attribute, and a file's hash. Latin-1, since names are bytes. */
  readonly lines: ReadonlyMap<string, string>;
  readonly entries: number;
  readonly files: number;
  readonly bytes: number;
}

export async function dumpTree(root: string): Promise<TreeDump> {
  const [found, hashes] = await Promise.all([
    sh(root, String.raw`find . -printf '%p\0%y %m %U:%G %T@ %l\0%s\0'`),
    sh(root, "find . -type f -print0 | xargs -0r sha256sum -z --"),
  ]);
  const hashOf = new Map(
    hashes.split("\0").filter(Boolean).map((line) => [line.slice(66), line.slice(0, 64)]),
  );
  const lines = new Map<string, string>();
  const fields = found.split("\0");
  let bytes = 0;
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [path = "", attributes = "", size = ""] = fields.slice(i, i + 3);
    const hash = hashOf.get(path);
    if (hash !== undefined) bytes += Number(size);
    lines.set(path, hash === undefined ? attributes : `${attributes} ${size} ${hash}`);
  }
  return { lines, entries: lines.size, files: hashOf.size, bytes };
}

/** The first few entries that differ; undefined if both are the same. */
export function describeDifference(template: TreeDump, clone: TreeDump): string | undefined {
  const paths = new Set([...template.lines.keys(), ...clone.lines.keys()]);
  const different = [...paths].filter((path) => template.lines.get(path) !== clone.lines.get(path));
  if (different.length === 0) return undefined;
  const shown = different.slice(0, 5).map((path) =>
    `${JSON.stringify(path)} (${template.lines.get(path) ?? "missing"} / ${
      clone.lines.get(path) ?? "missing"
    })`
  );
  return `${different.length} entries: ${shown.join(", ")}`;
}

async function sh(root: string, script: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", { args: ["-ec", script], cwd: root })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder("latin1").decode(stdout);
}
