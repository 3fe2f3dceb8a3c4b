/**
 * Plans for layouts × disks × firmware, as text that a person can check. RACKSEED_GOLDEN=write updates the files;
 * review the difference.
 */
import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { gigabytes } from "./choose_disk.ts";
import type { Action, Plan } from "./actions.ts";
import { planInstall } from "./plan.ts";
import { describePlan } from "./plan_description.ts";
import { type PlanCase, planCases } from "./testing/cases.ts";
import { provePlan } from "./testing/prove_plan.ts";

const GOLDEN = new URL("./testing/golden/", import.meta.url);
const counts = { planned: 0, refused: 0 };

/** The plan as the operator sees it, and the numbers that it leaves out. */
function textOf({ name, template, machine }: PlanCase): string {
  const { header, firmware, layout } = template;
  try {
    const plan = planInstall({ node: "n1", header, firmware, ...machine });
    provePlan(plan, { disks: machine.disks, layout });
    counts.planned++;
    return [`## ${name}`, ...describePlan(plan), ...plan.actions.flatMap(numbers), ...leftOf(plan), ""].join(
      "\n",
    );
  } catch (error) {
    if (!(error instanceof RackseedError)) throw error;
    counts.refused++;
    return `## ${name}\n${error.message}\n`;
  }
}

function numbers(action: Action): string[] {
  switch (action.do) {
    case "wipe":
      return [`- wipe ${action.disk}: ${action.ranges.map(({ at, bytes }) => `${bytes}@${at}`).join(" ")}`];
    case "md":
      return [
        `- md ${action.array.name}: ${action.array.memberBytes} of each, from ${
          action.array.dataAtBytes ?? "the start"
        }, ${action.array.sizeBytes} in all`,
      ];
    case "luks":
      return [
        `- luks ${action.encrypted.name}: ${action.encrypted.sizeBytes} from ${action.encrypted.dataAtBytes}, sectors of ${action.encrypted.sectorBytes}`,
      ];
    case "lvm":
      return action.group.physical.map(({ extents, dataAtBytes }, i) =>
        `- pv ${i} of ${action.group.name}: ${extents} extents of ${
          gigabytes(action.group.extentBytes)
        } from ${dataAtBytes}`
      );
    default:
      return [];
  }
}

function leftOf({ left: { mountPoints } }: Plan): string[] {
  return mountPoints.length > 0 ? [`- left: ${mountPoints.join(" ")}`] : [];
}

for (const [family, cases] of planCases()) {
  Deno.test(`plans for ${family} are those that were reviewed`, async () => {
    const file = new URL(`${family}.txt`, GOLDEN);
    const text = cases.map(textOf).join("\n");
    if (Deno.env.get("RACKSEED_GOLDEN") === "write") await Deno.writeTextFile(file, text);
    assert.equal(text, await Deno.readTextFile(file));
  });
}

Deno.test("at least 120 cases are planned, none without its golden plan", async () => {
  assert(counts.planned >= 120, JSON.stringify(counts));
  const files = (await Array.fromAsync(Deno.readDir(GOLDEN))).map(({ name }) => name).sort();
  assert.deepEqual(files, [...planCases().keys()].map((family) => `${family}.txt`).sort());
});
