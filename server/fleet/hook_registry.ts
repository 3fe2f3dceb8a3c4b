/** The hooks, and which of them a capture or a node's installation runs. */
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

interface NodeNames {
  /** Throws RackseedError (404). */
  get(key: string): { readonly id: string; readonly name: string };
  find(key: string): { readonly name: string } | undefined;
}

const isOfCapture = (when: HookMoment) => when === "pre-capture" || when === "post-capture";

export class HookRegistry {
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
    const hook = this.find(key);
    if (hook) return hook;
    throw new RackseedError(`cannot find the ${key.when} hook ${key.name} of ${key.scope}`, {
      reason: "there is none.",
      remedy: "see `rackseed hook list`.",
      status: 404,
    });
  }

  /** Throws RackseedError (404) if it belongs to a node that is not known. */
  find(key: HookKey): HookView | undefined {
    const hook = this.#store.get(this.#stored(key));
    return hook && this.#shown(hook);
  }

  /** Throws RackseedError: 404 if the node is unknown, 409 if there are too many hooks. */
  put(key: HookKey, content: HookContent): HookView {
    const title = `cannot set the ${key.when} hook ${key.name} of ${key.scope}`;
    if (isOfCapture(key.when) && /^(node|group):/.test(key.scope)) {
      throw new RackseedError(title, {
        reason: "a capture is made of a template and belongs to an image, not to a node or group.",
        remedy: "give --image or --all.",
        status: 400,
      });
    }
    const stored = this.#stored(key);
    const others = this.#store.ofScope(stored.scope)
      .filter(({ when, name }) => when === key.when && name !== key.name);
    if (others.length >= MAX_HOOKS) {
      throw new RackseedError(title, {
        reason: `that moment has ${others.length} hooks already.`,
        remedy: "put several into one script, or delete one: see `rackseed hook list`.",
        status: 409,
      });
    }
    this.#store.put({ ...stored, ...content });
    return this.get(key);
  }

  /** Throws RackseedError (404). */
  delete(key: HookKey): void {
    this.get(key);
    this.#store.delete(this.#stored(key));
  }

  /** The hooks that the node's agent and its clone run, in this order. */
  ofNode(
    { id, settings: { group } }: { id: string; settings: { group?: string | undefined } },
    { image }: { image: string },
  ): Hook[] {
    const scopes = ["all", `image:${image}`, ...group === undefined ? [] : [`group:${group}`], `node:${id}`];
    return this.#of(scopes).filter(({ when }) => !isOfCapture(when));
  }

  /** The hooks that a template's agent runs around a capture, in this order. */
  ofCapture(image: string): Hook[] {
    return this.#of(["all", `image:${image}`]).filter(({ when }) => isOfCapture(when));
  }

  forgetNode(node: string): void {
    this.#store.forgetScope(`node:${node}`);
  }

  #of(scopes: readonly HookScope[]): Hook[] {
    return scopes.flatMap((scope) => this.#store.ofScope(scope)).map(({ scope: _, ...hook }) => hook);
  }

  /** As it is stored: with the node's id in place of its name. */
  #stored<T extends { readonly scope: HookScope }>(hook: T): T {
    const [, node] = /^node:(.*)$/.exec(hook.scope) ?? [];
    return node === undefined ? hook : { ...hook, scope: `node:${this.#nodes.get(node).id}` };
  }

  /** As it is shown: with the node's name in place of its id. */
  #shown<T extends { readonly scope: HookScope }>(hook: T): T {
    const [, id] = /^node:(.*)$/.exec(hook.scope) ?? [];
    return id === undefined ? hook : { ...hook, scope: `node:${this.#nodes.find(id)?.name ?? id}` };
  }
}
