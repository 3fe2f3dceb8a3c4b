/** The order that a medium carries: to install one version on a machine that reaches no server. Pure. */
import type { Order, VersionView } from "#contract/api.ts";
import type { Hook } from "#contract/api/hooks.ts";
import { RackseedError } from "#contract/errors.ts";
import type { ImageSecrets } from "../fleet/ports.ts";

/** Stands for what only a server has; the agent replaces the node. */
const NOBODY = "unnamed";

type Carried = "image" | "version" | "layout" | "infoHash" | "backupOf";

/** Throws RackseedError (409) if the version cannot be installed without a server. */
export function carriedOrder(
  { image, version, layout, infoHash, backupOf }: Pick<VersionView, Carried>,
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
  const obstacle = obstacleOf({ layout, backupOf }, hooks);
  if (obstacle !== undefined) {
    throw new RackseedError(title, {
      reason: obstacle,
      remedy: "install it over the network; a medium without --packs starts the machine for that.",
      status: 409,
    });
  }
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
      assigned: {
        hostname: NOBODY,
        interfaces: [{ kind: "ethernet", addresses: "dhcp", gateways: [], dns: [] }],
      },
      askSeconds,
      own: [...own],
      isBackup: false,
    },
    ...(hooks.length > 0 && { hooks: [...hooks] }),
  };
}

/** What only a server can do for the clone. */
function obstacleOf(
  { layout, backupOf }: Pick<VersionView, "layout" | "backupOf">,
  hooks: readonly Hook[],
): string | undefined {
  const late = hooks.find(({ when }) => when === "first-boot");
  if (layout?.encrypted?.length) {
    return "it has encrypted volumes, whose recovery keys the server makes and keeps for each machine.";
  }
  if (backupOf !== undefined) return `it is a backup of ${backupOf}, and no other machine may become that.`;
  return late && `its hook ${late.name} runs at the first boot, and reports to the server.`;
}
