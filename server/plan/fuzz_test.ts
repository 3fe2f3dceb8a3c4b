/**
 * Bar of the planner: whatever the layout and the machine, it plans, or refuses with words. 10 000 layouts; the same
 * ones in each run.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { DiskLayout } from "#contract/format/layout.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Plan } from "./actions.ts";
import { obstaclesOf } from "./capture_obstacles.ts";
import { planInstall, type PlanRequest } from "./plan.ts";
import { describePlan } from "./plan_description.ts";
import { provePlan } from "./testing/prove_plan.ts";
import { Dice } from "./testing/dice.ts";
import { randomMachine, randomTemplate, spoil } from "./testing/random_machine.ts";
import { machineDisk } from "./testing/template.ts";

const LAYOUTS = 10_000;
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

function planOrRefusal(request: PlanRequest): Plan | RackseedError {
  try {
    return planInstall(request);
  } catch (error) {
    assert(
      error instanceof RackseedError,
      `thrown, not refused: ${error instanceof Error ? error.stack : error}`,
    );
    assert(error.title && error.reason && error.remedy, "refused without words");
    assert(
      !/undefined|NaN|Infinity|\[object/.test(`${error.title} ${error.reason} ${error.remedy}`),
      error.message,
    );
    return error;
  }
}

function requestOf(seed: number): PlanRequest & { readonly layout: DiskLayout } {
  const dice = new Dice(seed);
  const template = randomTemplate(dice);
  const layout = dice.chance(0.25) ? spoil(template.layout, dice) : template.layout;
  const { firmware } = template;
  return {
    node: "n1",
    header: { ...template.header, layout },
    firmware,
    layout,
    ...randomMachine(layout, dice),
  };
}

Deno.test(`${LAYOUTS} random layouts are planned, or refused with words`, () => {
  const counts = { planned: 0, refused: 0 };
  const reasons = new Map<string, number>();
  fc.assert(
    fc.property(seeds, (seed) => {
      const request = requestOf(seed);
      const result = planOrRefusal(request);
      if (result instanceof RackseedError) {
        counts.refused++;
        const reason = `${result.title}: ${result.reason}`.replace(/[\d.]+/g, "N").slice(0, 90);
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        return;
      }
      counts.planned++;
      provePlan(result, request);
      assert.deepEqual(planInstall(request), result, "a plan that is made twice is the same");
      assert(describePlan(result).every((line) => !/undefined|NaN|Infinity|\[object/.test(line)));
    }),
    { numRuns: LAYOUTS, seed: 12 },
  );
  if (Deno.env.get("RACKSEED_FUZZ") === "reasons") {
    console.log(counts, [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 60));
  }
  // a fuzz that only ever refuses proves nothing
  assert(counts.planned > LAYOUTS / 4 && counts.refused > LAYOUTS / 10, JSON.stringify(counts));
});

/** A machine with the template's own disks, all of them named. */
function likeTemplate(layout: DiskLayout): Pick<PlanRequest, "disks" | "choices"> {
  const disks = layout.disks.map(({ sizeBytes, sectorBytes }, at) =>
    machineDisk(at, { gib: sizeBytes / 2 ** 30, sectorBytes })
  );
  return { disks };
}

Deno.test("a layout without obstacles at capture is planned on disks like the template's", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { layout, choices: _, installed: __, ...request } = requestOf(seed);
      const obstacles = obstaclesOf(layout, request.firmware);
      const { disks } = likeTemplate(layout);
      const dataDisks = disks.map((disk, of) => ({ of, disk: disk.names[0] ?? "" }));
      for (const choices of [{}, { dataDisks }]) {
        const result = planOrRefusal({ ...request, disks, choices, unlock: "passphrase" });
        if (obstacles.length > 0) assert(result instanceof RackseedError, `${obstacles[0]}, and yet planned`);
        else if (result instanceof RackseedError && /system|data disk|choose between/.test(result.message)) {
          continue;
        } else assert(!(result instanceof RackseedError), String(result));
      }
    }),
    { numRuns: 2000, seed: 12 },
  );
});

Deno.test("a larger disk never turns a plan into a refusal, nor makes anything smaller than it has to be", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 2 ** 20 }), (seed, extraMib) => {
      const request = requestOf(seed);
      const result = planOrRefusal(request);
      if (result instanceof RackseedError) return;
      const at = seed % result.disks.length;
      const named = result.disks.map(({ facts }) => facts);
      const larger = named.map((disk, i) =>
        i === at ? { ...disk, sizeBytes: disk.sizeBytes + extraMib * 2 ** 20 } : disk
      );
      // by name, so that the choice stays the same
      const system = larger.filter((_, i) => !isData(result, request, i));
      const again = planOrRefusal({
        ...request,
        disks: larger,
        choices: {
          ...request.choices,
          leaveDisks: undefined,
          disks: system.map(({ names }) => names[0] ?? ""),
        },
      });
      assert(!(again instanceof RackseedError), `${again}`);
      provePlan(again, { disks: larger, layout: request.layout });
    }),
    { numRuns: 2000, seed: 13 },
  );
});

function isData(plan: Plan, { choices }: PlanRequest, at: number): boolean {
  return (choices?.dataDisks ?? []).some(({ disk }) => plan.disks[at]?.facts.names[0] === disk);
}
