/** A template of real files: folders of this machine's own system, up to a limit. */

const SOURCES = ["/usr/share", "/usr/lib"];
const ENOUGH_FILES = 5500;
const ENOUGH_BYTES = 50e6;
/** Larger folders are skipped, so that the tree has many kinds of files. */
const MOST_FILES = 1500;
const MOST_BYTES = 25e6;

/** Copies with cp(1), which keeps times, modes, links and attributes; then adds what real trees also have. */
export async function makeTemplateTree(root: string): Promise<void> {
  await Deno.mkdir(root);
  const chosen = await chooseFolders();
  // Files that this user may not read are missing; the copied ones are still a template.
  await sh(root, '{ cp -a --parents -t . -- "$@" 2>/dev/null || true; }', chosen);
  await addOddities(root);
}

async function chooseFolders(): Promise<string[]> {
  const chosen: string[] = [];
  let files = 0, bytes = 0;
  for (const source of SOURCES) {
    for (const [folder, size] of await sizesBelow(source)) {
      if (files >= ENOUGH_FILES && bytes >= ENOUGH_BYTES) return chosen;
      if (size.files > MOST_FILES || size.bytes > MOST_BYTES) continue;
      chosen.push(folder);
      files += size.files;
      bytes += size.bytes;
    }
  }
  return chosen;
}

/** The number and size of the files in each folder of `source`. */
async function sizesBelow(source: string): Promise<Map<string, { files: number; bytes: number }>> {
  const listing = await sh(
    source,
    "find . -mindepth 2 -xdev -type f -readable -printf '%s %P\\0' 2>/dev/null || true",
  );
  const sizes = new Map<string, { files: number; bytes: number }>();
  for (const line of listing.split("\0").filter(Boolean)) {
    const [, size, folder] = /^(\d+) ([^/]+)/.exec(line) ?? [];
    const key = `${source}/${folder}`;
    const sum = sizes.get(key) ?? { files: 0, bytes: 0 };
    sizes.set(key, { files: sum.files + 1, bytes: sum.bytes + Number(size) });
  }
  return sizes;
}

/** A sparse file, an empty one, a hard link, a FIFO, a dangling link, an odd name, a sticky folder. */
async function addOddities(root: string): Promise<void> {
  await sh(
    root,
    `mkdir -p odd && cd odd && truncate -s 50M sparse && printf end >> sparse && : > empty &&
     printf 'shared' > one && ln one two && mkfifo fifo && ln -s /nowhere dangling &&
     printf x > "$(printf 'latin1-\\344 name\\nwith a line end')" && mkdir -m 1777 sticky &&
     touch -d '1999-12-31 23:59:59.123456789 UTC' one`,
  );
}

async function sh(cwd: string, script: string, args: readonly string[] = []): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-ec", script, "sh", ...args],
    cwd,
  })
    .output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder("latin1").decode(stdout);
}
