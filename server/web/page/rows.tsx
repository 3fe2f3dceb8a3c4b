/** Rows of the page's tables, rendered here both for the first page and for every change after it. */
import type { CaptureView, ImageView, NodeView, StepReport, TemplateView } from "#contract/api.ts";
import type { HookSummary } from "#contract/api/hooks.ts";
import type { Problem } from "#contract/errors.ts";
import { STEPS } from "#contract/api/steps.ts";
import { describeCounts, describeRunning } from "../../words/drift_text.ts";
import { formatBytes, formatCount, formatSeconds, formatTime, percent } from "../../words/figures.ts";
import { LIMIT_NAMES } from "../../words/limit_names.ts";
import { stateOf } from "../../words/node_state.ts";

export function NodeRow({ node, canOrder }: { node: NodeView; canOrder: boolean }) {
  const { settings, report } = node;
  return (
    <tr
      id={`node-${node.id}`}
      data-sort={node.name}
      data-name={node.name}
      data-machine={describeMachine(node)}
    >
      <td>
        {canOrder && (
          <input
            type="checkbox"
            id={`pick-${node.id}`}
            name="node"
            value={node.name}
            aria-label={`Select ${node.name}`}
            disabled={node.state === "installing"}
          />
        )}
      </td>
      <th scope="row">
        <button type="button" class="link" id={`show-${node.id}`} data-show={node.name}>{node.name}</button>
        {settings.mac && <small>{settings.mac}</small>}
        <Warnings node={node} />
      </th>
      <td>
        <span class={`state ${node.state}`}>{stateOf(node)}</span>
      </td>
      <td>
        <NodeProgress node={node} report={report} />
        <Changes node={node} />
        <Drift node={node} />
      </td>
      <td>{node.image ?? "–"}</td>
      <td>
        {settings.address?.includes("/") ? settings.address : node.address ?? "–"}
        {settings.hostname && <small>{settings.hostname}</small>}
        <small>identity: {settings.identity ?? "assign"}</small>
      </td>
      <td>
        {(node.armed || node.everyBoot) && canOrder && (
          <button type="button" id={`cancel-${node.id}`} data-cancel={node.name}>
            Cancel<span class="hidden">the order for {node.name}</span>
          </button>
        )}
      </td>
    </tr>
  );
}

function NodeProgress({ node, report }: { node: NodeView; report: StepReport | undefined }) {
  if (node.state === "armed") {
    if (report?.step !== "restart") return <>waiting for network boot</>;
    return (
      <>
        restarting into the installer
        <small>{report.message}</small>
      </>
    );
  }
  if (!report || (node.state === "idle" && !node.backup && !node.discover)) return <>–</>;
  if (node.state === "aborted") return <>cancelled at step {report.step}; the disk is incomplete</>;
  const problem = node.firstBoot?.problem ?? report.problem;
  if (problem) return <Failure problem={problem} />;
  if (node.state === "failed") return <>stopped at step {report.step}</>;
  if (node.backup && node.state !== "installing" && report.step === "finish") {
    return <>backed up: {report.message}</>;
  }
  if (node.discover && node.state !== "installing" && report.step === "finish") return <>{report.message}</>;
  if (node.state === "installed" || node.state === "running") {
    const { firstBoot } = node;
    return (
      <>
        {node.state === "running" ? `up as ${firstBoot?.hostname ?? node.name}` : "all steps done"}
        {firstBoot?.reported && <small>since {formatTime(firstBoot.reported)}</small>}
        {firstBoot && !firstBoot.reported && (
          <small>first boot expected by {formatTime(firstBoot.due)}</small>
        )}
        <Pace node={node} />
      </>
    );
  }
  const { progress } = report;
  return (
    <>
      <span>step {STEPS.indexOf(report.step) + 1} of {STEPS.length}: {report.step}</span>
      {progress && (
        <Bar done={progress.bytesDone} total={progress.bytesTotal} label={`${node.name}: download`} />
      )}
      {progress && (
        <small>
          {formatBytes(progress.bytesDone)} of {formatBytes(progress.bytesTotal)},{" "}
          {formatBytes(progress.bytesPerSecond)}/s, {progress.peers} {progress.peers === 1 ? "peer" : "peers"}
        </small>
      )}
      {!progress && report.message && <small>{report.message}</small>}
      {node.silentSince && (
        <small class="slowest">
          no reports since {formatTime(node.silentSince)}: check its power and network
        </small>
      )}
      <Pace node={node} />
    </>
  );
}

/** What changed in its hardware, and disks that are failing. */
function Warnings({ node: { warnings = [] } }: { node: NodeView }) {
  if (warnings.length === 0) return null;
  return (
    <details class="slowest">
      <summary>{warnings.length === 1 ? "hardware warning" : `${warnings.length} hardware warnings`}</summary>
      <ul>{warnings.map(({ what }) => <li>{what}</li>)}</ul>
    </details>
  );
}

/** What a restore changed, or would change. */
function Changes({ node: { restore } }: { node: NodeView }) {
  if (!restore?.changes) return null;
  return (
    <details>
      <summary>{restore.dryRun ? "would change" : "restored"}</summary>
      <pre>{restore.changes.join("\n")}</pre>
    </details>
  );
}

