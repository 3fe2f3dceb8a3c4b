/**
 * The calls of the agent on an armed node. With the boot secret it enrols; with the session it gets in return it
 * makes every other call.
 */
import { getLogger } from "@logtape/logtape";
import type {
  BackupOrder,
  DiscoverOrder,
  IdentityClaim,
  Inventory,
  Order,
  ReportAnswer,
  StepReport,
} from "#contract/api.ts";
import type { TpmChallenge, TpmKeys, TpmQuote } from "#contract/api/attestation.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Identity } from "#contract/identity.ts";
import type { Assignment } from "../store/assignment.ts";
import type { Deployments } from "../store/deployments.ts";
import type { NodeChecks } from "../store/node_checks.ts";
import type { Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Attestations, Proof } from "./attestation/attestations.ts";
import type { Batches } from "./batches/batches.ts";
import { type Enroller, unknownBearer } from "./enrolment.ts";
import type { Encryption } from "./encryption.ts";
import type { CloneReports } from "./first_boot/clone_reports.ts";
import type { HardwareHistory } from "./hardware/hardware_history.ts";
import type { ConsoleLogs } from "./history/console_logs.ts";
import type { NodeIdentity } from "./node_identity.ts";
import { isSilent } from "./node_views.ts";
import type { SwarmTerms } from "./swarm_terms.ts";
import type { SwarmAddresses } from "./ports.ts";
import { present } from "./present.ts";
import { WatchedNodes } from "./watched_nodes.ts";

const log = getLogger(["rackseed", "nodes"]);

interface AgentSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly batches: Batches;
  readonly clones: CloneReports;
  readonly encryption: Encryption;
  readonly attestations: Attestations;
  readonly enroller: Enroller;
  readonly identity: NodeIdentity;
  readonly terms: SwarmTerms;
  readonly history: Pick<HardwareHistory, "record">;
  readonly consoles: ConsoleLogs;
  readonly checks: Pick<NodeChecks, "forget">;
  readonly onChange: (node: NodeRecord) => void;
  /** It is only further in its running step. */
  readonly onProgress: (node: NodeRecord) => void;
  readonly now: () => number;
  /** A machine took the place of the entry with this name. */
  readonly onRemoved: (name: string) => void;
}

export class NodeAgents {
  readonly #sources: AgentSources;
  readonly #watched: WatchedNodes;

  constructor(sources: AgentSources) {
    this.#sources = sources;
    this.#watched = new WatchedNodes(sources);
  }

  /** Somebody looks at the node with this id: for a while it reports its progress every second. */
  watch(node: string): void {
    this.#watched.note(node);
  }

  /** Throws RackseedError (401) unless this is the boot secret of an armed node. */
  expects(bootSecret: string): void {
    this.#sources.enroller.expects(bootSecret);
  }

  /** See POST /node/attest in #contract/api.ts. Throws RackseedError (400, 401, 409). */
  attest(bootSecret: string, keys: TpmKeys): TpmChallenge {
    const node = this.#sources.nodes.get(this.#sources.enroller.expects(bootSecret).node);
    return this.#orPublish(node, () => this.#sources.attestations.challenge(bootSecret, node, keys));
  }

  /** Accepts the quote of a machine that is about to enrol. Throws RackseedError (401, 409). */
  async prove(bootSecret: string, quote: TpmQuote): Promise<Proof> {
    const { nodes, enroller, attestations, onChange } = this.#sources;
    const pending = enroller.expects(bootSecret), node = nodes.get(pending.node);
    try {
      return await attestations.prove(bootSecret, { node, pending, quote });
    } catch (error) {
      onChange(node);
      throw error;
    }
  }

  /** Turns a boot secret into the node's order. Throws RackseedError (401, 409, 428). */
  enrol(
    bootSecret: string,
    request: {
      inventory: Inventory;
      proof?: Proof | undefined;
      address: string;
      swarm: SwarmAddresses;
    },
  ): Order | BackupOrder | DiscoverOrder {
    const { nodes, enroller } = this.#sources;
    const node = nodes.get(enroller.expects(bootSecret).node);
    return this.#orPublish(node, () => enroller.enrol(bootSecret, request));
  }

  /** The assignment that this session belongs to. Throws RackseedError (401). */
  assignmentOf(session: string): Assignment {
    const assignment = this.#sources.deployments.ofSession(session);
    if (!assignment) throw unknownBearer();
    return assignment;
  }

  /** The same while the node installs; after that its session allows reports only. Throws RackseedError (401, 409). */
  installingOf(session: string): Assignment {
    const assignment = this.assignmentOf(session);
    this.#requireInstalling(assignment);
    return assignment;
  }

