/** Reads the covered files of a tree: a template's, a clone's, or an old system's that nobody vouches for. */
import type { TreeReader } from "../tree/tree_files.ts";
import { COVERED_FILES, type CoveredFiles } from "./covered_files.ts";

interface CoveredText extends CoveredFiles {
  /** One character a byte, since nothing says that they are UTF-8. */
  readonly text: string;
}

/** No system has more of them. */
const MAX_FILES = 1000;
/** debconf's database is the largest, with a few MiB on a desktop. */
const MAX_BYTES = 16 << 20;

/** Regular files only: what a link points to is covered itself. */
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

/** Paths that the pattern may mean, whether they are there or not. */
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
