/** Nodes by state, and how installations go. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { NodeState, type NodeView } from "#contract/api.ts";
import { STEPS } from "#contract/api/steps.ts";

const KINDS = ["deploy", "restore", "backup", "discover"] as const;
const OUTCOMES = ["done", "failed", "aborted"] as const;
type Outcome = typeof OUTCOMES[number];
const CHECK_OUTCOMES = ["same", "drifted", "failed"] as const;
/** From a step that only asks the kernel to one that moves a large image. */
const STEP_SECONDS = [0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 3600];

/** What the next event of a node is compared with. */
interface Last {
  readonly state: NodeState;
  readonly silent: boolean;
  /** Its system has not reported its first boot in time. */
  readonly late: boolean;
  /** Changes in its hardware that nobody has accepted. */
  readonly changes: number;
  readonly failingDisks: number;
  /** Its latest step that ended, "plan done"; undefined while one runs. */
  readonly ended: string | undefined;
  /** Whether its newest comparison with its image found more than may be. */
  readonly drifted: boolean;
  /** Its latest check that ended, and how. */
  readonly checked: string | undefined;
}

export class NodeMetrics {
  readonly #last = new Map<string, Last>();
  readonly #installations: Counter<"kind" | "outcome">;
  readonly #steps: Histogram<"step" | "outcome">;
  readonly #firstBoots: Counter<"outcome">;
  readonly #delivered: Counter<"source">;
  readonly #checks: Counter<"outcome">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#addGauges(registers);
    this.#installations = new Counter({
      name: "rackseed_installations_total",
      help: "Orders that ended on a node since the server started, by kind and outcome.",
      labelNames: ["kind", "outcome"],
      registers,
    });
    // a series that begins at 1 would hide its first event from increase()
    for (const kind of KINDS) {
      for (const outcome of OUTCOMES) this.#installations.inc({ kind, outcome }, 0);
    }
    this.#firstBoots = new Counter({
      name: "rackseed_first_boots_total",
      help:
        "First boots of clones since the server started: reported, failed, or not reported in time (late).",
      labelNames: ["outcome"],
      registers,
    });
    for (const outcome of ["reported", "failed", "late"]) this.#firstBoots.inc({ outcome }, 0);
    this.#steps = new Histogram({
      name: "rackseed_step_duration_seconds",
      help: "Duration of the steps of installations, by step and outcome.",
      labelNames: ["step", "outcome"],
      buckets: STEP_SECONDS,
      registers,
    });
    for (const step of STEPS) this.#steps.zero({ step, outcome: "done" });
    this.#delivered = new Counter({
      name: "rackseed_image_delivered_bytes_total",
      help:
        "Image bytes that nodes fetched, counted when the step install ends, by way: BitTorrent peers (the server's " +
        "seeder among them), or HTTP.",
      labelNames: ["source"],
      registers,
    });
    for (const source of ["peers", "http"]) this.#delivered.inc({ source }, 0);
    this.#checks = new Counter({
      name: "rackseed_checks_total",
      help:
        "Comparisons of running nodes with their images since the server started: no more differences than may be " +
        "(same), more (drifted), or not compared (failed).",
      labelNames: ["outcome"],
      registers,
    });
    for (const outcome of CHECK_OUTCOMES) this.#checks.inc({ outcome }, 0);
  }

  begin(node: NodeView): void {
    this.#last.set(node.name, lastOf(node));
  }

  remove(name: string): void {
    this.#last.delete(name);
  }

  observe(node: NodeView): void {
    const before = this.#last.get(node.name), now = lastOf(node);
    this.#last.set(node.name, now);
    const { report } = node;
    if (report && now.ended !== undefined && now.ended !== before?.ended) {
      this.#steps.observe({ step: report.step, outcome: report.state }, report.elapsedMs / 1000);
      if (report.step === "install") this.#deliver(report);
    }
    if (before !== undefined && now.checked !== undefined && now.checked !== before.checked) {
      this.#checks.inc({ outcome: checkOutcomeOf(node) });
    }
    if (now.late && before?.late === false) this.#firstBoots.inc({ outcome: "late" });
    if (before === undefined || before.state === now.state) return;
    const outcome = outcomeOf(before.state, now.state);
    if (outcome !== undefined) this.#installations.inc({ kind: kindOf(node), outcome });
    if (before.state !== "installed") return;
    if (now.state === "running") this.#firstBoots.inc({ outcome: "reported" });
    else if (now.state === "failed") this.#firstBoots.inc({ outcome: "failed" });
  }

  #deliver({ times, progress }: NonNullable<NodeView["report"]>): void {
    const fetched = times?.fetchedBytes ?? 0, http = Math.min(progress?.webSeedBytes ?? 0, fetched);
    this.#delivered.inc({ source: "http" }, http);
    this.#delivered.inc({ source: "peers" }, fetched - http);
  }

  #addGauges(registers: Registry[]): void {
    const last = this.#last;
    new Gauge({
      name: "rackseed_nodes",
      help: "Known machines by state.",
      labelNames: ["state"],
      registers,
      collect() {
        for (const state of NodeState.options) this.set({ state }, 0);
        for (const { state } of last.values()) this.inc({ state });
      },
    });
    new Gauge({
      name: "rackseed_nodes_silent",
      help: "Nodes that stopped reporting during their installation.",
      registers,
      collect() {
        this.set(last.values().reduce((sum, { silent }) => sum + (silent ? 1 : 0), 0));
      },
    });
    new Gauge({
      name: "rackseed_nodes_hardware_changed",
      help: "Nodes with a change in their hardware that nobody has accepted.",
      registers,
      collect() {
        this.set(last.values().reduce((sum, { changes }) => sum + (changes > 0 ? 1 : 0), 0));
      },
    });
    new Gauge({
      name: "rackseed_disks_failing",
      help: "Disks of nodes that expect to fail, by their own report.",
      registers,
      collect() {
        this.set(last.values().reduce((sum, { failingDisks }) => sum + failingDisks, 0));
      },
    });
    new Gauge({
      name: "rackseed_nodes_drifted",
      help: "Nodes whose newest comparison with their image found more differences than the threshold.",
      registers,
      collect() {
        this.set(last.values().reduce((sum, { drifted }) => sum + (drifted ? 1 : 0), 0));
      },
    });
  }
}

