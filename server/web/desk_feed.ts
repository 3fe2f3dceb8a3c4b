/**
 * The live feed of the desk: one message with everything for a new watcher, then, a few times a second, one with what
 * changed. Every watcher gets the same text, so that it is made once however many desks are open.
 */
import type { NodeView, ServerEvent } from "#contract/api.ts";
import type { DeskMessage, DeskNode, DeskSite, DeskUser, Stale } from "#contract/desk.ts";
import { deskNode } from "./desk_rows.ts";
import { Watchers } from "./watchers.ts";

/** The most often that changes are sent. */
const CHANGES_MS = 300;
/** With many nodes that report, a message carries at most this many that only made progress; the others wait. */
const MAX_PROGRESS = 200;
const SITE_MS = 5000;

type Lists = Pick<DeskMessage, "machines" | "templates" | "captures" | "notices" | "swarm">;

export interface DeskSources {
  readonly nodes: () => readonly NodeView[];
  readonly lists: () => Lists;
  readonly site: () => DeskSite;
}

export class DeskFeed implements Disposable {
  readonly #watchers: Watchers;
  #sources: DeskSources | undefined;
  /** Every node as it was sent last; filled when the first desk opens. */
  #nodes: Map<string, DeskNode> | undefined;
  readonly #changed = new Set<string>();
  /** Nodes that only made progress, in the order of sending. */
  readonly #advanced = new Map<string, () => NodeView | undefined>();
  readonly #removed = new Set<string>();
  readonly #events = new Map<string, ServerEvent>();
  readonly #stale = new Set<Stale>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #siteTimer: ReturnType<typeof setInterval>;

  constructor() {
    this.#watchers = new Watchers();
    this.#siteTimer = setInterval(() => this.#sendSite(), SITE_MS);
  }

  /** Called once the server has them; until then there are no watchers. */
  readFrom(sources: DeskSources): void {
    this.#sources = sources;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  recheck(): void {
    this.#watchers.recheck();
  }

  /** Notes a change for the next message. */
  note(event: ServerEvent): void {
    if (!this.#nodes) return;
    if (event.type === "node") return this.#noteNode(event.node);
    if (event.type === "node-removed") return this.#noteRemoved(event.name);
    if (event.type === "images" || event.type === "hooks" || event.type === "schedules") {
      return this.noteStale(event.type);
    }
    if (event.type === "rehearsal") return this.noteStale("rehearsals");
    this.#events.set(keyOf(event), event);
    this.#sendSoon();
  }

  /** The node is further in its running step: its row is made when one of the next messages is. */
  advance(name: string, view: () => NodeView | undefined): void {
    if (!this.#nodes) return;
    this.#advanced.set(name, view);
    this.#sendSoon();
  }

  /** What the desk asks the API for and shows must be asked for again. */
  noteStale(...lists: readonly Stale[]): void {
    if (!this.#nodes) return;
    for (const list of lists) this.#stale.add(list);
    this.#sendSoon();
  }

  /** Undefined if there are too many watchers. */
  watch(user: DeskUser, { isAllowed }: { isAllowed: () => boolean }): Response | undefined {
    if (!this.#sources) return undefined;
    this.#nodes ??= new Map(
      this.#sources.nodes().filter((node) => !node.isMachine).map((node) => [node.name, deskNode(node)]),
    );
    const whole: DeskMessage = {
      isWhole: true,
      user,
      site: this.#sources.site(),
      nodes: [...this.#nodes.values()],
      ...this.#sources.lists(),
    };
    return this.#watchers.watch({ first: lineOf(whole), isAllowed });
  }

  #noteNode(view: NodeView): void {
    // shown as a machine
    if (view.isMachine) return;
    const node = deskNode(view), last = this.#nodes?.get(view.name);
    this.#nodes?.set(node.name, node);
    this.#removed.delete(node.name);
    this.#advanced.delete(node.name);
    this.#changed.add(node.name);
    if (last?.state !== node.state) this.#stale.add("deployments");
    this.#sendSoon();
  }

  #noteRemoved(name: string): void {
    this.#nodes?.delete(name);
    this.#changed.delete(name);
    this.#advanced.delete(name);
    this.#removed.add(name);
    this.#sendSoon();
  }

  #sendSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#sendChanges();
      if (this.#advanced.size > 0) this.#sendSoon();
    }, CHANGES_MS);
  }

  #sendChanges(): void {
    if (this.#watchers.size === 0) return this.#forget();
    this.#takeAdvanced();
    const nodes = [...this.#changed].map((name) => this.#nodes?.get(name)).filter((node) =>
      node !== undefined
    );
    const message: DeskMessage = {
      ...nodes.length > 0 && { nodes },
      ...this.#removed.size > 0 && { removedNodes: [...this.#removed] },
      ...listsOf([...this.#events.values()]),
      ...this.#stale.size > 0 && { stale: [...this.#stale] },
    };
    this.#clear();
    this.#watchers.send(lineOf(message));
  }

  /** Makes the rows of nodes that only made progress, as many as a message may carry of them. */
  #takeAdvanced(): void {
    for (const [name, view] of this.#advanced.entries().take(MAX_PROGRESS).toArray()) {
      this.#advanced.delete(name);
      const node = view();
      if (!node) continue;
      this.#nodes?.set(name, deskNode(node));
      this.#changed.add(name);
    }
  }

  /** Without watchers nothing is kept up to date. */
  #forget(): void {
    this.#nodes = undefined;
    this.#advanced.clear();
    this.#clear();
  }

  #clear(): void {
    for (const noted of [this.#changed, this.#removed, this.#events, this.#stale]) noted.clear();
  }

  #sendSite(): void {
    if (this.#watchers.size === 0 || !this.#sources) return;
    const { site } = this.#sources;
    const line = lineOf({ site: site() });
    this.#watchers.send(line);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearInterval(this.#siteTimer);
    this.#watchers[Symbol.dispose]();
  }
}

/** Events with the same key replace one another. */
function keyOf(event: ServerEvent): string {
  switch (event.type) {
    case "machine":
      return `machine ${event.machine.id}`;
    case "machine-removed":
      return `machine ${event.id}`;
    case "template":
      return `template ${event.template.id}`;
    case "capture":
      return `capture ${event.capture.id}`;
    default:
      return event.type;
  }
}

function listsOf(events: readonly ServerEvent[]): DeskMessage {
  const of = <T extends ServerEvent["type"]>(type: T) =>
    events.filter((event): event is Extract<ServerEvent, { type: T }> => event.type === type);
  const list = <T>(name: keyof DeskMessage, items: readonly T[]) => items.length > 0 ? { [name]: items } : {};
  const notices = of("notices").at(-1), swarm = of("swarm").at(-1);
  return {
    ...list("machines", of("machine").map(({ machine }) => machine)),
    ...list("removedMachines", of("machine-removed").map(({ id }) => id)),
    ...list("templates", of("template").map(({ template }) => template)),
    ...list("captures", of("capture").map(({ capture }) => capture)),
    ...notices && { notices: notices.notices },
    ...swarm && { swarm: swarm.settings },
  };
}

function lineOf(message: DeskMessage): string {
  return `data: ${JSON.stringify(message)}\n\n`;
}
