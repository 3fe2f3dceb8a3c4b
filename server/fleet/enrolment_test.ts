import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Deployments } from "../store/deployments.ts";
import { Nodes } from "../store/nodes.ts";
import { Enroller } from "./enrolment.ts";
import { NodeIdentity } from "./node_identity.ts";

Deno.test("a backup gives back its node's own files: to the node, and to the machine that it is proved with", () => {
  using db = new DatabaseSync(":memory:");
  const now = () => 0;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const enroller = new Enroller(
    {
      nodes,
      deployments,
      images: {
        get: (ref: string) => ({ infoHash: "", ...ref.startsWith("n1@") && { backupOf: "n1" } }),
        secrets: () => ({ manifest: "", key: "" }),
        settings: () => ({}),
      },
      identity: new NodeIdentity(
        {
          nodes,
          deployments,
          identities: { get: () => undefined },
          agents: { has: () => false },
        } as unknown as ConstructorParameters<typeof NodeIdentity>[0],
      ),
      terms: { ofOrder: () => ({}) },
      hooks: { ofNode: () => [] },
      bootRestores: { alike: () => 1 },
      history: { record: (_: unknown, inventory: unknown) => inventory },
      isRehearsal: (node: string) => node === "rehearsal-1",
      onChange: () => {},
    } as unknown as ConstructorParameters<typeof Enroller>[0],
  );
  const isBackup = (node: string, image: string) => {
    const { id } = nodes.put(node, {});
    const { secrets } = deployments.arm([id], { image, version: 1 });
    const request = {
      inventory: { kind: "directory", firmware: "bios", memoryBytes: 1, cpus: 1, nics: [], disks: [] },
      address: "10.0.0.9",
      swarm: { announce: [], webSeeds: [], seeders: [] },
    } as unknown as Parameters<Enroller["enrol"]>[1];
    const order = enroller.enrol(secrets.get(id) ?? "", request);
    return "identity" in order ? order.identity.isBackup : undefined;
  };
  assert.equal(isBackup("n1", "n1"), true);
  assert.equal(isBackup("rehearsal-1", "n1"), true);
  assert.equal(isBackup("n2", "n1"), false);
  assert.equal(isBackup("rehearsal-1", "web"), false);
});
