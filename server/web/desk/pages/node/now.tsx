/** What the node does now: its steps, with the rate and the time left, and what happened last. */
import type { StepReport } from "#contract/api.ts";
import { STEPS } from "#contract/api/steps.ts";
import type { DeskNode } from "#contract/desk.ts";
import { segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, durationText, rateText } from "../../messages/figures.ts";
import { ProblemText } from "../../parts/problem.tsx";
import { eventMark, useFollowed } from "./followed.ts";
import { HistoryList } from "./history.tsx";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

const LATEST = 6;

export function NowTab({ name, node, view }: TabProps) {
  const { value: steps = [] } = useFollowed<StepReport[]>(`/nodes/${segment(name)}/log`, {
    mark: eventMark(node),
  });
  const live = view.report;
  const shown = live && !steps.some(({ step, state }) => step === live.step && state !== "running")
    ? [...steps.filter(({ step }) => step !== live.step), live]
    : steps;
  return (
    <div class="columns">
      <section aria-labelledby="steps">
        <h2 id="steps">{view.armed ? t("stepsNow") : t("stepsLast")}</h2>
        {view.state === "armed" && <p class="warn">{t("waits")}</p>}
        {shown.length === 0 && view.state !== "armed" && <p class="empty">{t("noSteps")}</p>}
        {node?.progress && <Transfer node={node} />}
        {shown.length > 0 && (
          <ol class="steps">
            {shown.map((report) => <Step key={report.step} report={report} />)}
          </ol>
        )}
      </section>
      <section aria-labelledby="latest">
        <div class="bar">
          <h2 id="latest">{t("latest")}</h2>
          <a href={`/nodes/${encodeURIComponent(name)}/history`}>{t("allHistory")}</a>
        </div>
        <HistoryList name={name} node={node} limit={LATEST} />
      </section>
    </div>
  );
}

function Transfer({ node: { name, step, progress } }: { node: DeskNode }) {
  if (!progress) return null;
  const { bytesDone, bytesTotal, bytesPerSecond, peers } = progress;
  const left = bytesPerSecond > 0 ? (bytesTotal - bytesDone) / bytesPerSecond : undefined;
  const percent = Math.floor(bytesDone / Math.max(1, bytesTotal) * 100);
  return (
    <div class="transfer">
      <p>
        <strong>{percent} %</strong> <span>{rateText(bytesPerSecond)}</span>
        {left !== undefined && <span>{common("minutesLeft", { time: durationText(left) })}</span>}
      </p>
      <progress max={Math.max(1, bytesTotal)} value={bytesDone} aria-label={`${name}: ${step}`} />
      <small>
        {bytesText(bytesDone)} / {bytesText(bytesTotal)}, {t("peerCount", { n: peers })}
      </small>
    </div>
  );
}

const SIGNS = { running: "▸", done: "✓", failed: "✕" } as const;

function Step({ report: { step, state, elapsedMs, message, problem, plan = [], log = [] } }: {
  report: StepReport;
}) {
  const place = STEPS.indexOf(step) + 1;
  return (
    <li class={`step ${state}`} aria-current={state === "running" ? "step" : undefined}>
      <span class="dot" aria-hidden="true">{SIGNS[state]}</span>
      <div>
        <strong title={`${place}/${STEPS.length}`}>{step}</strong>{" "}
        <span class="hidden">{t(`step_${state}`)}</span>
        <span class="dim">{durationText(elapsedMs / 1000)}</span>
        {problem ? <ProblemText problem={problem} /> : message !== undefined && <small>{message}</small>}
        <Lines title={t("planLines", { n: plan.length })} lines={plan} />
        <Lines title={t("logLines", { n: log.length })} lines={log} />
      </div>
    </li>
  );
}

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <details>
      <summary>{title}</summary>
      <pre tabIndex={0}>{lines.join("\n")}</pre>
    </details>
  );
}