/** How far it is from its image, as its newest check has it, and what a later one is doing. */
function Drift({ node: { check, image } }: { node: NodeView }) {
  const result = check?.result?.image === image ? check?.result : undefined;
  const running = check && describeRunning(check);
  return (
    <>
      {result && (
        <small class={result.drifted ? "slowest" : undefined}>
          {result.drifted ? "drifted" : "checked"}: {describeCounts(result)}
        </small>
      )}
      {running && <small>check: {running}</small>}
    </>
  );
}

/** Its speed compared to the rest of its batch. */
function Pace({ node: { seeding, limit, slowest } }: { node: NodeView }) {
  return (
    <>
      {seeding && <small>{seeding.reason}</small>}
      {slowest && (
        <small class="slowest" title={slowest.reason}>
          slowest of its batch{limit && `, limited by its ${LIMIT_NAMES[limit]}`}:{" "}
          {formatSeconds(slowest.seconds)}, typical {formatSeconds(slowest.typicalSeconds)}
        </small>
      )}
    </>
  );
}

function Bar({ done, total, label }: { done: number; total: number; label: string }) {
  return <progress max={100} value={percent(done, total)} aria-label={label} />;
}

export function Failure({ problem }: { problem: Problem }) {
  return (
    <span class="problem">
      <strong>{problem.title}:</strong> {problem.detail}
      <small>Remedy: {problem.remedy}</small>
    </span>
  );
}

/** What a deployment would overwrite, as far as the machine has reported. */
function describeMachine({ inventory }: NodeView): string {
  if (!inventory) return "disks not known yet; the node refuses any disk that may be in use";
  if (inventory.kind === "directory") return "installed into a directory";
  if (inventory.disks.length === 0) return "no disk when last seen";
  return inventory.disks.map((disk) =>
    `${disk.name} ${formatBytes(disk.sizeBytes)}${disk.model ? ` ${disk.model}` : ""}${
      disk.content ? ` (${disk.content})` : ""
    }`
  ).join("; ");
}

export function TemplateRow(
  { template, canCapture }: { template: TemplateView; canCapture: boolean },
) {
  return (
    <tr id={`template-${template.id}`} data-sort={template.name}>
      <th scope="row">
        {template.name}
        <small>{template.address}</small>
      </th>
      <td>
        <span class={`state ${template.online ? "online" : "offline"}`}>
          {template.online ? "online" : "offline"}
        </span>
      </td>
      <td>
        {template.source?.description ?? "a directory tree"}
        {template.source && <small>{template.source.firmware.toUpperCase()}, {template.source.kernel}</small>}
      </td>
      <td>
        {template.lacks.length === 0
          ? "none"
          : <ul>{template.lacks.map((obstacle) => <li>{obstacle}</li>)}</ul>}
      </td>
      <td>
        {canCapture && (
          <button
            type="button"
            id={`capture-${template.id}`}
            data-capture={template.name}
            disabled={!template.online}
          >
            Capture…<span class="hidden">{template.name}</span>
          </button>
        )}
      </td>
    </tr>
  );
}

export function CaptureRow({ capture }: { capture: CaptureView }) {
  const { progress } = capture;
  const published = capture.version !== undefined;
  return (
    <tr id={`captured-${capture.id}`}>
      <th scope="row">{published ? `${capture.image}@${capture.version}` : capture.image}</th>
      <td>{capture.template ?? "import"}</td>
      <td>
        <span class={`state ${capture.state}`}>{capture.state}</span>
      </td>
      <td>
        {capture.problem && <Failure problem={capture.problem} />}
        {progress && !capture.problem && (
          <>
            {!published && (
              <Bar
                done={progress.bytesDone}
                total={progress.bytesTotal}
                label={`${capture.image}: capture`}
              />
            )}
            <small>
              {formatCount(progress.filesDone)} of {formatCount(progress.filesTotal)} files,{" "}
              {formatBytes(progress.bytesDone)} of {formatBytes(progress.bytesTotal)},{" "}
              {formatBytes(progress.bytesSent)} sent
            </small>
          </>
        )}
        {capture.state === "waiting" && "waiting for the template's agent"}
        {capture.activity && <small>{capture.activity}</small>}
        {capture.notes.length > 0 && (
          <details>
            <summary>
              {formatCount(capture.notes.length)} {capture.notes.length === 1 ? "note" : "notes"}
            </summary>
            <ul>{capture.notes.slice(0, 200).map((note) => <li>{note}</li>)}</ul>
          </details>
        )}
      </td>
      <td>{formatTime(capture.started)}</td>
    </tr>
  );
}

export function HookRow({ hook }: { hook: HookSummary }) {
  const [owner, name] = hook.scope.split(":");
  return (
    <tr>
      <th scope="row">{hook.name}</th>
      <td>{hook.when}</td>
      <td>{name === undefined ? "all" : `${owner} ${name}`}</td>
      <td>{hook.optional ? "continues" : "stops"}</td>
      <td>{formatSeconds(hook.timeoutSeconds)}</td>
    </tr>
  );
}

export function ImageRow({ image }: { image: ImageView }) {
  const ref = `${image.image}@${image.version}`;
  return (
    <tr id={`image-${ref}`} data-ref={ref} data-created={image.created}>
      <th scope="row">
        {ref}
        {image.backupOf !== undefined && <small>backup of {image.backupOf}</small>}
      </th>
      <td>{formatTime(image.created)}</td>
      <td>{formatCount(image.totals.files)}</td>
      <td>{formatBytes(image.totals.fileBytes)}</td>
      <td>{formatBytes(image.totals.sealedBytes)}</td>
      <td>{image.bootable ? "yes" : "no"}</td>
    </tr>
  );
}
