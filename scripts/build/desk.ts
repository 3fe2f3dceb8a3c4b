/** Bundles the desk, the pages in the browser, into `desk.js` and `desk.css`. */
import { run } from "./command.ts";
import { walk } from "./bundle.ts";

const SOURCE = "server/web/desk";

/** `folder`: where the two files go. */
export async function bundleDesk(folder: string, { root }: { root: string }): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await run([
    Deno.execPath(),
    ...["bundle", "--quiet", "--platform=browser", "--minify"],
    ...["--output", `${folder}/desk.js`, `${SOURCE}/main.tsx`],
  ], { cwd: root });
  await Deno.writeTextFile(`${folder}/desk.css`, await styleOf(`${root}/${SOURCE}`));
}

/** All style sheets in one: first those of style/, in the order of their names, then those of the parts and pages. */
async function styleOf(folder: string): Promise<string> {
  const paths: string[] = [];
  for await (const path of walk(folder)) if (path.endsWith(".css")) paths.push(path);
  const rank = (path: string) => `${path.startsWith(`${folder}/style/`) ? 0 : 1} ${path}`;
  paths.sort((a, b) => rank(a) < rank(b) ? -1 : 1);
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));
  return texts.join("\n");
}
