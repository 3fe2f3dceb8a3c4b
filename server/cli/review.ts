/** `rackseed node deploy --review` and `node restore --review`: what the order would do, without ordering it. */
import type { ReviewRequest } from "#contract/api/reviews.ts";
import type { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { describeReview } from "../words/review_text.ts";
import { print, printJson } from "./terminal.ts";
import { visibleLine } from "./visible_text.ts";

/** Throws RackseedError if the order would be refused. */
export async function showReview(
  client: ApiClient,
  { body, json, signal }: { body: ReviewRequest; json: boolean | undefined; signal: AbortSignal },
): Promise<void> {
  const review = await client.call("POST /reviews", { body, signal });
  if (json) printJson(review);
  else {
    for (const line of describeReview(review, { nowMs: Date.now() })) print(visibleLine(line));
    print(`Nothing is ordered. To order exactly this, add: --reviewed ${review.digest}`);
  }
  const refused = new Set(
    review.warnings.filter(({ level }) => level === "refused")
      .flatMap(({ cases }) => cases.flatMap(({ nodes }) => nodes)),
  );
  if (refused.size === 0) return;
  throw new RackseedError("this order would be refused", {
    reason: `${refused.size} of its nodes cannot take it now, see above.`,
    remedy: "follow the remedies there, or leave these nodes out.",
    status: 409,
  });
}
