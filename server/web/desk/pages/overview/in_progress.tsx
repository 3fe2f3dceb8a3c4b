/** Deployments and captures that run now, with what is left of them. */
import type { DeploymentSummary } from "#contract/api.ts";
import { useResource } from "../../api/resource.ts";
import { captures } from "../../live/state.ts";
import { bytesText } from "../../messages/figures.ts";
import { Refused } from "../../parts/problem.tsx";
import { Ago } from "../../parts/times.tsx";
import { t } from "./messages.ts";

const AT_MOST = 8;

export function InProgress() {
  const on = { on: ["deployments" as const] };
  const installing = useResource<DeploymentSummary[]>(`/deployments?state=installing&limit=${AT_MOST}`, on);
  const armed = useResource<DeploymentSummary[]>(`/deployments?state=armed&limit=${AT_MOST}`, on);
  const deployments = [...installing.value ?? [], ...armed.value ?? []];
  const running = captures.value.filter(({ state }) =>
    state === "waiting" || state === "receiving" || state === "publishing"
  );
  if (installing.refusal) return <Refused refusal={installing.refusal} reload={installing.reload} />;
  if (deployments.length === 0 && running.length === 0) return <p class="empty">{t("nothingRuns")}</p>;
  return (
    <ul class="running">
      {deployments.map((deployment) => <DeploymentLine key={deployment.id} deployment={deployment} />)}
      {running.map(({ id, image, progress, activity }) => (
        <li key={id}>
          <a href="/images">{t("capture", { image })}</a>
          {progress && (
            <progress
              max={Math.max(1, progress.bytesTotal)}
              value={progress.bytesDone}
              aria-label={t("capture", { image })}
            />
          )}
          <small>
            {activity ?? (progress && `${bytesText(progress.bytesDone)} / ${bytesText(progress.bytesTotal)}`)}
          </small>
        </li>
      ))}
    </ul>
  );
}

function DeploymentLine(
  { deployment: { id, kind, image, created, nodes } }: { deployment: DeploymentSummary },
) {
  const count = (state: keyof typeof nodes) => nodes[state] ?? 0;
  const all = Object.values(nodes).reduce((sum, n) => sum + n, 0);
  const done = count("installed") + count("running"), failed = count("failed") + count("aborted");
  return (
    <li>
      <a href={`/deployments/${id}`}>{t(kind)}: {image}</a> <Ago at={created} />
      <progress max={all} value={done} aria-label={`${t(kind)} ${image}`} />
      <small>
        {t("done", { done, all })}
        {count("armed") > 0 && `, ${t("waiting", { n: count("armed") })}`}
        {failed > 0 && <span class="problem">, {t("failedCount", { n: failed })}</span>}
      </small>
    </li>
  );
}
