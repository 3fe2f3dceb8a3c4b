/** The hooks around one capture, on the template itself. */
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

  /** Throws RackseedError where there are hooks and this machine has not been told to run any. */
  constructor(order: CaptureOrder, { allowed, template }: { allowed: boolean; template: string }) {
    this.#order = order;
    this.#template = template;
    const names = (order.hooks ?? []).map(({ when, name }) => `${when} ${name}`);
    if (allowed || names.length === 0) return;
    throw new RackseedError(`cannot capture ${order.image}`, {
      reason: `it has hooks (${names.join(", ")}), and the agent on this template may run none.`,
      remedy: "start the agent with --allow-hooks, or take the hooks away: see `rackseed hook list`.",
      status: 409,
    });
  }

  async before({ signal }: { signal: AbortSignal }): Promise<void> {
    await this.#run("pre-capture", signal);
  }

  /** Once, however the capture ended: what was stopped for it is to run again, whoever called it off. */
  after(): Promise<void> {
    return this.#after ??= this.#run("post-capture");
  }

  /** What they printed so far. */
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
