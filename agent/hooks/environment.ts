import type { Order } from "#contract/api.ts";
import type { Identity } from "#contract/identity.ts";
import type { HookMoment } from "#contract/api/hooks.ts";

/** The environment of a node's hooks, documented in #contract/api/hooks.ts. */
export function nodeEnvironment(
  when: HookMoment,
  { order: { node, image, version }, identity: { hostname, interfaces } }: {
    order: Pick<Order, "node" | "image" | "version">;
    identity: Identity;
  },
): Record<string, string> {
  const [first] = interfaces;
  const address = first?.addresses === "dhcp" ? "dhcp" : first?.addresses[0];
  return {
    RACKSEED_WHEN: when,
    RACKSEED_NODE: node,
    RACKSEED_HOSTNAME: hostname,
    RACKSEED_ADDRESS: address ?? "",
    RACKSEED_IMAGE: image,
    RACKSEED_VERSION: String(version),
  };
}
