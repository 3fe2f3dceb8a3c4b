/** Everything that can be set for the node, in one form; an error stands at its field. */
import { useEffect, useId, useState } from "preact/hooks";
import type { NodeSettings } from "#contract/api.ts";
import { segment, send } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { mayOperate } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { note } from "../../parts/notes.tsx";
import { problemOf, ProblemText } from "../../parts/problem.tsx";
import type { Problem } from "#contract/errors.ts";
import { fieldHint, fieldText, t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";
import { PowerForm } from "./power_form.tsx";
import { type Faults, type Field, FIELDS, settingsOf, type Texts, textsOf } from "./settings_form.ts";

interface Read {
  readonly settings: NodeSettings;
  /** For If-Match. */
  readonly tag: string;
}

export function SettingsTab({ name, view, reload }: TabProps) {
  const [read, setRead] = useState<Read>(), [texts, setTexts] = useState<Texts>({});
  const [faults, setFaults] = useState<Faults>({}), [problem, setProblem] = useState<Problem>();
  const path = `/nodes/${segment(name)}`, canSet = mayOperate();
  const load = async () => {
    setProblem(undefined);
    setFaults({});
    try {
      const response = await send("GET", path);
      const { settings } = await response.json() as { settings: NodeSettings };
      setRead({ settings, tag: response.headers.get("etag") ?? "" });
      setTexts(textsOf(settings));
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  useEffect(() => void load(), [name]);
  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!read) return;
    const made = settingsOf(texts, { before: read.settings });
    setFaults("faults" in made ? made.faults : {});
    setProblem(undefined);
    if ("faults" in made) return focusFirst(Object.keys(made.faults));
    try {
      const headers = read.tag === "" ? {} : { "if-match": read.tag };
      await send("PUT", path, { body: made.settings, headers });
      note(t("settingsSaved", { name }));
      reload();
      await load();
    } catch (error) {
      setProblem(problemOf(error));
    }
  };
  const isChanged = read !== undefined &&
    JSON.stringify(textsOf(read.settings)) !== JSON.stringify(trimmed(texts));
  return (
    <>
      <h2>{t("settings")}</h2>
      {!canSet && <p class="dim">{t("onlyOperators")}</p>}
      <form class="settings" onSubmit={(event) => void save(event)}>
        {Object.entries(FIELDS).map(([group, fields]) => (
          <fieldset key={group} disabled={!canSet || !read}>
            <legend>{t(`group_${group as keyof typeof FIELDS}`)}</legend>
            {fields.map((field) => (
              <Input
                key={field.key}
                field={field}
                value={texts[field.key] ?? ""}
                fault={faults[field.key]}
                onInput={(value) => setTexts((old) => ({ ...old, [field.key]: value }))}
              />
            ))}
          </fieldset>
        ))}
        {problem && (
          <div class="alarm" role="alert">
            <ProblemText problem={problem} />
            {problem.status === 412 && (
              <button type="button" onClick={() => void load()}>{t("loadAgain")}</button>
            )}
          </div>
        )}
        {canSet && (
          <div class="actions sticky">
            <button type="button" disabled={!isChanged} onClick={() => void load()}>{t("discard")}</button>
            <button type="submit" class="primary" disabled={!isChanged}>{common("save")}</button>
          </div>
        )}
      </form>
      <Command line={commandLine("rackseed", "node", "set", name, "--help")} />
      <PowerForm name={name} view={view} reload={reload} />
    </>
  );
}

function trimmed(texts: Texts): Texts {
  const filled = new Map(Object.entries(texts).filter(([, value]) => value.trim() !== ""));
  const order = Object.values(FIELDS).flat().map(({ key }) => key);
  return Object.fromEntries(
    order.flatMap((key) => filled.has(key) ? [[key, filled.get(key) as string]] : []),
  );
}

function focusFirst(keys: readonly string[]): void {
  document.querySelector<HTMLElement>(keys.map((key) => `[name="${key}"]`).join())?.focus();
}

function Input({ field: { key, kind, choices = [] }, value, fault, onInput }: {
  field: Field;
  value: string;
  fault: string | undefined;
  onInput: (value: string) => void;
}) {
  const id = useId(), hint = fieldHint(key);
  const shared = {
    id,
    name: key,
    value,
    "aria-invalid": fault === undefined ? undefined : true,
    "aria-describedby": `${id}-hint`,
    onInput: (event: { currentTarget: { value: string } }) => onInput(event.currentTarget.value),
  };
  return (
    <div class={`field ${fault === undefined ? "" : "wrong"}`}>
      <label for={id}>{fieldText(key)}</label>
      {kind === "choice"
        ? (
          <select {...shared}>
            <option value="">{t("usual")}</option>
            {choices.map((one) => <option key={one} value={one}>{one}</option>)}
          </select>
        )
        : kind === "lines"
        ? <textarea {...shared} rows={Math.max(2, value.split("\n").length)} spellcheck={false} />
        : <input {...shared} autocomplete="off" spellcheck={false} />}
      <small id={`${id}-hint`}>
        {fault !== undefined && <span class="problem">{fault}</span>} {hint}
      </small>
    </div>
  );
}
