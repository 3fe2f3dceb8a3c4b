/**
 * Adds a schedule, or changes one: its terms at the left, at the right its next times and what a run would do. Where data
 * would be lost, the number of machines is typed, as for an order.
 */
import { useLocation } from "preact-iso";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { ImageView, VersionView } from "#contract/api.ts";
import type { ScheduleDetails, SchedulePreview, ScheduleTerms } from "#contract/api/schedules.ts";
import type { Problem } from "#contract/errors.ts";
import { useAnswer } from "../../api/answer.ts";
import { segment, send } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Field } from "../../parts/form.tsx";
import { note } from "../../parts/notes.tsx";
import { Page } from "../../parts/page.tsx";
import { problemOf, ProblemText, Refused } from "../../parts/problem.tsx";
import { passphraseOf } from "../order/encryption_fields.tsx";
import { lineagesOf } from "../order/terms.ts";
import { isNumberTyped, TypedNumber } from "../order/verdict.tsx";
import { t } from "./messages.ts";
import { losingOf, Reviews, Upcoming } from "./preview.tsx";
import { maySchedule } from "./rights.ts";
import { ScheduleForm } from "./schedule_form.tsx";
import { commandOf, type Form, formOf, NEW_FORM, setTermsOf, termsOf } from "./terms.ts";
import { cronOf } from "./times.ts";

/** The schedule that is changed, as it was read. */
interface Known {
  readonly schedule: ScheduleDetails;
  /** Of its terms: somebody else's change in between is not undone. */
  readonly tag: string | null;
}

export function EditPage() {
  const { query } = useLocation();
  const { change: name, nodes = "" } = query;
  const { known, problem } = useKnown(name);
  const trail = [{ href: "/schedules", text: t("title") }];
  if (name !== undefined && !known) {
    return (
      <Page title={t("changeTitle", { name })} trail={trail}>
        {problem ? <ProblemText problem={problem} /> : <p class="dim">{common("loading")}</p>}
      </Page>
    );
  }
  return (
    <Page
      kind="order-page"
      title={name === undefined ? t("addTitle") : t("changeTitle", { name })}
      trail={trail}
    >
      <Editor key={name ?? ""} known={known} nodes={nodes} />
    </Page>
  );
}

function useKnown(name: string | undefined): { known?: Known; problem?: Problem } {
  const [state, setState] = useState<{ known?: Known; problem?: Problem }>({});
  useEffect(() => {
    setState({});
    if (name === undefined) return;
    const ask = async () => {
      try {
        const response = await send("GET", `/schedules/${segment(name)}`);
        const schedule = await response.json() as ScheduleDetails;
        setState({ known: { schedule, tag: response.headers.get("etag") } });
      } catch (error) {
        setState({ problem: problemOf(error) });
      }
    };
    void ask();
  }, [name]);
  return state;
}

