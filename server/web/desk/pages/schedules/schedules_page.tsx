/** All schedules: what each does, when it runs next, and how it went last. */
import { useLocation } from "preact-iso";
import type { ScheduleView } from "#contract/api/schedules.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { user } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { TableHead } from "../../parts/table_head.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Actions } from "./actions.tsx";
import { t } from "./messages.ts";
import { LastRun, NextRun } from "./runs.tsx";
import { limitsText, orderText, timesText } from "./words.ts";

export function SchedulesPage() {
  const { route } = useLocation();
  const schedules = useResource<ScheduleView[]>("/schedules", { on: ["schedules"] });
  const { value, refusal, reload } = schedules;
  const actions = user.value && user.value.role !== "viewer" && (
    <button
      type="button"
      class="primary"
      onClick={() => route("/schedule")}
    >
      {t("add")}
    </button>
  );
  return (
    <Page title={t("title")} actions={actions}>
      <p class="dim">{t("about")}</p>
      {refusal && <Refused refusal={refusal} reload={reload} />}
      {!value && !refusal && <p class="dim">{common("loading")}</p>}
      {value?.length === 0 && <p class="empty">{t("none")}</p>}
      {value && value.length > 0 && (
        <table class="schedules cards">
          <TableHead columns={(["schedule", "what", "next", "last"] as const).map((column) => t(column))} />
          <tbody>
            {value.map((schedule) => <Row key={schedule.name} schedule={schedule} />)}
          </tbody>
        </table>
      )}
      <Command line={commandLine("rackseed", "schedule", "list")} />
    </Page>
  );
}

function Row({ schedule }: { schedule: ScheduleView }) {
  const { name, by, order, nodes, cron, last } = schedule;
  const limits = limitsText(schedule);
  return (
    <tr>
      <th scope="row">
        <a href={`/schedules/${segment(name)}`}>{name}</a>
        <small>{t("madeBy", { name: by })}</small>
      </th>
      <td data-title={t("what")}>
        {orderText(order, nodes)}
        <small>{timesText(cron)}</small>
        {limits !== "" && <small>{limits}</small>}
      </td>
      <td data-title={t("next")}>
        <NextRun schedule={schedule} />
      </td>
      <td data-title={t("last")}>
        <LastRun last={last} />
      </td>
      <td>
        <Actions schedule={schedule} />
      </td>
    </tr>
  );
}
