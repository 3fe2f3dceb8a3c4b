/** One schedule: its terms, its next times and its latest runs. */
import { useLocation } from "preact-iso";
import type { ComponentChildren } from "preact";
import type { ScheduleDetails } from "#contract/api/schedules.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Exact } from "../../parts/times.tsx";
import { Actions } from "./actions.tsx";
import { t } from "./messages.ts";
import { NextRun, Runs, When } from "./runs.tsx";
import { commandOf, setTermsOf } from "./terms.ts";
import { limitsText, orderText, timesText } from "./words.ts";

export function SchedulePage({ schedule: name = "" }: { schedule?: string }) {
  const { route } = useLocation();
  const { value, refusal, reload } = useResource<ScheduleDetails>(`/schedules/${segment(name)}`, {
    on: ["schedules"],
  });
  return (
    <Page
      title={name}
      trail={[{ href: "/schedules", text: t("title") }]}
      actions={value && <Actions schedule={value} onDeleted={() => route("/schedules")} />}
    >
      {refusal && <Refused refusal={refusal} reload={reload} />}
      {!value && !refusal && <p class="dim">{common("loading")}</p>}
      {value && <Details schedule={value} />}
    </Page>
  );
}

function Details({ schedule }: { schedule: ScheduleDetails }) {
  const { order, nodes, cron, zone, by, created, paused, run, runs, upcoming, hasPassphrase } = schedule;
  return (
    <>
      <section aria-labelledby="terms">
        <h2 id="terms">{t("terms")}</h2>
        <dl class="figures">
          <Fact name={t("what")}>
            {orderText(order, nodes)}
            {hasPassphrase && <small>{t("kept")}</small>}
          </Fact>
          <Fact name={t("nodes")}>{nodes.join(", ")}</Fact>
          <Fact name={t("times")}>
            {timesText(cron)}
            <small>{cron} ({zone})</small>
          </Fact>
          <Fact name={t("limits")}>{limitsText(schedule) || t("noLimits")}</Fact>
          <Fact name={t("next")}>
            {run || paused ? <NextRun schedule={schedule} /> : (
              <ol class="upcoming">
                {upcoming.map((at) => (
                  <li key={at}>
                    <When at={at} zone={zone} />
                  </li>
                ))}
              </ol>
            )}
          </Fact>
          <Fact name={t("createdBy")}>
            {by}, <Exact at={created} />
          </Fact>
        </dl>
      </section>
      <section aria-labelledby="runs">
        <h2 id="runs">{t("runs")}</h2>
        <Runs runs={[...run ? [run] : [], ...runs]} zone={zone} />
      </section>
      <Command line={commandLine(...commandOf("set", schedule.name, setTermsOf(schedule)))} />
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
