/** What is done with the file systems of disks that no machine is using; the results are JSON. */
import { run } from "./command.ts";
import { damageFiles, damageLittle, keptFile } from "./damage.ts";
import { readTrees } from "./read_tree.ts";

/** Each gets the folder on which the root is mounted, and where its file systems are mounted: "/" first. */
export const diskTasks = {
  /** Everything about each entry, and what the shell script `alike` prints. */
  read: async (root: string, places: readonly string[], alike = "") => ({
    entries: [...await readTrees(root, places)],
    alike: (await run(["sh", "-ec", alike, root])).stdout,
  }),
  /** How many bytes of files are damaged or gone. */
  damage: (root: string) => damageFiles(root),
  damageLittle: async (root: string) => {
    await damageLittle(root);
    return "";
  },
  /** Inode and change time of every file, which any write would change. */
  marks: async (root: string, places: readonly string[]) => {
    const folders = places.map((place) => `${root}${place}`);
    const argv = ["find", ...folders, "-xdev", "-type", "f", "-printf", "%p\\t%i %C@\\0"];
    return (await run(argv)).stdout.split("\0").filter(Boolean).map((line) => line.split("\t"));
  },
  kept: (root: string) => Deno.readTextFile(`${root}/${keptFile.path}`),
  /** The application's data. */
  lose: async (root: string) => {
    await Deno.remove(`${root}/srv/application`, { recursive: true });
    return "";
  },
};

export type DiskTask = keyof typeof diskTasks;
export type TaskResult<T extends DiskTask> = Awaited<ReturnType<typeof diskTasks[T]>>;

if (import.meta.main) {
  const [task, root = "", places = "", result = "", alike] = Deno.args;
  const found = await diskTasks[task as DiskTask](root, places.split(","), alike);
  await Deno.writeTextFile(result, JSON.stringify(found));
}
