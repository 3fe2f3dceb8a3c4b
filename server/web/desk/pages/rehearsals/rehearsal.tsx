/** One rehearsal: how far it is, what was probed, its screen and its console. */
import { useEffect, useState } from "preact/hooks";
import type { RehearsalState, RehearsalView } from "#contract/api/rehearsals.ts";
import { probeText } from "../../../../words/rehearsal_text.ts";
import { call } from "../../api/call.ts";
import { durationText } from "../../messages/figures.ts";
import { mayOperate } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { ProblemText } from "../../parts/problem.tsx";
import { Console } from "./console.tsx";
import { t } from "./messages.ts";

const PICTURE_MS = 5000;

const MARKS: Record<RehearsalState, string> = {
  queued: "○",
  installing: "◐",
  booting: "◐",
  proved: "✓",
  failed: "✕",
  cancelled: "–",
};

export function StateText({ state }: { state: RehearsalState }) {
  return (
    <span class={`rehearsal-state ${state}`}>
      <span aria-hidden="true">{MARKS[state]}</span> {t(state)}
    </span>
  );
}

export function Rehearsal({ rehearsal }: { rehearsal: RehearsalView }) {
  const { id, state, ahead = 0, message, problem, ended } = rehearsal;
  const isOver = ended !== undefined;
  const cancel = () =>
    attempt(async () => {
      await call("POST", `/rehearsals/${id}/cancel`);
      return t("cancelledNote");
    });
  return (
    <article class="rehearsal">
      <div class="bar">
        <Stages rehearsal={rehearsal} />
        {!isOver && mayOperate() && <button type="button" onClick={() => void cancel()}>{t("cancel")}
        </button>}
      </div>
      {state === "queued" && ahead > 0 && <p>{t("ahead", { n: ahead })}</p>}
      {!isOver && message !== undefined && <p role="status">{message}</p>}
      {problem && <ProblemText problem={problem} />}
      <div class="seen">
        <div>
          <Probes rehearsal={rehearsal} />
          <Screen rehearsal={rehearsal} />
        </div>
        {state !== "queued" && <Console id={id} isLive={!isOver} isOver={isOver} />}
      </div>
    </article>
  );
}

/** The way to the verdict, as an ordered list with the present stage marked. */
function Stages({ rehearsal: { state, started, booted, ended } }: { rehearsal: RehearsalView }) {
  const now = useNow(ended === undefined);
  const spent = (from: string | undefined, to: string | undefined) =>
    from === undefined
      ? undefined
      : durationText((Date.parse(to ?? new Date(now).toISOString()) - Date.parse(from)) / 1000);
  const isOver = ended !== undefined;
  const stages = [
    { name: t("queued"), isNow: state === "queued", time: undefined, isDone: started !== undefined },
    {
      name: t("installing"),
      isNow: state === "installing",
      time: spent(started, booted ?? ended),
      isDone: booted !== undefined,
    },
    {
      name: t("booting"),
      isNow: state === "booting",
      time: spent(booted, ended),
      isDone: booted !== undefined && isOver,
    },
    { name: isOver ? t(state) : t("verdict"), isNow: isOver, time: undefined, isDone: false },
  ];
  return (
    <ol class="stages">
      {stages.map(({ name, isNow, time, isDone }, i) => (
        <li
          key={i}
          class={isNow ? `now ${state}` : isDone ? "done" : undefined}
          aria-current={isNow ? "step" : undefined}
        >
          {isNow && isOver && <span aria-hidden="true">{MARKS[state]}</span>} {name}
          {time !== undefined && <small>{time}</small>}
        </li>
      ))}
    </ol>
  );
}

function Probes({ rehearsal: { probes } }: { rehearsal: RehearsalView }) {
  return (
    <section aria-labelledby="probes">
      <h2 id="probes">{t("probes")}</h2>
      <ul class="probes">
        {probes.map(({ probe, passed, seen, seconds }) => (
          <li key={probeText(probe)} class={passed ? "well" : undefined}>
            <span aria-hidden="true">{passed ? "✓" : "○"}</span> <code>{probeText(probe)}</code>{" "}
            {passed ? t("passed") : t("open")}
            <small>
              {seen}
              {seconds !== undefined && ` · ${t("after", { time: durationText(seconds) })}`}
            </small>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Screen({ rehearsal: { id, hasScreenshot, state, ended } }: { rehearsal: RehearsalView }) {
  const isLive = ended === undefined && state === "booting";
  const now = useNow(isLive, PICTURE_MS);
  const [isWanting, setIsWanting] = useState(false);
  useEffect(() => setIsWanting(false), [now, id]);
  return (
    <section aria-labelledby="screen">
      <h2 id="screen">{t("screen")}</h2>
      {hasScreenshot && !isWanting
        ? (
          <img
            class="screen"
            alt={t("screenOf")}
            src={`/api/v1/rehearsals/${id}/screenshot?at=${ended ?? Math.floor(now / PICTURE_MS)}`}
            onError={() => setIsWanting(true)}
          />
        )
        : <p class="screen none dim">{t("noScreen")}</p>}
    </section>
  );
}

/** The time, kept current while it matters. */
function useNow(isMoving: boolean, everyMs = 1000): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isMoving) return;
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [isMoving, everyMs]);
  return now;
}
