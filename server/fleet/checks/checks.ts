/**
 * Checks of running nodes: the agent on the node compares it with its image.
 *
 *     waiting ── the agent asks for orders ──▶ running ── result ──▶ done
 *                        ▲                        │
 *                        └──── agent silent ──────┤
 *                                                 └── it failed, or was silent too often ──▶ failed
 */
import { getLogger } from "@logtape/logtape";
import { randomBytes } from "node:crypto";
import {
  type CheckAnswer,
  type CheckOrder,
  type CheckProgress,
  type CheckReport,
  CheckRequest,
  type CheckResult,
  type CheckView,
} from "#contract/api/checks.ts";
import { type Problem, RackseedError } from "#contract/errors.ts";
import type { NodeChecks, StoredCheck } from "../../store/node_checks.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { Nodes } from "../../store/nodes.ts";
import type { Templates } from "../../store/templates.ts";
import type { Fleet } from "../fleet.ts";
import type { Images } from "../ports.ts";
import { present } from "../present.ts";

const log = getLogger(["rackseed", "check"]);

/** An agent reports every 15 s; after this, it is given the order again. */
const SILENT_MS = 120_000;
/** An agent that loses a check this often does not end it. */
const MOST_GIVEN = 3;
/** How long an order waits for an agent that went away before it took it. */
const WAITING_MS = 60 * 60_000;

interface CheckOptions {
  readonly fleet: Fleet;
  readonly nodes: Nodes;
  readonly checks: NodeChecks;
  readonly templates: Templates;
  readonly images: Images;
  /** An agent may be waiting for this order. */
  readonly wake: () => void;
  readonly now: () => number;
}

export class Checks {
  readonly #options: CheckOptions;
  /** When the agent of a running check was last heard of, by check; after a restart of the server: its start. */
  readonly #heard = new Map<string, number>();
  readonly #startedMs: number;

  constructor(options: CheckOptions) {
    this.#options = options;
    this.#startedMs = options.now();
  }

  /**
   * Orders checks of these nodes, all that can be checked. A node whose check is under way keeps it. Throws RackseedError
   * (404) if one of the nodes is not known, or what refuses them if none of them can be checked.
   */
  order(request: CheckRequest): CheckAnswer {
    const { nodes: keys, ...terms } = CheckRequest.parse(request);
    const nodes = keys.map((key) => this.#options.nodes.get(key));
    const ordered: CheckAnswer["ordered"] = [], refused: CheckAnswer["refused"] = [];
    for (const node of new Map(nodes.map((one) => [one.id, one])).values()) {
      try {
        ordered.push({ node: node.name, check: this.#orderOne(node, terms) });
      } catch (error) {
        if (!(error instanceof RackseedError)) throw error;
        if (nodes.length === 1) throw error;
        refused.push({ node: node.name, problem: error.toProblem() });
      }
    }
    const [first] = refused;
    if (ordered.length === 0 && first) throw RackseedError.fromProblem(first.problem);
    this.#options.wake();
    return { ordered, refused };
  }

  #orderOne(node: NodeRecord, terms: Omit<ReturnType<typeof CheckRequest.parse>, "nodes">): string {
    const { fleet, checks, images, now } = this.#options;
    const known = checks.find(node.id);
    if (known?.state === "waiting" || known?.state === "running") return known.id;
    this.#requireAgent(node);
    const { image, version } = this.#versionOf(node);
    const ref = `${image}@${version}`, settings = images.settings(image);
    const id = randomBytes(8).toString("hex");
    const order: CheckOrder = {
      check: id,
      image,
      version,
      manifest: images.get(ref).id,
      keep: [...settings.keep ?? [], ...terms.keep],
      ...present("own", settings.own),
      left: [...fleet.leftMounts(node.id)],
      readsAll: terms.check === "content",
    };
    const ordered = new Date(now()).toISOString();
    const threshold = terms.threshold ?? settings.driftThreshold ?? 0;
    checks.put(node.id, { id, state: "waiting", ordered, order, threshold, given: 0 });
    log.info("check-ordered", { node: node.name, check: id, image: ref });
    fleet.changed(node);
    return id;
  }

  #requireAgent({ name }: NodeRecord): void {
    const template = this.#options.templates.list().find((t) => t.name === name);
    if (template?.online) return;
    throw new RackseedError(`cannot check the node ${name}`, {
      reason: template === undefined ? "no agent runs on it." : "its agent is not connected.",
      remedy: `start it; this prints how: rackseed node agent ${name}`,
      status: 409,
    });
  }

  /** What the node was installed from. Throws RackseedError (409). */
  #versionOf({ id, name }: NodeRecord): { image: string; version: number } {
    const { armed, image: ref } = this.#options.fleet.get(id);
    if (ref !== undefined && !armed) {
      const [image = "", version] = ref.split("@");
      return { image, version: Number(version) };
    }
    throw new RackseedError(`cannot check the node ${name}`, {
      reason: armed ? "it is armed or being installed." : "no image was installed on it from here.",
      remedy: armed
        ? `wait for that, or cancel it: rackseed node cancel ${name}`
        : `deploy an image to it: rackseed node deploy ${name} --image IMAGE`,
      status: 409,
    });
  }

