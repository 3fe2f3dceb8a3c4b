/** What the node is, at a glance. */
import type { NodeView } from "#contract/api.ts";
import type { DeskNode } from "#contract/desk.ts";
import { ProblemText } from "../../parts/problem.tsx";
import { StateSign } from "../../parts/state_sign.tsx";
import { Ago, Exact } from "../../parts/times.tsx";
import { t } from "./messages.ts";

export function Head({ node, view }: { node: DeskNode | undefined; view: NodeView }) {
  const {
    settings: { group, rack, hostname, mac },
    image,
    address,
    seen,
    everyBoot,
    silentSince,
    firstBoot,
  } = view;
  const problem = node?.problem ?? (view.state === "idle" ? undefined : view.report?.problem);
  return (
    <div class="node-head">
      <p class="facts">
        <StateSign node={node ?? { state: view.state }} />
        {image !== undefined && (
          <span>
            <span class="dim">{t("image")}</span> <a href={`/images/${image}`}>{image}</a>
          </span>
        )}
        <Fact name={t("address")} value={node?.address ?? address} />
        <Fact name={t("hostname")} value={hostname === view.name ? undefined : hostname} />
        <Fact name={t("group")} value={group} />
        <Fact name={t("rack")} value={rack} />
        <Fact name="MAC" value={mac} />
        {firstBoot && firstBoot.reported === undefined && (
          <span>
            <span class="dim">{t("firstBootDue")}</span> <Exact at={firstBoot.due} />
          </span>
        )}
        {seen !== undefined && (
          <span>
            <span class="dim">{t("seen")}</span> <Ago at={seen} />
          </span>
        )}
      </p>
      {silentSince !== undefined && (
        <p class="warn" role="status">
          {t("silent")} <Ago at={silentSince} />
        </p>
      )}
      {everyBoot && <p class="warn">{t("everyBoot", { by: everyBoot.by })}</p>}
      {problem && (
        <div class="alarm" role="alert">
          {node?.step !== undefined && <small>{t("stoppedAt", { step: node.step })}</small>}
          <ProblemText problem={problem} />
        </div>
      )}
      {view.tpm?.problem && (
        <div class="alarm" role="alert">
          <ProblemText problem={view.tpm.problem} />
        </div>
      )}
      {view.power?.start?.problem && (
        <div class="alarm" role="alert">
          <ProblemText problem={view.power.start.problem} />
        </div>
      )}
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string | undefined }) {
  if (value === undefined) return null;
  return (
    <span>
      <span class="dim">{name}</span> {value}
    </span>
  );
}
