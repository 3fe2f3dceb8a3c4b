/** The details of one node, for the page's dialog: settings, hardware, and the steps of its latest deployment. */
import type { NodeView, RecoveryKeyUse, StepReport } from "#contract/api.ts";
import { formatRate } from "#contract/rate_text.ts";
import { formatBytes, formatSeconds, formatTime } from "../../words/figures.ts";
import { describeController, nameOfDisk } from "../../words/hardware_text.ts";
import { describeEncryption, formatDataDisk } from "../../words/disk_text.ts";
import { formatInterface } from "../../words/interface_text.ts";
import { RecoveryKey } from "./recovery_key.tsx";
import { Failure } from "./rows.tsx";

export function NodeDetails({ node, log, uses }: {
  node: NodeView;
  log: readonly StepReport[];
  /** Views of its recovery key; absent for those who may not see it. */
  uses: readonly RecoveryKeyUse[] | undefined;
}) {
  return (
    <>
      <Facts facts={{ ...settingsOf(node), ...machineOf(node) }} />
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

function settingsOf({ settings, image, encryption }: NodeView): Record<string, string | undefined> {
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
  { inventory, address, seen, limit, slowest }: NodeView,
): Record<string, string | undefined> {
  return {
    "Last seen": seen && [address, formatTime(seen)].filter(Boolean).join(", "),
    Machine: inventory && [
      inventory.model ?? inventory.kind,
      inventory.firmware.toUpperCase(),
      `${inventory.cpus} CPUs`,
      formatBytes(inventory.memoryBytes),
    ].join(", "),
    Disks:
      inventory?.disks.map((disk) =>
        [nameOfDisk(disk), formatBytes(disk.sizeBytes), disk.model, disk.content].filter(Boolean).join(" ")
      ).join("; ") || undefined,
    Controllers: inventory?.controllers?.map(describeController).join("; ") || undefined,
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
