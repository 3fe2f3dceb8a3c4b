/** A site whose nodes must prove by their TPM what they run: who gets an order, and what the others are told. */
import assert from "node:assert/strict";
import { DeployAnswer, DiscoverOrder, type Inventory, NodeView } from "#contract/api.ts";
import { TpmChallenge } from "#contract/api/attestation.ts";
import { RackseedError } from "#contract/errors.ts";
import { fingerprintOf } from "#contract/tpm/public_key.ts";
import { enrolMachine } from "../../agent/steps/enrol.ts";
import { DIRECTORY_INVENTORY, MACHINE_INVENTORY } from "../support/inventory.ts";
import { madeTpmKeys } from "../support/made_tpm_keys.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { makeSmallTree } from "./support/small_tree.ts";

Deno.test("nodes that must prove what they run get no order without, and are told why", async (t) => {
  await using test = await ServerUnderTest.start({ settings: { requireTpm: true } });
  const image = `${test.folder}/image`;
  await makeSmallTree(image);
  await test.publish("web", { root: image });
  const { client } = test;
  const set = (settings: object) => client.put("/nodes/n1", { body: settings, schema: NodeView });
  const shown = () => client.get("/nodes/n1", NodeView);
  await set({});
  let [token = ""] = await test.deploy(["n1"], { planCheck: false });
  const refused = async (inventory: Inventory, { status, reason }: { status: number; reason: RegExp }) => {
    await assert.rejects(test.enrol(token, inventory), (error) => {
      assert.ok(error instanceof RackseedError);
      assert.equal(error.status, status);
      assert.match(error.reason, reason);
      assert.match(error.remedy, /rackseed node set n1 --require-tpm off/);
      return true;
    });
    const { tpm, state } = await shown();
    assert.equal(state, "armed");
    assert.equal(tpm?.required, true);
    assert.match(tpm?.problem?.detail ?? "", reason);
  };

  await t.step("neither a machine without a TPM, nor an agent of before, nor a directory", async () => {
    await refused({ ...MACHINE_INVENTORY, tpm2: false }, { status: 409, reason: /shows no TPM 2.0/ });
    await refused({ ...MACHINE_INVENTORY, tpm2: true }, {
      status: 428,
      reason: /its agent has sent no quote/,
    });
    await refused(DIRECTORY_INVENTORY, { status: 409, reason: /a directory cannot/ });
  });

  await t.step("its agent is asked for a quote, and a false one is refused", async () => {
    let asked = 0;
    const keys = madeTpmKeys(), machine = { ...MACHINE_INVENTORY, tpm2: true };
    const enrolled = enrolMachine({
      server: test.server.urls.server,
      token,
      inventory: machine,
      prove: async (agent) => {
        asked++;
        await agent.post("/node/attest", { body: keys, schema: TpmChallenge });
        const empty = "00".repeat(32);
        return {
          opened: "AAAA",
          attest: "AAAA",
          signature: "AAAA",
          pcrs: [empty, empty, empty, empty],
          loaded: [],
        };
      },
      signal: new AbortController().signal,
    });
    await assert.rejects(enrolled, {
      status: 409,
      reason: /is not in the TPM whose endorsement key it showed/,
    });
    assert.equal(asked, 1);
  });

  await t.step("reading its hardware needs no proof, and makes its TPM known", async () => {
    const keys = madeTpmKeys();
    await client.post("/nodes/n1/cancel", { body: {}, schema: NodeView });
    const order = { body: { nodes: ["n1"], image: "web" }, schema: DeployAnswer };
    const { nodes: [ordered] } = await client.post("/discoveries", order);
    using agent = await test.as(ordered?.token ?? "");
    const tpmKey = fingerprintOf(Buffer.from(keys.ek, "base64"));
    const inventory = { ...MACHINE_INVENTORY, tpm2: true, tpmKey };
    const { session } = await agent.post("/node/enrol", { body: { inventory }, schema: DiscoverOrder });
    agent.useSession(session);
    await agent.send("POST", "/node/report", { json: { step: "finish", state: "done", elapsedMs: 1 } });
    const { tpm } = await shown();
    assert.deepEqual([tpm?.ek, tpm?.proved], [tpmKey, undefined]);
    [token = ""] = await test.deploy(["n1"], { planCheck: false });
    using other = await test.as(token);
    const attest = (body: object) => other.post("/node/attest", { body, schema: TpmChallenge });
    await assert.rejects(attest(madeTpmKeys()), {
      status: 409,
      reason: /it shows the TPM .*known by/,
      remedy: /rackseed node hardware n1 --forget-tpm/,
    });
    await attest(keys);
    await client.post("/nodes/n1/forget-tpm", { body: {}, schema: NodeView });
    assert.deepEqual((await shown()).tpm, { required: true });
    await attest(madeTpmKeys());
  });

  await t.step("the node's own setting comes before the server's", async () => {
    await set({ requireTpm: "off" });
    assert.equal((await shown()).tpm, undefined);
    (await test.enrol(token, MACHINE_INVENTORY)).agent[Symbol.dispose]();
  });
});
