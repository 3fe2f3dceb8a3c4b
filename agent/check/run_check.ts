/** A check from its order to its result: the server's side of it, and the thread that does the work. */
import { getLogger } from "@logtape/logtape";
import type { CheckOrder, CheckProgress, CheckResult } from "#contract/api/checks.ts";
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { bodyOf } from "#contract/response_body.ts";
import { withRetry } from "../sys/retry.ts";
import type { CheckMessage, CheckSetup } from "./check_messages.ts";
import { problemOf } from "./check_node.ts";

const log = getLogger(["rackseed", "check"]);

/** Of one processor. The whole process is to stay below 5 %, and some of its work is not the thread's own. */
const CPU_SHARE = 0.035;
/** The server takes an agent that is silent for two minutes for lost. */
const HEARTBEAT_MS = 15_000;
const RETRY_BUDGET_MS = 120_000;
/** In zstd; far more than the manifest of ten million files has. */
const MAX_PACKED_BYTES = 1 << 30;

interface CheckOptions {
  readonly client: Pick<ApiClient, "send">;
  /** Path of the system's root. */
  readonly root: string;
  readonly signal: AbortSignal;
  readonly share?: number;
}

/** The one check that runs on this machine. */
export class CheckRunner implements AsyncDisposable {
  #current: { readonly id: string; readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  /**
   * Returns at once: a check takes long, and must not hold up a backup. The order of a check that runs already is the
   * same one again; another one takes its place.
   */
  begin(order: CheckOrder, options: CheckOptions): void {
    if (this.#current?.id === order.check) return;
    this.#current?.stop.abort(new Error("another check was ordered"));
    const stop = new AbortController();
    const signal = AbortSignal.any([options.signal, stop.signal]);
    const done = runCheck(order, { ...options, signal }).catch(() => {
      // rejects only when it is stopped
    }).finally(() => {
      if (this.#current?.stop === stop) this.#current = undefined;
    });
    this.#current = { id: order.check, stop, done };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#current?.stop.abort(new Error("the agent ends"));
    await this.#current?.done;
  }
}

/** Never rejects, except with the signal's reason: what fails is reported to the server. */
async function runCheck(order: CheckOrder, options: CheckOptions): Promise<void> {
  const { root, signal } = options;
  log.info("check-began", { check: order.check, image: order.image, version: order.version });
  try {
    const result = await compareApart(order, options);
    await send("PUT", { order, to: "result", json: result, ...options });
    const { changed, missing, foreign, elapsedMs, cpuMs } = result;
    log.info("check-ended", { check: order.check, changed, missing, foreign, elapsedMs, cpuMs });
  } catch (error) {
    signal.throwIfAborted();
    const problem = problemOf(error, root);
    log.error("check-failed", { check: order.check, ...problem });
    await send("POST", { order, to: "failed", json: problem, ...options }).catch((failed) => {
      signal.throwIfAborted();
      log.warn("failure-not-reported", { check: order.check, reason: messageOf(failed) });
    });
  }
}

async function compareApart(order: CheckOrder, options: CheckOptions): Promise<CheckResult> {
  const { root, signal, share = CPU_SHARE } = options;
  const beganMs = Date.now();
  const manifest = await fetchManifest(order, options);
  const worker = new Worker(new URL("./check_worker.ts", import.meta.url), { type: "module" });
  const ended = Promise.withResolvers<CheckResult>();
  const stop = () => ended.reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  let progress: CheckProgress = { phase: "listing", bytes: 0 };
  const report = () =>
    void send("POST", { order, to: "progress", json: progress, ...options, once: true })
      .catch((error) => endIfGone(error, ended.reject));
  const heart = setInterval(report, HEARTBEAT_MS);
  try {
    report();
    worker.onmessage = ({ data }: MessageEvent<CheckMessage>) => {
      if (data.type === "progress") progress = data.progress;
      else if (data.type === "result") ended.resolve(data.result);
      else ended.reject(RackseedError.fromProblem(data.problem));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      ended.reject(new Error(event.message));
    };
    worker.postMessage({ order, root, manifest, beganMs, share } satisfies CheckSetup, [manifest.buffer]);
    return await ended.promise;
  } finally {
    clearInterval(heart);
    signal.removeEventListener("abort", stop);
    worker.terminate();
  }
}

/** The server no longer wants this check: it is over, or the node was deleted, and so the token is not good for it. */
const GONE: ReadonlySet<number> = new Set([401, 404]);

function endIfGone(error: unknown, end: (error: unknown) => void): void {
  if (error instanceof RackseedError && GONE.has(error.status)) end(error);
}

/** Compressed, without the keys of its packs. */
async function fetchManifest(
  { check }: CheckOrder,
  { client, signal }: CheckOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return await withRetry(async () => {
    const response = await client.send("GET", `/checks/${check}/manifest`, { signal });
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of bodyOf(response, signal)) {
      bytes += chunk.length;
      if (bytes > MAX_PACKED_BYTES) throw new RangeError("the manifest is too large");
      chunks.push(chunk);
    }
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }, { signal, budgetMs: RETRY_BUDGET_MS });
}

async function send(
  method: "POST" | "PUT",
  { order: { check }, to, json, client, signal, once = false }: CheckOptions & {
    order: CheckOrder;
    to: "progress" | "result" | "failed";
    json: unknown;
    /** A later call says the same. */
    once?: boolean;
  },
): Promise<void> {
  const call = async () => {
    const response = await client.send(method, `/checks/${check}/${to}`, { json, signal });
    await response.body?.cancel();
  };
  if (once) await call();
  else await withRetry(call, { signal, budgetMs: RETRY_BUDGET_MS });
}
