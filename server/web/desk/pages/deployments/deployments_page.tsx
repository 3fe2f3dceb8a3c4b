/** All deployments, restores and backups at boot, newest first. */
import { useState } from "preact/hooks";
import type { DeploymentSummary } from "#contract/api.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { durationText } from "../../messages/figures.ts";
import { Command } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Sign } from "../../parts/state_sign.tsx";
import { Ago } from "../../parts/times.tsx";
import { countsOf } from "./counts.ts";
import { t } from "./messages.ts";
import { ProgressBar, ProgressWords } from "./progress_bar.tsx";

const STATES = ["all", "installing", "armed", "failed", "done"] as const;
const PAGE = 100, MOST = 1000;
/** Signs of nodes' states that mean the same for a deployment. */
const SIGNS = { installing: "installing", armed: "armed", failed: "failed", done: "running" } as const;

export function DeploymentsPage() {
  const [state, setState] = useState<typeof STATES[number]>("all");
  const [limit, setLimit] = useState(PAGE);
  const query = `limit=${limit}${state === "all" ? "" : `&state=${state}`}`;
  const list = useResource<DeploymentSummary[]>(`/deployments?${query}`, { on: ["deployments"] });
  return (
    <Page
      kind="deployments-page"
      title={t("title")}
      actions={
        <fieldset class="switch">
          <legend class="hidden">{t("show")}</legend>
          {STATES.map((one) => (
            <label key={one}>
              <input
                type="radio"
                name="state"
                checked={one === state}
                onChange={() => setState(one)}
              />
              {t(one)}
            </label>
          ))}
        </fieldset>
      }
    >
      {list.refusal && <Refused refusal={list.refusal} reload={list.reload} />}
      {!list.value && !list.refusal && <p class="empty">{common("loading")}</p>}
      {list.value?.length === 0 && (
        <p class="empty">
          {t(state === "all" ? "noneYet" : "noneSuch")} <a href="/nodes">{t("toNodes")}</a>
        </p>
      )}
      {list.value && list.value.length > 0 && <DeploymentTable deployments={list.value} />}
      {list.value?.length === limit && limit < MOST && (
        <button
          type="button"
          onClick={() => setLimit(Math.min(MOST, limit + PAGE))}
        >
          {common("more")}
        </button>
      )}
      <Command line="rackseed deployment list" />
    </Page>
  );
}

function DeploymentTable({ deployments }: { deployments: readonly DeploymentSummary[] }) {
  return (
    <table class="deployments cards">
      <thead>
        <tr>
          <th scope="col">{t("what")}</th>
          <th scope="col">{t("state")}</th>
          <th scope="col">{t("progress")}</th>
          <th scope="col">{t("ordered")}</th>
          <th scope="col">{t("by")}</th>
          <th scope="col">{t("took")}</th>
        </tr>
      </thead>
      <tbody>
        {deployments.map((deployment) => <DeploymentRow key={deployment.id} deployment={deployment} />)}
      </tbody>
    </table>
  );
}

function DeploymentRow(
  { deployment: { id, kind, image, created, state, nodes, by, paused, started, ended } }: {
    deployment: DeploymentSummary;
  },
) {
  const counts = countsOf(nodes), sign = SIGNS[state];
  return (
    <tr>
      <th scope="row">
        <a href={`/deployments/${id}`}>{t("titleOf", { kind: t(kind), image })}</a>
      </th>
      <td data-title={t("state")}>
        <span class={`state ${sign}`}>
          <Sign state={sign} /> {t(state)}
        </span>
        {paused && <span class="warn">, {t("paused")}</span>}
      </td>
      <td data-title={t("progress")} class="wide">
        <ProgressBar counts={counts} />
        <ProgressWords counts={counts} isPaused={paused !== undefined} />
      </td>
      <td data-title={t("ordered")}>
        <Ago at={created} />
      </td>
      <td data-title={t("by")}>{by ?? "–"}</td>
      <td data-title={t("took")}>
        {started && ended ? durationText((Date.parse(ended) - Date.parse(started)) / 1000) : "–"}
      </td>
    </tr>
  );
}
