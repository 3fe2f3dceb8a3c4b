/**
 * Starts the nodes of one deployment from the network, a few at a time, and watches that their agents enrol. A node
 * whose BMC is dead, or lies, is shown with its cause; the rest go on.
 */
import { getLogger } from "@logtape/logtape";
import type { PowerTerms, PowerView } from "#contract/api/power.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Deployments } from "../store/deployments.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Nodes } from "../store/nodes.ts";
import type { OpenDriver } from "./open_driver.ts";
import type { Pause, PowerDriver } from "./power_driver.ts";
import { staggered } from "./staggered.ts";
import { cycle } from "./switching.ts";

const log = getLogger(["rackseed", "power"]);

interface StartOptions {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly open: OpenDriver;
  readonly pause: Pause;
  readonly now: () => number;
  readonly deployment: string;
  readonly terms: PowerTerms;
  readonly signal: AbortSignal;
  /** Undefined: the node's order is gone, and with it what is to be shown. */
  readonly show: (node: NodeRecord, start: Omit<NonNullable<PowerView["start"]>, "at"> | undefined) => void;
}

const POLL_MS = 2000;
/** As the contract has it. */
const MAX_REMARK = 1000;

export class DeploymentStart {
  readonly #options: StartOptions;
  /** The last of the nodes that are started again. */
  #again: Promise<unknown> = Promise.resolve();

  constructor(options: StartOptions) {
    this.#options = options;
  }

