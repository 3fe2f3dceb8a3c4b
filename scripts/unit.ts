/**
 * `deno task unit`: runs the tests next to the source, for everyday work: no Debian packages, no build, under a
 * minute. Tests that need a program or root (test/support/needs.ts) are left to `deno task test`. Arguments are passed
 * on to `deno test`.
 */
const ROOMS = ["server", "agent", "boot"];
const NEEDS = /from "[^"]*\/support\/needs\.ts"/;

async function* unitTests(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) yield* unitTests(path);
    else if (/_test\.tsx?$/.test(name) && !NEEDS.test(await Deno.readTextFile(path))) yield path;
  }
}

const files: string[] = [];
for (const room of ROOMS) files.push(...await Array.fromAsync(unitTests(room)));
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-check", "--parallel", "--reporter=dot", ...Deno.args, ...files],
}).spawn().status;
Deno.exit(code);
