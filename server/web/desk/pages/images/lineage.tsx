/** The versions of an image as a line, newest first, with what each takes and who has it. */
import type { ComponentChildren } from "preact";
import type { ImageView } from "#contract/api.ts";
import { architectureText } from "../../../../words/machine_text.ts";
import { segment } from "../../api/call.ts";
import { bytesText } from "../../messages/figures.ts";
import { t as common } from "../../messages/common.ts";
import { Ago } from "../../parts/times.tsx";
import { nodesByImage, refOf } from "./facts.ts";
import { t } from "./messages.ts";

interface Props {
  readonly versions: readonly ImageView[];
  /** The largest version, to which the bars are drawn. */
  readonly fullBytes: number;
  /** Some versions between those shown are not shown. */
  readonly isPart?: boolean;
  readonly actionsOf?: (version: ImageView) => ComponentChildren;
}

export function Lineage({ versions, fullBytes, isPart = false, actionsOf }: Props) {
  return (
    <ol class="lineage" aria-label={t("lineage")}>
      {versions.map((version, i) => {
        const missing = version.version - (versions[i + 1]?.version ?? version.version - 1) - 1;
        return (
          <li key={version.version} class={version.tags.length > 0 ? "marked" : undefined}>
            <VersionCells version={version} fullBytes={fullBytes} />
            {actionsOf?.(version)}
            {missing > 0 && !isPart && <small class="gap">{t("gap", { n: missing })}</small>}
          </li>
        );
      })}
    </ol>
  );
}

function VersionCells({ version, fullBytes }: { version: ImageView; fullBytes: number }) {
  const ref = refOf(version), n = nodesByImage.value.get(ref)?.length ?? 0;
  return (
    <>
      <div class="named">
        <a href={`/images/${segment(ref)}`}>{ref}</a>
        {version.tags.map((tag) => <span key={tag} class="tag">{tag}</span>)}
        {version.architecture !== undefined && <small>{architectureText(version.architecture)}</small>}
        {version.note !== undefined && <small>{version.note}</small>}
      </div>
      <div class="when">
        <Ago at={version.created} />
        {!version.bootable && <small class="warn">{t("notBootable")}</small>}
      </div>
      <Stored stored={version.stored} fullBytes={fullBytes} />
      <div class="nodes">
        {n === 0
          ? <span class="dim">{t("noNodes")}</span>
          : <a href={`/nodes?q=${encodeURIComponent(`image:=${ref}`)}`}>{common("nodes", { n })}</a>}
      </div>
    </>
  );
}

/** Own and shared bytes as a bar. */
export function Stored(
  { stored: { own, shared }, fullBytes }: { stored: ImageView["stored"]; fullBytes: number },
) {
  const part = (bytes: number) => fullBytes === 0 ? 0 : Math.min(100, (bytes / fullBytes) * 100);
  const text = { own: bytesText(own), shared: bytesText(shared) };
  return (
    <div class="stored" title={t("storedLabel", text)}>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="rest" width="100" height="6" />
        <rect class="shared" width={part(own + shared)} height="6" />
        <rect class="own" width={part(own)} height="6" />
      </svg>
      <small>{t("stored", text)}</small>
    </div>
  );
}

export function largest(versions: readonly ImageView[]): number {
  return Math.max(0, ...versions.map(({ stored: { own, shared } }) => own + shared));
}
