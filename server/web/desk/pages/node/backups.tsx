/** The node's backups: what each holds, whether it was proved, and what can be done with it. */
import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import type { ImageView } from "#contract/api.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, durationText } from "../../messages/figures.ts";
import { mayOperate, mayOrder } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Ago } from "../../parts/times.tsx";
import { StartDialog } from "../rehearsals/start_dialog.tsx";
import { t } from "./messages.ts";
import { TableHead } from "../../parts/table_head.tsx";
import type { TabProps } from "./tab_props.ts";

const refOf = ({ image, version }: Pick<ImageView, "image" | "version">) => `${image}@${version}`;

export function BackupsTab({ name, view }: TabProps) {
  const { route } = useLocation();
  const { value, refusal, reload } = useResource<ImageView[]>(
    `/images?backupOf=${encodeURIComponent(name)}`,
    { on: ["images"] },
  );
  const [rehearsed, setRehearsed] = useState<string>();
  const newestFirst = value?.toSorted((a, b) => b.version - a.version);
  const every = view.settings.backupEverySeconds;
  return (
    <>
      <h2 class="hidden">{t("backups")}</h2>
      {every !== undefined && <p class="dim">{t("backedUpEvery", { time: durationText(every) })}</p>}
      {refusal && <Refused refusal={refusal} reload={reload} />}
      {!value && !refusal && <p class="dim">{common("loading")}</p>}
      {newestFirst?.length === 0 && <p class="empty">{t("noBackups")}</p>}
      {newestFirst && newestFirst.length > 0 && (
        <>
          <table class="cards">
            <TableHead
              columns={(["backup", "taken", "size", "rehearsal"] as const).map((column) => t(column))}
            />
            <tbody>
              {newestFirst.map((backup) => (
                <Row
                  key={backup.id}
                  backup={backup}
                  name={name}
                  mayRestore={mayOrder([view.settings.group])}
                  onRehearse={() => setRehearsed(refOf(backup))}
                />
              ))}
            </tbody>
          </table>
          <Command line={commandLine("rackseed", "node", "rehearse", name, "--wait")} />
        </>
      )}
      {rehearsed !== undefined && (
        <StartDialog
          imageRef={rehearsed}
          onClose={() => setRehearsed(undefined)}
          onOrdered={({ id }) => route(`/images/${segment(rehearsed)}/rehearsals?id=${id}`)}
        />
      )}
    </>
  );
}

interface RowProps {
  readonly backup: ImageView;
  readonly name: string;
  readonly mayRestore: boolean;
  readonly onRehearse: () => void;
}

function Row({ backup, name, mayRestore, onRehearse }: RowProps) {
  const { created, totals, stored, note, rehearsal } = backup, ref = refOf(backup);
  const query = new URLSearchParams({ nodes: name, image: ref });
  return (
    <tr>
      <th scope="row">
        <a href={`/images/${segment(ref)}`}>{ref}</a>
        {note !== undefined && <small>{note}</small>}
      </th>
      <td data-title={t("taken")}>
        <Ago at={created} />
      </td>
      <td data-title={t("size")}>
        {bytesText(totals.fileBytes)}
        <small>{t("ownBytes", { bytes: bytesText(stored.own) })}</small>
      </td>
      <td data-title={t("rehearsal")}>
        <a href={`/images/${segment(ref)}/rehearsals`}>
          {rehearsal === undefined
            ? t("notRehearsed")
            : t(rehearsal.state === "proved" ? "isProved" : "isNotProved")}
        </a>
        {rehearsal && (
          <small>
            <Ago at={rehearsal.ended} />
          </small>
        )}
      </td>
      <td class="backup-actions">
        {mayOperate() && (
          <button type="button" aria-label={t("rehearseName", { ref })} onClick={onRehearse}>
            {t("rehearse")}
          </button>
        )}
        {mayRestore && <a class="button" href={`/restore?${query}`}>{t("restoreIt")}</a>}
        <a class="button" href={`/images/${segment(ref)}/files`}>{t("browse")}</a>
      </td>
    </tr>
  );
}
