/**
 * Backups of nodes without a running agent, whose own system may be broken. The node is armed; at its next boot from
 * the network an agent reads its disks and writes nothing. Such an order never installs.
 */
import { getLogger } from "@logtape/logtape";
import {
  BackupRequest,
  type BootBackupRequest,
  type CaptureOrder,
  type CaptureView,
  type DeployAnswer,
} from "#contract/api.ts";
import { type Problem, RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import type { BackupTerms } from "../../store/deployment_terms.ts";
import type { Assignment } from "../../store/assignment.ts";
import type { Deployments } from "../../store/deployments.ts";
import type { Nodes } from "../../store/nodes.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { CaptureOrders } from "./capture_orders.ts";
import type { Machines } from "../machines.ts";
import { backupImage } from "./image_names.ts";
import type { Captures, Images } from "../ports.ts";

const log = getLogger(["rackseed", "backup"]);

interface BootBackupOptions {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly images: Images;
  readonly captures: Captures;
  readonly orders: CaptureOrders;
  /** Pin of the server's CA. */
  readonly pin: string;
  readonly machines: Pick<Machines, "adoptOrdered">;
  readonly onChange: (node: NodeRecord) => void;
}

export class BootBackups {
  readonly #options: BootBackupOptions;

  constructor(options: BootBackupOptions) {
    this.#options = options;
  }

  /** Arms the node. Throws RackseedError: 409 if it has another order, or no image that boots it. */
  arm(key: string, { image, ...terms }: BootBackupRequest): DeployAnswer {
    const { nodes, deployments, images, machines, pin, onChange } = this.#options;
    const node = nodes.get(key);
    const title = `cannot back up the node ${node.name} at its next boot`;
    if (deployments.active(node.id)) {
      throw new RackseedError(title, {
        reason: "it has another order, pending or under way.",
        remedy: `wait for it, or cancel it first: rackseed node cancel ${node.name}`,
        status: 409,
      });
    }
    const boots = images.get(image ?? this.#assignedTo(node, title));
    const named = `${boots.image}@${boots.version}`;
    if (!boots.bootable && node.settings.mac !== undefined) {
      throw new RackseedError(title, {
        reason: `${named} cannot boot a machine: ${boots.bootNotes.join(" ") || "it has no kernel."}`,
        remedy: `name an image that can: rackseed node backup ${node.name} --at-boot --image NAME`,
        status: 409,
      });
    }
    const { deployment, secrets } = deployments.arm([node.id], {
      image: boots.image,
      version: boots.version,
      backup: BackupRequest.parse(terms),
    });
    log.info("armed-for-backup", { node: node.name, deployment, boots: named });
    machines.adoptOrdered(node);
    onChange(node);
    const token = formatToken({ pin, secret: secrets.get(node.id) ?? "" });
    return { deployment, image: named, nodes: [{ id: node.id, node: node.name, token }] };
  }

  /** Begins the capture, or continues it if the node was restarted in the middle. Throws RackseedError. */
  beginCapture(assignment: Assignment): CaptureOrder {
    const { nodes, deployments, captures, orders } = this.#options;
    const terms = this.#running(assignment);
    const { deployment: id } = assignment;
    const { name, id: node } = nodes.get(assignment.node);
    const running = captures.orderFor(id);
    if (running) return running;
    const request = { ...terms, image: backupImage(name) };
    const base = deployments.assigned(node)?.image ?? assignment.image;
    orders.order(request, { template: { id, name }, backupOf: name, base });
    const order = captures.orderFor(id);
    if (order) return order;
    throw new RangeError("the capture that was just begun has no order");
  }

  /** A capture of this node. Throws RackseedError. */
  captureOf(assignment: Assignment, id: string): CaptureView {
    this.#running(assignment);
    const view = this.#options.captures.get(id);
    if (view.template === this.#options.nodes.get(assignment.node).name) return view;
    throw new RackseedError(`cannot show the capture ${id}`, {
      reason: "it is not a capture of this node.",
      remedy: "use the server's token.",
      status: 403,
    });
  }

  /** Ends the capture of a node (by id) whose backup has failed with `problem`, or was cancelled. */
  endCapture(node: string, problem?: Problem): void {
    const { deployments, captures } = this.#options;
    const { assignment } = deployments.progress(node);
    const hasStopped = assignment?.state === "failed" || assignment?.state === "aborted";
    if (!hasStopped || !deployments.backupTerms(assignment.deployment)) return;
    const capture = captures.orderFor(assignment.deployment)?.capture;
    if (capture === undefined) return;
    if (problem) captures.fail(capture, problem);
    else captures.cancel(capture);
  }

  /** Name of the node that the agent with this session backs up. */
  nodeOf(session: string): string | undefined {
    const { nodes, deployments } = this.#options;
    const assignment = deployments.ofSession(session);
    if (assignment?.state !== "installing" || !deployments.backupTerms(assignment.deployment)) {
      return undefined;
    }
    return nodes.find(assignment.node)?.name;
  }

  #running({ deployment, state }: Assignment): BackupTerms {
    const terms = this.#options.deployments.backupTerms(deployment);
    if (terms && state === "installing") return terms;
    throw new RackseedError("cannot back up this node", {
      reason: terms ? "the backup was cancelled." : "its order is to install.",
      remedy: "order its backup: rackseed node backup NODE --at-boot",
      status: 409,
    });
  }

  #assignedTo({ id, name }: NodeRecord, title: string): string {
    const assigned = this.#options.deployments.assigned(id);
    if (assigned) return `${assigned.image}@${assigned.version}`;
    throw new RackseedError(title, {
      reason: "no image is assigned to it whose kernel could boot it.",
      remedy: `name an image that boots it: rackseed node backup ${name} --at-boot --image NAME`,
      status: 409,
    });
  }
}
