/** The cells of a node's row. */
import type { DeskNode } from "#contract/desk.ts";
import { durationText, rateText } from "../../messages/figures.ts";
import { t as common } from "../../messages/common.ts";
import { StateSign } from "../../parts/state_sign.tsx";
import { Ago } from "../../parts/times.tsx";
import type { Column } from "./list_view.ts";
import { t } from "./messages.ts";

export function Cell({ node, column }: { node: DeskNode; column: Column }) {
  switch (column) {
    case "state":
      return <StateSign node={node} />;
    case "step":
      return <Doing node={node} />;
    case "seen":
      return node.seen === undefined ? <Nil /> : <Ago at={node.seen} />;
    case "drift":
      return node.drift === undefined ? <Nil /> : <>{t("drifted", { n: node.drift })}</>;
    case "address":
      return (
        <>
          {node.address ?? <Nil />}
          {node.hostname !== undefined && node.hostname !== node.name && <small>{node.hostname}</small>}
        </>
      );
    default:
      return <>{node[column] ?? <Nil />}</>;
  }
}

/** Nothing to show; a card leaves the whole line out. */
function Nil() {
  return <span class="nil">–</span>;
}

/** What the node does now, or why it does not. */
function Doing({ node }: { node: DeskNode }) {
  const { state, problem, progress, step, message, silentSince } = node;
  if (problem) {
    return (
      <span class="problem" title={`${problem.title}: ${problem.detail} ${problem.remedy}`}>
        {step !== undefined && `${step}: `}
        {problem.title}
        <small>{problem.remedy}</small>
      </span>
    );
  }
  if (silentSince !== undefined) {
    return (
      <span class="warn">
        {t("silent", { time: durationText((Date.now() - Date.parse(silentSince)) / 1000) })}
      </span>
    );
  }
  if (progress && state === "installing") return <Progress node={node} />;
  if (state === "installing") {
    return (
      <>
        {step}
        <small>{message}</small>
      </>
    );
  }
  if (state === "armed") {
    return (
      <>
        {step === "restart" ? message : t("waits")}
        {node.everyBoot && <small>{t("everyBoot")}</small>}
      </>
    );
  }
  return <Remarks node={node} />;
}

function Progress({ node: { name, step, progress, slowest } }: { node: DeskNode }) {
  const { bytesDone, bytesTotal, bytesPerSecond } = progress ??
    { bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0 };
  const left = bytesPerSecond > 0 ? (bytesTotal - bytesDone) / bytesPerSecond : undefined;
  return (
    <>
      <progress max={Math.max(1, bytesTotal)} value={bytesDone} aria-label={`${name}: ${step}`} />
      <small>
        {step}, {rateText(bytesPerSecond)}
        {left !== undefined && `, ${common("minutesLeft", { time: durationText(left) })}`}
        {slowest !== undefined && <span class="warn" title={slowest}>, {t("slowest")}</span>}
      </small>
    </>
  );
}

function Remarks({ node: { warnings = 0, drift = 0, everyBoot } }: { node: DeskNode }) {
  const remarks = [
    ...warnings > 0 ? [t("hardwareWarnings", { n: warnings })] : [],
    ...drift > 0 ? [t("drifted", { n: drift })] : [],
  ];
  return (
    <>
      {remarks.length > 0 && <span class="warn">{remarks.join(", ")}</span>}
      {everyBoot && <small>{t("everyBoot")}</small>}
      {remarks.length === 0 && !everyBoot && <Nil />}
    </>
  );
}
