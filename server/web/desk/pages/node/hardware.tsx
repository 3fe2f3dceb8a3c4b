/** The node's hardware as it was last read, and what changed in it. */
import type { Inventory } from "#contract/api.ts";
import type { TpmView } from "#contract/api/attestation.ts";
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
} from "../../../../words/hardware_text.ts";
import { call, segment } from "../../api/call.ts";
import { mayOperate, mayOrder } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Ago } from "../../parts/times.tsx";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

export function HardwareTab({ name, view, reload }: TabProps) {
  const { inventory, inventoryAt, tpm, warnings = [], settings: { group } } = view;
  const accept = () =>
    void attempt(async () => {
      await call("POST", `/nodes/${segment(name)}/accept-hardware`);
      return t("acceptedNow", { name });
    }).then(reload);
  const forget = () =>
    void attempt(async () => {
      await call("POST", `/nodes/${segment(name)}/forget-tpm`);
      return t("tpmForgottenNow", { name });
    }).then(reload);
  const discover = () =>
    void attempt(async () => {
      await call("POST", "/discoveries", { body: { nodes: [name] } });
      return t("discoverOrdered", { name });
    }).then(reload);
  return (
    <>
      <div class="bar">
        <h2>{t("hardware")}</h2>
        {mayOrder([group]) && <button type="button" onClick={discover}>{t("discover")}</button>}
      </div>
      {inventoryAt !== undefined && (
        <p class="dim">
          {t("hardwareRead")} <Ago at={inventoryAt} />
        </p>
      )}
      {warnings.length > 0 && (
        <div class="alarm" role="region" aria-label={t("hardwareWarnings")}>
          <strong>{t("hardwareWarnings")}</strong>
          <ul>
            {warnings.map(({ what }) => <li key={what}>{what}</li>)}
          </ul>
          {mayOperate() && <button type="button" onClick={accept}>{t("accept")}</button>}
          <p class="dim">{t("acceptAbout")}</p>
        </div>
      )}
      {inventory ? <Facts inventory={inventory} /> : <p class="empty">{t("hardwareUnknown")}</p>}
      {tpm && <Tpm tpm={tpm} forget={forget} />}
      <Command line={commandLine("rackseed", "node", "hardware", name)} />
    </>
  );
}

function Tpm({ tpm: { ek, proved, required }, forget }: { tpm: TpmView; forget: () => void }) {
  return (
    <>
      <h3>TPM</h3>
      <p>
        {ek === undefined ? t("tpmUnknown") : <code>{ek.slice(0, 16)}…</code>}
        {ek !== undefined && (
          <>
            {", "}
            {proved === undefined ? t("tpmUnproved") : t("tpmProved")} {proved && <Ago at={proved} />}
          </>
        )}
        {required && <>{"; "}{t("tpmRequired")}</>}
      </p>
      {ek !== undefined && mayOperate() && (
        <>
          <button type="button" onClick={forget}>{t("forgetTpm")}</button>
          <p class="dim">{t("forgetTpmAbout")}</p>
        </>
      )}
    </>
  );
}

function Facts({ inventory }: { inventory: Inventory }) {
  const { memory, disks, nics, controllers = [], devices = [] } = inventory;
  const rows: [name: string, lines: readonly (string | undefined)[]][] = [
    [t("machine"), [describeMachine(inventory)]],
    [t("processors"), [describeProcessors(inventory)]],
    [t("memory"), memory?.dimms.map(describeDimm) ?? []],
    [t("disks"), disks.map(describeDisk)],
    [t("nics"), nics.map(describeNic)],
    [t("controllers"), controllers.map(describeController)],
    [t("devices"), devices.map(describeDevice)],
    [t("firmware"), [describeFirmwareVersion(inventory)]],
    [t("board"), [describeBoard(inventory)]],
    [t("management"), inventory.management ? [describeManagement(inventory)] : []],
  ];
  return (
    <dl class="figures">
      {rows.map(([name, lines]) => {
        const known = lines.filter((line) => line !== undefined && line !== "");
        return known.length > 0 && (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {known.map((line, i) => <div key={i}>{line}</div>)}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
