/** The agent of a template: announces the machine, waits for orders, captures, and waits again. */
import { getLogger } from "@logtape/logtape";
import { z } from "zod";
import {
  CaptureOrder,
  type CaptureProgress,
  type RestartAbility,
  RestartOrder,
  type TemplateAnnouncement,
} from "#contract/api.ts";
import { CheckOrder } from "#contract/api/checks.ts";
import { firstError, messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import type { Api } from "./capture/capture_api.ts";
import { excludesOf } from "./tree/excludes.ts";
import { CaptureRecord } from "./capture/cache/capture_record.ts";
import type { OwnMount } from "./layout/mounts/own_mounts.ts";
import type { CacheStore } from "./capture/cache/cache_store.ts";
import type { PastCapture } from "./capture/cache/past_capture.ts";
import { type Pause, pauseFor } from "./sys/retry.ts";
import { packLevelFor, sendCapture, type Sent } from "./capture/send_capture.ts";
import { TreeSource } from "./capture/tree_source.ts";
import { CheckRunner } from "./check/run_check.ts";
import { CaptureHooks } from "./hooks/capture_hooks.ts";
import { abilityChanged } from "./restart/ability.ts";
import { restartIntoInstaller, type RestartSystem } from "./restart/restart.ts";

/** The facts of the machine, read again for every capture, since disks and kernels change. */
interface Machine {
  readonly source?: Source | undefined;
  readonly layout?: DiskLayout | undefined;
  /** Obstacles to booting a clone. */
  readonly obstacles: readonly string[];
  /** Those of them that make every clone impossible. */
  readonly refusals?: readonly string[] | undefined;
  /** What would be different on clones. */
  readonly notes?: readonly string[] | undefined;
  /** The file systems of the layout and where they are mounted. */
  readonly mountPoints: readonly OwnMount[];
}

export type TemplateEvent =
  | { readonly type: "waiting"; readonly obstacles: readonly string[] }
  | { readonly type: "unreachable"; readonly reason: string }
  | { readonly type: "checking"; readonly order: CheckOrder }
  | { readonly type: "capturing"; readonly order: CaptureOrder }
  | { readonly type: "progress"; readonly progress: CaptureProgress }
  | {
    readonly type: "sent";
    readonly order: CaptureOrder;
    readonly sent: Sent;
    /** How much had to be read to find out what to send. */
    readonly bytesRead: number;
  }
  | { readonly type: "failed"; readonly order: CaptureOrder; readonly problem: Problem }
  | { readonly type: "restarting"; readonly purpose: string }
  | { readonly type: "restart-failed"; readonly problem: Problem };

interface TemplateOptions {
  readonly client: Api;
  readonly name: string;
  /** The directory that becomes the image's root. */
  readonly root: string;
  /** The cache of past captures; without it, every capture reads everything. */
  readonly cache?: CacheStore | undefined;
  readonly machine: () => Promise<Machine>;
  readonly signal: AbortSignal;
  /** Whether this machine runs capture hooks. */
  readonly allowHooks?: boolean | undefined;
  /** The share of one processor that a check takes; see check/run_check.ts. */
  readonly checkShare?: number;
  /** How the machine restarts into the installer; absent: it cannot, since `root` is a directory. */
  readonly restart?: RestartSystem | undefined;
  readonly onEvent?: (event: TemplateEvent) => void;
  readonly pause?: Pause;
  readonly now?: () => number;
}

const Announced = z.object({ id: z.string().regex(/^[\w-]{1,64}$/) });
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** The server answers within 30 s; one that lost power never does. */
const POLL_MS = 90_000;
/** Interval between looks at whether the machine could restart itself: the server refuses by what it was told. */
const ABILITY_MS = 5 * 60_000;
const NOT_FOUND = 404, NO_CONTENT = 204;
/** How the server refuses entries that do not match its own, or name extents that it has lost. */
const CACHE_REFUSED: ReadonlySet<number> = new Set([400, 409]);
const logger = getLogger(["rackseed", "template"]);

/**
 * Runs until `signal` aborts, or until an error that waiting cannot fix (a wrong token, an unreadable machine). Throws
 * in both cases.
 */
export async function runTemplate(options: TemplateOptions): Promise<never> {
  const { machine, signal, onEvent, pause = pauseFor } = options;
  await using checks = new CheckRunner();
  let pauseMs = FIRST_PAUSE_MS;
  while (true) {
    const facts = await machine();
    try {
      const ability = await options.restart?.ability(signal);
      const id = await announce({ ...facts, restart: ability }, options);
      pauseMs = FIRST_PAUSE_MS;
      await serveOrders(id, { ability, checks, options });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RackseedError) || error.status < 500) throw error;
      logger.warn("server-unreachable", { reason: error.reason });
      onEvent?.({ type: "unreachable", reason: error.reason });
      await pause(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

/** Limits of an announcement; all obstacles become notes of the version. */
const MAX_LACKS = 100, MAX_LACK_CHARACTERS = 400;

async function announce(
  { source, layout, obstacles, restart }: Machine & { restart: RestartAbility | undefined },
  { client, name, signal, onEvent }: TemplateOptions,
): Promise<string> {
  const json: TemplateAnnouncement = {
    name,
    ...(source && { source }),
    ...(layout && { layout }),
    lacks: obstacles.slice(0, MAX_LACKS).map((one) => one.slice(0, MAX_LACK_CHARACTERS)),
    ...(restart && { restart }),
  };
  const response = await client.send("POST", "/templates", { json, signal });
  const { id } = Announced.parse(await response.json());
  logger.info("announced", { name, id });
  onEvent?.({ type: "waiting", obstacles });
  return id;
}

const AnyOrder = z.union([CheckOrder, CaptureOrder, RestartOrder]);

/** Returns when the template has to be announced again: the server no longer knows it, or it is able to other things. */
async function serveOrders(
  id: string,
  { ability, checks, options }: {
    ability: RestartAbility | undefined;
    checks: CheckRunner;
    options: TemplateOptions;
  },
): Promise<void> {
  const { client, root, checkShare, signal, onEvent } = options;
  let askedMs = performance.now();
  while (true) {
    let response: Response;
    try {
      // an agent of an earlier release does not ask for checks, and would end at the order of one
      response = await client.send("GET", `/templates/${id}/orders?checks=true`, {
        answerMs: POLL_MS,
        signal,
      });
    } catch (error) {
      if (error instanceof RackseedError && error.status === NOT_FOUND) return;
      throw error;
    }
    if (response.status === NO_CONTENT) {
      if (performance.now() - askedMs < ABILITY_MS) continue;
      askedMs = performance.now();
      const now = await options.restart?.ability(signal);
      if (ability && now && abilityChanged(ability, now)) return;
      continue;
    }
    const order = AnyOrder.parse(await response.json());
    if ("check" in order) {
      onEvent?.({ type: "checking", order });
      checks.begin(order, { client, root, signal, ...(checkShare !== undefined && { share: checkShare }) });
    } else if ("restart" in order) await restart(order, { id, options });
    else await serve(order, options);
  }
}

/** Returns only if that fails: else the system stops, and this agent with it. */
async function restart(
  order: RestartOrder,
  { id, options: { client, restart: system, signal, pause, onEvent } }: {
    id: string;
    options: TemplateOptions;
  },
): Promise<void> {
  if (system === undefined) throw new RangeError("the server ordered a restart that was never offered");
  const { purpose } = order;
  logger.info("restart-began", { deployment: order.restart, purpose });
  onEvent?.({ type: "restarting", purpose });
  const problem = await restartIntoInstaller(order, { client, id, system, signal, pause });
  logger.error("restart-failed", { deployment: order.restart, ...problem });
  onEvent?.({ type: "restart-failed", problem });
}

async function serve(order: CaptureOrder, options: TemplateOptions): Promise<void> {
  const { signal, onEvent } = options;
  logger.info("capture-began", { capture: order.capture, image: order.image });
  onEvent?.({ type: "capturing", order });
  try {
    const { sent, bytesRead } = await capture(order, options);
    const { entries, bytesSent } = sent;
    logger.info("capture-sent", { capture: order.capture, entries, bytesRead, bytesSent });
    onEvent?.({ type: "sent", order, sent, bytesRead });
  } catch (error) {
    signal.throwIfAborted();
    const problem = problemOf(error, options.root);
    logger.error("capture-failed", { capture: order.capture, ...problem });
    onEvent?.({ type: "failed", order, problem });
    await reportFailure(order, { problem, options });
  }
}

interface Captured {
  readonly sent: Sent;
  readonly bytesRead: number;
}

/** Reads and sends what has changed since the image's latest version if that is cached, otherwise everything. */
async function capture(order: CaptureOrder, options: TemplateOptions): Promise<Captured> {
  const { root, cache } = options;
  const { parent } = order;
  const past = parent === undefined ? undefined : await cache?.load(cacheName(order, options), {
    capture: parent,
    root,
  });
  try {
    return await captureAfter(past, { order, options });
  } catch (error) {
    options.signal.throwIfAborted();
    if (past === undefined || !(error instanceof RackseedError) || !CACHE_REFUSED.has(error.status)) {
      throw error;
    }
    logger.warn("memory-refused", { capture: order.capture, reason: error.reason });
    return await captureAfter(undefined, { order, options });
  }
}

async function captureAfter(
  past: PastCapture | undefined,
  { order, options }: { order: CaptureOrder; options: TemplateOptions },
): Promise<Captured> {
  const { name, allowHooks = false, signal } = options;
  const hooks = new CaptureHooks(order, { allowed: allowHooks, template: name });
  try {
    await hooks.before({ signal });
    return await readAndSend(past, { order, options, hooks });
  } catch (error) {
    await hooks.after().catch((failed) => logger.warn("hook-failed", { error: messageOf(failed) }));
    throw error;
  }
}

async function readAndSend(
  past: PastCapture | undefined,
  { order, options, hooks }: { order: CaptureOrder; options: TemplateOptions; hooks: CaptureHooks },
): Promise<Captured> {
  const { client, root, machine, signal, onEvent, pause, now = Date.now } = options;
  const record = new CaptureRecord(now());
  const history = { past, record };
  const { source, layout, mountPoints, obstacles, refusals = [], notes = [] } = await machine();
  if (refusals.length > 0 && !order.isBackup && !order.force) throw unclonable(options.name, refusals);
  const excludes = excludesOf(layout, order.excludes);
  const tree = new TreeSource(root, { excludes, mountPoints, history, isTemplate: order.isBackup !== true });
  const sent = await sendCapture({
    api: client,
    capture: order.capture,
    tree,
    source,
    layout,
    excludes: excludes.patterns,
    history,
    packLevel: packLevelFor(order),
    signal,
    onRead: async () => {
      await hooks.after();
      return [...obstacles, ...notes, ...hooks.notes];
    },
    onProgress: (progress) => onEvent?.({ type: "progress", progress }),
    ...(pause && { pause }),
  });
  const { capture } = order;
  await options.cache?.save(
    cacheName(order, options),
    record.toCache({ capture, root, amount: sent.amount }),
  );
  return { sent, bytesRead: tree.bytesRead };
}

/** While the template can still be changed: a node would refuse the image. */
function unclonable(name: string, refusals: readonly string[]): RackseedError {
  return new RackseedError(`cannot capture ${name}`, {
    reason: `no clone of it could be made: ${refusals.slice(0, 10).join("; ")}.`,
    remedy:
      "correct that on the template, and capture it again. With `rackseed capture --force` it is captured all " +
      "the same, and the version serves for directories only.",
    status: 409,
  });
}

/** Agents with different names may share a state directory. */
function cacheName({ image }: CaptureOrder, { name }: TemplateOptions): string {
  return `${name}.${image}`;
}

/** Failures to report are only logged: a cancelled capture is gone, and an unreachable server will notice. */
async function reportFailure(
  { capture }: CaptureOrder,
  { problem, options: { client, signal } }: { problem: Problem; options: TemplateOptions },
): Promise<void> {
  try {
    await client.send("POST", `/captures/${capture}/failed`, { json: problem, signal });
  } catch (error) {
    signal.throwIfAborted();
    logger.warn("failure-not-reported", { capture, reason: messageOf(error) });
  }
}

function problemOf(error: unknown, root: string): Problem {
  const first = firstError(error);
  if (first instanceof RackseedError) return first.toProblem();
  return new RackseedError(`cannot capture ${root}`, {
    reason: messageOf(error),
    remedy: "check the agent's log on the template.",
  }).toProblem();
}
