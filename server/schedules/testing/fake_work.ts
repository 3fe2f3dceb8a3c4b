/** A kind of work whose nodes do what a test says. */
import type { NodeRecord } from "../../store/node_record.ts";
import type { Ordered, Part, RecordOrder, Work, WorkProgress } from "../work/work.ts";

export class FakeWork implements Work {
  readonly action = "node.restore";
  /** Names of nodes, in the order in which they were ordered. */
  readonly ordered: string[] = [];
  readonly takenBack: string[] = [];
  readonly #progress = new Map<string, WorkProgress>();
  readonly #refused = new Set<string>();

  /** From now on, an order of this node is refused. */
  refuse(node: string): void {
    this.#refused.add(node);
  }

  set(node: string, state: WorkProgress["state"], problem?: string): void {
    this.#progress.set(node, { state, ...(problem !== undefined && { problem }) });
  }

  check(): void {}

  reviews(): [] {
    return [];
  }

  pin<O>(order: O): O {
    return order;
  }

  begin(nodes: readonly NodeRecord[], _: unknown, { record }: { record: RecordOrder }): Ordered[] {
    return nodes.map(({ id, name }): Ordered => {
      if (this.#refused.has(name)) return { node: id, problem: "its plan was refused" };
      this.ordered.push(name);
      this.#progress.set(name, { state: "ordered" });
      record([id], name);
      return { node: id, handle: name };
    });
  }

  progress(parts: readonly Part[]): WorkProgress[] {
    return parts.map(({ handle }) => this.#progress.get(handle) ?? { state: "cancelled" });
  }

  takeBack({ handle }: Part): void {
    this.takenBack.push(handle);
    this.#progress.delete(handle);
  }
}
