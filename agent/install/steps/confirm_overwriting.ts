/**
 * A machine that is installed from a medium has no order from a server: a person at its console arms it, by typing its
 * name. A machine that the medium was written for, and whose disks are empty, needs nobody.
 */
import { RackseedError } from "#contract/errors.ts";
import type { Identity } from "#contract/identity.ts";
import { describeDisk } from "#plan/choose_disk.ts";
import type { Plan } from "#plan/actions.ts";
import type { StepOutcome } from "../../steps/step.ts";
import type { Machine } from "./machine.ts";

const PERSON_MS = 24 * 3_600_000;

/** Throws RackseedError if nobody confirms. Nothing has been written when it does. */
export async function confirmOverwriting(
  { steps, enrolled, console, signal }: Machine,
  { plan, identity }: { plan: Plan; identity: Identity },
): Promise<void> {
  const { medium, order } = enrolled;
  if (medium === undefined) return;
  const disks = plan.disks.map(({ facts }) => facts);
  // what was not looked at may be anything
  const isEmpty = disks.every(({ content, signatures }) => content === "" && signatures?.length === 0);
  if (medium.isNamed && isEmpty) return;
  await steps.run("ask", async ({ update }): Promise<StepOutcome> => {
    update({ message: "waits at its console for the confirmation" });
    console.line("");
    console.line(`${order.image}@${order.version} will be installed as ${identity.hostname}. This erases:`);
    for (const disk of disks) {
      const content = disk.content === "" ? "empty" : disk.content ?? "not known";
      console.line(`  ${describeDisk(disk)}: ${content}`);
    }
    for (;;) {
      const answer = await console.ask(`type ${identity.hostname} to erase and install`, {
        limitMs: PERSON_MS,
        signal,
      });
      if (answer.by === "time") throw unconfirmed();
      if (answer.text.toLowerCase() === identity.hostname.toLowerCase()) break;
      console.line("Not accepted: nothing is erased until the machine's name is typed.");
    }
    return { message: "confirmed at the console" };
  });
}

function unconfirmed(): RackseedError {
  return new RackseedError("cannot install this machine", {
    reason: "nobody confirmed at its console that its disks are to be erased. Nothing was written.",
    remedy: "restart it from the medium, and type its name when it asks.",
  });
}
