/** What speaks against the order: the most serious first, with a click to leave a node out. */
import { useState } from "preact/hooks";
import type { ReviewWarning } from "#contract/api/reviews.ts";
import { countText } from "../../messages/figures.ts";
import { t as common } from "../../messages/common.ts";
import { t } from "./messages.ts";

type Level = ReviewWarning["level"];
type Leave = (nodes: readonly string[]) => void;

/** Drawn on a square of 16 × 16: a cross, a triangle, a dot in a ring. */
const SHAPES: Readonly<Record<Level, string>> = {
  refused:
    "M3.5 2L8 6.5 12.5 2 14 3.5 9.5 8l4.500 4.500L12.500 14 8 9.500 3.500 14 2 12.500 6.500 8 2 3.500z",
  danger: "M8 1l7 13H1zM7.200 5.500v4.500h1.600V5.500zm0 5.600v1.600h1.600v-1.600z",
  warning: "M8 1l7 13H1zM7.200 5.500v4.500h1.600V5.500zm0 5.600v1.600h1.600v-1.600z",
  note: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zM7.200 4h1.600v1.600H7.200zm0 3h1.600v5H7.200z",
};

export function LevelSign({ level }: { level: Level }) {
  return (
    <svg class="sign" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path fill-rule="evenodd" d={SHAPES[level]} />
    </svg>
  );
}

/** `leave`: absent if nodes cannot be left out. */
export function Warnings(
  { warnings, leave }: { warnings: readonly ReviewWarning[]; leave?: Leave | undefined },
) {
  if (warnings.length === 0) return <p class="well">{t("noWarnings")}</p>;
  return (
    <ul class="warnings">
      {warnings.map(({ kind, level, cases }) => {
        const n = new Set(cases.flatMap(({ nodes }) => nodes)).size;
        return (
          <li key={`${kind} ${level}`} class={level}>
            <details open={level !== "note" || undefined}>
              <summary>
                <LevelSign level={level} /> <strong>{t(kind)}</strong> <span class="level">{t(level)}</span>
                {" "}
                <span class="dim">{common("nodes", { n })}</span>
              </summary>
              <Cases cases={cases} leave={leave} />
            </details>
          </li>
        );
      })}
    </ul>
  );
}

/** Cases that are shown at first. */
const CASES = 5;

function Cases({ cases, leave }: { cases: ReviewWarning["cases"]; leave: Leave | undefined }) {
  const [shown, setShown] = useState(CASES);
  const more = cases.length - shown;
  return (
    <>
      {cases.slice(0, shown).map(({ what, remedy, nodes }) => (
        <div class="case" key={what}>
          <p>{what}</p>
          {remedy !== undefined && <p class="dim">{common("remedy", { remedy })}</p>}
          <Names nodes={nodes} leave={leave} />
        </div>
      ))}
      {more > 0 && (
        <button type="button" class="plain" onClick={() => setShown(shown + 50)}>
          {t("showMore", { n: countText(more) })}
        </button>
      )}
    </>
  );
}

/** Names that are shown at first. */
const NAMES = 24;

function Names({ nodes, leave }: { nodes: readonly string[]; leave: Leave | undefined }) {
  const [isWhole, setIsWhole] = useState(false);
  const more = isWhole ? 0 : nodes.length - NAMES;
  return (
    <div class="names">
      {nodes.slice(0, isWhole ? undefined : NAMES).map((name) => (
        <span class="chip" key={name}>
          {name}
          {leave && (
            <button
              type="button"
              class="plain"
              aria-label={t("leaveOut", { name })}
              title={t("leaveOut", { name })}
              onClick={() => leave([name])}
            >
              ×
            </button>
          )}
        </span>
      ))}
      {more > 0 && (
        <button type="button" class="plain" onClick={() => setIsWhole(true)}>
          {t("showMore", { n: countText(more) })}
        </button>
      )}
      {leave && nodes.length > 1 && (
        <button type="button" onClick={() => leave(nodes)}>{t("leaveOutAll", { n: nodes.length })}</button>
      )}
    </div>
  );
}
