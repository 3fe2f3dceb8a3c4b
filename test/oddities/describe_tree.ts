/**
 * Describes a tree as text, with GNU programs and not our own code: two trees are equal if their texts are. Sockets
 * are left out, and so are size and link count of directories, which depend on the file system.
 */
const decoder = new TextDecoder("latin1");

export function describeTree(root: string): string[] {
  const fields = ["%P", "%y", "%m", "%U:%G", "%s", "%T@", "%n", "%i", "%l"].join("\\0");
  const names = run(root, ["find", ".", "!", "-type", "s", "-printf", `${fields}\\0`]).split("\0").slice(
    0,
    -1,
  );
  const inodes = new Map<string, string[]>();
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += 9) {
    const [path, type, mode, owner, size, mtime, links, inode, target] = names.slice(i, i + 9) as string[];
    const counted = type === "d" ? "" : `${size} ${links} ${target}`;
    lines.push(`${path}: ${type} ${mode} ${owner} ${mtime} ${counted}`);
    if (type !== "d") inodes.set(inode as string, [...inodes.get(inode as string) ?? [], path as string]);
  }
  for (const paths of inodes.values()) {
    if (paths.length > 1) lines.push(`one file: ${JSON.stringify(paths.sort())}`);
  }
  const found = (test: string, command: string) =>
    run(root, ["sh", "-c", `find . ${test} -print0 | sort -z | xargs -0 -r ${command}`]);
  // ext4 allocates all blocks of a file only once it is written out.
  found("-type f", "sync --data");
  const tables = [
    found("-type f -size -1073741824c", "cksum --zero").split("\0"),
    // GNU tar skips holes, and its sparse map becomes part of the sum.
    found("-type f -size +1073741823c", `sh -c 'for f; do tar -cSf - "$f" | cksum; done' sh`).split("\n"),
    found("\\( -type b -o -type c \\)", "stat --printf '%n device %t:%T\\n'").split("\n"),
    found("! -type s", "getfattr -h -d -m - -e hex").split("\n\n").sort(),
    found("-type f", `stat --printf '%n blocks %b\\0'`).split("\0"),
  ];
  return [...lines.sort(), ...tables.flat()];
}

function run(cwd: string, [program, ...args]: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program as string, {
    args,
    cwd,
    env: { LC_ALL: "C" },
  }).outputSync();
  if (!success) throw new Error(`${program} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
