/** The node's life as a line, newest first, by days. */
import { useState } from "preact/hooks";
import type { HistoryEntry } from "#contract/api/node_history.ts";
import type { DeskNode } from "#contract/desk.ts";
import { segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Refused } from "../../parts/problem.tsx";
import { dayText } from "./days.ts";
import { Entry } from "./entry.tsx";
import { eventMark, useFollowed } from "./followed.ts";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

const PER_PAGE = 50;
const MOST = 1000;

export function History({ name, node }: TabProps) {
  const [limit, setLimit] = useState(PER_PAGE);
  return (
    <>
      <h2 class="hidden">{t("history")}</h2>
      <HistoryList
        name={name}
        node={node}
        limit={limit}
        onMore={limit < MOST ? () => setLimit(Math.min(MOST, limit + 2 * PER_PAGE)) : undefined}
      />
      <Command line={commandLine("rackseed", "node", "history", name)} />
    </>
  );
}

export function HistoryList(
  { name, node, limit, onMore }: {
    name: string;
    node: DeskNode | undefined;
    limit: number;
    onMore?: (() => void) | undefined;
  },
) {
  const { value, refusal, reload } = useFollowed<HistoryEntry[]>(
    `/nodes/${segment(name)}/history?limit=${limit}`,
    { mark: eventMark(node), on: ["audit"] },
  );
  if (refusal) return <Refused refusal={refusal} reload={reload} />;
  if (!value) return <p class="dim">{common("loading")}</p>;
  if (value.length === 0) return <p class="empty">{t("noHistory")}</p>;
  const days = Map.groupBy(value, ({ at }) => dayText(at));
  return (
    <>
      {[...days].map(([day, entries]) => (
        <section key={day} class="day" aria-label={day}>
          <h3>{day}</h3>
          <ol class="timeline">
            {entries.map((entry, i) => <Entry key={`${entry.at} ${entry.kind} ${i}`} entry={entry} />)}
          </ol>
        </section>
      ))}
      {onMore && value.length >= limit && <button type="button" onClick={onMore}>{common("more")}</button>}
    </>
  );
}
