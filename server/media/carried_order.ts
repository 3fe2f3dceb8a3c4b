/** The order that a medium carries: to install one version on a machine that reaches no server. Pure. */
import type { Order, VersionView } from "#contract/api.ts";
import type { Hook } from "#contract/api/hooks.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ImageSecrets } from "../fleet/ports.ts";

/** Stands for what only a server has; the agent replaces the node. */
const NOBODY = "unnamed";

/** Throws RackseedError (409) if the version cannot be installed without a server. */
export function carriedOrder(
  { image, version, layout, infoHash }: VersionView,
  { medium, title, secrets, hooks, own, askSeconds }: {
    /** Its id. */
    medium: string;
    title: string;
    secrets: ImageSecrets;
    hooks: readonly Hook[];
    own: readonly string[];
    askSeconds: number;
  },
): Order {
  if (layout?.encrypted?.length) {
    throw new RackseedError(title, {
      reason: "it has encrypted volumes, whose recovery keys the server makes for each machine.",
      remedy: "install it over the network; a medium without --packs starts the machine for that.",
      status: 409,
    });
  }
  const run = hooks.filter(({ when }) => when !== "first-boot");
  return {
    session: medium,
    deployment: medium,
    node: NOBODY,
    image,
    version,
    manifest: secrets.manifest,
    key: secrets.key,
    swarm: { infoHash, announce: [], webSeeds: [] },
    identity: {
      mode: "ask",
      assigned: { hostname: NOBODY, interfaces: [{ kind: "ethernet", addresses: "dhcp", gateways: [], dns: [] }] },
      askSeconds,
      own: [...own],
      isBackup: false,
    },
    ...(run.length > 0 && { hooks: run }),
  };
}
