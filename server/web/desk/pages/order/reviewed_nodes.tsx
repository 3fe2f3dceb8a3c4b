/** Each node of an order: the disk that is written and what is on it, its name before and after. */
import { useState } from "preact/hooks";
import type { Review, ReviewedDisk, ReviewedNode } from "#contract/api/reviews.ts";
import { bytesText, countText } from "../../messages/figures.ts";
import { Ago } from "../../parts/times.tsx";
import { t } from "./messages.ts";

interface Props {
  readonly review: Review;
  readonly isDryRun: boolean;
  /** Absent if nodes cannot be left out. */
  readonly leave?: ((nodes: readonly string[]) => void) | undefined;
}

const AT_FIRST = 50;
const MORE = 200;

export function ReviewedNodes({ review, isDryRun, leave }: Props) {
  const [shown, setShown] = useState(AT_FIRST);
  const [onlyWarned, setOnlyWarned] = useState(false);
  const warned = new Set(
    review.warnings.filter(({ level }) => level !== "note")
      .flatMap(({ cases }) => cases.flatMap(({ nodes }) => nodes)),
  );
  // exceptions first, otherwise as given
  const all = review.nodes.toSorted((a, b) => Number(warned.has(b.node)) - Number(warned.has(a.node)));
  const listed = onlyWarned ? all.filter(({ node }) => warned.has(node)) : all;
  const more = listed.length - shown;
  const diskTitle = isDryRun ? t("diskCompared") : review.kind === "restore" ? t("diskRestored") : t("disk");
  return (
    <>
      {warned.size > 0 && warned.size < all.length && (
        <label class="tick">
          <input
            type="checkbox"
            checked={onlyWarned}
            onChange={(event) => setOnlyWarned(event.currentTarget.checked)}
          />
          <span>{t("onlyWarned")} ({countText(warned.size)})</span>
        </label>
      )}
      <table class="reviewed cards">
        <thead>
          <tr>
            <th scope="col">{t("node")}</th>
            <th scope="col">{diskTitle}</th>
            <th scope="col">{t("onIt")}</th>
            <th scope="col">{t("becomes")}</th>
            {leave && <td />}
          </tr>
        </thead>
        <tbody>
          {listed.slice(0, shown).map((node) => (
            <tr key={node.node} class={warned.has(node.node) ? "warned" : undefined}>
              <th scope="row">
                <a href={`/nodes/${encodeURIComponent(node.node)}`}>{node.node}</a>
                {node.image !== undefined && <small>{t("has", { image: node.image })}</small>}
              </th>
              <Disks node={node} title={diskTitle} />
              <td data-title={t("becomes")}>
                <Identity identity={node.identity} />
              </td>
              {leave && (
                <td class="leave">
                  <button
                    type="button"
                    class="plain"
                    aria-label={t("leaveOut", { name: node.node })}
                    title={t("leaveOut", { name: node.node })}
                    onClick={() => leave([node.node])}
                  >
                    ×
                  </button>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <button type="button" onClick={() => setShown(shown + MORE)}>
          {t("showMore", { n: countText(Math.min(more, MORE)) })}
        </button>
      )}
    </>
  );
}

function Disks(
  { node: { disks, outcome, disksFrom, problem }, title }: { node: ReviewedNode; title: string },
) {
  if (disks.length === 0) {
    return (
      <td colSpan={2} data-title={title} class={outcome === "refused" ? "problem" : "warn"}>
        {outcome === "refused" ? t("planRefused") : t("disksUnknown")}
        {problem && <small>{problem.detail}</small>}
      </td>
    );
  }
  return (
    <>
      <td data-title={title}>
        {disks.map((disk) => <DiskName key={disk.name} disk={disk} />)}
      </td>
      <td data-title={t("onIt")}>
        {disks.map((disk) => <div key={disk.name}>{contentOf(disk)}</div>)}
        {disksFrom !== undefined && (
          <small>
            {t("reported", { ago: "" })} <Ago at={disksFrom} />
          </small>
        )}
      </td>
    </>
  );
}

function DiskName({ disk: { name, byPath, model, serial, sizeBytes } }: { disk: ReviewedDisk }) {
  return (
    <div>
      <strong>{model ?? name}</strong>, {bytesText(sizeBytes)}
      {serial !== undefined && <small>{t("serial", { serial })}</small>}
      <small class="path">{byPath?.replace("/dev/disk/by-path/", "") ?? `/dev/${name}`}</small>
    </div>
  );
}

function contentOf({ content, partitions = [] }: ReviewedDisk) {
  const sizes = partitions.map(bytesText).join(" + ");
  const count = partitions.length > 0 && (
    <small title={sizes}>{t("partitions", { n: partitions.length })}: {sizes}</small>
  );
  if (content === "" && partitions.length === 0) return <span class="dim">{t("nothingOnIt")}</span>;
  return (
    <>
      {content}
      {count}
    </>
  );
}

function Identity({ identity: { mode, before, after } }: { identity: ReviewedNode["identity"] }) {
  const text = ({ hostname, addresses }: typeof after) => [hostname, ...addresses].join(", ");
  const is = text(after), was = before && text(before);
  if (mode === "ask") {
    return (
      <>
        {t("askedWord")}
        <small>{is}</small>
      </>
    );
  }
  if (mode === "keep" && was === undefined) return <>{t("fromDisk", { name: is })}</>;
  return (
    <>
      {is}
      {mode === "keep" && <small>{t("keptWord")}</small>}
      {was !== undefined && was !== is && <small class="warn">{t("insteadOf", { was })}</small>}
    </>
  );
}