  /** The order for the agent of the node with this name; the same one again if it was lost. */
  orderFor(name: string): CheckOrder | undefined {
    const { nodes, checks, fleet, now } = this.#options;
    const node = nodes.find(name);
    const check = node && checks.find(node.id);
    if (node?.name !== name || check === undefined) return undefined;
    const isLost = check.state === "running" && now() - this.#heardMs(check.id) >= SILENT_MS;
    if (check.state !== "waiting" && !isLost) return undefined;
    if (check.given >= MOST_GIVEN || this.#endIfReplaced(node, check)) return undefined;
    this.#heard.set(check.id, now());
    checks.put(node.id, { ...check, state: "running", given: check.given + 1 });
    fleet.changed(node);
    return check.order;
  }

  /** Name of the node that the check is of; undefined if it is over or unknown. */
  nodeOf(id: string): string | undefined {
    const { nodes, checks } = this.#options;
    const open = checks.openById(id);
    return open && nodes.find(open.node)?.name;
  }

  /** The manifest for the check's agent, in zstd. Throws RackseedError (404). */
  async manifest(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const { order: { image, version } } = this.#running(id).check;
    return await this.#options.images.plainManifest(`${image}@${version}`);
  }

  /** Throws RackseedError (404). */
  progress(id: string, progress: CheckProgress): void {
    const { node } = this.#running(id);
    this.#options.checks.note(node.id, progress);
    this.#options.fleet.changed(node);
  }

  /** Throws RackseedError (404). */
  complete(id: string, result: CheckResult): void {
    const { fleet, checks, now } = this.#options;
    const { node, check } = this.#running(id), { image, version } = check.order;
    if (this.#endIfReplaced(node, check)) return;
    const { changed, missing, foreign } = result, { threshold } = check;
    const at = new Date(now()).toISOString();
    const drifted = changed + missing + foreign > threshold;
    checks.complete(node.id, {
      check: { ...check, state: "done", ended: at },
      result: { ...result, at, image: `${image}@${version}`, threshold, drifted },
    });
    this.#heard.delete(id);
    const facts = { node: node.name, check: id, changed, missing, foreign };
    if (drifted) log.warn("node-drifted", facts);
    else log.info("check-ended", facts);
    fleet.changed(node);
  }

  /** Throws RackseedError (404). */
  fail(id: string, problem: Problem): void {
    const { node, check } = this.#running(id);
    this.#end(node, { check, problem });
  }

  /** The node's latest check, with the differences of its newest result. Throws RackseedError (404). */
  report(key: string): CheckReport {
    const { nodes, checks } = this.#options;
    const { id, name } = nodes.get(key);
    const view = checks.view(id);
    if (view) {
      const { result: _, ...latest } = view;
      return { ...latest, node: name, ...present("result", checks.result(id)) };
    }
    throw new RackseedError(`cannot show a check of the node ${name}`, {
      reason: "it was not checked since it was installed or restored.",
      remedy: `check it: rackseed node check ${name}`,
      status: 404,
    });
  }

  /** The latest check of a node (by id), without its differences. */
  latest(node: string): CheckView | undefined {
    return this.#options.checks.view(node);
  }

  /** Ends checks that no agent will end. */
  endAbandoned(): void {
    const { nodes, checks, now } = this.#options;
    for (const { node: id, check } of checks.open()) {
      const node = nodes.find(id);
      if (node === undefined) {
        checks.forget(id);
        continue;
      }
      const isWaiting = check.state === "waiting";
      const silentMs = now() - (isWaiting ? Date.parse(check.ordered) : this.#heardMs(check.id));
      const isOver = isWaiting ? silentMs >= WAITING_MS : silentMs >= SILENT_MS && check.given >= MOST_GIVEN;
      if (!isOver && silentMs < WAITING_MS) continue;
      this.#end(node, { check, problem: abandoned(node.name, isWaiting).toProblem() });
    }
  }

  /** A node that has got another version since must not be compared with the old one. */
  #endIfReplaced(node: NodeRecord, check: StoredCheck): boolean {
    const { image, version } = check.order, now = this.#options.fleet.get(node.id);
    if (!now.armed && now.image === `${image}@${version}`) return false;
    const error = new RackseedError(`cannot check the node ${node.name}`, {
      reason:
        "it was ordered to be installed again, or restored to another version, since the check was ordered.",
      remedy: `check it once it runs again: rackseed node check ${node.name}`,
      status: 409,
    });
    this.#end(node, { check, problem: error.toProblem() });
    return true;
  }

  #end(node: NodeRecord, { check, problem }: { check: StoredCheck; problem: Problem }): void {
    const { fleet, checks, now } = this.#options;
    const ended = new Date(now()).toISOString();
    checks.put(node.id, { ...check, state: "failed", ended, problem });
    this.#heard.delete(check.id);
    log.warn("check-failed", { node: node.name, check: check.id, problem: problem.detail });
    fleet.changed(node);
  }

  #heardMs(check: string): number {
    return this.#heard.get(check) ?? this.#startedMs;
  }

  /** Throws RackseedError (404) if no such check is under way. */
  #running(id: string): { node: NodeRecord; check: StoredCheck } {
    const { nodes, checks, now } = this.#options;
    const open = checks.openById(id), node = open && nodes.find(open.node);
    if (node) {
      this.#heard.set(id, now());
      return { node, check: open.check };
    }
    throw new RackseedError(`cannot find the check ${id}`, {
      reason: "it is over, or its node was deleted.",
      remedy: "order another one: rackseed node check NODE",
      status: 404,
    });
  }
}

function abandoned(name: string, isWaiting: boolean): RackseedError {
  return new RackseedError(`cannot check the node ${name}`, {
    reason: isWaiting
      ? "its agent has not asked for orders since."
      : "its agent began several times, and was not heard of again.",
    remedy: "see the agent's log on the node: journalctl -u rackseed-agent",
    status: 504,
  });
}
