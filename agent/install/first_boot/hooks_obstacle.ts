/** Hooks of the first boot that the image cannot run. Pure. */
import type { Order } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { hooksAt } from "../../hooks/hooks_at.ts";

/** `lack`: what the image lacks to run something at its first boot, if anything. Undefined if there are no such hooks. */
export function hooksObstacle(
  order: Pick<Order, "hooks" | "firstBoot">,
  lack: string | undefined,
): RackseedError | undefined {
  const hooks = order.firstBoot === undefined ? [] : hooksAt("first-boot", order);
  if (lack === undefined || hooks.length === 0) return undefined;
  return new RackseedError("cannot set up the hooks of the first boot", {
    reason: `the image has ${lack}.`,
    remedy: "install one of them on the template and capture it again, or remove the hooks: " +
      `${hooks.map(({ name }) => name).join(", ")}.`,
    status: 409,
  });
}
