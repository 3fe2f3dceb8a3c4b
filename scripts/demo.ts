/**
 * Shows the product's main job on this machine alone, without root or virtual machines: the template's agent captures
 * a directory tree of real files, four agents install it into four directories, fetching it from each other, and the
 * four are compared with the template.
 *
 *     deno task demo [--keep]
 *
 *     --keep  leave the server running at the end, to look at its page
 */
import { describeDifference, dumpTree } from "./demo/dump_tree.ts";
import { Programs } from "./demo/programs.ts";
import { makeTemplateTree } from "./demo/template_tree.ts";
import { ensureProduct } from "./build.ts";

const NODES = ["n1", "n2", "n3", "n4"];
const IMAGE = "golden";

const started = performance.now();
const keep = Deno.args.includes("--keep");
const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => stop.abort());

say("building the product, unless it is up to date");
const product = await ensureProduct({ log: (line) => console.log(`  ${line}`) });
const folder = await Deno.makeTempDir({ prefix: "rackseed-demo-" });
let equal = false;
try {
  equal = await demo(folder);
} catch (error) {
  if (!stop.signal.aborted) throw error;
} finally {
  say("cleaning up");
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(equal ? 0 : 1);

/** Runs the demo; returns whether all nodes are equal to the template. */
async function demo(folder: string): Promise<boolean> {
  const template = `${folder}/template`;
  await makeTemplateTree(template);
  const original = await dumpTree(template);
  say(
    `template: ${template}, ${original.files} files, ${
      (original.bytes / 1e6).toFixed(0)
    } MB, real files of this machine`,
  );

  await using programs = new Programs(product, { folder, signal: stop.signal });
  const server = await programs.startServer();
  say(`server: ${server.server}; live page: ${programs.loginLink}`);
  programs.start(["agent", "template", "--name", "golden", "--root", template, "--state", `${folder}/state`]);
  await programs.until(
    "template",
    () => programs.json(["template", "list", "--json"]),
    (found) => found.length > 0,
  );

  say("capturing: the server asks the template's agent for an image");
  const captured = await timed(() => programs.run(["capture", "golden", "--image", IMAGE, "--level", "3"]));
  say(`captured and published in ${captured} s`);

  for (const node of NODES) {
    await Deno.mkdir(`${folder}/${node}`);
    await programs.run(["node", "set", node]);
  }
  say(`deploying: ${NODES.length} agents install ${IMAGE} into directories, through the swarm`);
  const installed = await timed(() => deploy(programs, folder));
  say(`installed on ${NODES.length} nodes in ${installed} s`);

  let equal = true;
  for (const node of NODES) {
    const difference = describeDifference(original, await dumpTree(`${folder}/${node}`));
    equal &&= difference === undefined;
    const verdict = difference === undefined
      ? `equal to the template: ${original.files} files by SHA-256, ${original.entries} entries by type, mode, owner, mtime, size, link`
      : `DIFFERS from the template: ${difference}`;
    say(`${node}: ${verdict}`);
  }

  say(`done in ${((performance.now() - started) / 1000).toFixed(0)} s, with nothing but ${product}`);
  if (keep) {
    say(`the server runs until you press Ctrl-C: ${programs.loginLink}`);
    await new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
  }
  return equal;
}

async function deploy(programs: Programs, folder: string): Promise<void> {
  const order = programs.start(["node", "deploy", ...NODES, "--image", IMAGE, "--wait", "--json"], {
    reads: true,
  });
  const answer = await order.firstJson() as { nodes: { node: string; token: string }[] };
  const agents = answer.nodes.map(({ node, token }) =>
    programs.start(["agent", "install", "--target", `${folder}/${node}`], { token, quiet: true })
  );
  await Promise.all([order, ...agents].map((program) => program.success()));
}

async function timed(work: () => Promise<unknown>): Promise<string> {
  const began = performance.now();
  await work();
  return ((performance.now() - began) / 1000).toFixed(1);
}

function say(line: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  console.log(`${seconds} s  ${line}`);
}
