/** Machines whose agent waits for a capture; nodes with an agent can be captured as well. */
import { useState } from "preact/hooks";
import type { TemplateView } from "#contract/api.ts";
import { segment } from "../../api/call.ts";
import { captures, nodesByName, nodesChanged, templates } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { bytesText } from "../../messages/figures.ts";
import { mayOperate } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { Page } from "../../parts/page.tsx";
import { Ago } from "../../parts/times.tsx";
import { CaptureLine, Captures, isRunning } from "../images/captures.tsx";
import { CaptureDialog } from "./capture_dialog.tsx";
import { t } from "./messages.ts";

/** Nodes listed at once; the others are found by their names. */
const NODES_SHOWN = 50;

export function TemplatesPage() {
  const [chosen, setChosen] = useState<TemplateView>();
  nodesChanged.value;
  const own = templates.value.filter(({ name }) => !nodesByName.has(name));
  const ofNodes = templates.value.filter(({ name, online }) => nodesByName.has(name) && online);
  const names = new Set(own.map(({ name }) => name));
  return (
    <Page title={t("title")}>
      <p class="dim">{t("about")}</p>
      <Captures except={names} />
      {own.length === 0 && (
        <>
          <p class="empty">{t("none")}</p>
          <AgentCommand />
        </>
      )}
      <div class="lineages">
        {own.map((template) => (
          <TemplateCard
            key={template.id}
            template={template}
            onCapture={() => setChosen(template)}
          />
        ))}
      </div>
      {ofNodes.length > 0 && <Nodes templates={ofNodes} onCapture={setChosen} />}
      {own.length > 0 && (
        <details class="backups">
          <summary>{t("another")}</summary>
          <p>{t("run")}</p>
          <AgentCommand />
        </details>
      )}
      {chosen && <CaptureDialog template={chosen} onClose={() => setChosen(undefined)} />}
    </Page>
  );
}

function AgentCommand() {
  const { origin } = location;
  return (
    <Command line={commandLine("rackseed", "agent", "template", "--server", origin, "--token", "TOKEN")} />
  );
}

interface TemplateProps {
  readonly template: TemplateView;
  readonly onCapture: () => void;
}

function TemplateCard({ template, onCapture }: TemplateProps) {
  const { name, online, seen, source, layout, lacks, address } = template;
  const of = captures.value.filter((capture) => capture.template === name);
  const running = of.find(isRunning), last = of.find(({ state }) => state === "published");
  const obstacles = [...new Set([...lacks, ...layout?.obstacles ?? []])];
  const sum = (field: "sizeBytes" | "usedBytes") =>
    bytesText((layout?.fileSystems ?? []).reduce((all, one) => all + one[field], 0));
  const rows = [
    [t("system"), source?.description],
    [t("kernel"), source?.kernel],
    [t("firmware"), source?.firmware.toUpperCase()],
    [t("address"), address],
    [t("disks"), layout && t("used", { used: sum("usedBytes"), size: sum("sizeBytes") })],
    [
      t("last"),
      last?.version === undefined ? t("never") : (
        <>
          <a href={`/images/${segment(`${last.image}@${last.version}`)}`}>{last.image}@{last.version}</a>{" "}
          <Ago at={last.finished ?? last.started} />
        </>
      ),
    ],
  ] as const;
  return (
    <section class="card" aria-labelledby={`template-${name}`}>
      <div class="bar">
        <h2 id={`template-${name}`}>{name}</h2>
        <span class={online ? "state online" : "state"}>
          {online ? `● ${t("online")}` : (
            <>
              ○ {t("offline")}, {t("seen")} <Ago at={seen} />
            </>
          )}
        </span>
        {mayOperate() && (
          <button
            type="button"
            class="primary"
            disabled={!online || running !== undefined}
            aria-label={t("captureName", { name })}
            onClick={onCapture}
          >
            {t("capture")}
          </button>
        )}
      </div>
      {running && (
        <ul class="captures">
          <CaptureLine capture={running} />
        </ul>
      )}
      {obstacles.length > 0 && (
        <div class="wrong">
          <strong>{t("obstacles")}</strong>
          <ul class="bullets">{obstacles.map((what) => <li key={what}>{what}</li>)}</ul>
        </div>
      )}
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

interface NodesProps {
  readonly templates: readonly TemplateView[];
  readonly onCapture: (template: TemplateView) => void;
}

function Nodes({ templates, onCapture }: NodesProps) {
  const [wanted, setWanted] = useState("");
  const found = templates.filter(({ name }) => name.includes(wanted));
  return (
    <details class="backups">
      <summary>{t("nodes", { n: templates.length })}</summary>
      <label class="field narrow">
        {t("find")}
        <input type="search" onInput={({ currentTarget }) => setWanted(currentTarget.value.trim())} />
      </label>
      <ul>
        {found.slice(0, NODES_SHOWN).map((template) => (
          <li key={template.id}>
            <a href={`/nodes/${segment(template.name)}`}>{template.name}</a> {mayOperate() && (
              <button
                type="button"
                aria-label={t("captureName", { name: template.name })}
                onClick={() => onCapture(template)}
              >
                {t("capture")}
              </button>
            )}
          </li>
        ))}
        {found.length > NODES_SHOWN && (
          <li class="dim">+ {common("nodes", { n: found.length - NODES_SHOWN })}</li>
        )}
      </ul>
    </details>
  );
}
