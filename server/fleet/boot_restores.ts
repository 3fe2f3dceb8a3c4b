/**
 * Nodes that are restored at every boot from the network, until that is called off: classrooms and labs. The order is
 * given anew when such a machine asks how to boot, with every check of an ordinary restore. The restart at the end of a
 * restore is the one boot that leads to the node's own disk.
 */
import { getLogger } from "@logtape/logtape";
import type { NodeView, Notice } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { AuditLog } from "../store/audit_log.ts";
import type { Assignment } from "../store/assignment.ts";
import type { Deployments } from "../store/deployments.ts";
import type { EveryBoots } from "../store/every_boot.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { DeploymentOrders } from "./deployment_orders.ts";
import { present } from "./present.ts";

const log = getLogger(["rackseed", "nodes"]);
/** Requests within this time after the first one belong to the same boot: firmware may ask more than once. */
const SAME_BOOT_MS = 60_000;

interface BootRestoreSources {
  readonly everyBoots: EveryBoots;
  readonly deployments: Deployments;
  readonly orders: Pick<DeploymentOrders, "restoreAtBoot">;
  readonly audit: Pick<AuditLog, "begin">;
  /** Shows a node whose restore was refused; undefined once it is restored again. */
  readonly notify: (key: string, notice: Notice | undefined) => void;
  readonly now: () => number;
}

export class BootRestores {
  readonly #sources: BootRestoreSources;

  constructor(sources: BootRestoreSources) {
    this.#sources = sources;
  }

  view(node: string): NodeView["everyBoot"] {
    const record = this.#sources.everyBoots.of(node);
    if (!record) return undefined;
    const { by, since, terms: { image, version } } = record;
    return { by, since, ...present("image", image), ...present("version", version) };
  }

  /** Nodes whose orders name the same image: they may well boot at the same time. At least 1. */
  alike(node: string): number {
    const { everyBoots } = this.#sources;
    const own = everyBoots.of(node);
    if (!own) return 1;
    return everyBoots.all().filter(({ terms }) => terms.image === own.terms.image).length;
  }

  /** The node boots and has no other order. Arms it if this boot is to restore it; never throws. */
  atBoot(node: NodeRecord): Assignment | undefined {
    const { everyBoots, deployments, notify } = this.#sources;
    if (!everyBoots.of(node.id)) return undefined;
    try {
      if (!this.#isDue(node.id)) return undefined;
      this.#order(node);
      notify(keyOf(node.id), undefined);
      return deployments.active(node.id);
    } catch (error) {
      // whatever is wrong, the machine starts from its own disk
      log.error("not-restored-at-boot", { node: node.name, error: messageOf(error) });
      notify(keyOf(node.id), {
        subject: node.name,
        problem: `it was not restored at its boot, and started from its own disk as it was: ${
          error instanceof RackseedError ? `${error.title}: ${error.reason}` : messageOf(error)
        }`.replace(/\.$/, ""),
        remedy: error instanceof RackseedError ? error.remedy : "see the server's log",
      });
      return undefined;
    }
  }

  /** The node (by id) has no such order any more. */
  calledOff(node: string): void {
    this.#sources.notify(keyOf(node), undefined);
  }

  /** False for the restart at the end of the latest order, unless the node's own system has reported since. */
  #isDue(node: string): boolean {
    const { everyBoots, deployments, now } = this.#sources;
    const { assignment } = deployments.progress(node);
    if (assignment?.state !== "installed") return true;
    const passedMs = everyBoots.of(node)?.passedMs;
    if (passedMs === undefined) everyBoots.setPassed(node, now());
    return passedMs !== undefined && now() - passedMs >= SAME_BOOT_MS;
  }

  #order(node: NodeRecord): void {
    const { everyBoots, orders, audit } = this.#sources;
    const record = everyBoots.of(node.id);
    const { image } = record?.terms ?? {};
    const act = audit.begin({
      who: "restore at every boot",
      address: node.address ?? "",
      action: "node.restore",
      nodes: [node.name],
      images: image === undefined ? [] : [image],
      subject: `ordered by ${record?.by}`,
    });
    try {
      orders.restoreAtBoot(node);
      act.end({ result: "done", status: 200 });
    } catch (error) {
      const status = error instanceof RackseedError ? error.status : 500;
      act.end({ result: status < 500 ? "refused" : "failed", status });
      throw error;
    }
  }
}

function keyOf(node: string): string {
  return `every boot of ${node}`;
}
