/** The fleet opened: nodes, their orders, their hooks and their first boots. */
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { Attestations } from "../fleet/attestation/attestations.ts";
import { BatchCurves } from "../fleet/batches/batch_curves.ts";
import type { ExpectedBoot } from "../fleet/attestation/judge_boot.ts";
import { Batches } from "../fleet/batches/batches.ts";
import { Encryption } from "../fleet/encryption.ts";
import { FirstBootWatch } from "../fleet/first_boot/first_boot_watch.ts";
import { Fleet } from "../fleet/fleet.ts";
import { Proofs } from "../fleet/proofs.ts";
import { HookRegistry } from "../fleet/hook_registry.ts";
import { SwarmTerms } from "../fleet/swarm_terms.ts";
import type { Advance, Images, InstallerBoot, Publish } from "../fleet/ports.ts";
import { driverOpener } from "../power/open_driver.ts";
import { pauseFor } from "../power/pause.ts";
import { PowerControl } from "../power/power_control.ts";
import type { Notices } from "../images/notices.ts";
import { AgentTokens } from "../store/agent_tokens.ts";
import type { BootSigner } from "../fleet/boot_signatures.ts";
import { Bell } from "../fleet/bell.ts";
import { DiskSecrets } from "../store/disk_secrets.ts";
import { EveryBoots } from "../store/every_boot.ts";
import { FirstBoots } from "../store/first_boots.ts";
import { HardwareRecords } from "../store/hardware_records.ts";
import { Hooks } from "../store/hooks.ts";
import { Identities } from "../store/identities.ts";
import { PowerRecords } from "../store/power_records.ts";
import { PowerStarts } from "../store/power_starts.ts";
import { NodeChecks } from "../store/node_checks.ts";
import { NodeTpms } from "../store/node_tpms.ts";
import { NodeHistory } from "../store/node_history.ts";
import { RecoveryKeyUses } from "../store/recovery_key_uses.ts";
import { Templates } from "../store/templates.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";
import type { ServerSwarm } from "./start_swarm.ts";

const LATE_TICK_MS = 1000;
const CURVE_TICK_MS = 2000;
const SILENCE_TICK_MS = 5000;
const RESTART_TICK_MS = 10_000;

interface FleetParts {
  readonly fleet: Fleet;
  readonly hooks: HookRegistry;
  readonly agents: AgentTokens;
  readonly power: PowerControl;
  readonly checks: NodeChecks;
  readonly templates: Templates;
  /** Rung when there may be an order for an agent that runs on a machine. */
  readonly bell: Bell;
}

interface FleetSources {
  readonly data: ServerData;
  readonly images: Images;
  readonly swarm: Pick<ServerSwarm, "site" | "racks">;
  readonly notices: Notices;
  readonly installer: () => InstallerBoot | undefined;
  /** What a machine measures that boots this version's signed kernel image. */
  readonly expectedBoot: (ref: string) => Promise<ExpectedBoot>;
  /** What its DHCP gives away, if this server is a DHCP server. */
  readonly dhcpRange: { readonly first: string; readonly last: string } | undefined;
  /** The site's Secure Boot key, for machines in set-up mode. */
  readonly secureBoot: SecureBootOrder | undefined;
  /** The same key for the boot programs of clones. */
  readonly bootSigner: BootSigner | undefined;
  /** Where BMCs fetch media; asked later. */
  readonly media: ConstructorParameters<typeof PowerControl>[0]["media"];
  readonly publish: Publish;
  readonly advance: Advance;
}

export function openFleet(
  { options, stack, site, now }: StartContext,
  {
    data,
    images,
    swarm: { site: siteSwarm, racks },
    notices,
    installer,
    expectedBoot,
    dhcpRange,
    secureBoot,
    bootSigner,
    media,
    publish,
    advance,
  }: FleetSources,
): FleetParts {
  const { audit, db, directory, nodes, deployments, rehearsals, pin } = data;
  const settings = () => siteSwarm.settings();
  const curves = stack.use(new BatchCurves({ deployments, now }));
  const batches = new Batches({
    store: deployments,
    policy: () => settings().seed,
    nameOf: (id) => nodes.find(id)?.name ?? id,
    onReceived: (deployment, received) => curves.add(deployment, received),
    now,
  });
  const terms = new SwarmTerms({ settings, racks });
  const hooks = new HookRegistry(new Hooks(db), nodes);
  const firstBoots = new FirstBootWatch(new FirstBoots(db), { now });
  const agents = new AgentTokens(db), checks = new NodeChecks(db), templates = new Templates(db, { now });
  const bell = new Bell(), events = new NodeHistory(db);
  const records = new PowerRecords(db, { directory });
  const power = stack.use(
    new PowerControl({
      nodes,
      deployments,
      records,
      events,
      starts: new PowerStarts(db),
      open: driverOpener({
        records,
        commands: directory.powerCommands,
        address: site.bind,
        pause: pauseFor,
        now,
      }),
      pause: pauseFor,
      now,
      onChange: (node) => fleet.changed(node),
      media,
    }),
  );
  const fleet = new Fleet({
    nodes,
    deployments,
    agents,
    checks,
    images,
    batches,
    curves,
    racks,
    terms,
    firstBoots,
    hooks,
    encryption: new Encryption({
      secrets: new DiskSecrets(db, { directory, now }),
      uses: new RecoveryKeyUses(db, { now }),
    }),
    power,
    proofs: new Proofs({
      verdict: (version) => rehearsals.verdict(version),
      isRehearsed: (image) => rehearsals.isRehearsed(image),
      settings: (image) => images.settings(image),
    }),
    isRehearsal: (name) => rehearsals.open().some(({ node }) => node === name),
    everyBoots: new EveryBoots(db, directory),
    audit,
    events,
    notify: (key, notice) => notices.set(key, notice),
    hardware: new HardwareRecords(db),
    templates,
    attestations: new Attestations({
      tpms: new NodeTpms(db, { now }),
      requiredByDefault: options.requireTpm ?? false,
      expectedBoot,
      pin,
      now,
    }),
    bell,
    installer,
    pin,
    identities: new Identities(directory),
    secureBoot,
    bootSigner,
    publish: (event) => {
      if (event.type === "node") power.noteState(event.node);
      publish(event);
    },
    advance,
    now,
    address: site.advertised,
    dhcpRange,
  });
  stack.use(fleet);
  power.resume();
  stack.use(every(LATE_TICK_MS, () => fleet.clones.flagSilent()));
  stack.use(every(CURVE_TICK_MS, () => curves.tick()));
  stack.use(every(SILENCE_TICK_MS, () => fleet.flagSilent()));
  stack.use(every(RESTART_TICK_MS, () => fleet.restarts.tick()));
  return { fleet, hooks, agents, power, checks, templates, bell };
}
