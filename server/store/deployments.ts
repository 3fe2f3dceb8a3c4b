/**
 * Deployments: which version is assigned to which node, how far the node is, and the tokens that identify its agent.
 *
 *     armed ── enrol ──▶ installing ── finish ──▶ installed ── first boot ──▶ running
 *       │                  │                        │
 *     cancel             failed step              a hook of the first boot failed
 *       ▼                  ▼                        ▼
 *     cancelled          failed ◀─────────────────failed
 *
 * An armed node whose restart into the installer failed has failed, too.
 * A node that is cancelled while it installs is aborted: nothing failed, but its disk is incomplete. Only "armed" and
 * "installing" let a node boot the agent; every other state disarms it for good.
 */
import { randomBytes } from "node:crypto";
import type { Database } from "./engine.ts";
import type { DeploymentQuery, DeploymentSummary, InstalledDisk, StepReport } from "#contract/api.ts";
import type { InstallTimes, SeedPolicy } from "#contract/api/distribution.ts";
import type { Finish } from "#contract/api/restarts.ts";
import type { RestoreTerms } from "#contract/api/restore.ts";
import type { Step } from "#contract/api/steps.ts";
import { transaction } from "./database.ts";
import {
  type BackupTerms,
  DeploymentTerms,
  type DiscoverTerms,
  type IdentityOrder,
  type OrderTerms,
  type Terms,
} from "./deployment_terms.ts";
import { listDeployments, type ListedDeployment } from "./deployment_list.ts";
import type { Assignment, AssignmentState } from "./assignment.ts";
import { BatchQueries } from "./batch_queries.ts";
import { BatchRecords } from "./batch_records.ts";
import { ReportLog } from "./events.ts";
import { OrderHistory } from "./order_history.ts";
import { OrderTokens } from "./order_tokens.ts";
import { PausedDeployments } from "./paused_deployments.ts";
import { Prepared } from "./prepared.ts";

/** A node's state from its deployments. */
interface Progress {
  /** Its latest deployment, except those that were cancelled before they began. */
  readonly assignment?: Assignment;
  readonly report?: StepReport;
}

/** The step that writes to disks first. */
const WRITES_FIRST: Step = "partition";
/** Of a node, with their logs. */
const KEPT_DEPLOYMENTS = 5;
const CANCEL_ARMED = "UPDATE assignments SET state = 'cancelled' WHERE node = ? AND state = 'armed'";

export class Deployments {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #log: ReportLog;
  readonly #terms: DeploymentTerms;
  readonly #history: OrderHistory;
  readonly #tokens: OrderTokens;
  readonly paused: PausedDeployments;
  /** How each went. */
  readonly records: BatchRecords;
  readonly queries: BatchQueries;
  readonly #prepared: Prepared;
  /** The latest report of installing nodes, by node; more detailed than the log. */
  readonly #live = new Map<string, StepReport>();

  constructor(db: Database, { now }: { now: () => number }) {
    this.#db = db;
    this.#prepared = new Prepared(db);
    this.#now = now;
    this.#log = new ReportLog(db);
    this.#terms = new DeploymentTerms(db);
    this.#history = new OrderHistory(db, { now });
    this.paused = new PausedDeployments(db, { now });
    this.records = new BatchRecords(db);
    this.queries = new BatchQueries(db, {
      parts: (deployment) => this.parts(deployment),
      lastReport: (part) => this.#log.last(part),
      kindOf: (deployment) => this.discoverTerms(deployment) ? "discovery" : this.about(deployment).kind,
    });
    db.exec(`
      CREATE TABLE IF NOT EXISTS assignments (
        number INTEGER PRIMARY KEY AUTOINCREMENT, deployment TEXT NOT NULL, node TEXT NOT NULL,
        image TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, created TEXT NOT NULL,
        UNIQUE (deployment, node)
      ) STRICT;
      CREATE INDEX IF NOT EXISTS assignments_of_node ON assignments (node, number);
    `);
    this.#tokens = new OrderTokens(db);
  }

