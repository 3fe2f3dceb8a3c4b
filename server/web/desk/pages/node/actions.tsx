/** What can be ordered for the node. */
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import type { NodeView } from "#contract/api.ts";
import { PowerResult } from "#contract/api/power.ts";
import { deskOf } from "./desk_of.ts";
import { Refusal, send } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { mayAdminister, mayOrder } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { BackupDialog, CheckDialog } from "../node_orders/dialogs.tsx";
import { DeleteDialog } from "../node_orders/delete_dialog.tsx";
import { cancel } from "../nodes/orders.ts";
import { AgentDialog } from "./agent_dialog.tsx";
import { t } from "./messages.ts";

type PowerAction = "on" | "off" | "cycle";

export function NodeActions({ view, reload }: { view: NodeView; reload: () => void }) {
  const { route } = useLocation();
  const [asked, setAsked] = useState<"backup" | "check" | "agent" | "remove">();
  const [power, setPower] = useState<PowerAction>(), [isCancelling, setIsCancelling] = useState(false);
  if (!mayOrder([view.settings.group])) return null;
  const { name, state, armed, everyBoot } = view, query = `?nodes=${encodeURIComponent(name)}`;
  const end = () => {
    setAsked(undefined);
    reload();
  };
  return (
    <>
      <button type="button" class="primary" onClick={() => route(`/deploy${query}`)}>{t("deploy")}</button>
      <button type="button" onClick={() => route(`/restore${query}`)}>{t("restore")}</button>
      <button type="button" onClick={() => setAsked("backup")}>
        {common("asks", { action: t("backup") })}
      </button>
      <button type="button" onClick={() => setAsked("check")}>
        {common("asks", { action: t("check") })}
      </button>
      {view.power && (
        <details class="menu">
          <summary>{t("power")}</summary>
          <div>
            {(["on", "off", "cycle"] as const).map((action) => (
              <button
                key={action}
                type="button"
                onClick={() => setPower(action)}
              >
                {t(POWER[action])}
              </button>
            ))}
          </div>
        </details>
      )}
      {(armed || everyBoot) && (
        <button type="button" class="danger" onClick={() => setIsCancelling(true)}>{t("cancelOrder")}</button>
      )}
      {mayAdminister() && (
        <>
          <button type="button" onClick={() => setAsked("agent")}>
            {common("asks", { action: t("agent") })}
          </button>
          <button type="button" onClick={() => setAsked("remove")}>
            {common("asks", { action: common("delete") })}
          </button>
        </>
      )}
      {asked === "backup" && <BackupDialog nodes={[deskOf(view)]} onClose={end} />}
      {asked === "check" && <CheckDialog nodes={[deskOf(view)]} onClose={end} />}
      {asked === "agent" && <AgentDialog name={name} onClose={end} />}
      {asked === "remove" && (
        <DeleteDialog
          nodes={[deskOf(view)]}
          onClose={() => setAsked(undefined)}
          onDeleted={() => route("/nodes")}
        />
      )}
      {power && <PowerDialog name={name} action={power} onClose={() => setPower(undefined)} />}
      {isCancelling && (
        <Dialog
          title={t("cancelTitle", { name })}
          action={t("cancelOrder")}
          isDangerous
          onClose={() => setIsCancelling(false)}
          onSubmit={async () => {
            await attempt(() => cancel([deskOf(view)]));
            reload();
          }}
        >
          <p>{state === "installing" ? t("cancelInstalling") : t("cancelArmed")}</p>
          <Command line={commandLine("rackseed", "node", "cancel", name)} />
        </Dialog>
      )}
    </>
  );
}

const POWER = { on: "powerOn", off: "powerOff", cycle: "powerCycle" } as const;

function PowerDialog({ name, action, onClose }: { name: string; action: PowerAction; onClose: () => void }) {
  return (
    <Dialog
      title={t("powerTitle", { name, action: t(POWER[action]) })}
      action={t(POWER[action])}
      isDangerous={action !== "on"}
      onClose={onClose}
      onSubmit={async () => {
        const answer = await send("POST", "/power", { body: { nodes: [name], action } });
        const { problem, state } = PowerResult.parse(JSON.parse((await answer.text()).trim()));
        if (problem) throw new Refusal(problem);
        await attempt(() => Promise.resolve(t("powerDone", { name, state: state ?? "" })));
      }}
    >
      <p>{action === "on" ? t("powerOnAbout") : t("powerOffAbout")}</p>
      <Command line={commandLine("rackseed", "node", "power", action, name)} />
    </Dialog>
  );
}
