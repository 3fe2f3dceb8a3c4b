/** A deployment beside earlier ones of its image. */
import type { DeploymentFigures } from "#contract/api.ts";
import { useResource } from "../../api/resource.ts";
import { segment } from "../../api/call.ts";
import { durationText, shortTime } from "../../messages/figures.ts";
import { Refused } from "../../parts/problem.tsx";
import { t } from "./messages.ts";

export function Comparison({ id }: { id: string }) {
  const { value, refusal, reload } = useResource<DeploymentFigures[]>(
    `/deployments/${segment(id)}/comparison`,
    {
      on: ["deployments"],
    },
  );
  if (refusal) return <Refused refusal={refusal} reload={reload} />;
  if (!value) return null;
  if (value.length < 2) return <p class="empty">{t("noEarlier")}</p>;
  const steps = [...new Set(value.flatMap(({ steps }) => steps.map(({ step }) => step)))];
  const row = (text: string, of: (figures: DeploymentFigures) => string) => (
    <tr key={text}>
      <th scope="row">{text}</th>
      {value.map((figures) => <td key={figures.id}>{of(figures)}</td>)}
    </tr>
  );
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("compare")}>
      <table class="comparison">
        <thead>
          <tr>
            <td />
            {value.map(({ id: other, image, created }) => (
              <th key={other} scope="col">
                {other === id ? t("thisOne") : <a href={`/deployments/${other}`}>{shortTime(created)}</a>}
                <small>{image}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {row(t("progress"), ({ done, nodes }) => t("doneOf", { done, all: nodes }))}
          {row(t("failed"), ({ failed }) => String(failed))}
          {row(t("half"), ({ p50Seconds }) => timeText(p50Seconds))}
          {row(t("most"), ({ p90Seconds }) => timeText(p90Seconds))}
          {row(t("took"), ({ wallSeconds }) => timeText(wallSeconds))}
        </tbody>
        <tbody>
          <tr>
            <th scope="rowgroup" colSpan={value.length + 1} class="dim">{t("step")}</th>
          </tr>
          {steps.map((step) =>
            row(step, ({ steps }) => timeText(steps.find((other) => other.step === step)?.seconds))
          )}
        </tbody>
      </table>
    </div>
  );
}

function timeText(seconds: number | undefined): string {
  if (seconds === undefined) return "–";
  return seconds < 10 ? durationTenths(seconds) : durationText(seconds);
}

function durationTenths(seconds: number): string {
  return durationText(Math.round(seconds)).replace(/^\d+/, seconds.toFixed(1));
}
