/** A template's agent in the test's own process. Its clock runs ahead, so that all files count as settled. */
import { CaptureView } from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { CacheStore } from "../../../agent/capture/cache/cache_store.ts";
import { runTemplate, type TemplateEvent } from "../../../agent/template.ts";
import { waitFor } from "../../support/wait_for.ts";

export type Sent = Extract<TemplateEvent, { type: "sent" }>;

interface TemplateOptions {
  readonly name: string;
  readonly root: string;
  readonly state: string;
  /** Of one processor, for checks; by default all of it. */
  readonly checkShare?: number;
}

export class TemplateUnderTest implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;
  readonly #sent = new Map<string, Sent>();

  private constructor(
    client: ApiClient,
    { name, root, state, checkShare = 1, waiting }: TemplateOptions & { waiting: () => void },
  ) {
    this.#done = runTemplate({
      client,
      name,
      root,
      cache: new CacheStore(state),
      checkShare,
      machine: () => Promise.resolve({ obstacles: [], mountPoints: [] }),
      signal: this.#stop.signal,
      onEvent: (event) => {
        if (event.type === "waiting") waiting();
        if (event.type === "sent") this.#sent.set(event.order.capture, event);
      },
      now: () => Date.now() + 120_000,
    }).catch((error) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  /** Resolves once the agent has announced itself; rejects if it is refused. */
  static async start(
    client: ApiClient,
    options: TemplateOptions,
  ): Promise<TemplateUnderTest> {
    const announced = Promise.withResolvers<void>();
    const template = new TemplateUnderTest(client, { ...options, waiting: announced.resolve });
    await Promise.race([announced.promise, template.#done]);
    return template;
  }

  /** Waits until the capture is published. `client` is the operator's. */
  async published(
    client: ApiClient,
    { id }: CaptureView,
  ): Promise<{ version: number | undefined; sent: Sent }> {
    return await waitFor("the capture to be published", async () => {
      const view = await client.get(`/captures/${id}`, CaptureView);
      const sent = this.#sent.get(id);
      if (view.problem) throw new Error(view.problem.detail);
      return view.state === "published" && sent && { version: view.version, sent };
    }, { timeoutMs: 120_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("the test is over"));
    await this.#done;
  }
}
