/** The course of a deployment: nodes done over time, and throughput by source. */
import type { DeploymentCurve, DeploymentProgress } from "#contract/api.ts";
import { useMemo } from "preact/hooks";
import { bytesText, countText, rateText } from "../../messages/figures.ts";
import { Chart } from "./chart.tsx";
import { t } from "./messages.ts";

const SOURCES = ["server", "web", "peers", "other"] as const;

export function Charts({ progress: { curve } }: { progress: DeploymentProgress }) {
  const nodes = useMemo(() => [
    { name: "done", text: t("done"), values: curve.done },
    { name: "failed", text: t("failed"), values: curve.failed, isLine: true },
    { name: "begun", text: t("begun"), values: curve.begun, isLine: true },
  ], [curve]);
  const sources = useMemo(
    () =>
      SOURCES.filter((source) => source !== "other" || (curve.other.at(-1) ?? 0) > 0)
        .map((source) => ({ name: source, text: t(source), values: ratesOf(curve, source) })),
    [curve],
  );
  if (curve.seconds.length === 0) return <p class="empty">{t("noCurve")}</p>;
  const total = (source: typeof SOURCES[number]) => curve[source].at(-1) ?? 0;
  return (
    <div class="columns charts">
      <Chart title={t("finishing")} seconds={curve.seconds} series={nodes} isStepped textOf={countText} />
      <Chart title={t("throughput")} seconds={curve.seconds} series={sources} isStacked textOf={rateText}>
        <p class="dim">
          {t("received")}: {SOURCES.filter((source) => total(source) > 0)
            .map((source) => `${bytesText(total(source))} ${t(source)}`).join(", ") || "–"}
        </p>
      </Chart>
    </div>
  );
}

/** Bytes per second between each point and the one before. */
function ratesOf({ seconds, ...columns }: DeploymentCurve, source: typeof SOURCES[number]): number[] {
  const values = columns[source];
  return values.map((value, i) => {
    const before = i - 1, span = (seconds[i] ?? 0) - (seconds[before] ?? 0);
    return before < 0 || span <= 0 ? 0 : Math.max(0, value - (values[before] ?? 0)) / span;
  });
}
