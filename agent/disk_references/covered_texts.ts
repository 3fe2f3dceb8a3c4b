/** Reads the covered files of a tree: of a template, a clone, or an untrusted old system. */
import type { TreeReader } from "../tree/tree_files.ts";
import { COVERED_FILES, type CoveredFiles } from "./covered_files.ts";

interface CoveredText extends CoveredFiles {
  /** One character per byte, since the file may not be UTF-8. */
  readonly text: string;
}

/** More than any real system has. */
const MAX_FILES = 1000;
/** The largest file is debconf's database, a few MiB on a desktop. */
const MAX_BYTES = 16 << 20;

/** Reads regular files only: the target of a link is covered itself. */
export async function coveredTexts(tree: TreeReader): Promise<CoveredText[]> {
  const found: CoveredText[] = [];
  for (const covered of COVERED_FILES) {
    for (const path of await matching(tree, covered.path)) {
      const bytes = await tree.bytes(path, { maxBytes: MAX_BYTES });
      if (bytes === undefined || bytes.includes(0)) continue;
      found.push({ ...covered, path, text: Buffer.from(bytes).toString("latin1") });
    }
  }
  return found;
}

/** Paths that the pattern may match, existing or not. */
async function matching(tree: TreeReader, pattern: string): Promise<string[]> {
  let paths = [""];
  for (const name of pattern.split("/").slice(1)) {
    const [start = "", end] = name.split("*");
    if (end === undefined) {
      paths = paths.map((path) => `${path}/${name}`);
      continue;
    }
    const listed = await Promise.all(paths.map((path) => tree.list(path)));
    paths = listed.flat().slice(0, MAX_FILES).filter((path) => {
      const last = path.slice(path.lastIndexOf("/") + 1);
      return last.startsWith(start) && last.endsWith(end);
    });
  }
  return paths;
}