function Editor({ known, nodes }: { known: Known | undefined; nodes: string }) {
  const old = known && setTermsOf(known.schedule);
  const [name, setName] = useState(known?.schedule.name ?? "");
  const [form, setForm] = useState<Form>(() => old ? formOf(old) : { ...NEW_FORM, nodes });
  const [passphrases, setPassphrases] = useState<readonly [string, string]>(["", ""]);
  const images = useResource<ImageView[]>("/images", { on: ["images"] });
  const lineages = useMemo(() => lineagesOf(images.value ?? []), [images.value]);
  const version = useResource<VersionView>(form.image === "" ? undefined : `/images/${segment(form.image)}`);
  const missing = wanting(form);
  const terms = missing === undefined ? termsOf(form, old?.order) : undefined;
  const preview = useAnswer<SchedulePreview>("/schedules/preview", terms);
  const { current, shown, refusal } = preview;
  return (
    <>
      <div class="order">
        <section aria-labelledby="schedule-terms">
          <h2 id="schedule-terms">{t("terms")}</h2>
          <Field label={t("name")} hint={t("nameRule")}>
            <input
              required
              form="schedule-confirm"
              readOnly={known !== undefined}
              pattern="[a-z0-9][a-z0-9\-]{0,62}"
              title={t("nameRule")}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              value={name}
              onInput={(event) => setName(event.currentTarget.value.trim())}
            />
          </Field>
          <ScheduleForm
            form={form}
            change={(part) => setForm((now) => ({ ...now, ...part }))}
            lineages={lineages}
            isEncrypted={(version.value?.layout?.encrypted?.length ?? 0) > 0}
            isPassphraseKept={known?.schedule.hasPassphrase ?? false}
            passphrases={passphrases}
            setPassphrases={setPassphrases}
          />
        </section>
        <section
          aria-labelledby="schedule-preview"
          aria-busy={terms !== undefined && !current && !refusal}
        >
          <h2 id="schedule-preview">{t("preview")}</h2>
          {missing !== undefined && <p class="empty">{missing}</p>}
          {refusal && <Refused refusal={refusal} reload={preview.again} />}
          {terms && !shown && !refusal && <p class="dim" role="status">{t("previewing")}</p>}
          {terms && shown && !refusal && (
            <>
              <Upcoming preview={shown} />
              <Reviews reviews={shown.reviews} order={terms.order} />
            </>
          )}
        </section>
      </div>
      {terms && (
        <>
          <Confirm
            known={known}
            name={name}
            terms={terms}
            preview={current}
            losing={losingOf(shown)}
            passphrases={passphrases}
          />
          <Command line={commandLine(...commandOf(known ? "set" : "add", name, terms))} />
        </>
      )}
    </>
  );
}

/** What is missing; undefined if nothing is. */
function wanting({ nodes, work, image, times }: Form): string | undefined {
  if (nodes.trim() === "") return t("sayNodes");
  if (work === "deploy" && image === "") return t("sayImage");
  return cronOf(times) === "" ? t("sayTimes") : undefined;
}

interface ConfirmProps {
  readonly known: Known | undefined;
  readonly name: string;
  readonly terms: ScheduleTerms;
  /** Undefined while it is being made. */
  readonly preview: SchedulePreview | undefined;
  readonly losing: number;
  readonly passphrases: readonly [string, string];
}

function Confirm({ known, name, terms, preview, losing, passphrases }: ConfirmProps) {
  const { route } = useLocation();
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setIsSending] = useState(false);
  // another number of machines is another decision
  useEffect(() => setTyped(""), [losing]);
  const isForced = "force" in terms.order && terms.order.force === true;
  const isAllowed = maySchedule(terms.nodes, { isForced });
  const canSend = preview !== undefined && isAllowed && isNumberTyped(typed, losing) && !isSending;
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!canSend) return;
    setProblem(undefined);
    setIsSending(true);
    try {
      const order = { ...terms.order, ...passphraseOf(passphrases) };
      const path = `/schedules/${segment(name)}`;
      if (known) {
        const headers = known.tag === null ? {} : { "if-match": known.tag };
        await send("PUT", path, { body: { ...terms, order }, headers });
      } else await send("POST", "/schedules", { body: { ...terms, order, name } });
      note(t(known ? "changedNote" : "addedNote", { name }));
      route(path);
    } catch (error) {
      setProblem(problemOf(error));
      setIsSending(false);
    }
  };
  return (
    <form id="schedule-confirm" class="confirm" onSubmit={(event) => void submit(event)}>
      {problem && (
        <div role="alert">
          <ProblemText problem={problem} />
        </div>
      )}
      {!isAllowed && <p class="warn">{t("mayNot")}</p>}
      {losing > 0 && isAllowed && <TypedNumber text={typed} onInput={setTyped} />}
      <button type="submit" class={losing > 0 ? "danger" : "primary"} disabled={!canSend}>
        {t(known ? "changeAction" : "addAction")}
      </button>
    </form>
  );
}
