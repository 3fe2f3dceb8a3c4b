/** Logins in the audit log. Strangers can fail as often as they like, so that only some failures are recorded. */
import type { AuditLog } from "../store/audit_log.ts";
import type { Principal } from "./principal.ts";

/** Failures that are recorded in one period, from all addresses together. */
const MAX_FAILURES = 100;
const PERIOD_MS = 3600_000;

export class LoginRecord {
  readonly #audit: Pick<AuditLog, "record">;
  readonly #now: () => number;
  #periodMs = 0;
  #failures = 0;

  constructor({ audit, now }: { audit: Pick<AuditLog, "record">; now: () => number }) {
    this.#audit = audit;
    this.#now = now;
  }

  succeeded({ name, role }: Principal, address: string): void {
    this.#audit.record({ who: name, role, address, ...NOTHING, action: "login" }, {
      result: "done",
      status: 303,
    });
  }

  /** `who`: never what a stranger typed, which may be a password in the wrong field. */
  failed(who: string, { address, status }: { address: string; status: number }): void {
    const nowMs = this.#now();
    if (nowMs - this.#periodMs >= PERIOD_MS) {
      this.#periodMs = nowMs;
      this.#failures = 0;
    }
    if (++this.#failures > MAX_FAILURES) return;
    this.#audit.record({ who, address, ...NOTHING, action: "login" }, { result: "refused", status });
  }

  loggedOut({ name, role }: Principal, address: string): void {
    this.#audit.record({ who: name, role, address, ...NOTHING, action: "logout" }, {
      result: "done",
      status: 303,
    });
  }
}

const NOTHING = { nodes: [], images: [] };
