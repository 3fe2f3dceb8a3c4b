/** Which hooks there are, and which of them a capture or a node's installation is to run. */
import { RackseedError } from "#contract/errors.ts";
import {
  type Hook,
  type HookContent,
  type HookMoment,
  type HookScope,
  type HookSummary,
  type HookView,
  MAX_HOOKS,
} from "#contract/api/hooks.ts";
import type { HookKey, Hooks } from "../store/hooks.ts";

/** What it needs to know of nodes. */
interface NodeNames {
  /** Throws RackseedError (404). */
  get(key: string): { readonly id: string; readonly name: string };
  find(key: string): { readonly name: string } | undefined;
}

const isOfCapture = (when: HookMoment) => when === "pre-capture" || when === "post-capture";

export class HookBook {
  readonly #store: Hooks;
  readonly #nodes: NodeNames;

  constructor(store: Hooks, nodes: NodeNames) {
    this.#store = store;
    this.#nodes = nodes;
  }

  list(): HookSummary[] {
    return this.#store.list().map(({ script, ...hook }) => ({
      ...this.#shown(hook),
      scriptBytes: new TextEncoder().encode(script).length,
    }));
  }

  /** Throws RackseedError (404). */
  get(key: HookKey): HookView {
    const hook = this.#store.get(this.#kept(key));
    if (hook) return this.#shown(hook);
    throw new RackseedError(`cannot find the ${key.when} hook ${key.name} of ${key.scope}`, {
      reason: "there is none.",
      remedy: "see `rackseed hook list`.",
      status: 404,
    });
  }

  /** Throws RackseedError: 404 where the node is not known, 409 where there are too many. */
  put(key: HookKey, content: HookContent): HookView {
    const title = `cannot set the ${key.when} hook ${key.name} of ${key.scope}`;
    if (isOfCapture(key.when) && /^(node|group):/.test(key.scope)) {
      throw new RackseedError(title, {
        reason: "captures are of templates, and belong to an image.",
        remedy: "give --image or --all.",
        status: 400,
      });
    }
    const kept = this.#kept(key);
    const others = this.#store.ofScope(kept.scope)
      .filter(({ when, name }) => when === key.when && name !== key.name);
    if (others.length >= MAX_HOOKS) {
      throw new RackseedError(title, {
        reason: `there are ${others.length} at that moment already.`,
        remedy: "put several into one script, or delete one: see `rackseed hook list`.",
        status: 409,
      });
    }
    this.#store.put({ ...kept, ...content });
    return this.get(key);
  }

  /** Throws RackseedError (404). */
  delete(key: HookKey): void {
    this.get(key);
    this.#store.delete(this.#kept(key));
  }

  /** What the node's agent runs, and its clone, in this order. */
  ofNode(
    { id, settings: { group } }: { id: string; settings: { group?: string | undefined } },
    { image }: { image: string },
  ): Hook[] {
    const scopes = ["all", `image:${image}`, ...group === undefined ? [] : [`group:${group}`], `node:${id}`];
    return this.#of(scopes).filter(({ when }) => !isOfCapture(when));
  }

  /** What a template's agent runs around a capture, in this order. */
  ofCapture(image: string): Hook[] {
    return this.#of(["all", `image:${image}`]).filter(({ when }) => isOfCapture(when));
  }

  forgetNode(node: string): void {
    this.#store.forgetScope(`node:${node}`);
  }

  #of(scopes: readonly HookScope[]): Hook[] {
    return scopes.flatMap((scope) => this.#store.ofScope(scope)).map(({ scope: _, ...hook }) => hook);
  }

  /** With the node's id in place of its name. */
  #kept<T extends { readonly scope: HookScope }>(hook: T): T {
    const [, node] = /^node:(.*)$/.exec(hook.scope) ?? [];
    return node === undefined ? hook : { ...hook, scope: `node:${this.#nodes.get(node).id}` };
  }

  #shown<T extends { readonly scope: HookScope }>(hook: T): T {
    const [, id] = /^node:(.*)$/.exec(hook.scope) ?? [];
    return id === undefined ? hook : { ...hook, scope: `node:${this.#nodes.find(id)?.name ?? id}` };
  }
}
