/** One version: what it is, who has it, its disks, and what can be done with it. */
import { useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { ImageView, VersionView } from "#contract/api.ts";
import { architectureText } from "../../../../words/machine_text.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, countText } from "../../messages/figures.ts";
import { mayAdminister, mayOperate } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Sign } from "../../parts/state_sign.tsx";
import { Ago, Exact } from "../../parts/times.tsx";
import { STATES, stateText } from "../../messages/states.ts";
import { DeleteDialog, NoteDialog, removeTag, TagDialog } from "./dialogs.tsx";
import { nodesByImage, refOf } from "./facts.ts";
import { LayoutPicture } from "./layout_picture.tsx";
import { Stored } from "./lineage.tsx";
import { t } from "./messages.ts";
import { VerifyButton, VerifyResult } from "./verification.tsx";

/** `image`: NAME@VERSION or NAME@TAG. */
export function VersionPage({ image }: { image: string }) {
  const version = useResource<VersionView>(`/images/${segment(image)}`, { on: ["images"] });
  const [name = ""] = image.split("@");
  const lineage = useResource<ImageView[]>(`/images?image=${encodeURIComponent(name)}`, { on: ["images"] });
  const [open, setOpen] = useState<"tag" | "note" | "delete">();
  const { route } = useLocation();
  const trail = [{ href: "/images", text: t("title") }, { href: `/images/${segment(name)}`, text: name }];
  const view = version.value;
  if (!view) {
    return (
      <Page kind="images-page" title={image} trail={trail}>
        {version.refusal
          ? <Refused refusal={version.refusal} reload={version.reload} />
          : <p>{common("loading")}</p>}
      </Page>
    );
  }
  const ref = refOf(view), path = `/images/${segment(ref)}`;
  const before = lineage.value?.findLast((one) => one.version < view.version);
  const close = () => setOpen(undefined);
  const actions = (
    <>
      {mayOperate() && view.bootable && (
        <a class="button primary" href={`/deploy?image=${encodeURIComponent(ref)}`}>{t("deploy")}</a>
      )}
      <a class="button" href={`${path}/files`}>{t("files")}</a>
      {before && (
        <a class="button" href={`/images/${segment(refOf(before))}/diff/${view.version}`}>
          {t("diff", { ref: refOf(before) })}
        </a>
      )}
      <a class="button" href={`${path}/rehearsals`}>{t("rehearse")}</a>
      {mayOperate() && (
        <>
          <VerifyButton image={ref} />
          <button type="button" onClick={() => setOpen("tag")}>{t("tag")}</button>
          <button type="button" onClick={() => setOpen("note")}>{t("note")}</button>
        </>
      )}
      {mayAdminister() && (
        <button type="button" onClick={() => setOpen("delete")}>{t("deleteVersion")}</button>
      )}
    </>
  );
  return (
    <Page kind="images-page" title={ref} trail={trail} actions={actions}>
      {view.note !== undefined && <p class="lead">{view.note}</p>}
      <Tags view={view} />
      <VerifyResult image={ref} />
      <div class="columns">
        <Facts view={view} />
        <Who image={ref} />
      </div>
      <section aria-labelledby="layout">
        <h2 id="layout">{t("layout")}</h2>
        {view.layout ? <LayoutPicture layout={view.layout} /> : <p class="dim">{t("noLayout")}</p>}
      </section>
      {view.notes.length > 0 && (
        <section aria-labelledby="notes">
          <h2 id="notes">{t("notes")}</h2>
          <ul class="bullets">{view.notes.map((text) => <li key={text}>{text}</li>)}</ul>
        </section>
      )}
      {mayAdminister() && <Export image={ref} isBootable={view.bootable} />}
      {open === "tag" && (
        <TagDialog
          version={view}
          known={lineage.value?.flatMap(({ tags }) => tags) ?? []}
          onClose={close}
        />
      )}
      {open === "note" && <NoteDialog version={view} onClose={close} />}
      {open === "delete" && (
        <DeleteDialog
          version={view}
          onClose={close}
          onDeleted={() => route(`/images/${segment(name)}`)}
        />
      )}
    </Page>
  );
}

