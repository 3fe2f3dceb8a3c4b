/** Machines that appeared and are no nodes yet: to be adopted, or their hardware to be read first. */
import { useState } from "preact/hooks";
import type { MachineView } from "#contract/api.ts";
import { call } from "../../api/call.ts";
import { machines } from "../../live/state.ts";
import { bytesText } from "../../messages/figures.ts";
import { mayOperate } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { Page } from "../../parts/page.tsx";
import { Ago } from "../../parts/times.tsx";
import { AdoptDialog } from "./adopt_dialog.tsx";
import { t } from "./messages.ts";

export function MachinesPage() {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [isAdopting, setIsAdopting] = useState(false);
  const all = machines.value, canAct = mayOperate();
  const picked = all.filter(({ mac }) => chosen.has(mac));
  const choose = (macs: readonly string[], isChosen: boolean) =>
    setChosen(new Set(isChosen ? [...chosen, ...macs] : [...chosen].filter((mac) => !macs.includes(mac))));
  const discover = () =>
    attempt(async () => {
      await call("POST", "/discoveries", { body: { nodes: picked.map(({ mac }) => mac) } });
      return t("discovered", { n: picked.length });
    });
  const actions = canAct && picked.length > 0 && (
    <>
      <button type="button" onClick={() => void discover()}>{t("discover")}</button>
      <button type="button" class="primary" onClick={() => setIsAdopting(true)}>
        {t("adopt", { n: picked.length })}
      </button>
    </>
  );
  return (
    <Page title={t("title")} actions={actions}>
      <p class="dim">{t("about")}</p>
      {all.length === 0 && <p class="empty">{t("empty")}</p>}
      {all.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                {canAct && (
                  <th scope="col">
                    <input
                      type="checkbox"
                      aria-label={t("selectAll")}
                      checked={picked.length === all.length}
                      onClick={() => choose(all.map(({ mac }) => mac), picked.length < all.length)}
                    />
                  </th>
                )}
                {(["machine", "hardware", "address", "first", "seen"] as const).map((key) => (
                  <th scope="col" key={key}>{t(key)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {all.map((machine) => (
                <tr key={machine.id}>
                  {canAct && (
                    <td>
                      <input
                        type="checkbox"
                        aria-label={t("select", { name: machine.mac })}
                        checked={chosen.has(machine.mac)}
                        onClick={() => choose([machine.mac], !chosen.has(machine.mac))}
                      />
                    </td>
                  )}
                  <MachineCells machine={machine} />
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {isAdopting && (
        <AdoptDialog
          machines={picked}
          onClose={() => setIsAdopting(false)}
          onAdopted={() => setChosen(new Set())}
        />
      )}
    </Page>
  );
}

function MachineCells(
  { machine: { mac, vendor, sighting, seen, address, state, inventory } }: { machine: MachineView },
) {
  const kind = [sighting.firmware?.toUpperCase(), sighting.architecture].filter((text) => text !== undefined)
    .join(", ");
  return (
    <>
      <th scope="row">
        {mac}
        {vendor !== undefined && <small>{vendor}</small>}
      </th>
      <td>
        {inventory
          ? `${inventory.model ?? ""} ${inventory.cpus} CPU, ${bytesText(inventory.memoryBytes)}, ${
            inventory.disks.map(({ sizeBytes }) => bytesText(sizeBytes)).join(" + ")
          }`
          : state === "armed"
          ? t("waits")
          : t("notKnown")}
        {kind !== "" && <small>{kind}</small>}
      </td>
      <td>{address ?? "–"}</td>
      <td>
        <Ago at={sighting.first} />
      </td>
      <td>
        <Ago at={seen} />
      </td>
    </>
  );
}
