/** How images are distributed: limits, racks and seeding. */
import { formatRate, parseRate } from "#contract/rate_text.ts";
import type { SwarmChange, SwarmSettings } from "#contract/api/distribution.ts";
import { parseSeedPolicy } from "../../../../words/seed_text.ts";
import { call, Refusal } from "../../api/call.ts";
import { swarm } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { attempt } from "../../parts/attempt.ts";
import { t } from "./messages.ts";

type Field = "uploadLimit" | "nodeUploadLimit" | "rackPrefix" | "serverRack" | "seed";

export function SwarmForm() {
  const settings = swarm.value;
  if (!settings) return null;
  const values = texts(settings), canChange = mayAdminister();
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    void attempt(async () => {
      await call("POST", "/swarm", { body: changeOf((name) => String(form.get(name) ?? "").trim()) });
      return t("saved");
    });
  };
  const field = (name: Field, hint?: string) => (
    <label class="field">
      {t(name)}
      <input
        name={name}
        defaultValue={values[name]}
        disabled={!canChange}
        autocomplete="off"
        spellcheck={false}
      />
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
  // a change made elsewhere shows in a new form
  return (
    <form class="narrow" key={JSON.stringify(values)} onSubmit={save}>
      {field("uploadLimit", t("rateHint"))}
      {field("nodeUploadLimit", t("rateHint"))}
      {field("seed", t("seedHint"))}
      {field("rackPrefix")}
      {field("serverRack")}
      {canChange
        ? <button type="submit" class="primary">{common("save")}</button>
        : <p class="dim">{t("onlyAdmins")}</p>}
      <Command line={commandLine("rackseed", "swarm", "show")} />
    </form>
  );
}

function texts(
  { uploadLimit, nodeUploadLimit, rackPrefix, serverRack, seed }: SwarmSettings,
): Record<Field, string> {
  const rate = (limit: number | undefined) =>
    limit === undefined ? "" : formatRate(limit).replace("/s", "").replace(" ", "").toLowerCase();
  return {
    uploadLimit: rate(uploadLimit),
    nodeUploadLimit: rate(nodeUploadLimit),
    rackPrefix: rackPrefix === undefined ? "" : `/${rackPrefix}`,
    serverRack: serverRack ?? "",
    seed: seed.mode === "none" ? "none" : `${seed.mode}:${seed.seconds}s`,
  };
}

/** Throws Refusal that shows the right form. */
function changeOf(read: (name: Field) => string): SwarmChange {
  const parsed = <T,>(name: Field, parse: (text: string) => T): T | null => {
    const text = read(name);
    if (text === "") return null;
    try {
      return parse(text);
    } catch (error) {
      throw new Refusal({
        status: 0,
        title: t(name),
        detail: `“${text}”`,
        remedy: error instanceof Error ? error.message : "",
      });
    }
  };
  return {
    uploadLimit: parsed("uploadLimit", parseRate),
    nodeUploadLimit: parsed("nodeUploadLimit", parseRate),
    rackPrefix: parsed("rackPrefix", (text) => Number(text.replace("/", ""))),
    serverRack: parsed("serverRack", (text) => text),
    seed: parsed("seed", parseSeedPolicy),
  };
}
