/**
 * The steps that give a machine its identity: read or asked for before anything is overwritten, applied to the clone,
 * and recorded by the server for the day the disk dies.
 */
import { Identity } from "#contract/identity.ts";
import type { IdentityClaim } from "#contract/api.ts";
import { describeIdentity } from "#contract/identity.ts";
import { messageOf } from "#contract/errors.ts";
import type { Run } from "../../sys/command.ts";
import type { Console } from "../../sys/console.ts";
import { applyIdentity } from "./apply_identity.ts";
import { askIdentity } from "./ask_identity.ts";
import { readNamedNics } from "./nics.ts";
import type { Enrolled } from "../../steps/enrol.ts";
import type { TargetDisk } from "../disk/guard.ts";
import { namedByMac } from "./identity.ts";
import { keepIdentity } from "./keep_identity.ts";
import { readOldSystem } from "./old_system.ts";
import { readIdentity } from "./read_identity.ts";
import type { StepDefinition } from "../../steps/run_steps.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

interface IdentityOptions {
  /** Where the old root may be mounted temporarily. */
  readonly clonePath: string;
  readonly console: Console;
  readonly run: Run;
  readonly signal: AbortSignal;
  /** Results of earlier steps. */
  readonly enrolled: () => Enrolled;
  readonly target: () => TargetDisk;
  readonly clone: () => CloneTree;
  readonly bootMac: () => string;
}

interface IdentitySteps {
  readonly before: readonly StepDefinition[];
  /** The identity that was kept, assigned or typed at the console. */
  readonly identity: () => Identity;
  /** Applies it to the clone. Returns the step's message. */
  readonly apply: () => Promise<string>;
  /** Has the server record the clone's identity. Returns a note if that fails, which does not harm the clone. */
  readonly remember: (assigned: Identity) => Promise<string | undefined>;
}

export function identitySteps(
  { clonePath, console, run, signal, enrolled, target, clone, bootMac }: IdentityOptions,
): IdentitySteps {
  let chosen: Identity | undefined;
  const order = () => enrolled().order.identity;
  const own = () => order().own ?? [];
  const claim = (body: IdentityClaim) =>
    enrolled().client.post("/node/identity", { body, schema: Identity, signal });
  const record = async (json: Identity) => {
    await enrolled().client.send("POST", "/node/record", { json, signal });
  };
  /**
   * Called before anything is overwritten: a name or address that another node took meanwhile is refused, and after
   * a power cut the server still knows what is no longer on the disk.
   */
  const secure = async (kept: Identity) => {
    const { hostname, interfaces } = kept;
    await claim({ hostname, interfaces });
    await record(kept);
  };
  const identity = () => chosen ?? order().assigned;
  return {
    before: [
      {
        step: "keep",
        when: () => order().mode === "keep",
        run: async () => {
          const nics = await readNamedNics();
          const old = await readOldSystem(target(), { at: clonePath, nics, own: own(), run, signal });
          const kept = keepIdentity(order(), { old, nics });
          if (kept.found && !enrolled().order.restore?.dryRun) await secure(kept.identity);
          chosen = kept.identity;
          return { message: kept.message };
        },
      },
      {
        step: "ask",
        when: () => order().mode === "ask",
        run: async ({ update }) => {
          const { assigned, askSeconds } = order();
          update({ message: `waiting up to ${askSeconds} s for a name to be typed at the console` });
          const asked = await askIdentity({ console, assigned, limitMs: askSeconds * 1000, claim, signal });
          chosen = asked.identity;
          return { message: asked.message };
        },
      },
    ],
    identity,
    apply: async () => {
      const { header } = enrolled();
      const notes = await applyIdentity(identity(), {
        clone: clone(),
        run,
        signal,
        templateHostname: header.source?.hostname ?? "localhost",
        bootMac: bootMac(),
        own: own(),
        isBackup: order().isBackup ?? false,
      });
      return [describeIdentity(identity()), ...notes].join("; ");
    },
    remember: async ({ hostname, interfaces }) => {
      const { machineId, hostKeys, files } = await readIdentity(clone(), { nics: [], own: own() });
      const found: Identity = {
        hostname,
        interfaces: namedByMac(interfaces, bootMac()),
        ...(machineId !== undefined && { machineId }),
        hostKeys: [...hostKeys],
        files: [...files],
      };
      try {
        await record(found);
        return undefined;
      } catch (error) {
        return `the server could not record the identity: ${messageOf(error)}`;
      }
    },
  };
}
