/** How the node is switched on and off. Only admins set it: it has a secret, or names a command of the site. */
import { useState } from "preact/hooks";
import type { NodeView } from "#contract/api.ts";
import { type PowerChange, PowerSettings } from "#contract/api/power.ts";
import { call, Refusal } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { t } from "./messages.ts";

const METHODS = ["none", "redfish", "ipmi", "wol", "command"] as const;
type Method = typeof METHODS[number];
const FIELDS = {
  none: [],
  redfish: ["host", "port", "user", "system"],
  ipmi: ["host", "port", "user"],
  wol: ["broadcast", "port"],
  command: ["program", "args"],
} as const;

export function PowerForm(
  { name, view: { power }, reload }: { name: string; view: NodeView; reload: () => void },
) {
  const [method, setMethod] = useState<Method>(power?.settings.method ?? "none");
  const canSet = mayAdminister();
  const old: Readonly<Record<string, unknown>> = power?.settings.method === method ? power.settings : {};
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    void attempt(async () => {
      const change = changeOf(method, form);
      await call("PUT", "/power", { body: [{ node: name, ...change }] satisfies PowerChange[] });
      return t("powerSaved", { name });
    }).then(reload);
  };
  return (
    <form class="settings" key={JSON.stringify(power?.settings)} onSubmit={save}>
      <fieldset disabled={!canSet}>
        <legend>{t("power")}</legend>
        {!canSet && <p class="dim">{t("onlyAdmins")}</p>}
        <label class="field">
          {t("method")}
          <select value={method} onChange={(event) => setMethod(event.currentTarget.value as Method)}>
            {METHODS.map((one) => <option key={one} value={one}>{t(`method_${one}`)}</option>)}
          </select>
        </label>
        {FIELDS[method].map((key) => (
          <label class="field" key={key}>
            {t(`power_${key}`)}
            {key === "args"
              ? <textarea name={key} defaultValue={((old[key] ?? []) as string[]).join("\n")} rows={3} />
              : (
                <input
                  name={key}
                  defaultValue={String(old[key] ?? "")}
                  autocomplete="off"
                  spellcheck={false}
                />
              )}
          </label>
        ))}
        {method !== "none" && method !== "command" && (
          <label class="field">
            {t("secret")}
            <input name="secret" type="password" autocomplete="new-password" />
            {power?.hasSecret && <small>{t("secretStays")}</small>}
          </label>
        )}
        {canSet && (
          <div class="actions">
            <button type="submit">{common("save")}</button>
          </div>
        )}
      </fieldset>
    </form>
  );
}

/** Throws Refusal that says what is wrong. */
function changeOf(method: Method, form: FormData): Omit<PowerChange, "node"> {
  if (method === "none") return { power: null };
  const read = (key: string) => String(form.get(key) ?? "").trim();
  const given: Record<string, unknown> = { method };
  for (const key of FIELDS[method]) {
    const text = read(key);
    if (key === "args") given[key] = text.split("\n").filter((line) => line !== "");
    else if (text !== "") given[key] = key === "port" ? Number(text) : text;
  }
  const checked = PowerSettings.safeParse(given), secret = read("secret");
  if (checked.success) return { power: checked.data, ...secret !== "" && { secret } };
  throw new Refusal({
    status: 0,
    title: t("power"),
    detail: checked.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "),
    remedy: t("correctFields"),
  });
}
