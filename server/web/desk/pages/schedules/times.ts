/** Times of a schedule as a form has them, and the cron expression that they stand for. Pure. */

export type Often = "hourly" | "daily" | "weekly" | "monthly" | "cron";

/** As the controls hold them. All are kept while another `often` is chosen. */
export interface Times {
  readonly often: Often;
  /** "03:00" */
  readonly clock: string;
  /** Of an hour. */
  readonly minute: string;
  /** Days of the week, 0 to 6 from Sunday on. */
  readonly days: readonly number[];
  readonly dayOfMonth: string;
  readonly cron: string;
}

const USUAL: Times = {
  often: "daily",
  clock: "03:00",
  minute: "0",
  days: [1, 2, 3, 4, 5],
  dayOfMonth: "1",
  cron: "0 3 * * *",
};

const NICKNAMES: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
};

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const times = { ...timesOf("0 3 * * *"), often: "weekly", days: [1, 2, 3, 6] } as const;
 * assert.equal(cronOf(times), "0 3 * * 1-3,6");
 * ```
 */
export function cronOf({ often, clock, minute, days, dayOfMonth, cron }: Times): string {
  const [hour = 0, past = 0] = clock.split(":").map(Number);
  switch (often) {
    case "hourly":
      return `${Number(minute)} * * * *`;
    case "daily":
      return `${past} ${hour} * * *`;
    case "weekly":
      return days.length === 0 ? "" : `${past} ${hour} * * ${daysText(days)}`;
    case "monthly":
      return `${past} ${hour} ${Number(dayOfMonth)} * *`;
    case "cron":
      return cron.trim();
  }
}

/** What the controls show for an expression: "cron" if it says more than they can. */
export function timesOf(cron: string): Times {
  const text = cron.trim(), plain = { ...USUAL, cron: text };
  const fields = (NICKNAMES[text.toLowerCase()] ?? text).split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekDay = ""] = fields;
  const isNumber = (field: string, most: number) => /^\d{1,2}$/.test(field) && Number(field) <= most;
  if (fields.length !== 5 || month !== "*" || !isNumber(minute, 59)) return { ...plain, often: "cron" };
  if (hour === "*" && day === "*" && weekDay === "*") return { ...plain, often: "hourly", minute };
  if (!isNumber(hour, 23)) return { ...plain, often: "cron" };
  const clock = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (day === "*" && weekDay === "*") return { ...plain, often: "daily", clock };
  const days = daysIn(weekDay);
  if (day === "*" && days) return { ...plain, often: "weekly", clock, days };
  if (isNumber(day, 31) && day !== "0" && weekDay === "*") {
    return { ...plain, often: "monthly", clock, dayOfMonth: day };
  }
  return { ...plain, often: "cron" };
}

/** "1-5", "0,6": runs of three or more as a range. */
function daysText(days: readonly number[]): string {
  return runsOf(days).map((run) => run.length > 2 ? `${run[0]}-${run.at(-1)}` : run.join()).join();
}

/** Days that follow each other, together: [1, 2, 3, 6] → [[1, 2, 3], [6]]. */
export function runsOf(days: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const day of [...new Set(days)].sort()) {
    const last = runs.at(-1);
    if (last?.at(-1) === day - 1) last.push(day);
    else runs.push([day]);
  }
  return runs;
}

/** Undefined if it is not a list of days and ranges of them. */
function daysIn(field: string): number[] | undefined {
  if (!/^[0-7](-[0-7])?(,[0-7](-[0-7])?)*$/.test(field)) return undefined;
  const days = field.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) % 7);
  });
  return days.length === 0 ? undefined : [...new Set(days)].sort();
}
