/** Asks for the names of the nodes that machines become. */
import type { MachineView } from "#contract/api.ts";
import { call, Refusal } from "../../api/call.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { namesIn, rangesOf } from "../../search/name_ranges.ts";
import { t } from "./messages.ts";

interface Props {
  readonly machines: readonly MachineView[];
  readonly onClose: () => void;
  readonly onAdopted: () => void;
}

export function AdoptDialog({ machines, onClose, onAdopted }: Props) {
  const n = machines.length;
  const adopt = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const names = namesFor(text("names"), n);
    const settings = { group: text("group") || undefined, rack: text("rack") || undefined };
    const inOrder = [...machines].sort((a, b) => a.sighting.first.localeCompare(b.sighting.first));
    await call("POST", "/machines/adopt", {
      body: inOrder.map(({ mac }, i) => ({ node: names[i], mac, settings })),
    });
    note(t("adopted", { n, names: rangesOf(names).join(", ") }));
    onAdopted();
  };
  return (
    <Dialog
      title={t("adopt", { n }).replace("…", "").trim()}
      action={t("adopt", { n }).replace("…", "").trim()}
      onClose={onClose}
      onSubmit={adopt}
    >
      <p>{machines.map(({ mac }) => mac).slice(0, 8).join(", ")}{n > 8 && ` +${n - 8}`}</p>
      <label class="field">
        {n === 1 ? t("name") : t("names")}
        <input
          name="names"
          required
          autocomplete="off"
          spellcheck={false}
          placeholder={n === 1 ? "node001" : `node[001-${String(n).padStart(3, "0")}]`}
        />
      </label>
      <label class="field">
        {t("group")}
        <input name="group" autocomplete="off" spellcheck={false} />
      </label>
      <label class="field">
        {t("rack")}
        <input name="rack" autocomplete="off" spellcheck={false} />
      </label>
      <p class="dim">{t("order")}</p>
    </Dialog>
  );
}

/** Throws Refusal if it is another number of names. */
function namesFor(text: string, n: number): string[] {
  const refuse = (detail: string) =>
    new Refusal({ status: 0, title: t("names"), detail, remedy: n === 1 ? "node001" : `node[1-${n}]` });
  let names: string[];
  try {
    names = namesIn(text);
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (names.length !== n) throw refuse(t("wrongCount", { given: names.length, n }));
  return names;
}
