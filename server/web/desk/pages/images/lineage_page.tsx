/** One image: all of its versions, and the settings that they share. */
import { useState } from "preact/hooks";
import type { ImageView } from "#contract/api.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { captures, templates } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText } from "../../messages/figures.ts";
import { mayAdminister, mayOperate } from "../../parts/abilities.ts";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { CaptureDialog } from "../templates/capture_dialog.tsx";
import { Captures } from "./captures.tsx";
import { DeleteDialog, NoteDialog, TagDialog } from "./dialogs.tsx";
import { lineagesOf, nodesOf, refOf } from "./facts.ts";
import { largest, Lineage } from "./lineage.tsx";
import { t } from "./messages.ts";
import { PruneDialog } from "./prune_dialog.tsx";
import { Settings } from "./settings.tsx";
import { verify, VerifyResult } from "./verification.tsx";

export function LineagePage({ name }: { name: string }) {
  const images = useResource<ImageView[]>(`/images?image=${encodeURIComponent(name)}`, { on: ["images"] });
  const [open, setOpen] = useState<{ what: "tag" | "note" | "delete"; version: ImageView }>();
  const [isPruning, setIsPruning] = useState(false);
  const [isCapturing, setIsCapturing] = useState(false);
  const [lineage] = lineagesOf(images.value ?? []);
  const versions = lineage?.versions ?? [];
  const source = captures.value.find(({ image, template }) => image === name && template !== undefined);
  const template = templates.value.find((one) => one.name === source?.template && one.online);
  const known = versions.flatMap(({ tags }) => tags);
  const close = () => setOpen(undefined);
  const actions = (
    <>
      {template && mayOperate() && (
        <button type="button" onClick={() => setIsCapturing(true)}>{t("captureAgain")}</button>
      )}
      {mayAdminister() && versions.length > 1 && (
        <button type="button" onClick={() => setIsPruning(true)}>{t("prune")}</button>
      )}
    </>
  );
  return (
    <Page kind="images-page" title={name} trail={[{ href: "/images", text: t("title") }]} actions={actions}>
      {images.refusal && <Refused refusal={images.refusal} reload={images.reload} />}
      {!images.value && !images.refusal && <p>{common("loading")}</p>}
      {images.value?.length === 0 && <p class="empty">{t("noMatch")}</p>}
      {lineage && (
        <p class="dim">
          {[
            ...lineage.backupOf === undefined ? [] : [t("backupOf", { node: lineage.backupOf })],
            t("versions", { n: versions.length }),
            t("onDisk", { bytes: bytesText(lineage.bytes) }),
            common("nodes", { n: nodesOf(versions) }),
          ].join(" · ")}
        </p>
      )}
      <Captures image={name} />
      {versions.map((version) => <VerifyResult key={version.version} image={refOf(version)} />)}
      {versions.length > 0 && (
        <section aria-label={t("lineage")}>
          <Lineage
            versions={versions}
            fullBytes={largest(versions)}
            actionsOf={(version) => (
              <VersionMenu
                version={version}
                before={versions[versions.indexOf(version) + 1]}
                onOpen={(what) => setOpen({ what, version })}
              />
            )}
          />
        </section>
      )}
      {versions.length > 0 && <Settings name={name} />}
      {open?.what === "tag" && <TagDialog version={open.version} known={known} onClose={close} />}
      {open?.what === "note" && <NoteDialog version={open.version} onClose={close} />}
      {open?.what === "delete" && <DeleteDialog version={open.version} onClose={close} />}
      {isPruning && (
        <PruneDialog
          image={name}
          onClose={() => setIsPruning(false)}
        />
      )}
      {isCapturing && template && (
        <CaptureDialog
          template={template}
          image={name}
          onClose={() => setIsCapturing(false)}
        />
      )}
    </Page>
  );
}

interface MenuProps {
  readonly version: ImageView;
  /** The version before it. */
  readonly before: ImageView | undefined;
  readonly onOpen: (what: "tag" | "note" | "delete") => void;
}

function VersionMenu({ version, before, onOpen }: MenuProps) {
  const ref = refOf(version), path = `/images/${segment(ref)}`;
  return (
    <details class="menu" onClick={closeAfter}>
      <summary aria-label={t("actionsOf", { ref })}>⋯</summary>
      <div>
        {mayOperate() && <a href={`/deploy?image=${encodeURIComponent(ref)}`}>{t("deploy")}</a>}
        <a href={`${path}/files`}>{t("files")}</a>
        {before && (
          <a href={`/images/${segment(refOf(before))}/diff/${version.version}`}>
            {t("diff", { ref: refOf(before) })}
          </a>
        )}
        <a href={`${path}/rehearsals`}>{t("rehearse")}</a>
        {mayOperate() && (
          <>
            <button type="button" class="plain" onClick={() => void verify(ref)}>{t("verify")}</button>
            <button type="button" class="plain" onClick={() => onOpen("tag")}>{t("tag")}</button>
            <button type="button" class="plain" onClick={() => onOpen("note")}>{t("note")}</button>
          </>
        )}
        {mayAdminister() && (
          <button type="button" class="plain problem" onClick={() => onOpen("delete")}>
            {t("deleteVersion")}
          </button>
        )}
      </div>
    </details>
  );
}

/** A menu closes once something in it was chosen. */
function closeAfter({ target, currentTarget }: MouseEvent): void {
  const chosen = target instanceof Element && target.closest("a, button");
  if (chosen && currentTarget instanceof HTMLDetailsElement) currentTarget.open = false;
}
