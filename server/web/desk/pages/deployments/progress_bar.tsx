/** Nodes of a deployment as one bar: done, in progress, failed, waiting; and the same in words. */
import { t } from "./messages.ts";
import type { Counts } from "./counts.ts";

const WIDTH = 1000;

export function ProgressBar({ counts }: { counts: Counts }) {
  const { all, done, failed, installing } = counts;
  const parts = [["done", done], ["installing", installing], ["failed", failed]] as const;
  let at = 0;
  return (
    <svg class="parts" viewBox={`0 0 ${WIDTH} 10`} preserveAspectRatio="none" aria-hidden="true">
      <rect class="waiting" width={WIDTH} height="10" />
      {parts.map(([name, n]) => {
        const x = at, width = all === 0 ? 0 : n / all * WIDTH;
        at += width;
        return <rect key={name} class={name} x={x} width={width} height="10" />;
      })}
    </svg>
  );
}

export function ProgressWords({ counts, isPaused }: { counts: Counts; isPaused: boolean }) {
  const { all, done, failed, installing, waiting } = counts;
  return (
    <span>
      {t("doneOf", { done, all })}
      {installing > 0 && `, ${t("nInstalling", { n: installing })}`}
      {waiting > 0 && `, ${t(isPaused ? "nHeld" : "nWaiting", { n: waiting })}`}
      {failed > 0 && <span class="problem">, {t("nFailed", { n: failed })}</span>}
    </span>
  );
}
