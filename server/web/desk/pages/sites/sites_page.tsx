/** The sites: state of the relays, their images and their nodes. */
import { useState } from "preact/hooks";
import type { SiteState, SiteView } from "#contract/api/sites.ts";
import { siteImages } from "../../../../words/site_images.ts";
import { segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { stateText } from "../../messages/states.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { Ago } from "../../parts/times.tsx";
import { AddDialog, type Open, TokenDialog } from "./dialogs.tsx";
import { t } from "./messages.ts";

export function SitesPage() {
  const sites = useResource<SiteView[]>("/sites", { on: ["sites"] });
  const [open, setOpen] = useState<Open>();
  return (
    <Page
      title={t("title")}
      actions={mayAdminister() && (
        <button
          type="button"
          class="primary"
          onClick={() => setOpen({ what: "add" })}
        >
          {t("add")}
        </button>
      )}
    >
      <p class="dim">{t("about")}</p>
      {sites.refusal && <Refused refusal={sites.refusal} reload={sites.reload} />}
      {!sites.value && !sites.refusal && <p>{common("loading")}</p>}
      {sites.value?.length === 0 && <p class="empty">{t("none")}</p>}
      {sites.value && sites.value.length > 0 && <SiteTable sites={sites.value} />}
      <Command line={commandLine("rackseed", "site", "list")} />
      {open?.what === "add" && <AddDialog onClose={setOpen} />}
      {open?.what === "token" && <TokenDialog answer={open.answer} onClose={() => setOpen(undefined)} />}
    </Page>
  );
}

function SiteTable({ sites }: { sites: readonly SiteView[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("title")}>
      <table>
        <thead>
          <tr>
            {(["site", "state", "heard", "images", "nodes"] as const).map((column) => (
              <th key={column} scope="col">{t(column)}</th>
            ))}
          </tr>
        </thead>
        <tbody>{sites.map((site) => <SiteRow key={site.name} site={site} />)}</tbody>
      </table>
    </div>
  );
}

function SiteRow({ site }: { site: SiteView }) {
  const { name, state, heard } = site, { ready, all, wrong } = siteImages(site);
  return (
    <tr>
      <th scope="row">
        <a href={`/sites/${segment(name)}`}>{name}</a>
      </th>
      <td>
        <StateText state={state} />
      </td>
      <td>{heard === undefined ? t("never") : <Ago at={heard} />}</td>
      <td class={wrong > 0 ? "problem" : undefined}>
        {t("copies", { ready, all })}
        {wrong > 0 && `, ${t("failed")}`}
      </td>
      <td class={site.nodes.failed ? "problem" : undefined}>{nodesText(site)}</td>
    </tr>
  );
}

export function StateText({ state }: { state: SiteState }) {
  return <span class={state === "silent" || state === "revoked" ? "problem" : undefined}>{t(state)}</span>;
}

export function nodesText({ nodes }: SiteView): string {
  const counts = Object.entries(nodes) as [keyof SiteView["nodes"] & string, number][];
  return counts.length === 0
    ? common("none")
    : counts.map(([state, n]) => `${n} ${stateText({ state } as Parameters<typeof stateText>[0])}`).join(
      ", ",
    );
}
