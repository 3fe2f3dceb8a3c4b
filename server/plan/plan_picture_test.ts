import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { DiskPicture } from "#contract/api/plan_preview.ts";
import { actionsOf } from "./actions.ts";
import { planInstall } from "./plan.ts";
import { picturePlan } from "./plan_picture.ts";
import { type PlanCase, planCases } from "./testing/cases.ts";

function pictured({ template: { header, firmware }, machine }: PlanCase) {
  const plan = planInstall({ node: "n1", header, firmware, ...machine });
  return { plan, disks: picturePlan(plan, machine.disks) };
}

Deno.test("whatever is formatted, and each mount point, is in the picture of every plan", () => {
  let seen = 0;
  for (const one of [...planCases().values()].flat()) {
    let found;
    try {
      found = pictured(one);
    } catch (error) {
      if (error instanceof RackseedError) continue;
      throw error;
    }
    const { plan, disks } = found;
    DiskPicture.array().parse(disks);
    const shown = disks.flatMap(({ after = [] }) => after).flatMap(({ holds }) => holds);
    for (const { formatting: { type, mountPoint, sizeBytes } } of actionsOf(plan, "format")) {
      const isShown = shown.some((part) =>
        part.what === type && part.sizeBytes === sizeBytes &&
        (mountPoint === undefined || part.mountPoints.includes(mountPoint))
      );
      assert.ok(isShown, `${one.name}: ${type} ${mountPoint}`);
      seen++;
    }
    assert.equal(disks.filter(({ after }) => after).length, plan.disks.length, one.name);
  }
  assert.ok(seen > 200, `${seen}`);
});

Deno.test("what lies on what is told by its depth: a laptop's encrypted volumes", () => {
  const [laptop] = planCases().get("laptop") ?? [];
  assert.ok(laptop);
  const parts = pictured(laptop).disks.flatMap(({ after = [] }) => after);
  const encrypted = parts.find(({ holds }) => holds[0]?.what === "luks");
  const depths = encrypted?.holds.map(({ depth, what }) => `${depth} ${what}`).slice(0, 4);
  assert.deepEqual(depths, ["0 luks", "1 lvm", "2 volume", "3 ext4"]);
});
