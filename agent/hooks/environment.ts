import type { Order } from "#contract/api.ts";
import type { HookMoment } from "#contract/hooks.ts";

/** What a hook of an installation finds in its environment; see #contract/hooks.ts. */
export function nodeEnvironment(
  when: HookMoment,
  { node, image, version, identity }: Pick<Order, "node" | "image" | "version" | "identity">,
): Record<string, string> {
  return {
    RACKSEED_WHEN: when,
    RACKSEED_NODE: node,
    RACKSEED_HOSTNAME: identity.hostname,
    RACKSEED_ADDRESS: identity.address,
    RACKSEED_IMAGE: image,
    RACKSEED_VERSION: String(version),
  };
}
