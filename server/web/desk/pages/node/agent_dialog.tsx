/** Makes the script that installs the agent on a node, and shows it once: the agent's token is in it. */
import { useRef, useState } from "preact/hooks";
import type { AgentToken } from "#contract/api.ts";
import { agentScript } from "../../../../words/agent_script.ts";
import { call, segment } from "../../api/call.ts";
import { useHold } from "../../live/log_in_again.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { ShownOnce } from "../../parts/shown_once.tsx";
import { t } from "./messages.ts";

interface Props {
  readonly name: string;
  readonly onClose: () => void;
}

export function AgentDialog({ name, onClose }: Props) {
  const made = useRef<string | undefined>(undefined);
  const [script, setScript] = useState<string>();
  useHold(script !== undefined);
  if (script !== undefined) {
    return (
      <Dialog key="script" title={t("agentTitle", { name })} onClose={onClose} isWide>
        <ShownOnce label={t("agentScript")} text={script} rows={12} />
        <p class="dim">{t("agentRun")}</p>
      </Dialog>
    );
  }
  const make = async () => {
    made.current = agentScript(await call<AgentToken>("POST", `/nodes/${segment(name)}/agent`));
  };
  return (
    <Dialog
      title={t("agentTitle", { name })}
      action={t("agentMake")}
      onSubmit={make}
      onClose={() => made.current === undefined ? onClose() : setScript(made.current)}
    >
      <p>{t("agentAbout")}</p>
      <p class="dim">{t("agentRevokes")}</p>
      <Command line={`${commandLine("rackseed", "node", "agent", name)} | ssh root@${name} sh`} />
    </Dialog>
  );
}
