import assert from "node:assert/strict";
import type { ImageView, VersionView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { Deployments } from "../../store/deployments.ts";
import { Nodes } from "../../store/nodes.ts";
import { Discoveries } from "./discoveries.ts";
import { emptyDatabase } from "../../store/testing/test_database.ts";

const MAC = "52:54:00:00:00:01";
const damaged = new RackseedError("x@1 is damaged", { reason: "a pack.", remedy: "restore it." });

/** Images by reference: bootable, and from the day of their number. */
function open(images: Readonly<Record<string, boolean>>) {
  const db = emptyDatabase(), now = () => 0;
  const nodes = new Nodes(db, { now }), deployments = new Deployments(db, { now });
  const views = Object.entries(images).map(([ref, bootable], i) => {
    const [image = "", version] = ref.split("@");
    return {
      image,
      version: Number(version),
      bootable,
      bootNotes: [],
      created: `2026-01-0${i + 1}T00:00:00Z`,
    };
  });
  const discoveries = new Discoveries({
    nodes,
    deployments,
    images: {
      list: () => views as unknown as ImageView[],
      get: (ref) => views.find((one) => ref === `${one.image}@${one.version}`) as unknown as VersionView,
      damage: (ref) => ref.startsWith("broken") ? damaged : undefined,
    },
    pin: "pin",
    onChanges: () => {},
  });
  return { nodes, deployments, discoveries };
}

Deno.test("a machine that only appeared boots the newest image that is sound, and stays a machine", () => {
  const { nodes, deployments, discoveries } = open({
    "web@1": true,
    "web@2": true,
    "data@1": false,
    "broken@1": true,
  });
  const { changed } = nodes.discover(MAC, { by: "http" });
  const answer = discoveries.arm({ nodes: [MAC] });
  assert.equal(answer.image, "web@2");
  const id = changed?.id ?? "";
  assert.deepEqual([nodes.get(id).discovered, deployments.active(id)?.state], [true, "armed"]);
  assert.equal(deployments.onlyReads(answer.deployment), true);
  assert.throws(() => discoveries.arm({ nodes: [MAC] }), {
    status: 409,
    remedy: /rackseed node cancel 52-54/,
  });
});

Deno.test("a node boots the image that it has; a discovery does not count as an installation of it", () => {
  const { nodes, deployments, discoveries } = open({ "old@1": true, "web@2": true });
  const { id } = nodes.put("n1", { mac: MAC });
  const { secrets } = deployments.arm([id], { image: "old", version: 1 });
  const order = deployments.enrol(secrets.get(id) ?? "");
  assert.ok(order);
  deployments.report(order.assignment, { step: "finish", state: "done", elapsedMs: 1 });
  assert.equal(discoveries.arm({ nodes: ["n1", id] }).image, "old@1");
  assert.equal(deployments.assigned(id)?.image, "old");
  assert.deepEqual(deployments.installing({ image: "old", version: 1 }), []);
});

Deno.test("without an image that boots a machine, nothing is armed", () => {
  const { nodes, deployments, discoveries } = open({ "data@1": false, "broken@1": true });
  const { id } = nodes.put("n1", { mac: MAC });
  assert.throws(() => discoveries.arm({ nodes: ["n1"] }), { status: 409, reason: /no image yet/ });
  assert.throws(() => discoveries.arm({ nodes: ["n1"], image: "data@1" }), {
    reason: /cannot boot a machine/,
  });
  assert.throws(() => discoveries.arm({ nodes: ["n1"], image: "broken@1" }), damaged);
  assert.throws(() => discoveries.arm({ nodes: ["n1", "n2"] }), { status: 404 });
  assert.equal(deployments.active(id), undefined);
});
