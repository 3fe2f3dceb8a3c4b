/** The settings that all versions of an image share. */
import { useEffect, useState } from "preact/hooks";
import type { ImageSettings } from "#contract/api/restore.ts";
import { segment, send } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { mayOperate } from "../../parts/abilities.ts";
import { note } from "../../parts/notes.tsx";
import { problemOf, ProblemText } from "../../parts/problem.tsx";
import type { Problem } from "#contract/errors.ts";
import { t } from "./messages.ts";

const REHEARSAL = ["require", "warn", "off"] as const;
const REHEARSAL_TEXT = { require: "unprovedRefuse", warn: "unprovedWarn", off: "unprovedOff" } as const;

export function Settings({ name }: { name: string }) {
  const path = `/images/${segment(name)}/settings`;
  const [known, setKnown] = useState<{ settings: ImageSettings; tag: string | null }>();
  const [problem, setProblem] = useState<Problem>();
  const take = async (response: Response) =>
    setKnown({ settings: await response.json() as ImageSettings, tag: response.headers.get("etag") });
  useEffect(() => {
    send("GET", path).then(take).catch((error) => setProblem(problemOf(error)));
  }, [path]);
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const lines = (field: string) =>
      String(form.get(field)).split("\n").map((line) => line.trim()).filter(Boolean);
    const threshold = String(form.get("driftThreshold"));
    const { rehearsal: _, ...others } = known?.settings ?? {};
    const rehearsal = REHEARSAL.find((choice) => choice === form.get("rehearsal"));
    const body: ImageSettings = {
      ...others,
      ...rehearsal && { rehearsal },
      keep: lines("keep"),
      own: lines("own"),
      ...threshold !== "" && { driftThreshold: Number(threshold) },
    };
    try {
      const headers = known?.tag ? { "if-match": known.tag } : {};
      await take(await send("PUT", path, { body, headers }));
      setProblem(undefined);
      note(t("saved"));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  if (!known) return problem ? <ProblemText problem={problem} /> : null;
  const { settings: { keep = [], own = [], driftThreshold, rehearsal } } = known;
  const isFixed = !mayOperate();
  return (
    <section aria-labelledby="settings">
      <h2 id="settings">{t("settings")}</h2>
      <form class="narrow" onSubmit={(event) => void save(event)}>
        <label class="field">
          {t("keep")}
          <textarea
            name="keep"
            rows={3}
            readOnly={isFixed}
            spellcheck={false}
            defaultValue={keep.join("\n")}
          />
        </label>
        <label class="field">
          {t("own")}
          <textarea name="own" rows={3} readOnly={isFixed} spellcheck={false} defaultValue={own.join("\n")} />
        </label>
        <label class="field">
          {t("threshold")}
          <input
            name="driftThreshold"
            type="number"
            min={0}
            readOnly={isFixed}
            defaultValue={String(driftThreshold ?? 0)}
          />
        </label>
        <label class="field">
          {t("unproved")}
          <select name="rehearsal" disabled={isFixed} value={rehearsal ?? ""}>
            <option value="">{t("unprovedUsual")}</option>
            {REHEARSAL.map((choice) => (
              <option key={choice} value={choice}>{t(REHEARSAL_TEXT[choice])}</option>
            ))}
          </select>
        </label>
        {problem && (
          <div role="alert">
            <ProblemText problem={problem} />
          </div>
        )}
        {!isFixed && <button type="submit">{common("save")}</button>}
      </form>
    </section>
  );
}
