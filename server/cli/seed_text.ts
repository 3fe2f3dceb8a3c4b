/** Seeding policies as people write them. */
import { DEFAULT_SEED, type SeedPolicy } from "#contract/distribution.ts";
import { formatSeconds } from "./figures.ts";

const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([["s", 1], ["min", 60], ["h", 3600], [
  "d",
  86_400,
]]);
const MAX_SECONDS = 7 * 86_400;
const DEFAULT_SECONDS = DEFAULT_SEED.mode === "none" ? 3600 : DEFAULT_SEED.seconds;

/** none, while-needed, while-needed:30min, for:10min. Throws RangeError with what is wrong and what is right. */
export function parseSeedPolicy(text: string): SeedPolicy {
  if (text === "none") return { mode: "none" };
  const [, mode, duration] = /^(while-needed|for)(?::(.*))?$/.exec(text) ?? [];
  if (mode === "while-needed") {
    return { mode, seconds: duration === undefined ? DEFAULT_SECONDS : seconds(duration) };
  }
  if (mode === "for" && duration !== undefined) return { mode, seconds: seconds(duration) };
  throw new RangeError(
    "A seeding policy is none, while-needed, while-needed:DURATION or for:DURATION, for instance for:10min.",
  );
}

function seconds(text: string): number {
  const [, number, unit = ""] = /^(\d{1,7}) ?([a-z]+)$/.exec(text) ?? [];
  const found = Number(number) * (UNIT_SECONDS.get(unit) ?? NaN);
  if (found >= 1 && found <= MAX_SECONDS) return found;
  throw new RangeError("A duration is 1s to 7d: a number with s, min, h or d, for instance 30min.");
}

export function formatSeedPolicy(policy: SeedPolicy): string {
  switch (policy.mode) {
    case "none":
      return "not at all";
    case "while-needed":
      return `while needed, ${formatSeconds(policy.seconds)} at most`;
    case "for":
      return `for ${formatSeconds(policy.seconds)}`;
  }
}
