/** A node: what it is and does, and everything about it, each part with an address of its own. */
import type { ComponentChildren } from "preact";
import type { NodeView } from "#contract/api.ts";
import type { Resource } from "../../api/resource.ts";
import { nodesByName, nodesChanged } from "../../live/state.ts";
import { t as common } from "../../messages/common.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { Page } from "../../parts/page.tsx";
import { Refused } from "../../parts/problem.tsx";
import { NodeActions } from "./actions.tsx";
import { BackupsTab } from "./backups.tsx";
import { ConsoleTab } from "./console.tsx";
import { DisksTab } from "./disks.tsx";
import { DriftTab } from "./drift.tsx";
import { useNode } from "./followed.ts";
import { HardwareTab } from "./hardware.tsx";
import { Head } from "./head.tsx";
import { History } from "./history.tsx";
import { KeyTab } from "./key.tsx";
import { t } from "./messages.ts";
import { NowTab } from "./now.tsx";
import { PeersTab } from "./peers.tsx";
import { SettingsTab } from "./settings.tsx";
import type { TabProps } from "./tab_props.ts";

/** The first one's address is the node's own. */
const TABS = [
  "now",
  "history",
  "log",
  "disks",
  "hardware",
  "drift",
  "backups",
  "peers",
  "settings",
  "key",
] as const;
type Tab = typeof TABS[number];

export function NodePage({ name = "", tab }: { name?: string; tab?: string }) {
  nodesChanged.value;
  const node = nodesByName.get(name), resource = useNode(name, node);
  const shown = TABS.find((one) => one === tab) ?? "now";
  return (
    <Page
      kind="node-page"
      title={name}
      trail={[{ href: "/nodes", text: t("nodes") }]}
      actions={resource.value && <NodeActions view={resource.value} reload={resource.reload} />}
    >
      <Content resource={resource}>
        {(view) => (
          <>
            <Head node={node} view={view} />
            <Tabs name={name} shown={shown} view={view} />
            <section class="tab" aria-labelledby={`tab-${shown}`}>
              <TabContent tab={shown} name={name} node={node} view={view} reload={resource.reload} />
            </section>
          </>
        )}
      </Content>
    </Page>
  );
}

function Content(
  { resource: { value, refusal, reload }, children }: {
    resource: Resource<NodeView>;
    children: (view: NodeView) => ComponentChildren;
  },
) {
  if (value) return <>{children(value)}</>;
  return refusal ? <Refused refusal={refusal} reload={reload} /> : <p class="dim">{common("loading")}</p>;
}

function Tabs({ name, shown, view }: { name: string; shown: Tab; view: NodeView }) {
  const tabs = TABS.filter((tab) => tab !== "key" || (view.encryption !== undefined && mayAdminister()));
  const marks: Partial<Record<Tab, number | undefined>> = {
    hardware: view.warnings?.length,
    drift: view.check?.result?.drifted
      ? view.check.result.changed + view.check.result.missing + view.check.result.foreign
      : undefined,
  };
  return (
    <nav class="tabs" aria-label={t("sections")}>
      <ul>
        {tabs.map((tab) => (
          <li key={tab}>
            <a
              id={`tab-${tab}`}
              href={`/nodes/${encodeURIComponent(name)}${tab === "now" ? "" : `/${tab}`}`}
              aria-current={tab === shown ? "page" : undefined}
            >
              {t(tab)} {marks[tab] !== undefined && <span class="mark">{marks[tab]}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function TabContent({ tab, ...props }: TabProps & { tab: Tab }) {
  switch (tab) {
    case "now":
      return <NowTab {...props} />;
    case "history":
      return <History {...props} />;
    case "log":
      return <ConsoleTab {...props} />;
    case "disks":
      return <DisksTab {...props} />;
    case "hardware":
      return <HardwareTab {...props} />;
    case "drift":
      return <DriftTab {...props} />;
    case "backups":
      return <BackupsTab {...props} />;
    case "peers":
      return <PeersTab {...props} />;
    case "settings":
      return <SettingsTab {...props} />;
    case "key":
      return <KeyTab {...props} />;
  }
}
