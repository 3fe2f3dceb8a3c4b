/** Steps "keep" and "ask": the machine's identity, read or asked before anything is overwritten. */
import { Identity } from "#contract/identity.ts";
import type { IdentityClaim } from "#contract/api.ts";
import type { StepOutcome, StepProgress } from "../../steps/step.ts";
import type { TargetDisks } from "../disk/guard.ts";
import { askIdentity } from "../identity/ask_identity.ts";
import { keepIdentity } from "../identity/keep_identity.ts";
import { readNamedNics } from "../identity/nics.ts";
import { readOldSystem } from "../identity/old_system.ts";
import type { Machine } from "./machine.ts";
import { openingKeys } from "./volume_keys.ts";

type Chosen = StepOutcome & { readonly identity: Identity };

/** Returns what was kept, answered or assigned. */
export async function chooseIdentity(machine: Machine, target: TargetDisks): Promise<Identity> {
  const { steps, enrolled: { order: { identity: { mode, assigned } } } } = machine;
  const chosen = mode === "keep"
    ? await steps.run("keep", () => keep(machine, target))
    : mode === "ask"
    ? await steps.run("ask", (progress) => ask(machine, progress))
    : { identity: assigned };
  return chosen.identity;
}

async function keep(machine: Machine, target: TargetDisks): Promise<Chosen> {
  const { enrolled: { order }, clonePath, run, signal } = machine;
  const nics = await readNamedNics();
  const own = order.identity.own ?? [];
  const keys = openingKeys(order);
  const old = await readOldSystem(target, { at: clonePath, nics, own, keys, run, signal });
  const { identity, found, message } = keepIdentity(order.identity, { old, nics });
  if (found && !order.restore?.dryRun) await secure(machine, identity);
  return { identity, message };
}

/**
 * Before anything is overwritten: the server refuses a name or address that another node has by now, and after a
 * power cut it still knows what the disk no longer says.
 */
async function secure(machine: Machine, identity: Identity): Promise<void> {
  const { hostname, interfaces } = identity;
  await claim(machine, { hostname, interfaces });
  await recordIdentity(machine, identity);
}

async function ask(machine: Machine, { update }: StepProgress): Promise<Chosen> {
  const { console, signal } = machine, { assigned, askSeconds } = machine.enrolled.order.identity;
  update({ message: `waits at its console for a name, ${askSeconds} s at most` });
  return await askIdentity({
    console,
    assigned,
    limitMs: askSeconds * 1000,
    claim: (body) => claim(machine, body),
    signal,
  });
}

async function claim({ enrolled: { client }, signal }: Machine, body: IdentityClaim): Promise<Identity> {
  return await client.post("/node/identity", { body, schema: Identity, signal });
}

/** The server keeps it for the day when the disk is dead. */
export async function recordIdentity(
  { enrolled: { client }, signal }: Machine,
  json: Identity,
): Promise<void> {
  await client.send("POST", "/node/record", { json, signal });
}
