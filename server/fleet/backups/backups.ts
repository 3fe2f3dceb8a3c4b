/** Backups of running nodes: the agent on the node captures it, into an image of its own. */
import { getLogger } from "@logtape/logtape";
import { type AgentToken, BackupRequest, type CaptureView } from "#contract/api.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import { dueBackups, freeSlots } from "./due_backups.ts";
import { OverdueBackups } from "./overdue_backups.ts";
import type { AgentTokens } from "../../store/agent_tokens.ts";
import type { Templates } from "../../store/templates.ts";
import type { CaptureOrders } from "./capture_orders.ts";
import type { Fleet } from "../fleet.ts";
import { backupImage } from "./image_names.ts";
import type { Captures, Images } from "../ports.ts";

const log = getLogger(["rackseed", "backup"]);

interface BackupOptions {
  readonly fleet: Fleet;
  readonly templates: Templates;
  readonly captures: Captures;
  readonly images: Images;
  readonly orders: CaptureOrders;
  readonly agents: AgentTokens;
  /** A node's name by its id. */
  readonly nameOf: (id: string) => string | undefined;
  /** Pin of the server's CA. */
  readonly pin: string;
  /** The server's URL, for the node's agent: "https://10.0.0.1:8443". */
  readonly server: () => string;
  /** Called with the names of nodes whose scheduled backup is overdue since the last check. */
  readonly onOverdue?: (nodes: readonly string[]) => void;
  readonly now: () => number;
}

export class Backups {
  readonly #options: BackupOptions;
  readonly #overdue = new OverdueBackups();
  /** Captures that schedules began since the server's start. */
  readonly #scheduled = new Set<string>();

  constructor(options: BackupOptions) {
    this.#options = options;
  }

  /** Orders a backup of the node. Throws RackseedError: 404, 409 if it has no agent or a capture is under way. */
  begin(key: string, request: BackupRequest = {}): CaptureView {
    const { fleet, templates, orders } = this.#options;
    const { name, image } = fleet.get(key);
    const template = templates.list().find((t) => t.name === name);
    if (!template?.online) {
      throw new RackseedError(`cannot back up the node ${name}`, {
        reason: template === undefined ? "no agent runs on it." : "its agent is not connected.",
        remedy:
          `start it; this prints how: rackseed node agent ${name}. Or back the node up without an agent, at its ` +
          `next boot from the network: rackseed node backup ${name} --at-boot`,
        status: 409,
      });
    }
    const order = { ...BackupRequest.parse(request), image: backupImage(name) };
    return orders.order(order, { template, backupOf: name, base: image?.split("@")[0] });
  }

  /** As `begin`, by a schedule: it counts against the backups at a time. */
  beginScheduled(key: string, request: BackupRequest): CaptureView {
    const capture = this.begin(key, request);
    this.#scheduled.add(capture.id);
    return capture;
  }

  /** How many backups a schedule may begin now. */
  get room(): number {
    return freeSlots(this.#nodes(), this.#captures());
  }

  /** Names of the nodes whose scheduled backup was overdue at the last check. */
  get overdue(): readonly string[] {
    return this.#overdue.nodes;
  }

  /** Orders the scheduled backups that are due, and notes those that are overdue. */
  tick(): void {
    const { images, onOverdue, now } = this.#options;
    const nodes = this.#nodes();
    const versions = images.list();
    const newlyOverdue = this.#overdue.check(nodes, { versions, nowMs: now() });
    if (newlyOverdue.length > 0) {
      log.warn("backups-overdue", { nodes: newlyOverdue });
      onOverdue?.(newlyOverdue);
    }
    const due = dueBackups(nodes, { captures: this.#captures(), versions, nowMs: now() });
    for (const node of due) {
      try {
        const { id } = this.begin(node);
        log.info("backup-scheduled", { node, capture: id });
      } catch (error) {
        log.warn("backup-not-begun", { node, error: messageOf(error) });
      }
    }
  }

  #nodes() {
    const { fleet, templates } = this.#options;
    const online = new Set(templates.list().filter((t) => t.online).map((t) => t.name));
    return fleet.list().map(({ name, settings }) => ({
      name,
      image: backupImage(name),
      everySeconds: settings.backupEverySeconds,
      online: online.has(name),
    }));
  }

  #captures() {
    return this.#options.captures.list().map((capture) => ({
      ...capture,
      isScheduled: this.#scheduled.has(capture.id),
    }));
  }

  /** Issues a new token for the node's agent. The old one becomes invalid. */
  issueToken(key: string): AgentToken {
    const { fleet, agents, pin, server } = this.#options;
    const { id, name } = fleet.get(key);
    return { node: name, token: formatToken({ pin, secret: agents.issue(id) }), server: server() };
  }

  /** Name of the node whose agent has this secret. */
  agentOf(secret: string): string | undefined {
    const { agents, nameOf } = this.#options;
    const id = agents.nodeOf(secret);
    return id === undefined ? undefined : nameOf(id);
  }
}
