/** What a schedule would do: its next times, and what a run would wipe. */
import type { Review } from "#contract/api/reviews.ts";
import type { ScheduledOrder, SchedulePreview } from "#contract/api/schedules.ts";
import { t as order } from "../order/messages.ts";
import { Warnings } from "../order/review_warnings.tsx";
import { ReviewedNodes } from "../order/reviewed_nodes.tsx";
import { Verdict } from "../order/verdict.tsx";
import { t } from "./messages.ts";
import { When } from "./runs.tsx";
import { writesTo } from "./terms.ts";
import { clockText } from "./words.ts";

/** Machines that lose data, or may, in a run. */
export function losingOf(preview: SchedulePreview | undefined): number {
  return (preview?.reviews ?? []).reduce((sum, { losing }) => sum + losing, 0);
}

export function Upcoming({ preview: { upcoming, zone } }: { preview: SchedulePreview }) {
  return (
    <>
      <h3>{t("nextTimes")}</h3>
      <ol class="upcoming">
        {upcoming.map(({ planned, begins }) => (
          <li key={planned}>
            <When at={planned} zone={zone} />
            {begins !== planned && <small class="warn">{t("windowOpens", { time: clockText(begins) })}
            </small>}
          </li>
        ))}
      </ol>
    </>
  );
}

export function Reviews({ reviews, order: of }: { reviews: readonly Review[]; order: ScheduledOrder }) {
  if (reviews.length === 0) return <p class="well">{t("writesNothing")}</p>;
  return (
    <>
      <p class="dim">{t("asNow")}</p>
      {reviews.map((review) => (
        <section key={review.image} aria-label={review.image}>
          {reviews.length > 1 && <h3>{review.image}</h3>}
          <Verdict review={review} />
          <h3>{order("warnings")}</h3>
          <Warnings warnings={review.warnings} />
          <h3>{order("disksTitle")}</h3>
          <ReviewedNodes review={review} isDryRun={!writesTo(of)} />
        </section>
      ))}
    </>
  );
}
