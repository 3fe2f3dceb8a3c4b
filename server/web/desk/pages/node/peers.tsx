/** Who feeds the node, and whom it feeds, as far as it reports that. */
import type { HistoryEntry } from "#contract/api/node_history.ts";
import type { NodeView } from "#contract/api.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { bytesText, durationText, rateText } from "../../messages/figures.ts";
import { useFollowed } from "./followed.ts";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

/** As agents report them that know their sources; agents of earlier releases report only a part. */
interface Sources {
  readonly server?: number;
  readonly web?: number;
  readonly peers?: number;
}

/** Of the swarm of its deployment, if the server draws one. */
interface Swarm {
  readonly lines: readonly { readonly from: string; readonly to: string; readonly bytesPerSecond: number }[];
}

export function PeersTab({ name, node, view }: TabProps) {
  const { report, seeding, limit, slowest } = view, progress = report?.progress;
  const swarm = useSwarm(name, node?.progress, view);
  const feeding = swarm?.lines.filter(({ to }) => to === name) ?? [];
  const fed = swarm?.lines.filter(({ from }) => from === name) ?? [];
  return (
    <>
      <h2>{t("peersTitle")}</h2>
      {!progress && !seeding && feeding.length === 0 && <p class="empty">{t("noTransfer")}</p>}
      {progress && <Received progress={progress} />}
      <div class="columns">
        <Lines title={t("fedBy")} lines={feeding.map(({ from, bytesPerSecond }) => [from, bytesPerSecond])} />
        <Lines title={t("feeds")} lines={fed.map(({ to, bytesPerSecond }) => [to, bytesPerSecond])} />
      </div>
      {seeding && (
        <section aria-labelledby="seeding">
          <h3 id="seeding">{t("seeding")}</h3>
          <p>{seeding.reason}</p>
          <Names names={seeding.for} />
        </section>
      )}
      {(limit !== undefined || slowest) && (
        <dl class="figures">
          {limit !== undefined && (
            <div>
              <dt>{t("limitedBy")}</dt>
              <dd>{t(`limit_${limit}`)}</dd>
            </div>
          )}
          {slowest && (
            <div>
              <dt>{t("slowest")}</dt>
              <dd class="warn">
                {t("slowestTimes", {
                  time: durationText(slowest.seconds),
                  typical: durationText(slowest.typicalSeconds),
                })}
                <small>{slowest.reason}</small>
              </dd>
            </div>
          )}
        </dl>
      )}
    </>
  );
}

/** Asks again with the node's progress. A server that draws no swarms answers 404, and nothing is shown of it. */
function useSwarm(name: string, mark: unknown, { armed }: NodeView): Swarm | undefined {
  const [latest] = useResource<HistoryEntry[]>(`/nodes/${segment(name)}/history?limit=20`).value
    ?.filter(({ deployment }) => deployment !== undefined) ?? [];
  const path = armed && latest?.deployment !== undefined
    ? `/deployments/${latest.deployment}/swarm`
    : undefined;
  return useFollowed<Swarm>(path, { mark }).value;
}

function Received({ progress }: { progress: NonNullable<NonNullable<NodeView["report"]>["progress"]> }) {
  const { bytesDone, bytesPerSecond, peers, source, webSeedBytes } = progress;
  const sources = (progress as { sources?: Sources }).sources;
  const parts: [key: "fromServer" | "fromWeb" | "fromPeers", bytes: number][] = sources
    ? [["fromServer", sources.server ?? 0], ["fromWeb", sources.web ?? 0], ["fromPeers", sources.peers ?? 0]]
    : webSeedBytes === undefined
    ? []
    : [["fromWeb", webSeedBytes], ["fromPeers", Math.max(0, bytesDone - webSeedBytes)]];
  const whole = Math.max(1, parts.reduce((sum, [, bytes]) => sum + bytes, 0));
  return (
    <>
      <p>
        <strong>{bytesText(bytesDone)}</strong> {rateText(bytesPerSecond)}, {t("peerCount", { n: peers })}
        {source !== undefined && `, ${t("sourceNow", { source })}`}
      </p>
      {parts.length > 0 && (
        <ul class="sources" aria-label={t("sources")}>
          {parts.map(([key, bytes]) => (
            <li key={key} class={key}>
              <span>{t(key)}</span>
              <meter max={whole} value={bytes} aria-label={t(key)} />
              <span>{bytesText(bytes)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Lines(
  { title, lines }: { title: string; lines: readonly (readonly [name: string, rate: number])[] },
) {
  if (lines.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <table>
        <tbody>
          {[...lines].sort(([, a], [, b]) => b - a).map(([name, rate]) => (
            <tr key={name}>
              <th scope="row">
                <Name name={name} />
              </th>
              <td>{rateText(rate)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Names({ names }: { names: readonly string[] }) {
  return (
    <ul class="names">
      {names.map((name) => (
        <li key={name}>
          <Name name={name} />
        </li>
      ))}
    </ul>
  );
}

function Name({ name }: { name: string }) {
  return <a href={`/nodes/${encodeURIComponent(name)}`}>{name}</a>;
}
