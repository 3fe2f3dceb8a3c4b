/** What a review is made from. */
import type { VersionView } from "#contract/api.ts";
import type { Deployments } from "../../store/deployments.ts";
import type { EveryBoots } from "../../store/every_boot.ts";
import type { Identities } from "../../store/identities.ts";
import type { Nodes } from "../../store/nodes.ts";
import type { NodeRecord } from "../../store/node_record.ts";
import type { Templates } from "../../store/templates.ts";
import type { DeploymentOrders, InstallRequest } from "../deployment_orders.ts";
import type { HardwareHistory } from "../hardware/hardware_history.ts";
import type { PlanPreviews } from "../plan_previews.ts";
import type { Images, PowerViews } from "../ports.ts";
import type { Restarts } from "../restarts/restarts.ts";

export interface ReviewSources {
  readonly nodes: Pick<Nodes, "get" | "all">;
  readonly deployments: Pick<Deployments, "active" | "assigned" | "backupTerms">;
  readonly images: Pick<Images, "get" | "damage">;
  readonly identities: Pick<Identities, "get">;
  readonly everyBoots: Pick<EveryBoots, "of">;
  readonly templates: Pick<Templates, "list">;
  readonly power: Pick<PowerViews, "view">;
  readonly history: Pick<HardwareHistory, "warnings">;
  readonly previews: Pick<PlanPreviews, "plans">;
  readonly orders: Pick<DeploymentOrders, "installOf">;
  readonly restarts: Pick<Restarts, "prove">;
  /** The server's own IPv4 address, and the addresses that its DHCP gives away. */
  readonly address: string | undefined;
  readonly dhcpRange: { readonly first: string; readonly last: string } | undefined;
  readonly now: () => number;
}

/** What is being reviewed: the order, resolved. */
export interface Subject {
  readonly install: InstallRequest;
  readonly version: VersionView;
  /** "web@3" */
  readonly image: string;
  readonly nodes: readonly NodeRecord[];
}
