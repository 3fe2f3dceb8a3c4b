/** What can be done with a schedule: run it now, pause, resume, change, delete. */
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import type { ScheduleDetails, SchedulePreview, ScheduleView } from "#contract/api/schedules.ts";
import { useAnswer } from "../../api/answer.ts";
import { call, segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { attempt } from "../../parts/attempt.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { note } from "../../parts/notes.tsx";
import { Refused } from "../../parts/problem.tsx";
import { rangesOf } from "../../search/name_ranges.ts";
import { isNumberTyped, TypedNumber } from "../order/verdict.tsx";
import { t } from "./messages.ts";
import { losingOf, Reviews } from "./preview.tsx";
import { maySchedule, namesOf } from "./rights.ts";
import { setTermsOf, writesTo } from "./terms.ts";
import { countsText } from "./words.ts";

export function Actions({ schedule, onDeleted }: { schedule: ScheduleView; onDeleted?: () => void }) {
  const { route } = useLocation();
  const [asked, setAsked] = useState<"run" | "delete">();
  if (!maySchedule(schedule.nodes)) return null;
  const { name, run, paused, order } = schedule;
  const send = (verb: "run" | "pause" | "resume") =>
    attempt(async () => {
      await call("POST", `/schedules/${segment(name)}/${verb}`);
      return t(verb === "run" ? "begunNote" : verb === "pause" ? "pausedNote" : "resumedNote", { name });
    });
  const close = () => setAsked(undefined);
  return (
    <div class="schedule-actions">
      {!run && !paused && (
        <button
          type="button"
          aria-label={t("runName", { name })}
          onClick={() => writesTo(order) ? setAsked("run") : void send("run")}
        >
          {t("run")}
          {writesTo(order) && "…"}
        </button>
      )}
      <button
        type="button"
        aria-label={t(paused ? "resumeName" : "pauseName", { name })}
        onClick={() => void send(paused ? "resume" : "pause")}
      >
        {t(paused ? "resume" : "pause")}
      </button>
      <button
        type="button"
        aria-label={t("changeTitle", { name })}
        onClick={() => route(`/schedule?change=${encodeURIComponent(name)}`)}
      >
        {t("change")}
      </button>
      <button type="button" aria-label={t("deleteTitle", { name })} onClick={() => setAsked("delete")}>
        {t("remove")}
      </button>
      {asked === "run" && <RunDialog schedule={schedule} onClose={close} />}
      {asked === "delete" && (
        <DeleteDialog schedule={schedule} onClose={close} onDeleted={onDeleted ?? close} />
      )}
    </div>
  );
}

/** A run that writes to disks is reviewed as an order is. */
function RunDialog({ schedule, onClose }: { schedule: ScheduleView; onClose: () => void }) {
  const { name } = schedule;
  const preview = useAnswer<SchedulePreview>("/schedules/preview", setTermsOf(schedule));
  const [typed, setTyped] = useState("");
  const { current, refusal } = preview;
  const losing = losingOf(current);
  const submit = async () => {
    await call("POST", `/schedules/${segment(name)}/run`);
    note(t("begunNote", { name }));
  };
  return (
    <Dialog
      title={t("runTitle", { name })}
      action={t("run")}
      isWide
      isDangerous={losing > 0}
      isDisabled={!current || !isNumberTyped(typed, losing)}
      onSubmit={submit}
      onClose={onClose}
    >
      <p>{t("runAbout")}</p>
      {refusal && <Refused refusal={refusal} reload={preview.again} />}
      {!current && !refusal && <p class="dim" role="status">{t("previewing")}</p>}
      {current && (
        <div class="order-page">
          <Reviews reviews={current.reviews} order={schedule.order} />
        </div>
      )}
      {losing > 0 && <TypedNumber text={typed} onInput={setTyped} />}
      <Command line={commandLine("rackseed", "schedule", "run", name)} />
    </Dialog>
  );
}

interface DeleteProps {
  readonly schedule: ScheduleView;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

function DeleteDialog({ schedule, onClose, onDeleted }: DeleteProps) {
  const { name } = schedule;
  const details = useResource<ScheduleDetails>(`/schedules/${segment(name)}`);
  const all = useResource<ScheduleView[]>("/schedules");
  const lines = details.value && all.value && dependentsOf(details.value, all.value);
  const remove = async () => {
    await call("DELETE", `/schedules/${segment(name)}`);
    note(t("deletedNote", { name }));
    onDeleted();
  };
  return (
    <Dialog
      title={t("deleteTitle", { name })}
      action={common("delete")}
      isDangerous
      isDisabled={lines === undefined && details.refusal === undefined}
      onSubmit={remove}
      onClose={onClose}
    >
      <h3>{t("depends")}</h3>
      {details.refusal && <Refused refusal={details.refusal} reload={details.reload} />}
      {!lines && !details.refusal && <p class="dim">{common("loading")}</p>}
      {lines && (
        <ul class="bullets">
          {lines.map((line) => <li key={line}>{line}</li>)}
          {lines.length === 0 && <li class="dim">{t("dependsNothing")}</li>}
        </ul>
      )}
      <Command line={commandLine("rackseed", "schedule", "remove", name)} />
    </Dialog>
  );
}

function dependentsOf(schedule: ScheduleDetails, all: readonly ScheduleView[]): string[] {
  const { name, run, runs, order, nodes, hasPassphrase } = schedule;
  const image = "image" in order ? order.image : undefined;
  const alone = order.work === "backup" ? notBackedUpElse(name, nodes, all) : [];
  return [
    ...run ? [t("dependsRun", { counts: countsText(run) })] : [],
    ...alone.length > 0 ? [t("dependsBackup", { nodes: rangesOf(alone).join(", ") })] : [],
    ...image?.includes("@") ? [t("dependsImage", { image })] : [],
    ...hasPassphrase ? [t("dependsPassphrase")] : [],
    ...runs.length > 0 ? [t("dependsRuns", { n: runs.length })] : [],
  ];
}

function notBackedUpElse(name: string, nodes: readonly string[], all: readonly ScheduleView[]): string[] {
  const others = all.filter((one) => one.name !== name && one.order.work === "backup" && !one.paused);
  const elsewhere = new Set(others.flatMap((one) => namesOf(one.nodes)));
  return namesOf(nodes).filter((node) => !elsewhere.has(node));
}
