/** The fleet opened: nodes, their orders, their hooks and their first boots. */
import { Batches } from "../fleet/batches/batches.ts";
import { Encryption } from "../fleet/encryption.ts";
import { FirstBootWatch } from "../fleet/first_boot/first_boot_watch.ts";
import { Fleet } from "../fleet/fleet.ts";
import { HookRegistry } from "../fleet/hook_registry.ts";
import { SwarmTerms } from "../fleet/swarm_terms.ts";
import type { Images, InstallerBoot, Publish } from "../fleet/ports.ts";
import { AgentTokens } from "../store/agent_tokens.ts";
import { Bell } from "../fleet/bell.ts";
import { DiskSecrets } from "../store/disk_secrets.ts";
import { FirstBoots } from "../store/first_boots.ts";
import { Hooks } from "../store/hooks.ts";
import { Identities } from "../store/identities.ts";
import { RecoveryKeyUses } from "../store/recovery_key_uses.ts";
import { Templates } from "../store/templates.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";
import type { ServerSwarm } from "./start_swarm.ts";

const LATE_TICK_MS = 1000;
const SILENCE_TICK_MS = 5000;
const RESTART_TICK_MS = 10_000;

interface FleetParts {
  readonly fleet: Fleet;
  readonly hooks: HookRegistry;
  readonly agents: AgentTokens;
  readonly templates: Templates;
  /** Rung when there may be an order for an agent that runs on a machine. */
  readonly bell: Bell;
}

interface FleetSources {
  readonly data: ServerData;
  readonly images: Images;
  readonly swarm: Pick<ServerSwarm, "site" | "racks">;
  readonly installer: () => InstallerBoot | undefined;
  readonly publish: Publish;
}

export function openFleet(
  { stack, now }: StartContext,
  { data: { db, directory, nodes, deployments, pin }, images, swarm: { site, racks }, installer, publish }:
    FleetSources,
): FleetParts {
  const settings = () => site.settings();
  const batches = new Batches({
    store: deployments,
    policy: () => settings().seed,
    nameOf: (id) => nodes.find(id)?.name ?? id,
    now,
  });
  const terms = new SwarmTerms({ settings, racks });
  const hooks = new HookRegistry(new Hooks(db), nodes);
  const firstBoots = new FirstBootWatch(new FirstBoots(db), { now });
  const agents = new AgentTokens(db), templates = new Templates(db, { now }), bell = new Bell();
  const fleet = new Fleet({
    nodes,
    deployments,
    agents,
    images,
    batches,
    terms,
    firstBoots,
    hooks,
    encryption: new Encryption({
      secrets: new DiskSecrets(db, { directory, now }),
      uses: new RecoveryKeyUses(db, { now }),
    }),
    templates,
    bell,
    installer,
    pin,
    identities: new Identities(directory),
    publish,
    now,
  });
  stack.use(every(LATE_TICK_MS, () => fleet.clones.flagSilent()));
  stack.use(every(SILENCE_TICK_MS, () => fleet.flagSilent()));
  stack.use(every(RESTART_TICK_MS, () => fleet.restarts.tick()));
  return { fleet, hooks, agents, templates, bell };
}
