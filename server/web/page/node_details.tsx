/** The details of one node, for the page's dialog: settings, hardware, and the steps of its latest deployment. */
import type { NodeView, RecoveryKeyUse, StepReport } from "#contract/api.ts";
import type { CheckReport } from "#contract/api/checks.ts";
import { formatRate } from "#contract/rate_text.ts";
import { describeDrift, describeItem, describeRunning, describeUnlisted } from "../../words/drift_text.ts";
import { formatSeconds, formatTime } from "../../words/figures.ts";
import {
  describeBoard,
  describeController,
  describeDevice,
  describeDimm,
  describeDisk,
  describeFirmwareVersion,
  describeMachine,
  describeManagement,
  describeNic,
  describeProcessors,
} from "../../words/hardware_text.ts";
import { describeEncryption, formatDataDisk } from "../../words/disk_text.ts";
import { describeStart, formatPower } from "../../words/power_text.ts";
import { formatInterface } from "../../words/interface_text.ts";
import { describeEveryBoot } from "../../words/node_state.ts";
import { RecoveryKey } from "./recovery_key.tsx";
import { Failure } from "./rows.tsx";

export function NodeDetails({ node, log, check, uses }: {
  node: NodeView;
  log: readonly StepReport[];
  /** Absent if it was never checked. */
  check: CheckReport | undefined;
  /** Views of its recovery key; absent for those who may not see it. */
  uses: readonly RecoveryKeyUse[] | undefined;
}) {
  return (
    <>
      <Facts facts={{ ...settingsOf(node), "Every boot": describeEveryBoot(node), ...machineOf(node) }} />
      {node.power?.start?.problem && <Failure problem={node.power.start.problem} />}
      {check && <Check check={check} />}
      {uses && <RecoveryKey node={node} uses={uses} />}
      <h3>Latest deployment</h3>
      {log.length === 0 ? <p class="empty">No steps yet.</p> : (
        <ol class="steps">
          {log.map((report) => <StepLine report={report} />)}
        </ol>
      )}
    </>
  );
}

function Facts({ facts }: { facts: Readonly<Record<string, string | undefined>> }) {
  return (
    <dl>
      {Object.entries(facts).flatMap(([name, value]) =>
        value === undefined ? [] : [
          <div>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>,
        ]
      )}
    </dl>
  );
}

/** The newest comparison with its image. */
function Check({ check }: { check: CheckReport }) {
  const { state, problem, result } = check, running = describeRunning(check);
  const unlisted = result && describeUnlisted(result, result.differences);
  return (
    <>
      <h3>Compared with its image</h3>
      {state === "failed" && problem ? <Failure problem={problem} /> : running && <p>{running}</p>}
      {result && <p>{describeDrift(result)}</p>}
      {result && result.differences.length > 0 && (
        <details>
          <summary>differences</summary>
          <pre>{[...result.differences.map(describeItem), ...unlisted ? [unlisted] : []].join("\n")}</pre>
        </details>
      )}
      {result?.notes.map((note) => (
        <p>
          <small>{note}</small>
        </p>
      ))}
    </>
  );
}

function settingsOf({ settings, image, encryption, power }: NodeView): Record<string, string | undefined> {
  const { uploadLimit, backupEverySeconds } = settings;
  return {
    Image: image,
    "Host name": settings.hostname,
    Identity: settings.identity ?? "assign",
    Address: settings.address ?? "dhcp",
    Gateway: settings.gateway,
    "Name servers": settings.dns?.join(" "),
    Interfaces: settings.interfaces?.map(formatInterface).join(" "),
    Group: settings.group,
    Power: power && [formatPower(power.settings), describeStart(power)].filter(Boolean).join(", "),
    Rack: settings.rack,
    "Upload limit": uploadLimit === undefined
      ? "site default"
      : uploadLimit === "off"
      ? "none"
      : formatRate(uploadLimit),
    "Target disks": settings.disks?.join(" ") ?? "those that fit, if there is no choice",
    "Data disks": settings.dataDisks?.map(formatDataDisk).join(" ") ?? "none is written",
    "Disks left alone": settings.leaveDisks?.join(" "),
    Mirrors: settings.mirror === undefined ? undefined : `${settings.mirror} disks each`,
    Unlock: settings.unlock,
    Encrypted: encryption && describeEncryption(encryption),
    "Boot program": settings.bootProgram,
    Finish: settings.finish,
    "Backup": backupEverySeconds === undefined
      ? "not scheduled"
      : `every ${formatSeconds(backupEverySeconds)}`,
  };
}

function machineOf(
  { inventory, address, seen, limit, slowest, warnings }: NodeView,
): Record<string, string | undefined> {
  const lines = <T,>(parts: readonly T[] | undefined, describe: (part: T) => string) =>
    parts?.map(describe).join("; ") || undefined;
  return {
    "Last seen": seen && [address, formatTime(seen)].filter(Boolean).join(", "),
    Warnings: lines(warnings, ({ what }) => what),
    Machine: inventory && describeMachine(inventory),
    Processors: inventory && describeProcessors(inventory),
    Memory: lines(inventory?.memory?.dimms, describeDimm),
    Disks: lines(inventory?.disks, describeDisk),
    NICs: lines(inventory?.nics, describeNic),
    Controllers: lines(inventory?.controllers, describeController),
    "PCI devices": lines(inventory?.devices, describeDevice),
    Firmware: inventory && describeFirmwareVersion(inventory),
    Board: inventory && describeBoard(inventory),
    Management: inventory && describeManagement(inventory),
    "Limited by": limit,
    "In its batch": slowest && `slowest: ${slowest.reason}`,
  };
}

function StepLine({ report: { step, state, elapsedMs, message, problem, plan = [], log = [] } }: {
  report: StepReport;
}) {
  const lines = [...plan, ...log];
  return (
    <li>
      <strong>{step}</strong> <span class={`state ${STATES[state]}`}>{state}</span>{" "}
      {formatSeconds(elapsedMs / 1000)}
      {problem ? <Failure problem={problem} /> : message && <small>{message}</small>}
      {lines.length > 0 && (
        <details>
          <summary>{plan.length > 0 ? "plan" : "output"}</summary>
          <pre>{lines.join("\n")}</pre>
        </details>
      )}
    </li>
  );
}

/** The node states whose colours the steps share. */
const STATES = { running: "installing", done: "installed", failed: "failed" };
