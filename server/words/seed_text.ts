/** Seeding policies as people write them. */
import { DEFAULT_SEED, type SeedPolicy } from "#contract/api/distribution.ts";
import { parseDuration } from "./duration.ts";
import { formatSeconds } from "./figures.ts";

const DEFAULT_SECONDS = DEFAULT_SEED.mode === "none" ? 3600 : DEFAULT_SEED.seconds;

/** Parses none, while-needed, while-needed:30min or for:10min. Throws RangeError with the accepted forms. */
export function parseSeedPolicy(text: string): SeedPolicy {
  if (text === "none") return { mode: "none" };
  const [, mode, duration] = /^(while-needed|for)(?::(.*))?$/.exec(text) ?? [];
  if (mode === "while-needed") {
    return { mode, seconds: duration === undefined ? DEFAULT_SECONDS : parseDuration(duration) };
  }
  if (mode === "for" && duration !== undefined) return { mode, seconds: parseDuration(duration) };
  throw new RangeError(
    "A seeding policy is none, while-needed, while-needed:DURATION or for:DURATION, for instance for:10min.",
  );
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
