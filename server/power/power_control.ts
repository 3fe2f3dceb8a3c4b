/** Switches nodes: by order, or for a deployment that starts its nodes by itself. */
import { getLogger } from "@logtape/logtape";
import type { DeployAnswer } from "#contract/api.ts";
import type { PowerChange, PowerRequest, PowerResult, PowerTerms, PowerView } from "#contract/api/power.ts";
import { messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import type { Deployments } from "../store/deployments.ts";
import type { NodeHistory } from "../store/node_history.ts";
import type { NodeRecord } from "../store/node_record.ts";
import type { Nodes } from "../store/nodes.ts";
import type { PowerRecords } from "../store/power_records.ts";
import type { PowerStarts } from "../store/power_starts.ts";
import { DeploymentStart, orderOf } from "./deployment_start.ts";
import { noSettings, type OpenDriver } from "./open_driver.ts";
import type { Pause, PowerDriver } from "./power_driver.ts";
import { unsupported } from "./power_error.ts";
import { newPower } from "./power_settings.ts";
import { staggered } from "./staggered.ts";
import { StartBook } from "./start_book.ts";
import { cycle, switchOff, switchOn } from "./switching.ts";

const log = getLogger(["rackseed", "power"]);

interface PowerSources {
  readonly nodes: Nodes;
  readonly deployments: Deployments;
  readonly records: PowerRecords;
  readonly events: Pick<NodeHistory, "put">;
  readonly starts: PowerStarts;
  readonly open: OpenDriver;
  readonly pause: Pause;
  readonly now: () => number;
  readonly onChange: (node: NodeRecord) => void;
  readonly media: MediumAddresses;
}

/** Where BMCs fetch the images of media from. */
interface MediumAddresses {
  /** An address for this node (by id) alone. Throws RackseedError (404). */
  lend(medium: string, node: string): string;
  /** That address is good no longer. */
  end(node: string): void;
}

const TITLES = {
  on: "switch on",
  off: "switch off",
  cycle: "restart",
  status: "ask the power state of",
  eject: "eject the medium of",
} as const;

export class PowerControl implements AsyncDisposable {
  readonly #sources: PowerSources;
  readonly #closing = new AbortController();
  readonly #starts: StartBook;
  readonly #running = new Set<Promise<void>>();
  /** Nodes that have a medium in their virtual drive, by id, and whether they have installed since. */
  readonly #withMedium = new Map<string, { isInstalling: boolean }>();

  constructor(sources: PowerSources) {
    this.#sources = sources;
    this.#starts = new StartBook(sources.starts);
  }

  /** Undefined if nothing is known of how the node is switched. */
  view(node: string): PowerView | undefined {
    const record = this.#sources.records.get(node), start = this.#start(node);
    return record && { ...record, ...(start && { start }) };
  }

  /** A node that came later than it was awaited, or that somebody started by hand, has arrived all the same. */
  #start(node: string): PowerView["start"] {
    const start = this.#starts.get(node);
    if (start?.view.state !== "failed") return start?.view;
    const { deployment, view: { at } } = start;
    const order = orderOf(this.#sources.deployments, { node, deployment });
    return order === "armed" ? start.view : order === "arrived" ? { state: "arrived", at } : undefined;
  }

  /** All of them or none. Throws RackseedError (400, 404). */
  set(changes: readonly PowerChange[]): NodeRecord[] {
    const { nodes, records, onChange } = this.#sources;
    const news = changes.map((change) => {
      const node = nodes.get(change.node), { power } = change;
      const facts = { name: node.name, old: records.get(node.id) };
      return { node, power: power && newPower({ ...change, power }, facts) };
    });
    records.putAll(news.map(({ node, power }) => ({ node: node.id, power })));
    for (const { node, power } of news) {
      log.info("power-set", { node: node.name, method: power?.settings.method ?? "none" });
      onChange(node);
    }
    return news.map(({ node }) => node);
  }

  forget(node: string): void {
    this.#sources.records.forget(node);
    this.#starts.delete(node);
  }

  /** Throws RackseedError (404, 409) if a node is unknown, or not known how to be switched. */
  check(keys: readonly string[], title: string): NodeRecord[] {
    const { nodes, records } = this.#sources;
    const found = [...new Map(keys.map((key) => nodes.get(key)).map((node) => [node.id, node])).values()];
    const unset = found.filter(({ id }) => !records.get(id)).map(({ name }) => name);
    if (unset.length > 0) throw noSettings(title, unset.slice(0, 20));
    return found;
  }

  /**
   * One result for each node, as soon as it is there: a node that fails does not hold up the others. Stops switching
   * further nodes when the signal aborts, or the caller leaves. Throws as `check`.
   */
  act(request: PowerRequest, signal: AbortSignal): AsyncIterable<PowerResult> {
    const found = this.check(request.nodes, `cannot ${TITLES[request.action]} these nodes`);
    return this.#results(found, { request, signal, orderedMs: this.#sources.now() });
  }

  async *#results(
    found: readonly NodeRecord[],
    { request, signal, orderedMs }: { request: PowerRequest; signal: AbortSignal; orderedMs: number },
  ): AsyncGenerator<PowerResult> {
    const left = new AbortController();
    signal = AbortSignal.any([signal, left.signal, this.#closing.signal]);
    const results: PowerResult[] = [];
    let wake = Promise.withResolvers<void>(), isOver = false;
    const whole = staggered(found, {
      atOnce: request.atOnce,
      pauseMs: request.action === "status" || request.action === "off" ? 0 : request.pauseSeconds * 1000,
      pause: this.#sources.pause,
      signal,
      work: async (node) => {
        const result = await this.#one(node, { request, signal });
        if (request.action !== "status") this.#noteSwitched(node, { request, result, orderedMs });
        results.push(result);
        wake.resolve();
      },
    }).finally(() => {
      isOver = true;
      wake.resolve();
    });
    whole.catch(() => {}); // awaited below; without a listener until then, a rejection would end the server
    try {
      while (!isOver || results.length > 0) {
        const result = results.shift();
        if (result) yield result;
        else {
          await wake.promise;
          wake = Promise.withResolvers();
        }
      }
      await whole;
    } finally {
      left.abort(new Error("nobody waits for the results"));
    }
  }

  async #one(
    node: NodeRecord,
    { request, signal }: { request: PowerRequest; signal: AbortSignal },
  ): Promise<PowerResult> {
    const { open, pause } = this.#sources;
    const title = `cannot ${TITLES[request.action]} ${node.name}`;
    try {
      await using driver = open(node, { title, signal });
      const context = { title, signal, pause }, { action, hard, boot } = request;
      let note: string | undefined;
      if (request.medium !== undefined) await this.#insert(driver, node, { medium: request.medium, title });
      else if (action === "eject") await this.#eject(driver, node, title);
      if (action === "on") note = await switchOn(driver, context, { boot });
      else if (action === "off") await switchOff(driver, context, hard ? "hard" : "graceful");
      else if (action === "cycle") note = await cycle(driver, context, { boot });
      const state = await driver.status();
      if (action !== "status") log.info("power-switched", { node: node.name, action, state });
      return { node: node.name, state, ...(note !== undefined && { note }) };
    } catch (error) {
      const problem = problemOf(error, title);
      log.warn("power-failed", { node: node.name, action: request.action, error: problem.detail });
      return { node: node.name, problem };
    }
  }

  async #insert(
    driver: PowerDriver,
    { id, name }: NodeRecord,
    { medium, title }: { medium: string; title: string },
  ): Promise<void> {
    if (driver.insertMedium === undefined) throw noDrive(title);
    await driver.insertMedium(this.#sources.media.lend(medium, id));
    this.#withMedium.set(id, { isInstalling: false });
    log.info("medium-inserted", { node: name, medium });
  }

  async #eject(driver: PowerDriver, { id, name }: NodeRecord, title: string): Promise<void> {
    if (driver.ejectMedium === undefined) throw noDrive(title);
    await driver.ejectMedium();
    this.#withMedium.delete(id);
    this.#sources.media.end(id);
    log.info("medium-ejected", { node: name });
  }

  /** Ejects a node's medium when its installation has ended: the clone starts from its disk. In the background. */
  noteState({ id, state }: { readonly id: string; readonly state: string }): void {
    const medium = this.#withMedium.get(id);
    if (medium === undefined) return;
    if (state === "installing") medium.isInstalling = true;
    if (!medium.isInstalling || !["installed", "running"].includes(state)) return;
    this.#withMedium.delete(id);
    const { nodes, open } = this.#sources, node = nodes.find(id);
    if (node === undefined) return;
    const title = `cannot eject the medium of ${node.name}`, { signal } = this.#closing;
    const work = (async () => {
      await using driver = open(node, { title, signal });
      await this.#eject(driver, node, title);
    })().catch((error) => log.warn("medium-not-ejected", { node: node.name, error: messageOf(error) }))
      .finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  #noteSwitched(
    { id, name }: NodeRecord,
    { request: { action, hard, boot }, result, orderedMs }: {
      request: PowerRequest;
      result: PowerResult;
      orderedMs: number;
    },
  ): void {
    const { events, now } = this.#sources;
    const { problem, state, note } = result, at = new Date(orderedMs).toISOString();
    const how = [action, ...hard ? ["hard"] : [], ...boot === undefined ? [] : [`boot ${boot}`]].join(", ");
    try {
      events.put(id, `power ${at}`, {
        kind: "power",
        at,
        result: problem ? "failed" : "done",
        ended: new Date(now()).toISOString(),
        details: [
          how,
          ...state === undefined ? [] : [`state: ${state}`],
          ...note === undefined ? [] : [note],
        ],
        ...(problem && { problem }),
      });
    } catch (error) {
      // a full disk must not keep machines from being switched
      log.error("not-noted", { node: name, error: messageOf(error) });
    }
  }

  /**
   * Orders (`order`) an installation, and starts its nodes if `power` is given. Throws as `check`, with no node armed, and
   * whatever `order` throws.
   */
  ordered(
    { nodes, image, power }: {
      nodes: readonly string[];
      image?: string | undefined;
      power?: PowerTerms | undefined;
    },
    order: () => DeployAnswer,
  ): DeployAnswer {
    // an order that cannot be carried out whole is refused whole
    if (power) this.check(nodes, `cannot deploy ${image} and start its nodes`);
    const answer = order();
    if (power) this.start(answer, power);
    else this.clear(answer.nodes);
    return answer;
  }

  /** Starts the nodes of a deployment from the network, in the background. */
  start({ deployment, nodes }: DeployAnswer, terms: PowerTerms): void {
    const records = nodes.map(({ id }) => this.#sources.nodes.get(id));
    this.#run({ deployment, terms }, { queued: records, switched: new Map() });
  }

  /** Goes on with what a server before this one had begun. A node that was just being switched is switched again. */
  resume(): void {
    const parts = this.#starts.entries().filter(([, { view }]) =>
      !["arrived", "failed"].includes(view.state)
    );
    for (const [deployment, mine] of Map.groupBy(parts, ([, start]) => start.deployment)) {
      const queued: NodeRecord[] = [], switched = new Map<NodeRecord, number>();
      for (const [id, { view }] of mine) {
        const node = this.#sources.nodes.find(id);
        if (node && view.state === "awaited") switched.set(node, Date.parse(view.at));
        else if (node) queued.push(node);
      }
      const [, first] = mine[0] ?? [];
      if (first) this.#run({ deployment, terms: first.terms }, { queued, switched });
    }
  }

  #run(
    { deployment, terms }: { deployment: string; terms: PowerTerms },
    { queued, switched }: { queued: readonly NodeRecord[]; switched: ReadonlyMap<NodeRecord, number> },
  ): void {
    const start = new DeploymentStart({
      ...this.#sources,
      deployment,
      terms,
      signal: this.#closing.signal,
      show: (node, state) => this.#show(node, { deployment, terms, state }),
    });
    const work = start.run(queued, { switched }).catch((error) => {
      if (!this.#closing.signal.aborted) log.error("start-failed", { deployment, error: messageOf(error) });
    }).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  /** The nodes got an order that does not switch them: what was said of an earlier start no longer counts. */
  clear(nodes: readonly { readonly id: string }[]): void {
    for (const { id } of nodes) {
      if (this.#starts.delete(id)) this.#sources.onChange(this.#sources.nodes.get(id));
    }
  }

  /** Says nothing of a node that was deleted, or got another order meanwhile. */
  #show(
    node: NodeRecord,
    { deployment, terms, state }: {
      deployment: string;
      terms: PowerTerms;
      state: Omit<NonNullable<PowerView["start"]>, "at"> | undefined;
    },
  ): void {
    const known = this.#starts.get(node.id);
    const isNews = state?.state === "queued" || known?.deployment === deployment;
    if (!isNews || !this.#sources.nodes.find(node.id)) return;
    const at = new Date(this.#sources.now()).toISOString();
    if (state) this.#starts.set(node.id, { deployment, terms, view: { ...state, at } });
    else this.#starts.delete(node.id);
    this.#sources.onChange(node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the server is closing"));
    await Promise.all(this.#running);
  }
}

function noDrive(title: string): RackseedError {
  return unsupported(title, {
    what: "a virtual CD drive: only Redfish has one",
    instead: "start the machine by the network, or by a stick (`rackseed medium -o /dev/sdX`).",
  });
}

function problemOf(error: unknown, title: string): Problem {
  if (error instanceof RackseedError) return error.toProblem();
  return { title, status: 500, detail: messageOf(error), remedy: "see the server's log." };
}
