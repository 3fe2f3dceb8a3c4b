/** Finds the paths in a tree that match the patterns of own_files/table.ts. */
import { RackseedError } from "#contract/errors.ts";
import { expressionOf } from "#contract/own_files/pattern.ts";
import type { TreeReader } from "../../../tree/tree_files.ts";

/** path_resolution(7): more symbolic links are an error. */
const MAX_LINKS = 40;
/** Matches of one pattern. */
const MAX_FOUND = 1000;

/** Absolute paths inside the tree, with symbolic links in their directories resolved; sorted. */
export async function findPaths(tree: TreeReader, pattern: string): Promise<string[]> {
  let found = ["/"];
  for (const component of pattern.split("/").slice(1)) {
    const next: string[] = [];
    for (const parent of found) {
      const directory = await directoryInside(tree, parent);
      if (directory === undefined) continue;
      next.push(...await namesMatching(tree, { directory, component }));
    }
    found = next.slice(0, MAX_FOUND);
  }
  return [...new Set(found)].sort();
}

async function namesMatching(
  tree: TreeReader,
  { directory, component }: { directory: string; component: string },
): Promise<string[]> {
  const at = directory === "/" ? "" : directory;
  if (!component.includes("*")) {
    const path = `${at}/${component}`;
    return await kindOf(tree, path) === undefined ? [] : [path];
  }
  const expression = expressionOf(component);
  return (await tree.list(directory)).map((path) => path.slice(path.lastIndexOf("/") + 1))
    .filter((name) => expression.test(name))
    .map((name) => `${at}/${name}`);
}

/**
 * Resolves a path to a directory. An absolute link starts at the tree's root, as on the running system:
 * /var/lib/mysql -> /data/mysql.
 */
async function directoryInside(tree: TreeReader, path: string): Promise<string | undefined> {
  const ahead = path.split("/").filter((name) => name !== "");
  let at = "", links = 0;
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === "." || name === "") continue;
    if (name === "..") {
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
      continue;
    }
    const child = `${at}/${name}`;
    const kind = await kindOf(tree, child);
    if (kind === "directory") at = child;
    else if (kind !== "symlink" || ++links > MAX_LINKS) return undefined;
    else {
      const target = await tree.linkTarget(child) ?? "";
      if (target.startsWith("/")) at = "";
      ahead.unshift(...target.split("/"));
    }
  }
  return at === "" ? "/" : at;
}

/** Anything behind a link that leads out of the tree counts as missing. */
export async function kindOf(tree: TreeReader, path: string): ReturnType<TreeReader["kind"]> {
  try {
    return await tree.kind(path);
  } catch (error) {
    if (error instanceof RackseedError) return undefined;
    throw error;
  }
}

/** Regular files at the path and below it, at most `most`; sorted. */
export async function filesBelow(
  tree: TreeReader,
  path: string,
  { most }: { most: number },
): Promise<string[]> {
  const files: string[] = [], open = [path];
  for (let at = open.pop(); at !== undefined && files.length < most; at = open.pop()) {
    const kind = await kindOf(tree, at);
    if (kind === "file") files.push(at);
    else if (kind === "directory") open.push(...(await tree.list(at)).toReversed());
  }
  return files;
}
