/** Clocks of a time zone, by the zone database of the runtime. Pure. */

const MINUTE_MS = 60_000;

/** What a clock on the wall shows. */
interface WallClock {
  /** 0 is Sunday. */
  readonly day: number;
  /** Minutes since midnight. */
  readonly minute: number;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Whether the IANA database has the zone. Offsets such as "+02:00" are none: they know no summer time. */
export function isZone(zone: string): boolean {
  if (!/^[A-Za-z]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

export class ZoneClock {
  readonly #format: Intl.DateTimeFormat;

  /** Throws RangeError if there is no such zone. */
  constructor(zone: string) {
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
    });
  }

  /** `atMs`: milliseconds since 1970. */
  at(atMs: number): WallClock {
    const parts = new Map(this.#format.formatToParts(atMs).map(({ type, value }) => [type, value]));
    return {
      day: DAYS.indexOf(parts.get("weekday") ?? ""),
      minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")),
    };
  }

  /** The clock's minutes since its week began. */
  weekMinute(atMs: number): number {
    const { day, minute } = this.at(atMs);
    return day * 1440 + minute;
  }
}

/** The next full minute, or this one if it is full. */
export function fullMinute(atMs: number): number {
  return Math.ceil(atMs / MINUTE_MS) * MINUTE_MS;
}