  /** See POST /node/identity in #contract/api.ts. */
  claimIdentity(assignment: Assignment, claim: IdentityClaim): Identity {
    this.#requireInstalling(assignment);
    const { identity: identities, onChange, onRemoved } = this.#sources;
    const { node, identity, instead } = identities.claim(assignment, claim);
    if (instead !== undefined) onRemoved(instead);
    onChange(node);
    return identity;
  }

  async recordIdentity(assignment: Assignment, identity: Identity): Promise<void> {
    this.#requireInstalling(assignment);
    await this.#sources.identity.record(assignment.node, identity);
  }

  report(assignment: Assignment, sent: StepReport, { address }: { address: string }): ReportAnswer {
    const { nodes, deployments, batches, terms, consoles, onChange, onProgress, now } = this.#sources;
    const before = nodes.find(assignment.node);
    nodes.touch(assignment.node, { address });
    consoles.add(assignment, sent);
    const { console: _, ...report } = sent;
    const isProgress = deployments.isProgress(assignment, report);
    const after = this.#store(assignment, report);
    const slowestBefore = batches.slowest(assignment.deployment)?.node;
    if (!deployments.onlyReads(assignment.deployment)) batches.note(assignment, report);
    const node = nodes.find(assignment.node);
    const isNews = !isProgress || before === undefined || before.discovered || isSilent(before, now());
    if (node) isNews ? onChange(node) : onProgress(node);
    this.#unmarkSlowest(assignment, slowestBefore);
    logReport(node?.name, report);
    const cancelled = after.state === "cancelled" || after.state === "aborted" ||
      (after.state === "failed" && report.state !== "failed");
    return {
      cancelled,
      seedOn: !cancelled && (batches.seeding(assignment)?.on ?? false),
      ...(!this.#watched.has(assignment.node) && present("nextReportMs", batches.reportPauseMs)),
      ...(node && terms.changes(node, { address, known: report.racks })),
    };
  }

  /** Stores what the report changes, and returns the assignment as it is now. */
  #store(assignment: Assignment, report: StepReport): Assignment {
    const { deployments, clones, encryption, checks } = this.#sources;
    const { step, reportsAs } = report;
    if (step === "finish" && reportsAs !== undefined) clones.begin(assignment, { reportsAs });
    if (report.encrypted) encryption.made(assignment);
    const after = deployments.report(assignment, report);
    if (after.state !== "installing") encryption.end(assignment.node);
    if (assignment.state === "installing" && after.state === "installed" && this.#writes(assignment)) {
      encryption.installed(assignment);
      // what it differed in has been put right
      checks.forget(assignment.node);
    }
    return after;
  }

  /** See POST /node/inventory in #contract/api.ts. Throws RackseedError (409) if that was not ordered. */
  describe(assignment: Assignment, inventory: Inventory): void {
    const { nodes, deployments, history, onChange } = this.#sources;
    if (assignment.state !== "installing" || !deployments.discoverTerms(assignment.deployment)) {
      throw new RackseedError("cannot take this inventory", {
        reason: "its order is another one, or has ended.",
        remedy: `order it: rackseed node discover ${nodes.find(assignment.node)?.name ?? "NODE"}`,
        status: 409,
      });
    }
    const node = nodes.get(assignment.node);
    nodes.touch(node.id, { inventory: history.record(node, inventory) });
    onChange(nodes.get(node.id));
  }

  /** Publishes the node if it is refused, for its view says why. */
  #orPublish<T>(node: NodeRecord, work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#sources.onChange(node);
      throw error;
    }
  }

  /** Neither an order that only reads nor a dry run. */
  #writes({ deployment }: Assignment): boolean {
    const { deployments } = this.#sources;
    return !deployments.onlyReads(deployment) && !deployments.restoreOf(deployment)?.dryRun;
  }

  /** Publishes a node that is no longer the slowest, so that its mark disappears. */
  #unmarkSlowest({ deployment }: Assignment, before: string | undefined): void {
    const { nodes, batches, onChange } = this.#sources;
    if (before === undefined || before === batches.slowest(deployment)?.node) return;
    const node = nodes.find(before);
    if (node) onChange(node);
  }

  #requireInstalling({ state, deployment }: Assignment): void {
    const installs = !this.#sources.deployments.onlyReads(deployment);
    if (state === "installing" && installs) return;
    throw new RackseedError("cannot do this for the node", {
      reason: installs
        ? "its deployment has ended or was cancelled."
        : "its disks are only read: it is not being installed.",
      remedy: "deploy the node again.",
      status: 409,
    });
  }
}

function logReport(node: string | undefined, { step, state, elapsedMs, problem }: StepReport): void {
  if (state === "running") return;
  log.info("step", {
    node,
    step,
    state,
    elapsedMs,
    ...(problem && { problem: `${problem.title}: ${problem.detail}` }),
  });
}