function Tags({ view: { image, tags } }: { view: VersionView }) {
  if (tags.length === 0) return null;
  return (
    <ul class="tags" aria-label={t("tags")}>
      {tags.map((tag) => (
        <li key={tag} class="tag">
          {tag}
          {mayOperate() && (
            <button
              type="button"
              class="plain"
              aria-label={t("removeTag", { tag })}
              title={t("removeTag", { tag })}
              onClick={() => void removeTag(image, tag)}
            >
              ×
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function Facts({ view }: { view: VersionView }) {
  const { source, totals, stored, bootable, bootNotes, excludes, created, id, backupOf } = view;
  const rows = [
    [
      t("captured"),
      <>
        <Ago at={created} />{" "}
        <small>
          <Exact at={created} />
        </small>
      </>,
    ],
    [t("origin"), backupOf === undefined ? source?.hostname : t("backupOf", { node: backupOf })],
    [t("system"), source?.description],
    [t("kernel"), source?.kernel],
    [t("architecture"), architectureText(view.architecture)],
    [t("firmware"), source?.firmware.toUpperCase()],
    [t("content"), t("contentText", { files: totals.files, bytes: bytesText(totals.fileBytes) })],
    [t("disk"), <Stored stored={stored} fullBytes={stored.own + stored.shared} />],
    [
      t("boots"),
      <>
        {bootable ? <span class="well">✓ {t("yes")}</span> : <span class="warn">✕ {t("no")}</span>}
        {bootNotes.map((text) => <small key={text}>{text}</small>)}
      </>,
    ],
    [t("excluded"), excludes.length > 0 ? <code>{excludes.join(" ")}</code> : undefined],
    [t("checksum"), <code>{id}</code>],
  ] as const;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">{t("facts")}</h2>
      <dl class="figures">
        {rows.filter(([, value]) => value !== undefined).map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const NAMES_SHOWN = 24;

function Who({ image }: { image: string }) {
  const nodes = nodesByImage.value.get(image) ?? [], query = `image:=${image}`;
  return (
    <section aria-labelledby="who">
      <h2 id="who">{t("who")}</h2>
      {nodes.length === 0 && <p class="empty">{t("nobody")}</p>}
      {nodes.length > 0 && (
        <p>
          <a href={`/nodes?q=${encodeURIComponent(query)}`}>{common("nodes", { n: nodes.length })}</a>
        </p>
      )}
      <ul class="who">
        {STATES.map((state) => ({ state, of: nodes.filter((node) => node.state === state) }))
          .filter(({ of }) => of.length > 0)
          .map(({ state, of }) => (
            <li key={state}>
              <span class={`state ${state}`}>
                <Sign state={state} /> {countText(of.length)} {stateText({ state })}
              </span>{" "}
              {of.slice(0, NAMES_SHOWN).map(({ name }) => (
                <a key={name} href={`/nodes/${segment(name)}`}>{name}</a>
              ))}
              {of.length > NAMES_SHOWN && <span class="dim">+{countText(of.length - NAMES_SHOWN)}</span>}
            </li>
          ))}
      </ul>
    </section>
  );
}

function Export({ image, isBootable }: { image: string; isBootable: boolean }) {
  return (
    <section aria-labelledby="export">
      <h2 id="export">{t("export")}</h2>
      <p>
        <a class="button" href={`/api/v1/images/${segment(image)}/export`} download={`${image}.tar`}>
          {t("exportTar")}
        </a>
      </p>
      <p class="dim">{t("exportAbout")}</p>
      <Command line={commandLine("rackseed", "image", "export", image, "-o", `${image}.tar`)} />
      {isBootable && (
        <Command line={commandLine("rackseed", "image", "export-disk", image, "-o", `${image}.qcow2`)} />
      )}
    </section>
  );
}
