/** The keys of encrypted volumes, from the order. */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { actionsOf, type Plan } from "#plan/actions.ts";
import type { LuksKeys } from "../disk/luks_keys.ts";

type KeysOf = Pick<Order, "node"> & Partial<Pick<Order, "encryption" | "openWith">>;

/** For volumes that are made now; undefined if the plan has none. Throws RackseedError if the order lacks them. */
export function newKeys({ node, encryption }: KeysOf, plan: Plan): LuksKeys | undefined {
  if (actionsOf(plan, "luks").length === 0) return undefined;
  const title = `cannot encrypt the disk of ${node}; nothing was written`;
  if (encryption === undefined) {
    throw new RackseedError(title, {
      reason: "the order does not say how its encrypted volumes are to be opened.",
      remedy: `say it (\`rackseed node set ${node} --help\`), and deploy again.`,
      status: 409,
    });
  }
  const { unlock, recoveryKey, passphrase } = encryption;
  if (unlock === "passphrase" && passphrase === undefined) {
    throw new RackseedError(title, {
      reason: "the passphrase was given for an earlier attempt, and the server no longer has it.",
      remedy: "give the passphrase again, and deploy again.",
      status: 409,
    });
  }
  return { recoveryKey, passphrase: unlock === "passphrase" ? passphrase : undefined };
}

/** For volumes that exist: those of this order first. */
export function openingKeys({ encryption, openWith = [] }: KeysOf): string[] {
  return [...new Set([...encryption ? [encryption.recoveryKey] : [], ...openWith])];
}
