/** This server as a relay: it reports to its upstream every few seconds, and mirrors what that assigns to the site. */
import { getLogger } from "@logtape/logtape";
import type { NodeView, ServerEvent } from "#contract/api.ts";
import { MAX_RELAY_EVENTS, MAX_SITE_NODES, type SiteNode, type UpstreamView } from "#contract/api/sites.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { Notices } from "../images/notices.ts";
import type { UpstreamTable } from "../store/upstream.ts";
import type { Mirror } from "./mirror.ts";
import type { UpstreamLink } from "./upstream_link.ts";

const log = getLogger(["rackseed", "upstream"]);
const NOTICE = "upstream";

/** Between calls: at least, when something has changed; and at most. */
const CALL_MS = { soon: 500, idle: 5000 };
/** An upstream that is away is asked less often. */
const MAX_RETRY_MS = 30_000;
const ANSWER_MS = 60_000;
/** Of a call: its body has at most 4 MiB, most of them for the nodes. */
const MAX_EVENT_BYTES = 512 << 10, MAX_PROBLEM = 200;

interface UpstreamOptions {
  readonly url: URL;
  /** Version of Rackseed. */
  readonly rackseed: string;
  readonly link: UpstreamLink;
  readonly table: UpstreamTable;
  readonly mirror: Mirror;
  readonly nodes: () => readonly NodeView[];
  readonly notices: Pick<Notices, "set">;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

export class Upstream implements AsyncDisposable {
  readonly #options: UpstreamOptions;
  readonly #running: Promise<void>;
  #heardMs: number | undefined;
  #problem: RackseedError | undefined;
  #failures = 0;
  #wake: (() => void) | undefined;
  #hasNews = false;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    options.table.startQueue();
    this.#running = this.#run();
  }

  view(): UpstreamView {
    const { url, link, table, mirror } = this.#options, { site } = link;
    return {
      url: url.origin,
      ...(site !== undefined && { site }),
      ...(this.#heardMs !== undefined && { heard: new Date(this.#heardMs).toISOString() }),
      ...(this.#problem && { problem: this.#problem.toProblem() }),
      queued: table.queued,
      mirror: mirror.view(),
    };
  }

  /** What happens at the site is reported soon. */
  observe({ type }: ServerEvent): void {
    if (type === "node" || type === "node-removed" || type === "images") this.#note();
  }

  /** When the signal of the options has aborted. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#wake?.();
    await this.#running;
    this.#options.link[Symbol.dispose]();
  }

  #note(): void {
    this.#hasNews = true;
    if (this.#failures === 0) this.#wake?.();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { signal, mirror } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#call();
        this.#succeeded();
      } catch (error) {
        if (signal.aborted) break;
        await this.#failed(error);
      }
      await this.#pause();
    }
    await mirror.stop();
  }

  async #call(): Promise<void> {
    const { link, table, mirror, nodes, rackseed, signal } = this.#options;
    const client = await link.client(signal);
    const late = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    this.#hasNews = false;
    const { events, upTo } = table.waiting({ limit: MAX_RELAY_EVENTS, maxBytes: MAX_EVENT_BYTES });
    const body = {
      rackseed,
      nodes: nodes().slice(0, MAX_SITE_NODES).map(siteNode),
      mirror: mirror.view(),
      events,
    };
    const { images } = await client.call("POST /relay/sync", { body, signal: late });
    table.reported(upTo);
    if (table.queued > 0) this.#hasNews = true;
    await mirror.want(images);
    mirror.tick(client);
  }

  #succeeded(): void {
    const { url, notices, now } = this.#options;
    if (this.#problem) log.info("upstream-back", { url: url.origin });
    this.#heardMs = now();
    this.#failures = 0;
    this.#problem = undefined;
    notices.set(NOTICE, undefined);
  }

  async #failed(error: unknown): Promise<void> {
    const { url, notices, mirror } = this.#options;
    this.#failures++;
    this.#problem = error instanceof RackseedError
      ? error
      : new RackseedError(`cannot work with the upstream ${url.origin}`, {
        reason: messageOf(error),
        remedy: "see the server's log.",
      });
    const { title, reason, remedy, status } = this.#problem;
    const problem = `${title}: ${reason} This server goes on alone`;
    notices.set(NOTICE, { subject: `upstream ${url.host}`, problem, remedy });
    if (status === 401 || status === 403) await mirror.stop();
  }

  async #pause(): Promise<void> {
    const { signal } = this.#options;
    const started = performance.now();
    const ms = this.#failures > 0
      ? Math.min(MAX_RETRY_MS, 1000 * 2 ** (this.#failures - 1)) * (0.75 + Math.random() / 2)
      : this.#hasNews
      ? CALL_MS.soon
      : CALL_MS.idle;
    await this.#sleep(ms, signal);
    const early = CALL_MS.soon - (performance.now() - started);
    if (early > 0 && !signal.aborted) await this.#sleep(early, signal, { canWake: false });
  }

  #sleep(ms: number, signal: AbortSignal, { canWake = true } = {}): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      if (canWake) this.#wake = done;
    });
  }
}

function siteNode({ name, state, image, settings, address, report, firstBoot }: NodeView): SiteNode {
  const problem = report?.problem ?? firstBoot?.problem;
  return {
    name,
    state,
    ...(image !== undefined && { image }),
    ...(settings.group !== undefined && { group: settings.group }),
    ...(address !== undefined && { address }),
    ...(problem && (state === "failed" || firstBoot?.problem) && {
      problem: `${problem.title}: ${problem.detail}`.slice(0, MAX_PROBLEM),
    }),
  };
}
