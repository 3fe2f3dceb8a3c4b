/** The rehearsals of a version: its verdict, the one that runs or is chosen, and all of them. */
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import type { VersionView } from "#contract/api.ts";
import type { RehearsalView } from "#contract/api/rehearsals.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { agoText, durationText } from "../../messages/figures.ts";
import { mayOperate } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Ago } from "../../parts/times.tsx";
import { t } from "./messages.ts";
import { Rehearsal, StateText } from "./rehearsal.tsx";
import { StartDialog } from "./start_dialog.tsx";

/** `image`: NAME@VERSION, out of the address. */
export function RehearsalsPage({ image = "" }: { image?: string }) {
  const { query, route } = useLocation();
  const version = useResource<VersionView>(`/images/${segment(image)}`, { on: ["images"] });
  const list = useResource<RehearsalView[]>(`/images/${segment(image)}/rehearsals`, { on: ["rehearsals"] });
  const [isStarting, setIsStarting] = useState(false);
  const { value: rehearsals } = list;
  const chosen = rehearsals?.find(({ id }) => id === query.id) ?? rehearsals?.[0];
  const choose = (id: string) => route(`/images/${segment(image)}/rehearsals?id=${id}`);
  const refused = version.refusal ?? list.refusal;
  return (
    <Page
      kind="rehearsals-page"
      title={t("title", { ref: image })}
      trail={[{ href: "/images", text: t("images") }, { href: `/images/${segment(image)}`, text: image }]}
      actions={mayOperate() && (
        <button
          type="button"
          class="primary"
          onClick={() => setIsStarting(true)}
        >
          {t("rehearse")}
        </button>
      )}
    >
      {refused && (
        <Refused refusal={refused} reload={refused === version.refusal ? version.reload : list.reload} />
      )}
      {version.value && <VerdictLine version={version.value} />}
      {!rehearsals && !refused && <p class="dim">{common("loading")}</p>}
      {chosen && <Rehearsal key={chosen.id} rehearsal={chosen} />}
      {rehearsals && rehearsals.length > 0 && (
        <History rehearsals={rehearsals} chosen={chosen} onChoose={choose} />
      )}
      <Command line={commandLine("rackseed", "image", "rehearse", image, "--wait")} />
      {isStarting && (
        <StartDialog
          imageRef={image}
          onClose={() => setIsStarting(false)}
          onOrdered={({ id }) => {
            list.reload();
            choose(id);
          }}
        />
      )}
    </Page>
  );
}

function VerdictLine({ version: { rehearsal } }: { version: VersionView }) {
  if (!rehearsal) return <p class="verdict">{t("notYet")}</p>;
  const { state, ended, seconds, firmware, by } = rehearsal;
  const facts = {
    when: agoText(ended, Math.max(Date.now(), Date.parse(ended))),
    time: durationText(seconds),
    firmware: firmware.toUpperCase(),
    by,
  };
  return (
    <p class={`verdict ${state}`}>
      <span aria-hidden="true">{state === "proved" ? "✓" : "✕"}</span>{" "}
      {t(state === "proved" ? "provedLong" : "failedLong", facts)}
    </p>
  );
}

interface HistoryProps {
  readonly rehearsals: readonly RehearsalView[];
  readonly chosen: RehearsalView | undefined;
  readonly onChoose: (id: string) => void;
}

function History({ rehearsals, chosen, onChoose }: HistoryProps) {
  return (
    <div>
      <h2 id="history">{t("history")}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="history">
        <table class="rehearsal-list">
          <thead>
            <tr>
              <th scope="col">{t("ordered")}</th>
              <th scope="col">{t("state")}</th>
              <th scope="col">{t("took")}</th>
              <th scope="col">{t("by")}</th>
              <th scope="col">{t("machine")}</th>
              <td></td>
            </tr>
          </thead>
          <tbody>
            {rehearsals.map(({ id, ordered, state, started, ended, by, firmware, memoryMiB }) => (
              <tr key={id} class={id === chosen?.id ? "chosen" : undefined}>
                <td>
                  <Ago at={ordered} />
                </td>
                <td>
                  <StateText state={state} />
                </td>
                <td>
                  {started !== undefined && ended !== undefined &&
                    durationText((Date.parse(ended) - Date.parse(started)) / 1000)}
                </td>
                <td>{by}</td>
                <td>{firmware.toUpperCase()}, {memoryMiB} MiB</td>
                <td>
                  {id === chosen?.id ? <span class="dim">{t("shown")}</span> : (
                    <button
                      type="button"
                      onClick={() => onChoose(id)}
                    >
                      {t("show")}
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
