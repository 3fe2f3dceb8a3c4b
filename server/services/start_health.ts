/** What monitoring sees: the facts behind GET /metrics, and the parts behind GET /readyz. */
import { X509Certificate } from "node:crypto";
import { accessSync, constants } from "node:fs";
import settings from "../../deno.json" with { type: "json" };
import { isMetricsToken, writeMetricsToken } from "../access/metrics_token.ts";
import type { Notices } from "../images/notices.ts";
import type { Backups } from "../fleet/backups/backups.ts";
import type { Machines } from "../fleet/machines.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { sizeOf } from "../store/durable.ts";
import type { Seeder } from "../swarm/seeder.ts";
import type { Health } from "../web/context.ts";
import type { LiveEvents } from "../web/live.ts";
import type { Webhooks } from "../webhooks/webhooks.ts";
import type { ServerData } from "./open_data.ts";
import type { StartContext } from "./start_context.ts";
import type { PackStoreControl } from "./start_pack_store.ts";

interface Watched {
  readonly data: ServerData;
  readonly metrics: Metrics;
  readonly seeder: Seeder;
  readonly notices: Notices;
  readonly packStore: Pick<PackStoreControl, "view">;
  readonly backups: Backups;
  readonly machines: Pick<Machines, "count">;
  readonly live: LiveEvents;
  readonly webhooks: Pick<Webhooks, "waiting">;
  /** In PEM, by name. */
  readonly certificates: () => Readonly<Record<string, string>>;
  /** Whether each listener accepts connections, by name. */
  readonly listeners: Readonly<Record<string, () => boolean>>;
}

export function startHealth({ options, reaper }: StartContext, watched: Watched): Health {
  const { data, metrics, listeners } = watched;
  const { admin } = data;
  addFacts(reaper, watched);
  writeMetricsToken(options.data, admin);
  return {
    metrics,
    parts: { "database": () => isWritable(data), "pack store": () => storeIsWritable(data), ...listeners },
    mayScrape: (bearer) =>
      options.metricsOpen === true || (bearer !== undefined && isMetricsToken(bearer, admin)),
  };
}

function addFacts(
  reaper: StartContext["reaper"],
  { data, metrics, seeder, notices, packStore, backups, machines, live, webhooks, certificates }: Watched,
): void {
  const { directory, store, deployments } = data;
  metrics.ask({
    version: settings.version,
    startedMs: performance.timeOrigin,
    deployments: () => deployments.queries.countByState(),
    store: () => ({
      ...store.usage(),
      ...directory.space(),
      databaseBytes: (sizeOf(directory.database) ?? 0) + (sizeOf(`${directory.database}-wal`) ?? 0),
    }),
    packStore() {
      const view = packStore.view();
      return view.kind === "local" ? undefined : {
        isUp: view.problem === undefined,
        waitingBytes: view.waitingBytes,
        localBytes: view.localBytes,
        lost: view.lost.length,
      };
    },
    sentBytes: () => ({ seeder: seeder.uploadedBytes, ...metrics.traffic.sentBytes }),
    overdueBackups: () => backups.overdue.length,
    machines: () => machines.count,
    certificateEnds: () => ends(certificates()),
    queues: () => ({ frames: store.pool.waiting, event_watchers: live.watchers, webhooks: webhooks.waiting }),
    connections: () => reaper.book.size,
    notices: () => notices.list().length,
  });
}

/** In milliseconds since 1970, by name; of a chain, the end of its first certificate. */
function ends(certificates: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(certificates).map(([name, pem]) => [name, Date.parse(new X509Certificate(pem).validTo)]),
  );
}

/** A transaction that takes the write lock and writes nothing. */
function isWritable({ db }: ServerData): boolean {
  db.exec("BEGIN IMMEDIATE");
  db.exec("ROLLBACK");
  return true;
}

function storeIsWritable({ directory }: ServerData): boolean {
  // throws; also for root on a file system that went read-only
  accessSync(directory.packs, constants.W_OK);
  return !directory.reserve.isSpent;
}
