/** Captures that run, with their rate and what is left; and those that failed last. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { CaptureView } from "#contract/api.ts";
import { call } from "../../api/call.ts";
import { captures } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, durationText, rateText } from "../../messages/figures.ts";
import { mayOperate } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { ProblemText } from "../../parts/problem.tsx";
import { t } from "./messages.ts";

export function isRunning({ state }: CaptureView): boolean {
  return state === "waiting" || state === "receiving" || state === "publishing";
}

/** `image`: only of this one. `except`: not of these templates, which show their own. */
export function Captures({ image, except }: { image?: string; except?: ReadonlySet<string> }) {
  const of = captures.value.filter((capture) =>
    (image === undefined || capture.image === image) && !except?.has(capture.template ?? "")
  );
  const running = of.filter(isRunning);
  // the newest of each image tells whether it failed
  const newest = new Map([...of].reverse().map((capture) => [capture.image, capture]));
  const failed = [...newest.values()].filter(({ state }) => state === "failed");
  if (running.length === 0 && failed.length === 0) return null;
  return (
    <section aria-labelledby="capturing">
      {running.length > 0 && (
        <>
          <h2 id="capturing">{t("capturing")}</h2>
          <ul class="captures">
            {running.map((capture) => <CaptureLine key={capture.id} capture={capture} />)}
          </ul>
        </>
      )}
      {failed.map(({ id, image, problem }) => (
        <div key={id} class="wrong">
          <strong id={running.length === 0 ? "capturing" : undefined}>{t("lastFailed", { image })}</strong>
          {problem && <ProblemText problem={problem} />}
        </div>
      ))}
    </section>
  );
}

export function CaptureLine({ capture }: { capture: CaptureView }) {
  const { id, image, template, progress, state, activity } = capture;
  const rate = useRate(progress?.bytesDone);
  const left = progress && rate ? (progress.bytesTotal - progress.bytesDone) / rate : undefined;
  const phase = state === "waiting"
    ? t("waiting")
    : state === "publishing"
    ? activity ?? t("publishing")
    : t(progress?.phase ?? "walking");
  const facts = [
    phase,
    ...progress && progress.bytesTotal > 0
      ? [t("progress", { done: bytesText(progress.bytesDone), all: bytesText(progress.bytesTotal) })]
      : [],
    ...rate ? [rateText(rate)] : [],
    ...progress?.phase === "reading" && left !== undefined
      ? [common("minutesLeft", { time: durationText(left) })]
      : [],
    ...progress ? [t("sent", { bytes: bytesText(progress.bytesSent) })] : [],
  ];
  const cancel = () =>
    attempt(async () => {
      await call("DELETE", `/captures/${id}`);
      return t("cancelled", { image });
    });
  return (
    <li>
      <div class="bar">
        <strong>{t("captureOf", { image })}</strong>
        {template !== undefined && <span class="dim">{t("from", { template })}</span>}
        {mayOperate() && (
          <button
            type="button"
            aria-label={`${t("cancelCapture")}: ${image}`}
            onClick={() => void cancel()}
          >
            {t("cancelCapture")}
          </button>
        )}
      </div>
      <progress
        aria-label={t("captureOf", { image })}
        {...progress && progress.bytesTotal > 0 && state === "receiving"
          ? { max: progress.bytesTotal, value: progress.bytesDone }
          : {}}
      />
      <small>{facts.join(" · ")}</small>
    </li>
  );
}

/** Bytes per second over the last seconds; undefined until it is known. */
function useRate(bytes: number | undefined): number | undefined {
  const marks = useRef<{ atMs: number; bytes: number }[]>([]);
  const [rate, setRate] = useState<number>();
  useEffect(() => {
    if (bytes === undefined) return;
    const now = { atMs: Date.now(), bytes };
    marks.current = [...marks.current.filter(({ atMs }) => now.atMs - atMs < WINDOW_MS), now];
    const first = marks.current[0] ?? now;
    const seconds = (now.atMs - first.atMs) / 1000;
    setRate(seconds > 0 && bytes > first.bytes ? (bytes - first.bytes) / seconds : undefined);
  }, [bytes]);
  return rate;
}

const WINDOW_MS = 15_000;
