/** Nodes and their deployments together: what the API, the page and the netboot policy do with them. */
import { getLogger } from "@logtape/logtape";
import type { DeployAnswer, Enrolment, NodeSettings, NodeView, Order, StepReport } from "#contract/api.ts";
import type { ReportAnswer } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import type { Assignment, Deployments } from "../store/deployments.ts";
import { hostnameOf, type NodeRecord, type Nodes, shortList } from "../store/nodes.ts";
import type { Images, Publish, SwarmAddresses } from "./ports.ts";

/** See GET /node/packs in #contract/api.ts. */
export const NODE_PACKS = "/node/packs/";

const log = getLogger(["rackseed", "nodes"]);

export interface FleetOptions {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly images: Images;
  readonly publish: Publish;
  /** Pin of the server's CA, for the tokens that nodes are given. */
  readonly pin: string;
}

export class Fleet {
  readonly #nodes: Nodes;
  readonly #deployments: Deployments;
  readonly #images: Images;
  readonly #publish: Publish;
  readonly #pin: string;

  constructor({ nodes, deployments, images, publish, pin }: FleetOptions) {
    this.#nodes = nodes;
    this.#deployments = deployments;
    this.#images = images;
    this.#publish = publish;
    this.#pin = pin;
  }

  list(): NodeView[] {
    return this.#nodes.list().map((node) => this.#view(node));
  }

  get(key: string): NodeView {
    return this.#view(this.#nodes.get(key));
  }

  put(key: string, settings: NodeSettings): NodeView {
    return this.#changed(this.#nodes.put(key, settings));
  }

  delete(key: string): void {
    const node = this.#nodes.get(key);
    if (this.#deployments.active(node.id)) {
      throw new RackseedError(`cannot delete the node ${node.name}`, {
        reason: "it is armed or being installed.",
        remedy: `call that off first: rackseed node cancel ${node.name}`,
        status: 409,
      });
    }
    this.#deployments.forgetNode(node.id);
    this.#nodes.delete(node.id);
    this.#publish({ type: "node-removed", name: node.name });
  }