function checkOutcomeOf({ check }: NodeView): typeof CHECK_OUTCOMES[number] {
  if (check?.state === "failed") return "failed";
  return check?.result?.drifted ? "drifted" : "same";
}
function lastOf({ state, silentSince, firstBoot, report, warnings = [], image, check }: NodeView): Last {
  const ended = report === undefined || report.state === "running"
    ? undefined
    : `${report.step} ${report.state}`;
  const late = state === "installed" && firstBoot?.problem !== undefined;
  const failingDisks = warnings.filter(({ kind }) => kind === "disk-failing").length;
  const changes = warnings.length - failingDisks;
  const isOver = check?.state === "done" || check?.state === "failed";
  return {
    state,
    silent: silentSince !== undefined,
    late,
    changes,
    failingDisks,
    ended,
    // a node that got another image since is no longer what was compared
    drifted: check?.result?.drifted === true && check.result.image === image,
    checked: isOver ? check.id : undefined,
  };
}

/** How the order ended; undefined if it did not end with this change. */
function outcomeOf(before: NodeState, now: NodeState): Outcome | undefined {
  if (before !== "installing" || now === "installing") return undefined;
  if (now === "failed" || now === "aborted") return now;
  // a backup leaves the node in the state that it had before
  return "done";
}

function kindOf({ backup, discover, restore }: NodeView): typeof KINDS[number] {
  return discover ? "discover" : backup ? "backup" : restore ? "restore" : "deploy";
}