  /** Arms the nodes (by id), all or none; replaces orders that have not begun. Returns a boot secret for each. */
  arm(
    nodes: readonly string[],
    { image, version, also, ...terms }: Terms & {
      image: string;
      version: number;
      /** Stores what belongs to the order, all or nothing with it. */
      also?: (deployment: string) => void;
    },
  ): { deployment: string; secrets: Map<string, string> } {
    const deployment = randomBytes(8).toString("hex");
    const secrets = transaction(this.#db, () => {
      const made = new Map<string, string>(), left = new Set<string>();
      this.#terms.put(deployment, terms);
      for (const node of nodes) {
        const replaced = this.#one("node = ? AND state = 'armed'", node)?.deployment;
        if (replaced !== undefined) this.#prepared.get(CANCEL_ARMED).run(node);
        this.#history.armed({ deployment, node }, { ref: `${image}@${version}`, terms, replaced });
        this.#prepared.get(
          `INSERT INTO assignments (deployment, node, image, version, state, created)
           VALUES (?, ?, ?, ?, 'armed', ?)`,
        ).run(deployment, node, image, version, new Date(this.#now()).toISOString());
        for (const old of this.#forgetOldLogs(node)) left.add(old);
        made.set(node, this.#tokens.issueFirst({ deployment, node }));
      }
      for (const old of left) if (this.parts(old).length === 0) this.#terms.forget(old);
      also?.(deployment);
      return made;
    });
    for (const node of nodes) this.#live.delete(node);
    return { deployment, secrets };
  }

  /** The order that lets the node boot into the agent, if there is one. */
  active(node: string): Assignment | undefined {
    return this.#one("node = ? AND state IN ('armed', 'installing')", node);
  }

  /** A fresh one-time secret for a node that boots now; undefined if it is not armed. */
  issueBootSecret(node: string): string | undefined {
    const assignment = this.active(node);
    if (!assignment) return undefined;
    return transaction(this.#db, () => this.#tokens.issueBoot(assignment));
  }

  /** The assignment with this boot secret; does not consume the secret. */
  ofBootSecret(secret: string): Assignment | undefined {
    return this.#tokens.ofBoot(secret);
  }

  /** Consumes the boot secret. The new session replaces any other of the node. */
  enrol(bootSecret: string): { assignment: Assignment; session: string } | undefined {
    return transaction(this.#db, () => {
      const found = this.#tokens.ofBoot(bootSecret);
      if (!found) return undefined;
      const session = this.#tokens.exchange(bootSecret, found);
      this.#setState(found, "installing");
      this.#history.enrolled(found);
      this.#live.delete(found.node);
      return { assignment: { ...found, state: "installing" }, session };
    });
  }

  ofSession(secret: string): Assignment | undefined {
    return this.#tokens.ofSession(secret);
  }

  /**
   * Whether the report only says how far the step is that the node was in already. Such reports are not history, and kept
   * in memory: ten thousand nodes send them all the time.
   */
  isProgress({ node, state }: Assignment, report: StepReport): boolean {
    const before = this.#live.get(node);
    return state === "installing" && report.state === "running" && before?.state === "running" &&
      before.step === report.step;
  }

  /** Stores a node's report. A failed step, or the end of the last one, disarms the node. */
  report(assignment: Assignment, report: StepReport): Assignment {
    if (this.isProgress(assignment, report)) {
      this.#live.set(assignment.node, report);
      return assignment;
    }
    const state = stateAfter(assignment.state, report);
    transaction(this.#db, () => {
      this.#log.append(assignment, report);
      this.#history.reported(assignment, report);
      if (state !== assignment.state) this.#setState(assignment, state);
      // the session stays valid: an agent that missed the answer repeats its report
      if (report.step === "finish" && report.state === "done") this.#tokens.endBoot(assignment.node);
    });
    // not before: what could not be stored must not make the same report, sent again, look like progress
    this.#live.set(assignment.node, report);
    return { ...assignment, state };
  }

  /** The node's part of the deployment. */
  part(deployment: string, node: string): Assignment | undefined {
    return this.#prepared.get(
      "SELECT deployment, node, image, version, state FROM assignments WHERE deployment = ? AND node = ?",
    ).get(deployment, node) as Assignment | undefined;
  }

