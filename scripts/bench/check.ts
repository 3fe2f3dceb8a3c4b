/**
 * Measures `rackseed node check` on a node with about 12 000 files of a real Debian: how long it takes, and what share
 * of one core the agent takes meanwhile. In the same run, `rsync --dry-run --checksum` compares the same two trees.
 *
 *     deno task bench check [--files N] [--json]
 *
 *     --files  files of this machine's own that the image has     (12000)
 *     --json   print the figures as JSON
 *
 * The node is a tree on a disk of its own, installed by the steps of a node; the agent is the compiled product, in a
 * process of its own, and everything that the process does counts, its threads and rpm's too. Three checks: right after
 * the installation, with every file read, and after changes of every kind. Needs root, loop devices, rsync and the
 * programs of the test (acl, attr, libcap2-bin). Bars: at most 5 % of one core, under two minutes, no false difference,
 * every planted change.
 */
import { parseArgs } from "node:util";
import type { CheckReport, CheckRequest } from "#contract/api/checks.ts";
import { TemplateView } from "#contract/api.ts";
import { z } from "zod";
import { waitFor } from "../../test/support/wait_for.ts";
import { DriftingNode, PLANTED } from "../../test/node/drifting_node.ts";
import { ensureProduct } from "../build.ts";
import { shell } from "./bench_tree.ts";
import { numberOption } from "./number_option.ts";
import { cpuSecondsOf } from "./process_cost.ts";

const MOST_SHARE = 0.05, MOST_SECONDS = 120;
const { values } = parseArgs({
  options: { files: { type: "string", default: "12000" }, json: { type: "boolean", default: false } },
});

interface Measured {
  readonly name: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly share: number;
  /** What was found; for the peer, lines of its output. */
  readonly differences: number;
}

await using node = await DriftingNode.make({ files: numberOption("files", values.files) });
const agent = new Deno.Command(await ensureProduct(), {
  args: ["agent", "template", "--name", "n1", "--root", node.root, "--state", `${node.test.folder}/state`],
  env: { RACKSEED_SERVER: node.test.server.urls.server, RACKSEED_TOKEN: await node.token() },
  stdout: "null",
  stderr: "null",
}).spawn();
let entries = 0;
const measured: Measured[] = [];
try {
  await waitFor("the agent to connect", async () => {
    const templates = await node.client.get("/templates", z.array(TemplateView));
    return templates.some(({ name, online }) => name === "n1" && online);
  });
  measured.push(await check("check, right after the installation", {}));
  measured.push(await check("check --check-content", { check: "content" }));
  await node.plant();
  measured.push(await check("check, after changes", {}));
} finally {
  agent.kill("SIGTERM");
  await agent.status;
  await shell("chattr -i opt/app/locked || true", node.root);
}
measured.push(await rsync());
const [first, , changed] = measured;
const kept =
  measured.slice(0, 3).every(({ share, seconds }) => share <= MOST_SHARE && seconds < MOST_SECONDS) &&
  first?.differences === 0 && changed?.differences === PLANTED.length;
if (values.json) console.log(JSON.stringify({ entries, measured, planted: PLANTED.length, kept }));
else print();
Deno.exitCode = kept ? 0 : 1;

/** From the order to the result, as the server sees it. */
async function check(name: string, terms: Omit<CheckRequest, "nodes">): Promise<Measured> {
  const began = performance.now(), cpuBefore = cpuSecondsOf(agent.pid);
  const report: CheckReport = await node.check(terms);
  const seconds = (performance.now() - began) / 1000, cpuSeconds = cpuSecondsOf(agent.pid) - cpuBefore;
  const { changed = 0, missing = 0, foreign = 0 } = report.result ?? {};
  entries = report.result?.entries ?? 0;
  return { name, seconds, cpuSeconds, share: cpuSeconds / seconds, differences: changed + missing + foreign };
}

/** The peer: it needs the template's own tree at hand, reads both, and runs as fast as it can. */
async function rsync(): Promise<Measured> {
  const child = new Deno.Command("rsync", {
    args: ["-aHAXn", "--checksum", "--delete", "--itemize-changes", `${node.source}/`, `${node.root}/`],
    stdout: "piped",
  }).spawn();
  const began = performance.now(), cpu = { seconds: 0 };
  // its processes are gone once it has ended
  const timer = setInterval(() => cpu.seconds = Math.max(cpu.seconds, cpuSecondsOf(child.pid)), 20);
  const { stdout } = await child.output();
  clearInterval(timer);
  const seconds = (performance.now() - began) / 1000;
  const differences = new TextDecoder().decode(stdout).split("\n").filter(Boolean).length;
  return {
    name: "rsync --dry-run --checksum",
    seconds,
    cpuSeconds: cpu.seconds,
    share: cpu.seconds / seconds,
    differences,
  };
}

function print(): void {
  console.log(
    `${entries} entries, ${PLANTED.length} changes planted; bars: ${MOST_SHARE * 100} % of one core, ` +
      `${MOST_SECONDS} s: ${kept ? "kept" : "MISSED"}`,
  );
  for (const { name, seconds, cpuSeconds, share, differences } of measured) {
    console.log(
      `${name}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(2)} s of a processor (${
        (share * 100).toFixed(1)
      } % of one core), ${differences} differences`,
    );
  }
}