  /** Arms all of the nodes, or none. Throws RackseedError where one cannot be had. */
  deploy(keys: readonly string[], ref: string): DeployAnswer {
    const { image, version, bootable, bootNotes } = this.#images.get(ref);
    const nodes = [...new Map(keys.map((key) => this.#nodes.get(key)).map((n) => [n.id, n])).values()];
    const named = `${image}@${version}`;
    const busy = nodes.filter((node) => this.#deployments.active(node.id)?.state === "installing");
    if (busy.length > 0) {
      const names = shortList(busy.map((node) => node.name));
      throw new RackseedError(`cannot deploy ${named}`, {
        reason: `being installed just now: ${names}.`,
        remedy: `wait, or call that off first: rackseed node cancel ${busy.map((n) => n.name).join(" ")}`,
        status: 409,
      });
    }
    const netbooted = nodes.filter((node) => node.settings.mac !== undefined);
    if (!bootable && netbooted.length > 0) {
      throw new RackseedError(`cannot deploy ${named}`, {
        reason: `no machine can be booted with it: ${bootNotes.join(" ") || "it has no kernel."}`,
        remedy: "install on the template what is missing and capture it again.",
        status: 409,
      });
    }
    const { deployment, secrets } = this.#deployments.arm(nodes.map((node) => node.id), { image, version });
    log.info("armed", { deployment, image: named, nodes: nodes.map((node) => node.name) });
    for (const node of nodes) this.#changed(node);
    return {
      deployment,
      image: named,
      nodes: nodes.map((node) => ({ node: node.name, token: this.#token(secrets.get(node.id) ?? "") })),
    };
  }

  cancel(key: string): NodeView {
    const node = this.#nodes.get(key);
    const cancelled = this.#deployments.cancel(node.id);
    if (!cancelled) {
      throw new RackseedError(`cannot cancel the deployment of ${node.name}`, {
        reason: "the node is neither armed nor being installed.",
        remedy: "see `rackseed node list`.",
        status: 409,
      });
    }
    log.info("cancelled", { node: node.name, deployment: cancelled.deployment });
    return this.#changed(node);
  }

  log(key: string): StepReport[] {
    return this.#deployments.log(this.#nodes.get(key).id);
  }

  /**
   * A machine asked how to boot. It is shown from now on; where it is armed, the answer is its image and a fresh
   * boot token. Asking alone ("peek") makes no token.
   */
  netboot(mac: string, { peek = false, address }: { peek?: boolean; address?: string } = {}):
    | { node: NodeRecord; image: string; version: number; token: string | undefined }
    | undefined {
    const news = this.#nodes.discover(mac, { ...(address !== undefined && { address }) });
    if (news) this.#changed(news);
    const node = this.#nodes.byMac(mac);
    const order = node && this.#deployments.active(node.id);
    if (!node || !order) return undefined;
    const secret = peek ? undefined : this.#deployments.issueBootSecret(node.id);
    return {
      node,
      image: order.image,
      version: order.version,
      token: secret === undefined ? undefined : this.#token(secret),
    };
  }

  /** Turns a boot secret into the node's order. Throws RackseedError (401, 409). */
  enrol(
    bootSecret: string,
    { inventory, address, swarm }: Enrolment & { address: string; swarm: SwarmAddresses },
  ): Order {
    const pending = this.#deployments.ofBootSecret(bootSecret);
    if (!pending) throw unknownBearer();
    const node = this.#nodes.get(pending.node);
    const { mac } = node.settings;
    if (inventory.kind === "machine" && mac !== undefined && !hasNic(inventory, mac)) {
      throw new RackseedError(`cannot enrol this machine as ${node.name}`, {
        reason: `that node has the MAC ${mac}, this machine has ${
          inventory.nics.map((nic) => nic.mac).join(", ") || "no network card"
        }.`,
        remedy:
          `use the token of this machine, or correct the node: rackseed node set ${node.name} --mac MAC`,
        status: 409,
      });
    }
    const ref = `${pending.image}@${pending.version}`;
    const version = this.#images.get(ref);
    const { manifest, key } = this.#images.secrets(ref);
    const enrolled = this.#deployments.enrol(bootSecret);
    if (!enrolled) throw unknownBearer();
    this.#nodes.touch(node.id, { address, inventory });
    log.info("enrolled", { node: node.name, image: ref, address });
    this.#changed(node);
    const { settings } = node;
    return {
      session: enrolled.session,
      deployment: pending.deployment,
      node: node.name,
      image: pending.image,
      version: pending.version,
      manifest,
      key,
      swarm: { infoHash: version.infoHash, announce: [...swarm.announce], webSeeds: [...swarm.webSeeds] },
      identity: {
        hostname: hostnameOf(node),
        address: settings.address ?? "dhcp",
        ...(settings.gateway !== undefined && { gateway: settings.gateway }),
        dns: settings.dns ?? [],
        ...(mac !== undefined && { mac }),
      },
      ...(settings.disk !== undefined && { disk: settings.disk }),
      fallback: { peers: [...swarm.seeders], packs: NODE_PACKS },
    };
  }

  /** Whose session this is. Throws RackseedError (401). */
  assignmentOf(session: string): Assignment {
    const assignment = this.#deployments.ofSession(session);
    if (!assignment) throw unknownBearer();
    return assignment;
  }

  report(assignment: Assignment, report: StepReport, { address }: { address: string }): ReportAnswer {
    this.#nodes.touch(assignment.node, { address });
    const after = this.#deployments.report(assignment, report);
    const node = this.#nodes.find(assignment.node);
    if (node) this.#changed(node);
    if (report.state !== "running") {
      log.info("step", {
        node: node?.name,
        step: report.step,
        state: report.state,
        elapsedMs: report.elapsedMs,
        ...(report.problem && { problem: `${report.problem.title}: ${report.problem.detail}` }),
      });
    }
    const cancelled = after.state === "cancelled" || (after.state === "failed" && report.state !== "failed");
    return { cancelled, seedOn: !cancelled && this.#deployments.othersFetch(after) };
  }

  #token(secret: string): string {
    return formatToken({ pin: this.#pin, secret });
  }

  #changed(node: NodeRecord): NodeView {
    const view = this.#view(this.#nodes.get(node.id));
    this.#publish({ type: "node", node: view });
    return view;
  }

  #view(node: NodeRecord): NodeView {
    const { assignment, report } = this.#deployments.progress(node.id);
    const state = assignment?.state;
    return {
      id: node.id,
      name: node.name,
      settings: node.settings,
      state: state === undefined || state === "cancelled" ? "idle" : state,
      armed: state === "armed" || state === "installing",
      ...(assignment && { image: `${assignment.image}@${assignment.version}` }),
      ...(node.address !== undefined && { address: node.address }),
      ...(node.seen !== undefined && { seen: node.seen }),
      ...(report && { report }),
      ...(node.inventory && { inventory: node.inventory }),
    };
  }
}

export function unknownBearer(): RackseedError {
  return new RackseedError("cannot let this request in", {
    reason: "its token is not known here, was used up, or the deployment was replaced.",
    remedy: "use the server's token (the file `token` in its data directory), or deploy the node again.",
    status: 401,
  });
}

function hasNic({ nics }: Enrolment["inventory"], mac: string): boolean {
  return nics.some((nic) => nic.mac.toLowerCase() === mac);
}
