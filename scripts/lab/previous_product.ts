/**
 * The product before this one, built from the repository's history: the newest tag, or, if there is none, the last
 * state of the main line whose database this product must migrate.
 */
import { run } from "./command.ts";
import { madeOnce } from "./made_once.ts";

const DATABASE = "server/store/database.ts";
/** What a build would otherwise download, in `.cache`; it checks their hashes. */
const DOWNLOADS = ["boot-programs", "denort-*"];

export const previousProductPrograms = ["git", "tar", "cp"];

interface Repository {
  readonly root: string;
  /** The lab's folder of the cache. */
  readonly cache: string;
  readonly signal?: AbortSignal;
}

/** Returns its path; undefined if the history does not reach back so far, as in a shallow clone. */
export async function previousProduct(repository: Repository): Promise<string | undefined> {
  const commit = await previousCommit(repository.root);
  return commit === undefined ? undefined : await productOf(commit, repository);
}

/** The product of a commit; built in some ten seconds unless the cache has it. Returns its path. */
export async function productOf(commit: string, { root, cache, signal }: Repository): Promise<string> {
  const product = `${cache}/previous-${commit.slice(0, 12)}`;
  await madeOnce(product, async (part) => {
    const work = await Deno.makeTempDir({ dir: cache, prefix: "previous-" });
    try {
      const archive = `${work}/source.tar`, source = `${work}/source`;
      await run(["git", "-C", root, "archive", "--output", archive, commit], { signal });
      await Deno.mkdir(`${source}/.cache`, { recursive: true });
      await run(["tar", "-C", source, "-xf", archive], { signal });
      await run(["sh", "-c", copyDownloads, root, `${source}/.cache`], { signal });
      const build = ["sh", "-ec", 'cd "$0" && exec "$1" run -A scripts/build.ts', source, Deno.execPath()];
      await run(build, { signal });
      await Deno.rename(`${source}/dist/rackseed`, part);
    } finally {
      await Deno.remove(work, { recursive: true });
    }
  });
  return product;
}

/** A cache without them is as good: the build gets them. */
const copyDownloads = DOWNLOADS.map((name) => `cp -a "$0"/.cache/${name} "$1"/ 2> /dev/null`).join("; ") +
  "; true";

async function previousCommit(root: string): Promise<string | undefined> {
  const git = async (...args: string[]) =>
    (await run(["git", "-C", root, ...args], { accept: [1, 128] })).stdout.trim();
  const tag = await git("describe", "--tags", "--abbrev=0", "HEAD~1");
  const changed = tag === "" && await git(
    ...["log", "--first-parent", "--diff-merges=first-parent", "-1", "--format=%H", "--no-patch"],
    ...["-G^const SCHEMA_VERSION", "--", DATABASE],
  );
  const commit = await git("rev-parse", "--verify", "--quiet", `${tag || `${changed}~1`}^{commit}`);
  return commit === "" ? undefined : commit;
}
