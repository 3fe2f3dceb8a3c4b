/** Whether this machine could restart itself into the installer now, as its agent announces it. */
import type { RestartAbility } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Run } from "../sys/command.ts";
import {
  availableBytes,
  type KexecFacts,
  kexecObstacle,
  type Obstacle,
  readKexecFacts,
} from "../sys/kexec_obstacle.ts";
import { exists } from "../sys/small_file.ts";
import { NETWORK, type NetworkPort, readNetworkPath } from "./network_path.ts";

interface AbilityPort {
  readonly facts: () => Promise<KexecFacts>;
  readonly network: NetworkPort;
  readonly run: Run;
}

export async function restartAbility(
  server: URL,
  { signal, port: { facts: readFacts, network, run } }: { signal: AbortSignal; port: AbilityPort },
): Promise<RestartAbility> {
  const facts = await readFacts();
  let obstacle = kexecObstacle(facts), macs: readonly string[] = [];
  try {
    obstacle ??= await stopObstacle(run);
    macs = (await readNetworkPath(server, { signal, port: network })).macs;
  } catch (error) {
    signal.throwIfAborted();
    // captures do not depend on it
    const [reason, remedy] = error instanceof RackseedError
      ? [`${error.title}: ${error.reason}`, error.remedy]
      : [`its way to the server is not known: ${messageOf(error)}`, "check its routes."];
    obstacle ??= { reason, remedy };
  }
  return {
    ...(obstacle && { obstacle: { reason: obstacle.reason.slice(0, 600), remedy: obstacle.remedy } }),
    macs: macs.slice(0, 16),
    signedOnly: facts.lockdown !== "none",
    availableBytes: await availableBytes(),
  };
}

/** With a kernel loaded, systemd starts it without kexec-tools from version 246 on (systemd, NEWS). */
const SYSTEMD_ALONE = 246;

async function stopObstacle(run: Run): Promise<Obstacle | undefined> {
  if (!await exists("/run/systemd/system")) return undefined;
  const { stdout } = await run(["systemctl", "--version"]);
  const version = Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0);
  if (version >= SYSTEMD_ALONE || await exists("/usr/sbin/kexec") || await exists("/sbin/kexec")) {
    return undefined;
  }
  return {
    reason: `its systemd ${version} starts another kernel only with kexec-tools, which are not installed.`,
    remedy: "install the package kexec-tools on it.",
  };
}

/** Memory varies all the time; a quarter is worth telling. */
const WORTH_TELLING = 1 / 4;

/** Whether the server should learn of the change. Pure. */
export function abilityChanged(before: RestartAbility, now: RestartAbility): boolean {
  const rest = ({ obstacle, macs, signedOnly }: RestartAbility) =>
    JSON.stringify({ obstacle, macs, signedOnly });
  const moved = Math.abs(now.availableBytes - before.availableBytes);
  return rest(before) !== rest(now) || moved > before.availableBytes * WORTH_TELLING;
}

export const ABILITY = { facts: () => readKexecFacts(), network: NETWORK } as const;
