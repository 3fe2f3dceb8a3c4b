import assert from "node:assert/strict";
import type { VersionView } from "#contract/api.ts";
import { Deployments } from "../store/deployments.ts";
import { Identities } from "../store/identities.ts";
import { Nodes } from "../store/nodes.ts";
import { Enroller } from "./enrolment.ts";
import { NodeIdentity } from "./node_identity.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

function open() {
  const db = emptyDatabase(), now = () => 0;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const proofs: string[] = [];
  const enroller = new Enroller({
    nodes,
    deployments,
    images: {
      get: (ref) => ({ infoHash: "", ...ref.startsWith("n1@") && { backupOf: "n1" } }) as VersionView,
      secrets: () => ({ manifest: { id: "", header: "", signature: "", publicKey: "" }, key: "" }),
      settings: () => ({}),
      seeds: () => true,
    },
    identity: new NodeIdentity({
      nodes,
      deployments,
      identities: new Identities({ identities: "/nonexistent" }),
      agents: { has: () => false },
    }),
    terms: { ofOrder: () => ({}) },
    hooks: { ofNode: () => [] },
    clones: { terms: () => ({}) },
    encryption: { fetch: () => ({}), openWith: () => ({}) },
    bootRestores: { alike: () => 1 },
    history: { record: (_, inventory) => inventory },
    isRehearsal: (node) => node === "rehearsal-1",
    attestations: { demand: ({ name }) => void proofs.push(name), note: () => {} },
    onChange: () => {},
  });
  const request = {
    inventory: { kind: "directory", firmware: "bios", memoryBytes: 1, cpus: 1, nics: [], disks: [] },
    address: "10.0.0.9",
    swarm: { announce: [], webSeeds: [], seeders: [] },
  } as unknown as Parameters<Enroller["enrol"]>[1];
  return { nodes, deployments, enroller, proofs, request, [Symbol.dispose]: () => db.close() };
}

Deno.test("a backup gives back its node's own files: to the node, and to the machine that it is proved with", () => {
  using test = open();
  const { nodes, deployments, enroller, proofs, request } = test;
  const isBackup = (node: string, image: string) => {
    const { id } = nodes.put(node, {});
    const { secrets } = deployments.arm([id], { image, version: 1 });
    const order = enroller.enrol(secrets.get(id) ?? "", request);
    return "identity" in order ? order.identity.isBackup : undefined;
  };
  assert.equal(isBackup("n1", "n1"), true);
  assert.equal(isBackup("rehearsal-1", "n1"), true);
  assert.equal(isBackup("n2", "n1"), false);
  assert.equal(isBackup("rehearsal-1", "web"), false);
  assert.deepEqual(proofs, ["n1", "rehearsal-1", "n2", "rehearsal-1"]);
});

Deno.test("an enrolment reads neither all nodes nor all parts of its deployment, so that 10 000 take their time once", () => {
  using test = open();
  const { nodes, deployments, enroller, request } = test;
  const ids = ["n1", "n2", "n3"].map((name) => nodes.put(name, {}).id);
  const { secrets } = deployments.arm(ids, {
    image: "web",
    version: 1,
    restore: { keep: [], dryRun: false },
  });
  nodes.list = deployments.parts = () => assert.fail("one node's enrolment reads all");
  const order = enroller.enrol(secrets.get(ids[0]!) ?? "", request);
  assert.equal("restore" in order && order.restore?.nodes, 3);
});
