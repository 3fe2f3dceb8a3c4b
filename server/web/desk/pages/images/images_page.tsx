/** All images: their lineages, what they take, and the captures that run. */
import { useState } from "preact/hooks";
import type { ImageView } from "#contract/api.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText } from "../../messages/figures.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { useShortcuts } from "../../parts/keys.ts";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Captures } from "./captures.tsx";
import { type LineageFacts, lineagesOf, nodesOf } from "./facts.ts";
import { largest, Lineage } from "./lineage.tsx";
import { t } from "./messages.ts";
import { PruneDialog } from "./prune_dialog.tsx";

/** Versions shown of each image; its own page has all of them. */
const SHOWN = 4;
const FIND = "find-image";

export function ImagesPage() {
  const images = useResource<ImageView[]>("/images", { on: ["images"] });
  const [wanted, setWanted] = useState("");
  const [isPruning, setIsPruning] = useState(false);
  useShortcuts([{ key: "/", text: t("find"), run: () => document.getElementById(FIND)?.focus() }]);
  const all = lineagesOf(images.value ?? []);
  const found = all.filter(({ name, versions }) =>
    name.includes(wanted.toLowerCase()) || versions.some(({ tags }) => tags.includes(wanted))
  );
  const own = found.filter(({ backupOf }) => backupOf === undefined);
  const backups = found.filter(({ backupOf }) => backupOf !== undefined);
  const actions = (
    <>
      {all.length > 1 && (
        <input
          id={FIND}
          type="search"
          aria-label={t("find")}
          placeholder={t("find")}
          onInput={({ currentTarget }) => setWanted(currentTarget.value.trim())}
        />
      )}
      {mayAdminister() && all.length > 0 && (
        <button type="button" onClick={() => setIsPruning(true)}>{t("prune")}</button>
      )}
    </>
  );
  return (
    <Page kind="images-page" title={t("title")} actions={actions}>
      <Captures />
      {images.refusal && <Refused refusal={images.refusal} reload={images.reload} />}
      {!images.value && !images.refusal && <p>{common("loading")}</p>}
      {images.value?.length === 0 && (
        <p class="empty">
          {t("none")} <a href="/templates">{t("toTemplates")}</a>
        </p>
      )}
      {all.length > 0 && found.length === 0 && <p class="empty">{t("noMatch")}</p>}
      <div class="lineages">
        {own.map((lineage) => <LineageCard key={lineage.name} lineage={lineage} />)}
      </div>
      {backups.length > 0 && (
        <details class="backups" open={wanted !== ""}>
          <summary>{t("backups", { n: backups.length })}</summary>
          <ul>{backups.map((lineage) => <BackupLine key={lineage.name} lineage={lineage} />)}</ul>
        </details>
      )}
      {isPruning && <PruneDialog onClose={() => setIsPruning(false)} />}
    </Page>
  );
}

function LineageCard({ lineage: { name, versions, bytes } }: { lineage: LineageFacts }) {
  const n = nodesOf(versions);
  // tagged versions stay in sight, however old
  const shown = versions.filter(({ tags }, i) => i < SHOWN || tags.length > 0);
  return (
    <section class="card" aria-labelledby={`image-${name}`}>
      <div class="bar">
        <h2 id={`image-${name}`}>
          <a href={`/images/${segment(name)}`}>{name}</a>
        </h2>
        <span class="dim">
          {[
            t("versions", { n: versions.length }),
            t("onDisk", { bytes: bytesText(bytes) }),
            n > 0 ? common("nodes", { n }) : t("noNodes"),
          ].join(" · ")}
        </span>
      </div>
      <Lineage versions={shown.slice(0, 2 * SHOWN)} fullBytes={largest(versions)} isPart />
      {versions.length > shown.length && (
        <a href={`/images/${segment(name)}`}>{t("allVersions", { n: versions.length })}</a>
      )}
    </section>
  );
}

function BackupLine({ lineage: { name, versions, bytes, backupOf = "" } }: { lineage: LineageFacts }) {
  return (
    <li>
      <a href={`/images/${segment(name)}`}>{t("backupOf", { node: backupOf })}</a>
      <small>
        {t("versions", { n: versions.length })} · {t("onDisk", { bytes: bytesText(bytes) })}
      </small>
    </li>
  );
}