  /** Its nodes' parts, except those cancelled before they began. Empty if there is no such deployment. */
  parts(deployment: string): Assignment[] {
    return this.#prepared.get(
      `SELECT deployment, node, image, version, state FROM assignments
       WHERE deployment = ? AND state <> 'cancelled' ORDER BY number`,
    ).all(deployment) as unknown as Assignment[];
  }

  /** How many parts `parts` would return. */
  partCount(deployment: string): number {
    return this.#prepared.get(
      "SELECT count(*) AS count FROM assignments WHERE deployment = ? AND state <> 'cancelled'",
    ).get(deployment)?.count as number;
  }

  /**
   * Whether no node of the deployment has anything left to do. `isExpected`: whether an installed node, by id, is still
   * to report its first boot. Cheap for large deployments: it asks about few nodes.
   */
  isOver(deployment: string, isExpected: (node: string) => boolean): boolean {
    const under = this.#prepared.get(
      "SELECT 1 FROM assignments WHERE deployment = ? AND state IN ('armed', 'installing') LIMIT 1",
    ).get(deployment);
    if (under !== undefined) return false;
    const installed = this.#db.prepare(
      "SELECT node FROM assignments WHERE deployment = ? AND state = 'installed'",
    );
    for (const { node } of installed.iterate(deployment)) if (isExpected(node as string)) return false;
    return true;
  }

  /** When it was ordered; undefined if there is no such deployment. */
  orderedMs(deployment: string): number | undefined {
    const first = "SELECT created FROM assignments WHERE deployment = ? ORDER BY number LIMIT 1";
    const row = this.#prepared.get(first).get(deployment) as { created: string } | undefined;
    return row && Date.parse(row.created);
  }

  /** If it was ordered with one. */
  seedOf(deployment: string): SeedPolicy | undefined {
    return this.#terms.get("seed", deployment);
  }

  identityOf(deployment: string): IdentityOrder {
    return this.#terms.get("identity", deployment) ?? {};
  }

  /** Its terms, if it is a restore. */
  restoreOf(deployment: string): RestoreTerms | undefined {
    return this.#terms.get("restore", deployment);
  }

  /** Its terms, if it is a backup; then no node installs anything. */
  backupTerms(deployment: string): BackupTerms | undefined {
    return this.#terms.get("backup", deployment);
  }

  /** How its nodes get into their own system, if the order says so. */
  finishOf(deployment: string): Finish | undefined {
    return this.#terms.get("finish", deployment);
  }

  /** Whether the agents on its nodes are to restart them into the installer. */
  isNow(deployment: string): boolean {
    return this.#terms.get("now", deployment) ?? false;
  }

  /** Its terms, if it is to read the nodes' hardware; then no node installs anything. */
  discoverTerms(deployment: string): DiscoverTerms | undefined {
    return this.#terms.get("discover", deployment);
  }

  /** Whether its nodes only read their disks: it is a backup or a discovery. */
  onlyReads(deployment: string): boolean {
    return this.backupTerms(deployment) !== undefined || this.discoverTerms(deployment) !== undefined;
  }

  /** The order by which the node was last installed or restored; orders that write nothing do not count. */
  assigned(node: string): Assignment | undefined {
    return this.#writing(node).find(isInstalled);
  }

  /** The disks that an order of the node last wrote to, even if it did not get to its end. */
  installedDisks(node: string): InstalledDisk[] | undefined {
    for (const order of this.#writing(node)) {
      let planned: InstalledDisk[] | undefined, written: InstalledDisk[] | undefined;
      for (const { step, disks } of this.#log.list(order)) {
        planned = disks ?? planned;
        if (step === WRITES_FIRST) written = planned;
      }
      written ??= isInstalled(order) ? planned : undefined;
      if (written) return written;
    }
    return undefined;
  }

  /** The node's orders without those that write nothing, the latest first. */
  #writing(node: string): Assignment[] {
    const orders = this.#prepared.get(
      "SELECT deployment, node, image, version, state FROM assignments WHERE node = ? ORDER BY number DESC",
    ).all(node) as unknown as Assignment[];
    return orders.filter(({ deployment }) =>
      !this.restoreOf(deployment)?.dryRun && !this.onlyReads(deployment)
    );
  }

  /** The finished steps of its nodes, with the nodes' own measurements. */
  stepTimes(deployment: string): (Assignment & { step: Step; elapsedMs: number; times?: InstallTimes })[] {
    const parts = new Map(this.parts(deployment).map((part) => [part.node, part]));
    return this.#log.done(deployment).flatMap(({ node, report: { step, elapsedMs, times } }) => {
      const part = parts.get(node);
      return part ? { ...part, step, elapsedMs, ...(times && { times }) } : [];
    });
  }

  /** Ids of the nodes that install this version now. */
  installing({ image, version }: { image: string; version: number }): string[] {
    const rows = this.#prepared.get(
      "SELECT node, deployment FROM assignments WHERE image = ? AND version = ? AND state = 'installing'",
    ).all(image, version) as { node: string; deployment: string }[];
    return rows.filter(({ deployment }) => !this.onlyReads(deployment)).map((row) => row.node);
  }

  /** Cancels the node's order. Undefined if it has none. */
  cancel(node: string): Assignment | undefined {
    return this.cancelAll([node])[0];
  }

  /** Cancels the orders that these nodes have, all or none. `also` stores what belongs to it. */
  cancelAll(nodes: readonly string[], { also }: { also?: (node: string) => void } = {}): Assignment[] {
    return transaction(this.#db, () =>
      nodes.flatMap((node) => {
        const assignment = this.active(node);
        if (!assignment) return [];
        const state = assignment.state === "armed" ? "cancelled" : "aborted";
        // the session stays valid: through it the agent learns that it must stop
        this.#setState(assignment, state);
        this.#history.cancelled(assignment, this.#live.get(node)?.step);
        also?.(node);
        return [{ ...assignment, state }];
      }));
  }

  progress(node: string): Progress {
    const assignment = this.#one("node = ? AND state <> 'cancelled'", node);
    if (!assignment) return {};
    const report = this.#live.get(node) ?? this.#log.last(assignment);
    return { assignment, ...(report && { report }) };
  }

  /** The steps of the node's latest deployment, oldest first. */
  log(node: string): StepReport[] {
    const { assignment } = this.progress(node);
    return assignment ? this.#log.list(assignment) : [];
  }

  /** See deployment_list.ts. */
  list(query: DeploymentQuery, { before }: { before: string | undefined }): ListedDeployment[] {
    return listDeployments(this.#db, query, { before, aboutOf: (id) => this.about(id) });
  }

  /** What the order says of itself. */
  about(deployment: string): Pick<DeploymentSummary, "kind" | "by" | "paused"> {
    const kind = this.backupTerms(deployment)
      ? "backup"
      : this.restoreOf(deployment)
      ? "restore"
      : "deployment";
    const by = this.#terms.get("by", deployment), paused = this.paused.of(deployment);
    return { kind, ...(by !== undefined && { by }), ...(paused && { paused }) };
  }

  /** The order as it was given; undefined for orders of earlier releases, and for those that install nothing. */
  orderOf(deployment: string): OrderTerms | undefined {
    return this.#terms.get("order", deployment);
  }

  /** Whether the node is held: it is armed, and its deployment is paused. */
  isHeld({ deployment, state }: Assignment): boolean {
    return state === "armed" && this.paused.is(deployment);
  }

  forgetNode(node: string): void {
    transaction(this.#db, () => {
      this.#tokens.endAll(node);
      this.#log.forget({ node });
      this.#history.forgetNode(node);
      this.#prepared.get("DELETE FROM assignments WHERE node = ?").run(node);
    });
    this.#live.delete(node);
  }

  #one(condition: string, value: string): Assignment | undefined {
    return this.#prepared.get(
      `SELECT deployment, node, image, version, state FROM assignments
       WHERE ${condition} ORDER BY number DESC LIMIT 1`,
    ).get(value) as Assignment | undefined;
  }

  #setState({ deployment, node }: Assignment, state: AssignmentState): void {
    this.#prepared.get("UPDATE assignments SET state = ? WHERE deployment = ? AND node = ?")
      .run(state, deployment, node);
    this.#tokens.changed(node);
    if (["failed", "aborted", "cancelled"].includes(state)) this.#tokens.endBoot(node);
  }

  /** Returns the deployments that it forgot this node's part of. */
  #forgetOldLogs(node: string): string[] {
    const old = this.#prepared.get(
      "SELECT deployment FROM assignments WHERE node = ? ORDER BY number DESC LIMIT -1 OFFSET ?",
    ).all(node, KEPT_DEPLOYMENTS) as { deployment: string }[];
    if (old.length === 0) return [];
    // the assigned image is never forgotten, however many backups followed
    const assigned = this.assigned(node)?.deployment;
    const forgotten = old.map(({ deployment }) => deployment).filter((one) => one !== assigned);
    for (const deployment of forgotten) {
      this.#log.forget({ node, deployment });
      this.#prepared.get("DELETE FROM assignments WHERE node = ? AND deployment = ?").run(node, deployment);
      this.#tokens.changed(node);
    }
    return forgotten;
  }
}

function stateAfter(before: AssignmentState, { step, state }: StepReport): AssignmentState {
  if (before === "installed" && step === "first-boot") return state === "done" ? "running" : "failed";
  // its system goes on running: nothing has begun
  if (before === "armed" && step === "restart" && state === "failed") return "failed";
  if (before !== "installing") return before;
  if (state === "failed") return "failed";
  return step === "finish" && state === "done" ? "installed" : "installing";
}

function isInstalled({ state }: Assignment): boolean {
  return state === "installed" || state === "running";
}
