/** Which page stands at which address, and which are in the navigation. */
import { Route } from "preact-iso";
import { messages } from "./messages/messages.ts";
import { MachinesPage } from "./pages/machines/machines_page.tsx";
import { NodesPage } from "./pages/nodes/nodes_page.tsx";
import { DeployPage, RestorePage } from "./pages/order/order_page.tsx";
import { OverviewPage } from "./pages/overview/overview_page.tsx";
import { SettingsPage } from "./pages/settings/settings_page.tsx";

const t = messages({
  overview: { en: "Overview", de: "Übersicht", zh: "概览" },
  machines: { en: "New machines", de: "Neue Maschinen", zh: "新机器" },
  settings: { en: "Settings", de: "Einstellungen", zh: "设置" },
  nodes: { en: "Nodes", de: "Knoten", zh: "节点" },
});

export const ROUTES = [
  <Route path="/" component={OverviewPage} />,
  <Route path="/nodes" component={NodesPage} />,
  <Route path="/machines" component={MachinesPage} />,
  <Route path="/deploy" component={DeployPage} />,
  <Route path="/restore" component={RestorePage} />,
  <Route path="/settings" component={SettingsPage} />,
];

interface Entry {
  readonly href: string;
  readonly text: () => string;
  /** Absent: for everybody. */
  readonly isFor?: () => boolean;
}

export const NAVIGATION: readonly Entry[] = [
  { href: "/", text: () => t("overview") },
  { href: "/nodes", text: () => t("nodes") },
  { href: "/machines", text: () => t("machines") },
  { href: "/settings", text: () => t("settings") },
];
