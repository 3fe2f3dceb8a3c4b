/** The audit log, for admins: searched by user, node, action and time. The search stands in the address. */
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import type { AuditEntry, AuditPage as Entries } from "#contract/api/audit.ts";
import { ACTION_CODES } from "../../../../words/audit_text.ts";
import { call, Refusal } from "../../api/call.ts";
import { staleness } from "../../live/state.ts";
import { actionText, whoText } from "../../messages/actions.ts";
import { t as common } from "../../messages/common.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Exact } from "../../parts/times.tsx";
import { rangesOf } from "../../search/name_ranges.ts";
import { t } from "./messages.ts";

/** Names that a row shows. */
const SHOWN_NAMES = 10;
const FIELDS = ["user", "node", "action", "since", "until"] as const;
type Search = Partial<Record<typeof FIELDS[number], string>>;

export function AuditPage() {
  const { query, route } = useLocation();
  const search: Search = Object.fromEntries(
    FIELDS.flatMap((name) => query[name] ? [[name, query[name]]] : []),
  );
  const show = (form: FormData) => {
    const next = new URLSearchParams();
    for (const name of FIELDS) {
      const value = String(form.get(name) ?? "").trim();
      if (value !== "") next.set(name, value);
    }
    route(`/audit?${next}`);
  };
  const actions = <a class="button" href="/api/v1/audit/export" download="audit.jsonl">{t("export")}</a>;
  const key = JSON.stringify(search);
  return (
    <Page title={t("title")} actions={actions}>
      <SearchForm key={`form ${key}`} search={search} onShow={show} />
      <Log key={key} search={search} />
      <p class="dim">{t("verify")}</p>
      <Command line={commandLine("rackseed", "audit", "verify")} />
    </Page>
  );
}

function SearchForm({ search, onShow }: { search: Search; onShow: (form: FormData) => void }) {
  return (
    <form
      class="audit-search"
      role="search"
      aria-label={t("search")}
      onSubmit={(event) => {
        event.preventDefault();
        onShow(new FormData(event.currentTarget));
      }}
    >
      {(["user", "node"] as const).map((name) => (
        <label class="field" key={name}>
          {t(name)}
          <input name={name} defaultValue={search[name] ?? ""} maxLength={64} autocomplete="off" />
        </label>
      ))}
      <label class="field">
        {t("action")}
        <select name="action" defaultValue={search.action ?? ""}>
          <option value="">{t("allActions")}</option>
          {ACTION_CODES.map((code) => <option key={code} value={code}>{actionText(code)}</option>)}
        </select>
      </label>
      {(["since", "until"] as const).map((name) => (
        <label class="field" key={name}>
          {t(name)}
          <input name={name} type="datetime-local" defaultValue={search[name] ?? ""} />
        </label>
      ))}
      <button type="submit" class="primary">{t("show")}</button>
    </form>
  );
}

/** What the API takes: times of the reader's zone become those of the server. */
function queryOf(search: Search, cursor?: number): string {
  const query = new URLSearchParams();
  for (const name of FIELDS) {
    const value = search[name];
    if (value === undefined) continue;
    const isTime = name === "since" || name === "until";
    if (isTime && Number.isNaN(Date.parse(value))) continue;
    query.set(name, isTime ? new Date(value).toISOString() : value);
  }
  if (cursor !== undefined) query.set("cursor", String(cursor));
  return String(query);
}

/** The newest are asked for again when something is recorded, unless somebody reads older ones. */
function Log({ search }: { search: Search }) {
  const [pages, setPages] = useState<readonly Entries[]>();
  const [refusal, setRefusal] = useState<Refusal>();
  const mark = staleness.value.audit ?? 0, isDeep = (pages?.length ?? 0) > 1;
  const ask = async (cursor?: number) => {
    try {
      const page = await call<Entries>("GET", `/audit?${queryOf(search, cursor)}`);
      setPages((old) => cursor === undefined ? [page] : [...old ?? [], page]);
      setRefusal(undefined);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setRefusal(error);
    }
  };
  useEffect(() => {
    if (!isDeep) void ask();
  }, [mark]);
  if (refusal) return <Refused refusal={refusal} reload={() => void ask()} />;
  if (!pages) return <p>{common("loading")}</p>;
  const entries = pages.flatMap((page) => page.entries), next = pages.at(-1)?.next;
  if (entries.length === 0) return <p class="empty">{t("empty")}</p>;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={t("title")}>
        <table class="audit-log">
          <thead>
            <tr>
              {(["when", "who", "from", "what", "on", "outcome"] as const).map((name) => (
                <th scope="col" key={name}>{t(name)}</th>
              ))}
            </tr>
          </thead>
          <tbody>{entries.map((entry) => <Row key={entry.number} entry={entry} />)}</tbody>
        </table>
      </div>
      {next !== undefined && <button type="button" onClick={() => void ask(next)}>{t("older")}</button>}
    </>
  );
}

function Row(
  { entry: { at, who, address, action, nodes, images, subject, outcome } }: { entry: AuditEntry },
) {
  // the subject first: behind many nodes it would be cut off
  const on = [...subject === undefined ? [] : [subject], ...rangesOf(nodes), ...images];
  const rest = on.length - SHOWN_NAMES;
  return (
    <tr>
      <td>
        <Exact at={at} />
      </td>
      <td>{whoText(who)}</td>
      <td>{address}</td>
      <td>{actionText(action)}</td>
      <td>
        {on.slice(0, SHOWN_NAMES).join(", ") || "–"}
        {rest > 0 && ` ${t("more", { n: rest })}`}
      </td>
      <td class={outcome && outcome.result !== "done" ? "problem" : undefined}>
        {t(outcome?.result ?? "unknown")}
      </td>
    </tr>
  );
}
