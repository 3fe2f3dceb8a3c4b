/** Runs the hooks around one capture, on the template itself. */
import type { CaptureOrder } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { HookMoment } from "#contract/api/hooks.ts";
import { hooksAt } from "./hooks_at.ts";
import { runHooks } from "./run_hooks.ts";

export class CaptureHooks {
  readonly #order: CaptureOrder;
  readonly #template: string;
  readonly #notes: string[] = [];
  #after: Promise<void> | undefined;

  /** Throws RackseedError if there are hooks that this machine is not allowed to run. */
  constructor(order: CaptureOrder, { allowed, template }: { allowed: boolean; template: string }) {
    this.#order = order;
    this.#template = template;
    const names = (order.hooks ?? []).map(({ when, name }) => `${when} ${name}`);
    if (allowed || names.length === 0) return;
    throw new RackseedError(`cannot capture ${order.image}`, {
      reason: `it has hooks (${names.join(", ")}), and the agent on this template is not allowed to run any.`,
      remedy: "start the agent with --allow-hooks, or delete the hooks: see `rackseed hook list`.",
      status: 409,
    });
  }

  async before({ signal }: { signal: AbortSignal }): Promise<void> {
    await this.#run("pre-capture", signal);
  }

  /** Runs once, however the capture ended: what was stopped for it must start again, even after a cancellation. */
  after(): Promise<void> {
    return this.#after ??= this.#run("post-capture");
  }

  /** What the hooks have printed so far. */
  get notes(): readonly string[] {
    return this.#notes;
  }

  async #run(when: HookMoment, signal?: AbortSignal): Promise<void> {
    const hooks = hooksAt(when, this.#order);
    if (hooks.length === 0) return;
    const { log } = await runHooks(hooks, {
      environment: {
        RACKSEED_WHEN: when,
        RACKSEED_NODE: this.#template,
        RACKSEED_IMAGE: this.#order.image,
      },
      signal,
    });
    this.#notes.push(...log);
  }
}
