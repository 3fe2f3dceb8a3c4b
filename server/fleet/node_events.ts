/** Publishes nodes, and machines that are none, as they change. */
import type { NodeView } from "#contract/api.ts";
import type { Nodes } from "../store/nodes.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Machines } from "./machines.ts";
import type { Advance, Publish } from "./ports.ts";
import { ChangeQueue } from "./turns.ts";

interface NodeEventSources {
  readonly nodes: Nodes;
  readonly machines: Pick<Machines, "view">;
  readonly view: (node: NodeRecord) => NodeView;
  readonly publish: Publish;
  readonly advance: Advance;
}

export class NodeEvents implements Disposable {
  readonly #sources: NodeEventSources;
  /** Ids of machines that watchers know of as such. */
  readonly #shownMachines: Set<string>;
  readonly #changes: ChangeQueue;

  constructor(sources: NodeEventSources) {
    this.#sources = sources;
    const { nodes } = sources;
    this.#shownMachines = new Set(nodes.all().filter(({ discovered }) => discovered).map(({ id }) => id));
    this.#changes = new ChangeQueue((id) => {
      const node = nodes.find(id);
      if (node) this.changed(node);
    });
  }

  /** Publishes the node, or the machine that is none, as it is now. */
  changed({ id }: NodeRecord): NodeView {
    const { nodes, machines, publish } = this.#sources;
    this.#changes.shown(id);
    const node = nodes.get(id), view = this.#sources.view(node);
    if (node.discovered) {
      this.#shownMachines.add(id);
      publish({ type: "machine", machine: machines.view(node) });
    } else this.endMachine(id);
    if (isFollowed(view)) publish({ type: "node", node: view });
    return view;
  }

  /** As `changed`, for any number of nodes (by id): many are published in turns. */
  changedAll(ids: Iterable<string>): void {
    this.#changes.add(ids);
  }

  /** As `changed`, if only the progress of its running step has. */
  advanced({ id, name }: NodeRecord): void {
    const { nodes, advance, view } = this.#sources;
    advance(name, () => {
      const node = nodes.find(id);
      return node && view(node);
    });
  }

  /** It is a node now, or was forgotten. */
  endMachine(id: string): void {
    if (this.#shownMachines.delete(id)) this.#sources.publish({ type: "machine-removed", id });
  }

  /** What was not published yet no longer is. */
  [Symbol.dispose](): void {
    this.#changes[Symbol.dispose]();
  }
}

/** Whether its changes are published as a node's: those of an order to a machine are, since a client may wait for its end. */
export function isFollowed({ isMachine, armed, report }: NodeView): boolean {
  return !isMachine || armed || report !== undefined;
}
