/** Which page stands at which address, and which are in the navigation. */
import { Route } from "preact-iso";
import { mayAdminister } from "./parts/abilities.ts";
import { AccountPage } from "./pages/account/account_page.tsx";
import { AuditPage } from "./pages/audit/audit_page.tsx";
import { messages } from "./messages/messages.ts";
import { DiffPage } from "./pages/diff/diff_page.tsx";
import { FilesPage } from "./pages/files/files_page.tsx";
import { HooksPage } from "./pages/hooks/hooks_page.tsx";
import { ImagePage } from "./pages/images/image_page.tsx";
import { ImagesPage } from "./pages/images/images_page.tsx";
import { DeploymentPage } from "./pages/deployments/deployment_page.tsx";
import { DeploymentsPage } from "./pages/deployments/deployments_page.tsx";
import { MachinesPage } from "./pages/machines/machines_page.tsx";
import { NodePage } from "./pages/node/node_page.tsx";
import { NodesPage } from "./pages/nodes/nodes_page.tsx";
import { DeployPage, RestorePage } from "./pages/order/order_page.tsx";
import { OverviewPage } from "./pages/overview/overview_page.tsx";
import { TemplatesPage } from "./pages/templates/templates_page.tsx";
import { RehearsalsPage } from "./pages/rehearsals/rehearsals_page.tsx";
import { EditPage } from "./pages/schedules/edit_page.tsx";
import { SchedulePage } from "./pages/schedules/schedule_page.tsx";
import { SchedulesPage } from "./pages/schedules/schedules_page.tsx";
import { SitePage } from "./pages/sites/site_page.tsx";
import { SitesPage } from "./pages/sites/sites_page.tsx";
import { SettingsPage } from "./pages/settings/settings_page.tsx";
import { UsersPage } from "./pages/users/users_page.tsx";

const t = messages({
  overview: { en: "Overview", de: "Übersicht", zh: "概览" },
  machines: { en: "New machines", de: "Neue Maschinen", zh: "新机器" },
  images: { en: "Images", de: "Images", zh: "镜像" },
  templates: { en: "Templates", de: "Vorlagen", zh: "模板" },
  hooks: { en: "Hooks", de: "Hooks", zh: "钩子脚本" },
  deployments: { en: "Deployments", de: "Installationen", zh: "部署" },
  schedules: { en: "Schedules", de: "Zeitpläne", zh: "计划任务" },
  sites: { en: "Sites", de: "Standorte", zh: "站点" },
  users: { en: "Users", de: "Benutzer", zh: "用户" },
  audit: { en: "Audit", de: "Audit", zh: "审计" },
  settings: { en: "Settings", de: "Einstellungen", zh: "设置" },
  nodes: { en: "Nodes", de: "Knoten", zh: "节点" },
});

export const ROUTES = [
  <Route path="/" component={OverviewPage} />,
  <Route path="/nodes" component={NodesPage} />,
  <Route path="/nodes/:name/:tab?" component={NodePage} />,
  <Route path="/deployments" component={DeploymentsPage} />,
  <Route path="/deployments/:id" component={DeploymentPage} />,
  <Route path="/machines" component={MachinesPage} />,
  <Route path="/images" component={ImagesPage} />,
  <Route path="/images/:image" component={ImagePage} />,
  <Route path="/images/:image/files" component={FilesPage} />,
  <Route path="/images/:image/diff/:to" component={DiffPage} />,
  <Route path="/templates" component={TemplatesPage} />,
  <Route path="/hooks" component={HooksPage} />,
  <Route path="/images/:image/rehearsals" component={RehearsalsPage} />,
  <Route path="/deploy" component={DeployPage} />,
  <Route path="/restore" component={RestorePage} />,
  <Route path="/schedules" component={SchedulesPage} />,
  <Route path="/schedules/:schedule" component={SchedulePage} />,
  <Route path="/schedule" component={EditPage} />,
  <Route path="/sites" component={SitesPage} />,
  <Route path="/sites/:site" component={SitePage} />,
  <Route path="/users" component={UsersPage} />,
  <Route path="/account" component={AccountPage} />,
  <Route path="/audit" component={AuditPage} />,
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
  { href: "/deployments", text: () => t("deployments") },
  { href: "/machines", text: () => t("machines") },
  { href: "/images", text: () => t("images") },
  { href: "/templates", text: () => t("templates") },
  { href: "/hooks", text: () => t("hooks") },
  { href: "/schedules", text: () => t("schedules") },
  { href: "/sites", text: () => t("sites") },
  { href: "/users", text: () => t("users"), isFor: mayAdminister },
  { href: "/audit", text: () => t("audit"), isFor: mayAdminister },
  { href: "/settings", text: () => t("settings") },
];