  /**
   * Returns when every node has arrived or failed. `switched`: nodes that were switched on before, and when, in
   * milliseconds since the epoch. Throws only the signal's reason.
   */
  async run(
    nodes: readonly NodeRecord[],
    { switched: before = new Map() }: { switched?: ReadonlyMap<NodeRecord, number> } = {},
  ): Promise<void> {
    const { terms: { atOnce, pauseSeconds }, pause, signal, show } = this.#options;
    for (const node of nodes) show(node, { state: "queued" });
    const awaited = [...before].map(([node, startedMs]) => this.#awaitAgain(node, startedMs));
    await staggered(nodes, {
      atOnce,
      pauseMs: pauseSeconds * 1000,
      pause,
      signal,
      work: async (node) => {
        const title = titleOf(node);
        const switched = await this.#switch(node, title);
        // it takes minutes until an agent enrols: the next node is not kept waiting for that
        if (switched) awaited.push(this.#await(node, { title, ...switched }));
      },
    });
    await Promise.all(awaited);
  }

  /** Undefined if it failed, or is no longer to be started. */
  async #switch(node: NodeRecord, title: string): Promise<Switched | undefined> {
    const { open, pause, now, signal, show } = this.#options;
    while (this.#isHeld(node)) await pause(POLL_MS, signal);
    if (this.#orderOf(node) !== "armed") {
      show(node, undefined);
      return undefined;
    }
    show(node, { state: "switching" });
    let driver: PowerDriver | undefined;
    try {
      driver = open(node, { title, signal });
      const startedMs = now();
      const note = await cycle(driver, { title, signal, pause }, { boot: "network" });
      log.info("started", { node: node.name });
      show(node, { state: "awaited", ...(note !== undefined && { note }) });
      return { driver, note, startedMs };
    } catch (error) {
      this.#fail(node, error, title);
      return undefined;
    } finally {
      // the BMC's session must not wait with the machine: there are few of them
      await driver?.[Symbol.asyncDispose]();
    }
  }

  /** What the BMC's boot order was before is not known any more. */
  async #awaitAgain(node: NodeRecord, startedMs: number): Promise<void> {
    const { open, signal } = this.#options, title = titleOf(node);
    try {
      await this.#await(node, { title, driver: open(node, { title, signal }), note: undefined, startedMs });
    } catch (error) {
      this.#fail(node, error, title);
    }
  }

  async #await(
    node: NodeRecord,
    { title, driver, note, startedMs }: Switched & { title: string },
  ): Promise<void> {
    const { terms: { arriveSeconds }, pause, now, signal, show } = this.#options;
    try {
      let isLost = false;
      while (this.#orderOf(node) === "armed" && (isLost || now() - startedMs < arriveSeconds * 1000)) {
        if (this.#isHeld(node)) isLost = true;
        else if (isLost) return await this.#startAgain(node, { title, driver });
        await pause(POLL_MS, signal);
      }
      const order = this.#orderOf(node);
      if (order === "armed") throw await this.#absent(node, { title, driver, note, startedMs });
      show(node, order === "gone" ? undefined : { state: "arrived" });
      const remark = await this.#restoreBoot(node, driver);
      if (remark !== undefined && order === "arrived") show(node, { state: "arrived", note: remark });
    } catch (error) {
      this.#fail(node, error, title);
      await this.#restoreBoot(node, driver);
    }
  }

  /** It started its own system while its deployment was paused. One such node is switched at a time. */
  async #startAgain(
    node: NodeRecord,
    { title, driver }: { title: string; driver: PowerDriver },
  ): Promise<void> {
    const { terms: { pauseSeconds }, pause, signal, show } = this.#options;
    await driver[Symbol.asyncDispose]();
    show(node, { state: "queued" });
    const mine = this.#again.then(async () => {
      const switched = await this.#switch(node, title);
      if (pauseSeconds > 0) await pause(pauseSeconds * 1000, signal);
      return switched;
    });
    this.#again = mine.catch(() => undefined);
    const switched = await mine;
    if (switched) await this.#await(node, { title, ...switched });
  }

  #isHeld(node: NodeRecord): boolean {
    const { deployments, deployment } = this.#options;
    return this.#orderOf(node) === "armed" && deployments.paused.is(deployment);
  }

  /** The order is the only thing that decides: a cancelled one must not switch a machine. */
  #orderOf({ id }: NodeRecord): OrderState {
    const { deployments, deployment } = this.#options;
    return orderOf(deployments, { node: id, deployment });
  }

  /** Why the agent did not come, as far as can be seen from here. */
  async #absent(
    node: NodeRecord,
    { title, driver, note, startedMs }: Switched & { title: string },
  ): Promise<RackseedError> {
    const { nodes, terms: { arriveSeconds } } = this.#options;
    const state = await driver.status().catch(() => "unknown" as const);
    const seen = nodes.find(node.id)?.seen;
    const wasSeen = seen !== undefined && Date.parse(seen) >= startedMs;
    const said = {
      on: "its BMC says that it is on",
      off: "its BMC accepted the order, and says now that it is off",
      unknown: "nothing says whether it is on",
    }[state];
    return new RackseedError(title, {
      reason: `${said}, but its agent has not enrolled within ${arriveSeconds} s. ` +
        (wasSeen
          ? "It did ask for a network boot since."
          : "It has not asked this server for a network boot either.") +
        (note === undefined ? "" : ` Note: ${note}.`),
      remedy: wasSeen
        ? "see its console for where the installer stopped."
        : "see its console; check the firmware's boot order, the cable and VLAN of the NIC with its MAC, and that " +
          "this BMC is the one of this machine.",
      status: 504,
    });
  }

  /** Returns a remark if it failed, and never throws: the machine runs already. */
  async #restoreBoot({ name }: NodeRecord, driver: PowerDriver): Promise<string | undefined> {
    try {
      if (!this.#options.signal.aborted) await driver.restoreBoot();
      return undefined;
    } catch (error) {
      const reason = error instanceof RackseedError ? error.reason : messageOf(error);
      log.warn("boot-order-not-restored", { node: name, error: reason });
      return `its boot order was not put back: ${reason}`.slice(0, MAX_REMARK);
    } finally {
      await driver[Symbol.asyncDispose]();
    }
  }

  #fail(node: NodeRecord, error: unknown, title: string): void {
    if (this.#options.signal.aborted) return;
    const known = error instanceof RackseedError
      ? error
      : new RackseedError(title, { reason: messageOf(error), remedy: "see the server's log." });
    log.warn("start-failed", { node: node.name, error: known.reason });
    this.#options.show(node, { state: "failed", problem: known.toProblem() });
  }
}

interface Switched {
  readonly driver: PowerDriver;
  readonly note: string | undefined;
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
}

function titleOf({ name }: NodeRecord): string {
  return `cannot start ${name} from the network`;
}

type OrderState = "armed" | "arrived" | "gone";

/** What became of a node's part of a deployment. */
export function orderOf(
  deployments: Deployments,
  { node, deployment }: { node: string; deployment: string },
): OrderState {
  const active = deployments.active(node);
  if (active?.deployment === deployment) return active.state === "armed" ? "armed" : "arrived";
  return deployments.progress(node).assignment?.deployment === deployment ? "arrived" : "gone";
}
