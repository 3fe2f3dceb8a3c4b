/** The reports of clones at their first boot, entered into nodes and deployments. */
import { getLogger } from "@logtape/logtape";
import type { FirstBootView, Order } from "#contract/api.ts";
import {
  DEFAULT_FIRST_BOOT_SECONDS,
  FIRST_BOOT_PATH,
  type FirstBootReport,
} from "#contract/api/first_boot.ts";
import type { FirstBootWatch } from "./first_boot_watch.ts";
import type { Assignment } from "../../store/assignment.ts";
import type { Deployments } from "../../store/deployments.ts";
import type { Nodes } from "../../store/nodes.ts";
import type { NodeRecord } from "../../store/node_record.ts";

const log = getLogger(["rackseed", "nodes"]);
/** An overdue clone keeps trying to report for this much longer. */
const TRY_LONGER_SECONDS = 30 * 60;

interface CloneReportsOptions {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly watch: FirstBootWatch;
  readonly onChange: (node: NodeRecord) => void;
}

export class CloneReports {
  readonly #options: CloneReportsOptions;

  constructor(options: CloneReportsOptions) {
    this.#options = options;
  }

  /** The nodes were armed again: reports of earlier deployments no longer count. */
  order(
    nodes: readonly string[],
    { deployment, seconds = DEFAULT_FIRST_BOOT_SECONDS }: {
      deployment: string;
      seconds: number | undefined;
    },
  ): void {
    this.#options.watch.order(nodes, { deployment, timeoutSeconds: seconds });
  }

  /** How the node's clone reports. `http`: the server's plain HTTP, as the node reaches it. */
  terms(part: Assignment, { http }: { http: string }): Pick<Order, "firstBoot"> {
    const issued = this.#options.watch.issue(part);
    if (issued === undefined) return {};
    const { token, timeoutSeconds } = issued;
    return {
      firstBoot: { url: http + FIRST_BOOT_PATH, token, tryForSeconds: timeoutSeconds + TRY_LONGER_SECONDS },
    };
  }

  /** The installation has ended; the clone will report under this host name. */
  begin(part: Assignment, options: { reportsAs: string }): void {
    this.#options.watch.begin(part, options);
  }

  knows(token: string): boolean {
    return this.#options.watch.knows(token);
  }

  /** A clone is up. False if its token is unknown or no longer valid. */
  accept(report: FirstBootReport, { address }: { address: string }): boolean {
    const { nodes, deployments, watch, onChange } = this.#options;
    const taken = watch.interpret(report, { name: (id) => nodes.find(id)?.name ?? id });
    const part = taken && deployments.part(taken.deployment, taken.node);
    const node = taken && nodes.find(taken.node);
    if (!taken || !part || !node) return false;
    if (!taken.isNews) return true;
    nodes.touch(node.id, { address });
    deployments.report(part, taken.step);
    taken.markReported();
    onChange(node);
    const { problem } = taken.step;
    log.info("up", { node: node.name, hostname: report.hostname, address, problem: problem?.title });
    return true;
  }

  /** Logs and publishes clones that became overdue since the last call. */
  flagSilent(): void {
    const { nodes, watch, onChange } = this.#options;
    for (const id of watch.becameLate()) {
      const node = nodes.find(id);
      if (!node) continue;
      log.warn("not-heard-of", { node: node.name });
      onChange(node);
    }
  }

  view(part: Assignment, node: NodeRecord): FirstBootView | undefined {
    return this.#options.watch.view(part, node);
  }

  forget(node: string): void {
    this.#options.watch.forget(node);
  }
}
