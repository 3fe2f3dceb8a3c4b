/** One deployment: how it goes, what went wrong, who feeds whom, and orders for all of its nodes. */
import { useState } from "preact/hooks";
import type { DeploymentProgress, DeploymentSwarm, DeploymentView, FailureGroup } from "#contract/api.ts";
import { call, segment } from "../../api/call.ts";
import { nodesByName } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { durationText } from "../../messages/figures.ts";
import { mayOrder } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Ago } from "../../parts/times.tsx";
import { Charts } from "./charts.tsx";
import { Comparison } from "./comparison.tsx";
import { byState, type Counts } from "./counts.ts";
import { Failures } from "./failures.tsx";
import { t } from "./messages.ts";
import { CancelDialog, RetryDialog } from "./orders.tsx";
import { usePolled } from "./polled.ts";
import { ProgressBar, ProgressWords } from "./progress_bar.tsx";
import { SwarmPicture } from "./swarm_picture.tsx";

const PROGRESS_MS = 2000, SWARM_MS = 2000;
type Dialogs = "cancel" | { readonly retry: FailureGroup | undefined };

export function DeploymentPage({ id = "" }: { id?: string }) {
  const path = `/deployments/${segment(id)}`;
  const [isOpen, setIsOpen] = useState(true);
  const { value: view, refusal, reload } = usePolled<DeploymentView>(path, undefined);
  const progress = usePolled<DeploymentProgress>(`${path}/progress`, isOpen ? PROGRESS_MS : undefined);
  const [dialog, setDialog] = useState<Dialogs>();
  const trail = [{ href: "/deployments", text: t("title") }];
  if (!view) {
    return (
      <Page kind="deployments-page" title={t("deployment")} trail={trail}>
        {refusal ? <Refused refusal={refusal} reload={reload} /> : <p class="empty">{common("loading")}</p>}
      </Page>
    );
  }
  const counts = byState(view.nodes), isUnderWay = counts.installing + counts.waiting > 0;
  if (isUnderWay !== isOpen) setIsOpen(isUnderWay);
  const mayChange = mayOrder(view.nodes.map(({ node }) => nodesByName.get(node)?.group));
  return (
    <Page
      kind="deployments-page"
      title={t("titleOf", { kind: t(view.kind ?? "deployment"), image: view.image })}
      trail={trail}
      actions={mayChange && <Orders view={view} counts={counts} onDialog={setDialog} onChange={reload} />}
    >
      <Head view={view} counts={counts} progress={progress.value} />
      <Failures
        view={view}
        mayRetry={mayChange && view.kind !== "backup"}
        onRetry={(retry) => setDialog({ retry })}
      />
      <section>{progress.value && <Charts progress={progress.value} />}</section>
      {counts.installing > 0 && <Swarm path={path} />}
      <Pace view={view} />
      <section aria-labelledby="compare">
        <h2 id="compare">{t("compare")}</h2>
        <Comparison id={id} />
      </section>
      <p>
        <a class="button" href={`/nodes?q=${encodeURIComponent(`image:${view.image}`)}`}>{t("nodes")}</a>
      </p>
      <Command line={commandLine("rackseed", "deployment", "show", id)} />
      {dialog === "cancel" && <CancelDialog view={view} onClose={() => setDialog(undefined)} />}
      {typeof dialog === "object" && (
        <RetryDialog
          view={view}
          nodes={dialog.retry?.nodes}
          count={dialog.retry?.nodes.length ?? counts.failed}
          onClose={() => setDialog(undefined)}
        />
      )}
    </Page>
  );
}

function Orders(
  { view, counts, onDialog, onChange }: {
    view: DeploymentView;
    counts: Counts;
    onDialog: (dialog: Dialogs) => void;
    onChange: () => void;
  },
) {
  const change = (verb: "pause" | "resume", done: "pausedNote" | "resumedNote") =>
    void attempt(async () => {
      await call("POST", `/deployments/${segment(view.id)}/${verb}`);
      onChange();
      return t(done);
    });
  return (
    <>
      {counts.failed > 0 && view.kind !== "backup" && (
        <button
          type="button"
          onClick={() => onDialog({ retry: undefined })}
        >
          {t("retryAll", { n: counts.failed })}
        </button>
      )}
      {view.paused
        ? (
          <button type="button" class="primary" onClick={() => change("resume", "resumedNote")}>
            {t("resume")}
          </button>
        )
        : counts.waiting > 0 &&
          <button type="button" onClick={() => change("pause", "pausedNote")}>{t("pause")}</button>}
      {counts.waiting + counts.installing > 0 && (
        <button type="button" onClick={() => onDialog("cancel")}>{t("cancelAll")}</button>
      )}
    </>
  );
}

function Head(
  { view: { created, by, started, ended, paused }, counts, progress }: {
    view: DeploymentView;
    counts: Counts;
    progress: DeploymentProgress | undefined;
  },
) {
  return (
    <div class="head">
      <ProgressBar counts={counts} />
      <p>
        <ProgressWords counts={counts} isPaused={paused !== undefined} />
      </p>
      {paused && (
        <p class="warn" role="status">
          {t("pausedBy", { by: paused.by })} <Ago at={paused.since} />
        </p>
      )}
      <dl class="figures">
        {counts.installing > 0 && progress && (
          <div>
            <dt>{t("timeLeft")}</dt>
            <dd>
              {progress.secondsLeft === undefined
                ? t("unknownYet")
                : t("about", { time: durationText(progress.secondsLeft) })}
              {progress.waiting > 0 && ` (${t("withoutWaiting", { n: progress.waiting })})`}
            </dd>
          </div>
        )}
        {started && ended && (
          <div>
            <dt>{t("took")}</dt>
            <dd>{durationText((Date.parse(ended) - Date.parse(started)) / 1000)}</dd>
          </div>
        )}
        {created && (
          <div>
            <dt>{t("ordered")}</dt>
            <dd>
              <Ago at={created} />
              {by !== undefined && `, ${t("orderedBy", { by })}`}
            </dd>
          </div>
        )}
      </dl>
    </div>
  );
}

function Swarm({ path }: { path: string }) {
  const { value, refusal, reload } = usePolled<DeploymentSwarm>(`${path}/swarm`, SWARM_MS);
  return (
    <section aria-labelledby="swarm">
      <h2 id="swarm">{t("swarm")}</h2>
      {refusal && <Refused refusal={refusal} reload={reload} />}
      {value && <SwarmPicture swarm={value} />}
    </section>
  );
}

function Pace({ view: { slowest, nodes } }: { view: DeploymentView }) {
  const limits = (["link", "disk", "cpu"] as const)
    .map((limit) => [limit, nodes.filter((node) => node.limit === limit).length] as const)
    .filter(([, n]) => n > 0);
  if (nodes.length < 2 && limits.length === 0) return null;
  return (
    <section aria-labelledby="slowest">
      <h2 id="slowest">{t("slowest")}</h2>
      {slowest
        ? (
          <>
            <p>
              <a href={`/nodes/${segment(slowest.node)}`}>{slowest.node}</a>: {t("slowestText", {
                node: slowest.node,
                time: durationText(slowest.seconds),
                typical: durationText(slowest.typicalSeconds),
              })}
            </p>
            <p class="dim">{slowest.limit && `${t(slowest.limit)}: `}{slowest.reason}</p>
          </>
        )
        : <p class="empty">{t("noSlowest")}</p>}
      {limits.length > 0 && (
        <p>
          {t("limits")}: {limits.map(([limit, n]) => `${t(limit)} (${common("nodes", { n })})`).join(", ")}
        </p>
      )}
    </section>
  );
}
