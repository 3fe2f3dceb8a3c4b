/** Deletes old versions by what is to be kept, and shows before which ones go, and why the others stay. */
import { useEffect, useState } from "preact/hooks";
import type { PruneAnswer } from "#contract/api.ts";
import type { Problem } from "#contract/errors.ts";
import { call } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText } from "../../messages/figures.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { problemOf, ProblemText } from "../../parts/problem.tsx";
import { refOf } from "./facts.ts";
import { t } from "./messages.ts";

const PAUSE_MS = 300;

/** Absent `image`: of all images. */
export function PruneDialog({ image, onClose }: { image?: string; onClose: () => void }) {
  const [keepLast, setKeepLast] = useState(3);
  const [days, setDays] = useState<number>();
  const [force, setForce] = useState(false);
  const [plan, setPlan] = useState<PruneAnswer>();
  const [problem, setProblem] = useState<Problem>();
  const wanted = {
    keepLast,
    ...days !== undefined && { keepNewerThanSeconds: days * 86_400 },
    ...image !== undefined && { images: [image] },
    force,
  };
  const key = JSON.stringify(wanted);
  useEffect(() => {
    const abort = new AbortController();
    setPlan(undefined);
    const ask = async () => {
      try {
        const body = { ...JSON.parse(key), apply: false };
        setPlan(await call<PruneAnswer>("POST", "/images/prune", { body, signal: abort.signal }));
        setProblem(undefined);
      } catch (error) {
        if (!abort.signal.aborted) setProblem(problemOf(error));
      }
    };
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key]);
  const n = plan?.removed.length ?? 0;
  const prune = async () => {
    const { removed, freedBytes } = await call<PruneAnswer>("POST", "/images/prune", {
      body: { ...wanted, apply: true },
    });
    note(t("pruned", { n: removed.length, bytes: bytesText(freedBytes) }));
  };
  const words = [
    ...image === undefined ? [] : [image],
    ...["--keep-last", String(keepLast)],
    ...days === undefined ? [] : ["--keep-newer-than", `${days}d`],
    ...force ? ["--force"] : [],
  ];
  return (
    <Dialog
      title={image === undefined ? t("pruneTitle") : `${t("pruneTitle")}: ${image}`}
      action={n === 0 ? common("delete") : t("pruneAction", { n })}
      isDangerous
      isDisabled={n === 0}
      isWide
      onSubmit={prune}
      onClose={onClose}
    >
      <label class="field">
        {t("keepLast")}
        <input
          type="number"
          min={1}
          max={1_000_000}
          required
          value={keepLast}
          onInput={({ currentTarget }) => setKeepLast(Math.max(1, currentTarget.valueAsNumber || 1))}
        />
      </label>
      <label class="field">
        {t("keepDays")}
        <input
          type="number"
          min={1}
          max={36_500}
          onInput={({ currentTarget: { valueAsNumber } }) =>
            setDays(valueAsNumber >= 1 ? valueAsNumber : undefined)}
        />
      </label>
      <label class="field">
        <input type="checkbox" checked={force} onClick={() => setForce(!force)} /> {t("pruneTagged")}
      </label>
      {problem && <ProblemText problem={problem} />}
      <div role="status">
        {plan && (
          <strong>
            {n === 0 ? t("pruneNothing") : t("pruneResult", { n, bytes: bytesText(plan.freedBytes) })}
          </strong>
        )}
      </div>
      {plan && <Outcome plan={plan} />}
      <Command line={commandLine("rackseed", "image", "prune", ...words)} />
    </Dialog>
  );
}

function Outcome({ plan: { removed, kept } }: { plan: PruneAnswer }) {
  return (
    <div class="scroll outcome" tabIndex={0} role="region" aria-label={t("outcome")}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("version")}</th>
            <th scope="col">{t("outcome")}</th>
          </tr>
        </thead>
        <tbody>
          {removed.map((version) => (
            <tr key={refOf(version)}>
              <th scope="row">{refOf(version)}</th>
              <td class="problem">{t("goes")}</td>
            </tr>
          ))}
          {kept.map((version) => (
            <tr key={refOf(version)}>
              <th scope="row">{refOf(version)}</th>
              <td class="dim">{t("stays", { reason: version.reason })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
