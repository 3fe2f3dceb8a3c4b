/** The node compared with its image: what differs, file by file. */
import { useState } from "preact/hooks";
import type { CheckReport, DriftKind } from "#contract/api/checks.ts";
import { segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, countText } from "../../messages/figures.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { ProblemText, Refused } from "../../parts/problem.tsx";
import { Ago } from "../../parts/times.tsx";
import { useFollowed } from "./followed.ts";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

const KINDS: readonly DriftKind[] = ["changed", "missing", "foreign"];

export function DriftTab({ name, view }: TabProps) {
  const path = view.check === undefined ? undefined : `/nodes/${segment(name)}/check`;
  const { value, refusal, reload } = useFollowed<CheckReport>(path, { mark: JSON.stringify(view.check) });
  return (
    <>
      <h2>{t("driftTitle")}</h2>
      {path === undefined && <p class="empty">{t("neverChecked")}</p>}
      {refusal && <Refused refusal={refusal} reload={reload} />}
      {path !== undefined && !value && !refusal && <p class="dim">{common("loading")}</p>}
      {value && <Report report={value} />}
      <Command line={commandLine("rackseed", "node", "check", name)} />
    </>
  );
}

function Report({ report: { state, problem, progress, result } }: { report: CheckReport }) {
  const [shown, setShown] = useState<ReadonlySet<DriftKind>>(new Set(KINDS)), [text, setText] = useState("");
  const toggle = (kind: DriftKind) =>
    setShown((old) => new Set(KINDS.filter((one) => (one === kind) !== old.has(one))));
  const rows = result?.differences.filter(({ what, path }) => shown.has(what) && path.includes(text)) ?? [];
  return (
    <>
      {problem && (
        <div class="alarm">
          <ProblemText problem={problem} />
        </div>
      )}
      {(state === "waiting" || state === "running") && (
        <p role="status">
          {t(state === "waiting" ? "checkWaits" : "checkRuns")} {progress && bytesText(progress.bytes)}
        </p>
      )}
      {result && (
        <>
          <p class={result.drifted ? "warn" : "well"}>
            {result.drifted ? t("drifted") : t("asImage")}{" "}
            <a href={`/images/${result.image}`}>{result.image}</a>, <Ago at={result.at} />
          </p>
          <div class="toolbar" role="group" aria-label={t("differences")}>
            {KINDS.map((kind) => (
              <label key={kind}>
                <input
                  type="checkbox"
                  checked={shown.has(kind)}
                  onChange={() => toggle(kind)}
                />{" "}
                {t(kind)} ({countText(result[kind])})
              </label>
            ))}
            <input
              type="search"
              value={text}
              placeholder={t("searchPath")}
              aria-label={t("searchPath")}
              onInput={(event) => setText(event.currentTarget.value)}
            />
          </div>
          {rows.length > 0 && <Differences rows={rows} />}
          {result.notes.map((note) => <small key={note}>{note}</small>)}
        </>
      )}
    </>
  );
}

function Differences({ rows }: { rows: NonNullable<CheckReport["result"]>["differences"] }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {(["path", "what", "detail", "package"] as const).map((key) => (
              <th key={key} scope="col">{t(key)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ path, what, detail, package: owner }) => (
            <tr key={`${path} ${what}`}>
              <th scope="row">
                <code>{path}</code>
              </th>
              <td>{t(what)}</td>
              <td>{detail ?? "–"}</td>
              <td>{owner ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
