/** The times of a schedule: a cron expression on the clocks of a time zone. Pure. */
import { Cron } from "croner";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { isZone } from "./zone.ts";

const NICKNAME = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i;
/** Passed times that are counted; more are "at least as many". */
const MAX_COUNTED = 1000;

interface TimetableTerms {
  readonly cron: string;
  /** As in the IANA database. */
  readonly zone: string;
}

/** The times that passed between two moments. */
interface Passed {
  /** The last of them, in milliseconds since 1970. */
  readonly lastMs: number;
  readonly count: number;
}

/**
 * When clocks are set forward, a time that does not exist is run at the first moment after the gap; when they are set
 * back, a time that occurs twice is run once, the first time. Expressions with `*` or a step in minutes or hours
 * follow the clock instead: nothing in the gap, and both passes of a repeated hour (cron(8), and croner's
 * "no-wildcard" rule).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const timetable = Timetable.parse({ cron: "0 3 * * 1-5", zone: "Europe/Vienna" });
 * const friday = Date.parse("2026-12-04T12:00:00Z");
 * assert.equal(new Date(timetable.next(friday) ?? 0).toISOString(), "2026-12-07T02:00:00.000Z");
 * ```
 */
export class Timetable {
  readonly #cron: Cron;

  private constructor(cron: Cron) {
    this.#cron = cron;
  }

  /** Throws RackseedError (400) if the expression or the zone is not valid. */
  static parse({ cron, zone }: TimetableTerms): Timetable {
    if (!isZone(zone)) {
      throw badTime(`the time zone ${zone}`, "it is not in the IANA time zone database.", "Europe/Vienna");
    }
    // the library takes dates and expressions with seconds, too
    if (!NICKNAME.test(cron.trim()) && cron.trim().split(/\s+/).length !== 5) {
      throw badTime(`the cron expression "${cron}"`, "it does not have five fields.", "0 3 * * 1-5");
    }
    try {
      return new Timetable(
        new Cron(cron.trim(), { timezone: zone, mode: "5-part", fixedTimeRule: "no-wildcard", paused: true }),
      );
    } catch (error) {
      throw badTime(`the cron expression "${cron}"`, `${messageOf(error)}.`, "0 3 * * 1-5");
    }
  }

  /** The first time after this moment, both in milliseconds since 1970; undefined if there is none. */
  next(afterMs: number): number | undefined {
    const next = this.#cron.nextRun(new Date(afterMs))?.getTime();
    // a time that does not move on would make the server run a schedule without end
    return next === undefined || next <= afterMs ? undefined : next;
  }

  upcoming(afterMs: number, count: number): number[] {
    const times: number[] = [];
    for (let at = this.next(afterMs); at !== undefined && times.length < count; at = this.next(at)) {
      times.push(at);
    }
    return times;
  }

  /** The times after `sinceMs` up to and including `nowMs`; undefined if none has passed. */
  passed({ sinceMs, nowMs }: { sinceMs: number; nowMs: number }): Passed | undefined {
    let found: Passed | undefined;
    for (let at = this.next(sinceMs); at !== undefined && at <= nowMs; at = this.next(at)) {
      found = { lastMs: at, count: (found?.count ?? 0) + 1 };
      if (found.count === MAX_COUNTED) return this.#lastOfMany(found, nowMs);
    }
    return found;
  }

  /** After a long stop of the server: looks only at the days before `nowMs`. */
  #lastOfMany(found: Passed, nowMs: number): Passed {
    for (const days of [1, 8, 32, 367]) {
      let lastMs = found.lastMs;
      const sinceMs = Math.max(lastMs, nowMs - days * 86_400_000);
      for (let at = this.next(sinceMs); at !== undefined && at <= nowMs; at = this.next(at)) lastMs = at;
      if (lastMs > found.lastMs) return { lastMs, count: found.count };
    }
    return found;
  }
}

function badTime(subject: string, reason: string, example: string): RackseedError {
  return new RackseedError(`cannot use ${subject}`, {
    reason,
    remedy: `correct it; an example: ${example}`,
    status: 400,
  });
}
