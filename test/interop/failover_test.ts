/**
 * The server's address moves to its standby while eight machines install: all finish, none twice, the audit log is whole.
 * `deno task bench failover` does so with keepalived.
 */
import assert from "node:assert/strict";
import type { NodeView } from "#contract/api.ts";
import { STEPS } from "#contract/api/steps.ts";
import { describeDifference, dumpTree } from "../../scripts/demo/dump_tree.ts";
import { FailoverLab } from "../support/failover_lab.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";

const NODES = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8"];
const PATIENCE_MS = 240_000;

function hasBegun({ state, report }: NodeView): boolean {
  return state === "installed" ||
    report !== undefined && STEPS.indexOf(report.step) >= STEPS.indexOf("install");
}

Deno.test({
  name:
    "the server loses its power while eight machines install: its standby finishes, and nothing is installed twice",
  ...needs({ root: true, programs: ["ip", "curl"] }),
  async fn() {
    await using lab = await FailoverLab.start({ keepalived: false });
    await Deno.mkdir(`${lab.folder}/tree`);
    const script = "for i in 1 2 3 4; do head -c 4M /dev/urandom > $i; done";
    await new Deno.Command("sh", { args: ["-ec", script], cwd: `${lab.folder}/tree` }).output();
    await lab.rackseed("image", "import", "web", `${lab.folder}/tree`, "--level", "1");
    await lab.untilCopied();
    const agents = await lab.deploy(NODES, "web");
    // on a busy machine some may be done before others begin
    await waitFor("the middle", async () => (await lab.nodes()).filter(hasBegun).length >= 4, {
      timeoutMs: PATIENCE_MS,
      everyMs: 500,
    });
    await lab.cutPower("a");
    await lab.moveTo("b");
    const ends = await Promise.all(agents.map(({ status }) => status));
    for (const [i, { code }] of ends.entries()) assert.equal(code, 0, await lab.logOf(NODES[i] ?? ""));

    const original = await dumpTree(`${lab.folder}/tree`);
    for (const name of NODES) {
      assert.equal(describeDifference(original, await dumpTree(`${lab.folder}/${name}`)), undefined, name);
    }
    assert.deepEqual((await lab.nodes()).map(({ state }) => state), NODES.map(() => "installed"));
    const deployments = await lab.json<{ deployments: unknown[] } | unknown[]>("deployment", "list");
    assert.equal((Array.isArray(deployments) ? deployments : deployments.deployments).length, 1);
    assert.match(await lab.rackseed("audit", "verify"), /whole|sound|intact|complete/);
    const { epoch, tookOver } = await lab.standbys();
    assert.deepEqual([epoch, tookOver?.standby], [2, "b"]);

    // with an old state of every node: it must not give orders again
    const returned = await lab.returns("a");
    assert.equal(returned.code, 1, returned.stderr);
    assert.match(returned.stderr, /another server of this site has taken over \(epoch 2;/);
  },
});
