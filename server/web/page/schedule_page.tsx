/** Schedules on the page: what comes next, and how it went last. */
import type { ScheduleView } from "#contract/api/schedules.ts";
import type { Principal } from "../../access/principal.ts";
import {
  describeCounts,
  describeLast,
  describeNext,
  describeOrder,
  describeTimes,
} from "../../words/schedule_text.ts";
import { Header, Shell } from "./shell.tsx";

/** `mayChange`: whether the person may order something for all nodes of this schedule. */
interface ScheduleContent {
  readonly principal: Principal;
  readonly schedules: readonly (ScheduleView & { readonly mayChange: boolean })[];
}

export function SchedulePage({ principal, schedules }: ScheduleContent) {
  return (
    <Shell title="Rackseed: schedules">
      <Header principal={principal}>
        <a href="/">Overview</a>
      </Header>
      <main>
        <p id="problem" role="alert"></p>
        <section aria-labelledby="schedules-title">
          <h2 id="schedules-title">Schedules</h2>
          <div class="table">
            <table aria-labelledby="schedules-title">
              <thead>
                <tr>
                  {["Schedule", "What", "Next", "Last outcome"].map((title) => <th scope="col">{title}</th>)}
                  <th scope="col">
                    <span class="hidden">Action</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {schedules.map((schedule) => <Row schedule={schedule} mayChange={schedule.mayChange} />)}
              </tbody>
            </table>
            <p class="empty">No schedules yet. To add one: rackseed schedule add --help</p>
          </div>
        </section>
      </main>
    </Shell>
  );
}

function Row({ schedule, mayChange }: { schedule: ScheduleView; mayChange: boolean }) {
  const { name, order, nodes, run, last, by, paused } = schedule;
  return (
    <tr>
      <th scope="row">
        {name}
        <small>made by {by}</small>
      </th>
      <td>
        {describeOrder(order, nodes)}
        <small>{describeTimes(schedule)}</small>
      </td>
      <td>
        {describeNext(schedule)}
        {run?.reason && <small>{run.reason}</small>}
      </td>
      <td>
        {describeLast(schedule)}
        {last && last.outcome !== "missed" && <small>{describeCounts(last)}</small>}
        {last?.reason && <small class="problem">{last.reason}</small>}
        {last && last.failures.length > 0 && (
          <details>
            <summary>what failed</summary>
            <ul>{last.failures.map(({ node, problem }) => <li>{node}: {problem}</li>)}</ul>
          </details>
        )}
      </td>
      <td>
        {mayChange && (
          <>
            {!run && !paused && <Action verb="run" schedule={name} text="Run now" />}
            {paused
              ? <Action verb="resume" schedule={name} text="Resume" />
              : <Action verb="pause" schedule={name} text="Pause" />}
          </>
        )}
      </td>
    </tr>
  );
}

function Action({ verb, schedule, text }: { verb: string; schedule: string; text: string }) {
  return (
    <button type="button" data-schedule={schedule} data-verb={verb}>
      {text}
      <span class="hidden">the schedule {schedule}</span>
    </button>
  );
}
