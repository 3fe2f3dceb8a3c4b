/** The operator's hooks (#contract/api/hooks.ts). A node's hooks are stored under its id. */
import type { Database, Statement } from "./engine.ts";
import {
  Hook,
  HOOK_MOMENTS,
  HOOK_OWNERS,
  type HookMoment,
  type HookScope,
  type HookView,
} from "#contract/api/hooks.ts";

/** Identifies a hook. */
export interface HookKey {
  readonly scope: HookScope;
  readonly when: HookMoment;
  readonly name: string;
}

interface Row {
  readonly scope: string;
  readonly hook: string;
}

export class Hooks {
  readonly #db: Database;
  readonly #ofScope: Statement;

  constructor(db: Database) {
    this.#db = db;
    db.exec(`CREATE TABLE IF NOT EXISTS hooks (
      scope TEXT NOT NULL, moment TEXT NOT NULL, name TEXT NOT NULL, hook TEXT NOT NULL,
      PRIMARY KEY (scope, moment, name)
    ) STRICT`);
    this.#ofScope = db.prepare("SELECT scope, hook FROM hooks WHERE scope = ? ORDER BY name");
  }

  /** By scope, moment and name, in the order in which they run. */
  list(): HookView[] {
    const rows = this.#db.prepare("SELECT scope, hook FROM hooks ORDER BY name").all() as unknown as Row[];
    const place = (scope: string) => HOOK_OWNERS.findIndex((owner) => scope.split(":")[0] === owner);
    return rows.map(viewOf).sort((a, b) =>
      place(a.scope) - place(b.scope) || (a.scope < b.scope ? -1 : a.scope > b.scope ? 1 : 0) ||
      HOOK_MOMENTS.indexOf(a.when) - HOOK_MOMENTS.indexOf(b.when)
    );
  }

  /** By name. */
  ofScope(scope: HookScope): HookView[] {
    return (this.#ofScope.all(scope) as unknown as Row[]).map(viewOf);
  }

  get({ scope, when, name }: HookKey): HookView | undefined {
    return this.ofScope(scope).find((hook) => hook.when === when && hook.name === name);
  }

  put({ scope, ...hook }: HookView): void {
    this.#db.prepare(
      `INSERT INTO hooks (scope, moment, name, hook) VALUES (?, ?, ?, ?)
       ON CONFLICT (scope, moment, name) DO UPDATE SET hook = excluded.hook`,
    ).run(scope, hook.when, hook.name, JSON.stringify(hook));
  }

  /** Returns whether it existed. */
  delete({ scope, when, name }: HookKey): boolean {
    const { changes } = this.#db.prepare("DELETE FROM hooks WHERE scope = ? AND moment = ? AND name = ?")
      .run(scope, when, name);
    return Number(changes) > 0;
  }

  forgetScope(scope: HookScope): void {
    this.#db.prepare("DELETE FROM hooks WHERE scope = ?").run(scope);
  }
}

function viewOf({ scope, hook }: Row): HookView {
  return { scope, ...Hook.parse(JSON.parse(hook)) };
}
