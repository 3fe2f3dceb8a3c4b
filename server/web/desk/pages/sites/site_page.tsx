/** A site: its relay, the images that it mirrors, and its nodes as the relay last reported them. */
import { useState } from "preact/hooks";
import type { Assignment, MirrorView, SiteDetails, SiteEvent } from "#contract/api/sites.ts";
import { call, segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText, shortTime } from "../../messages/figures.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { StateSign } from "../../parts/state_sign.tsx";
import { TableHead } from "../../parts/table_head.tsx";
import { Ago } from "../../parts/times.tsx";
import { kindText, resultText } from "../node/messages.ts";
import { AssignDialog, NewTokenDialog, type Open, RevokeDialog, TokenDialog } from "./dialogs.tsx";
import { t } from "./messages.ts";
import { nodesText, StateText } from "./sites_page.tsx";

/** `site`: its name, out of the address. */
export function SitePage({ site: name = "" }: { site?: string }) {
  const path = `/sites/${segment(name)}`;
  const { value: site, refusal, reload } = useResource<SiteDetails>(path, { on: ["sites"] });
  const events = useResource<SiteEvent[]>(site && `${path}/events?limit=50`, { on: ["sites"] });
  const [open, setOpen] = useState<Open>();
  const actions = mayAdminister() && site && (
    <>
      {site.state !== "revoked" && (
        <button type="button" onClick={() => setOpen({ what: "revoke" })}>{t("revoke")}</button>
      )}
      <button type="button" onClick={() => setOpen({ what: "new-token" })}>{t("newToken")}</button>
      <button type="button" class="primary" onClick={() => setOpen({ what: "assign" })}>{t("assign")}</button>
    </>
  );
  const close = (next?: Open) => {
    setOpen(next);
    reload();
  };
  return (
    <Page title={t("siteTitle", { name })} trail={[{ href: "/sites", text: t("title") }]} actions={actions}>
      {refusal && <Refused refusal={refusal} reload={reload} />}
      {!site && !refusal && <p>{common("loading")}</p>}
      {site && <Facts site={site} />}
      {site && <Images site={site} onChange={reload} />}
      {site && <Nodes site={site} />}
      {events.value && events.value.length > 0 && <Events events={events.value} />}
      <Command line={commandLine("rackseed", "site", "show", name)} />
      {open?.what === "assign" && <AssignDialog name={name} onClose={close} />}
      {open?.what === "new-token" && <NewTokenDialog name={name} onClose={close} />}
      {open?.what === "token" && <TokenDialog answer={open.answer} onClose={close} />}
      {open?.what === "revoke" && <RevokeDialog name={name} onClose={close} />}
    </Page>
  );
}

function Facts({ site }: { site: SiteDetails }) {
  const { state, heard, address, rackseed } = site;
  return (
    <dl>
      <dt>{t("state")}</dt>
      <dd>
        <StateText state={state} />
      </dd>
      <dt>{t("heard")}</dt>
      <dd>
        {heard === undefined ? t("never") : <Ago at={heard} />}
        {address !== undefined && ` · ${address}`}
      </dd>
      {rackseed !== undefined && (
        <>
          <dt>Rackseed</dt>
          <dd>{rackseed}</dd>
        </>
      )}
      <dt>{t("nodes")}</dt>
      <dd>{nodesText(site)}</dd>
    </dl>
  );
}

function Images({ site, onChange }: { site: SiteDetails; onChange: () => void }) {
  const { name, assigned, mirror } = site;
  const unassign = (ref: string) =>
    attempt(async () => {
      await call("DELETE", `/sites/${segment(name)}/images/${segment(ref)}`);
      onChange();
      return t("unassigned", { ref });
    });
  return (
    <section>
      <h2 id="assigned">{t("assigned")}</h2>
      {assigned.length === 0 && <p class="empty">{t("noneAssigned")}</p>}
      {assigned.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-labelledby="assigned">
          <table>
            <TableHead columns={[t("assignedAs"), t("image"), t("state")]} />
            <tbody>
              {assigned.map((one) => (
                <tr key={one.ref}>
                  <th scope="row">{one.ref}</th>
                  <td>{one.version}</td>
                  <CopyCell assignment={one} mirror={mirror} />
                  <td class="buttons">
                    {mayAdminister() && (
                      <button
                        type="button"
                        aria-label={t("unassignImage", { ref: one.ref })}
                        onClick={() => void unassign(one.ref)}
                      >
                        {t("unassign")}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function CopyCell(
  { assignment: { version, problem }, mirror }: { assignment: Assignment; mirror: readonly MirrorView[] },
) {
  if (problem !== undefined) return <td class="problem">{problem}</td>;
  const copy = mirror.find((one) => `${one.image}@${one.version}` === version);
  if (!copy) return <td>{t("toCopy")}</td>;
  const { state, doneBytes, totalBytes } = copy;
  if (state === "failed") return <td class="problem">{t("failed")}: {copy.problem}</td>;
  const percent = totalBytes === 0 ? 0 : Math.floor(doneBytes / totalBytes * 100);
  return (
    <td>
      {t(state === "waiting" ? "toCopy" : state, { percent })} · {bytesText(totalBytes)}
    </td>
  );
}

function Nodes({ site: { list } }: { site: SiteDetails }) {
  return (
    <section>
      <h2 id="site-nodes">{t("nodes")}</h2>
      {list.length === 0 && <p class="empty">{t("noNodes")}</p>}
      {list.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-labelledby="site-nodes">
          <table>
            <thead>
              <tr>
                {(["node", "state", "image", "group", "problem"] as const).map((column) => (
                  <th key={column} scope="col">{t(column)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {list.map(({ name, state, image, group, problem }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>
                    <StateSign node={{ state }} />
                  </td>
                  <td>{image}</td>
                  <td>{group}</td>
                  <td class={problem === undefined ? undefined : "problem"}>{problem}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Events({ events }: { events: readonly SiteEvent[] }) {
  return (
    <section>
      <h2 id="site-events">{t("events")}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-labelledby="site-events">
        <table>
          <thead>
            <tr>
              {(["time", "node", "what", "result", "image"] as const).map((column) => (
                <th key={column} scope="col">{t(column)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {events.map(({ node, event: { at, kind, result, image } }, i) => (
              <tr key={i}>
                <td>
                  <time dateTime={at}>{shortTime(at)}</time>
                </td>
                <td>{node}</td>
                <td>{kindText(kind)}</td>
                <td class={result === "failed" ? "problem" : undefined}>{resultText(result)}</td>
                <td>{image}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
