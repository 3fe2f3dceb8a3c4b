/** What agents on running machines are asked for: captures of templates, backups of nodes, checks of nodes. */
import { getLogger } from "@logtape/logtape";
import type { CaptureView } from "#contract/api.ts";
import { messageOf } from "#contract/errors.ts";
import type { PublishPorts } from "../capture/publish.ts";
import { CaptureService } from "../capture/capture_service.ts";
import { Backups } from "../fleet/backups/backups.ts";
import { BootBackups } from "../fleet/backups/boot_backups.ts";
import { CaptureOrders } from "../fleet/backups/capture_orders.ts";
import { Checks } from "../fleet/checks/checks.ts";
import { AgentOrders } from "../fleet/agent_orders.ts";
import type { Bell } from "../fleet/bell.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Publish } from "../fleet/ports.ts";
import type { ImageService } from "../images/image_service.ts";
import type { AgentTokens } from "../store/agent_tokens.ts";
import type { NodeChecks } from "../store/node_checks.ts";
import type { Templates } from "../store/templates.ts";
import type { ServerData } from "./open_data.ts";
import { every, type StartContext } from "./start_context.ts";

const log = getLogger(["rackseed", "server"]);
/** Interval between checks for due backups, and for captures that their agents have abandoned. */
const BACKUP_TICK_MS = 60_000;

interface CaptureParts {
  readonly captures: CaptureService;
  readonly templates: Templates;
  readonly orders: CaptureOrders;
  readonly agentOrders: AgentOrders;
  readonly backups: Backups;
  readonly bootBackups: BootBackups;
  readonly checks: Checks;
}

interface CaptureSources {
  readonly data: ServerData;
  readonly images: ImageService;
  readonly fleet: Fleet;
  readonly agents: AgentTokens;
  readonly nodeChecks: NodeChecks;
  readonly templates: Templates;
  readonly bell: Bell;
  readonly ports: PublishPorts;
  readonly publish: Publish;
  /** Called with the names of nodes whose scheduled backup became overdue. */
  readonly onOverdue: (nodes: readonly string[]) => void;
  /** The server as nodes reach it; asked once it listens. */
  readonly server: () => string;
}

export function startCaptures(
  { stack, now }: StartContext,
  { data, images, fleet, agents, nodeChecks, templates, bell, ports, publish, onOverdue, server }:
    CaptureSources,
): CaptureParts {
  const { db, store, nodes, deployments, pin } = data;
  const captures = stack.use(
    new CaptureService({
      db,
      store,
      onChange: (capture) => {
        if (capture.state === "published") serveNew(capture, { images, publish });
        publish({ type: "capture", capture });
      },
      ...ports,
    }),
  );
  const orders = new CaptureOrders(captures, bell);
  const nameOf = (id: string) => nodes.find(id)?.name;
  const backups = new Backups({
    fleet,
    templates,
    captures,
    images,
    orders,
    agents,
    pin,
    onOverdue,
    now,
    nameOf,
    server,
  });
  const onChange: ConstructorParameters<typeof BootBackups>[0]["onChange"] = (node) => fleet.changed(node);
  const { machines } = fleet;
  const bootBackups = new BootBackups({
    nodes,
    deployments,
    images,
    captures,
    orders,
    machines,
    pin,
    onChange,
  });
  const checks = new Checks({
    fleet,
    nodes,
    checks: nodeChecks,
    templates,
    images,
    wake: () => bell.ring(),
    now,
  });
  const agentOrders = new AgentOrders({ captures, restarts: fleet.restarts, checks, bell });
  stack.use(every(BACKUP_TICK_MS, () => captures.endAbandoned()));
  stack.use(every(BACKUP_TICK_MS, () => checks.endAbandoned()));
  stack.use(every(BACKUP_TICK_MS, () => backups.tick()));
  return { captures, templates, orders, agentOrders, backups, bootBackups, checks };
}

function serveNew(
  { image, version }: CaptureView,
  { images, publish }: { images: ImageService; publish: Publish },
): void {
  images.serve(`${image}@${version}`).then(
    () => publish({ type: "images" }),
    (error) => log.error("not-seeded", { image, error: messageOf(error) }),
  );
}
