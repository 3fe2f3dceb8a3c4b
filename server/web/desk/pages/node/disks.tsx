/** What a deployment or a restore would do to the node's disks: before and after, side by side. */
import { useState } from "preact/hooks";
import type { DiskPicture, ImageView, PartPicture, PlanPreview } from "#contract/api.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText } from "../../messages/figures.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { ProblemText, Refused } from "../../parts/problem.tsx";
import { Ago } from "../../parts/times.tsx";
import { t } from "./messages.ts";
import type { TabProps } from "./tab_props.ts";

export function DisksTab({ name, view }: TabProps) {
  const [image, setImage] = useState(view.image ?? ""), [restores, setRestores] = useState(false);
  const { value: images = [] } = useResource<ImageView[]>("/images", { on: ["images"] });
  const refs = [...new Set([...view.image === undefined ? [] : [view.image], ...images.map(refOf)])];
  const query = `?image=${encodeURIComponent(image)}${restores ? "&restore=true" : ""}`;
  return (
    <>
      <h2>{t("disksTitle")}</h2>
      <div class="toolbar">
        <label>
          {t("planImage")}{" "}
          <select value={image} onChange={(event) => setImage(event.currentTarget.value)}>
            {image === "" && <option value="">–</option>}
            {refs.map((ref) => <option key={ref} value={ref}>{ref}</option>)}
          </select>
        </label>
        <label>
          <input
            type="checkbox"
            checked={restores}
            onChange={(event) => setRestores(event.currentTarget.checked)}
          />{" "}
          {t("planRestore")}
        </label>
      </div>
      {image === ""
        ? <p class="empty">{t("chooseImage")}</p>
        : <Plan name={name} query={query} restores={restores} />}
      {image !== "" && (
        <Command
          line={commandLine(
            "rackseed",
            "node",
            "plan",
            name,
            "--image",
            image,
            ...restores ? ["--restore"] : [],
          )}
        />
      )}
    </>
  );
}

function refOf({ image, version }: ImageView): string {
  return `${image}@${version}`;
}

function Plan({ name, query, restores }: { name: string; query: string; restores: boolean }) {
  const { value, refusal, reload } = useResource<PlanPreview>(`/nodes/${segment(name)}/plan${query}`);
  if (refusal) return <Refused refusal={refusal} reload={reload} />;
  if (!value) return <p class="dim">{common("loading")}</p>;
  const { outcome, problem, failing = [], disks = [], lines, disksFrom } = value;
  return (
    <>
      {outcome === "unknown" && <p class="warn">{t("disksUnknown")}</p>}
      {problem && (
        <div class="alarm">
          <ProblemText problem={problem} />
        </div>
      )}
      {failing.map((what) => <p key={what} class="problem">{what}</p>)}
      {disksFrom !== undefined && (
        <p class="dim">
          {t("disksSeen")} <Ago at={disksFrom} />
        </p>
      )}
      <div class="disks">
        {disks.map((disk) => <Disk key={disk.name} disk={disk} restores={restores} />)}
      </div>
      {lines.length > 0 && (
        <details>
          <summary>{t("planLines", { n: lines.length })}</summary>
          <pre tabIndex={0}>{lines.join("\n")}</pre>
        </details>
      )}
    </>
  );
}

/** A restore writes what differs, and makes the disk again only if its layout does not fit. */
function Disk({ disk, restores }: { disk: DiskPicture; restores: boolean }) {
  const { name, sizeBytes, model, serial, byPath, content, before, after } = disk;
  const fate = after ? restores ? "repaired" : "wiped" : "kept";
  return (
    <article class={`disk ${fate}`} aria-label={name}>
      <header>
        <strong>{name}</strong> <span>{bytesText(sizeBytes)}</span> {model}
        <span class="badge">{t(fate)}</span>
        <small>{[serial, byPath].filter(Boolean).join(" · ")}</small>
      </header>
      <h3>{after ? t("before") : t("stays")}</h3>
      <Bar parts={before} sizeBytes={sizeBytes} />
      <small>{content === "" ? t("nothingOnIt") : content}</small>
      {after && (
        <>
          <h3>{t("after")}</h3>
          <Bar parts={after} sizeBytes={sizeBytes} />
        </>
      )}
    </article>
  );
}

/** Widths follow the sizes, but every part is wide enough to be read. */
function Bar({ parts, sizeBytes }: { parts: readonly PartPicture[]; sizeBytes: number }) {
  const used = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const free = Math.max(0, sizeBytes - used);
  return (
    <ul class="parts">
      {parts.map((part) => (
        <li key={part.number} style={{ flexGrow: weight(part.sizeBytes, sizeBytes) }}>
          <strong>{part.number > 0 ? t("partition", { n: part.number }) : t("wholeDisk")}</strong>{" "}
          <span>{bytesText(part.sizeBytes)}</span>
          {part.name !== undefined && <small>{part.name}</small>}
          <ul>
            {part.holds.map(({ depth, what, name, mountPoints, sizeBytes }, i) => (
              <li key={i} class={`depth-${Math.min(depth, 5)}`}>
                <strong>{mountPoints.join(" ") || name}</strong> {what}{" "}
                {(depth > 0 || mountPoints.length === 0) && <span class="dim">{bytesText(sizeBytes)}</span>}
              </li>
            ))}
          </ul>
        </li>
      ))}
      {free > sizeBytes * 0.02 && (
        <li class="free" style={{ flexGrow: weight(free, sizeBytes) }}>
          {parts.length === 0 ? t("noPartitions") : t("free")} <span>{bytesText(free)}</span>
        </li>
      )}
    </ul>
  );
}

function weight(part: number, whole: number): number {
  return Math.max(2, Math.round(part / Math.max(1, whole) * 100));
}
