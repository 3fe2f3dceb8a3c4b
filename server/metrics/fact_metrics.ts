/** Figures that the other rooms have anyway, asked at each scrape. */
import { getLogger } from "@logtape/logtape";
import { Counter, Gauge, type Registry } from "prom-client";
import process from "node:process";
import { messageOf } from "#contract/errors.ts";

const log = getLogger(["rackseed", "metrics"]);

export interface ServerFacts {
  readonly version: string;
  /** When the process started, in milliseconds since 1970. */
  readonly startedMs: number;
  /** Deployments by state, as the nodes' parts in them have it: installing, armed, failed, done. */
  deployments(): Readonly<Record<string, number>>;
  store(): {
    readonly versions: number;
    readonly packs: number;
    readonly packBytes: number;
    readonly databaseBytes: number;
    /** Of the file system that holds the data directory. */
    readonly sizeBytes: number;
    readonly freeBytes: number;
  };
  /** Undefined if images are on the local disk only. */
  packStore(): {
    readonly isUp: boolean;
    readonly waitingBytes: number;
    readonly localBytes: number;
    readonly lost: number;
  } | undefined;
  /** Bytes of images sent since the start, by way. */
  sentBytes(): Readonly<Record<string, number>>;
  overdueBackups(): number;
  /** Machines that appeared and are no nodes. */
  machines(): number;
  /** Ends of certificates, in milliseconds since 1970, by name. */
  certificateEnds(): Readonly<Record<string, number>>;
  /** Lengths of queues by name. */
  queues(): Readonly<Record<string, number>>;
  connections(): number;
  /** Problems that the page shows. */
  notices(): number;
}

type Figures = number | Readonly<Record<string, number>>;

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly label?: string | undefined;
  readonly read: () => Figures;
}

export function addFacts(registry: Registry, facts: ServerFacts): void {
  for (const gauge of [...siteGauges(facts), ...processGauges(facts)]) addGauge(registry, gauge);
  for (const counter of counters(facts)) addCounter(registry, counter);
}

function siteGauges(facts: ServerFacts): Figure[] {
  const store = (name: string, help: string, key: keyof ReturnType<ServerFacts["store"]>): Figure => ({
    name,
    help,
    read: () => facts.store()[key],
  });
  const seconds = (ms: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(ms).map(([name, end]) => [name, end / 1000]));
  return [
    {
      name: "rackseed_deployments",
      help: "Remembered deployments by state: installing, armed, failed on a node, done.",
      label: "state",
      read: () => facts.deployments(),
    },
    {
      name: "rackseed_backups_overdue",
      help: "Nodes whose scheduled backup is overdue.",
      read: () => facts.overdueBackups(),
    },
    {
      name: "rackseed_machines",
      help: "Machines that appeared on the network and are no nodes.",
      read: () => facts.machines(),
    },
    {
      name: "rackseed_notices",
      help: "Problems of the server that the page shows.",
      read: () => facts.notices(),
    },
    ...packStoreGauges(facts),
    store("rackseed_image_versions", "Published image versions.", "versions"),
    store("rackseed_packs", "Packs in the store, growing ones among them.", "packs"),
    store("rackseed_pack_bytes", "Size of all packs.", "packBytes"),
    store("rackseed_database_bytes", "Size of the database with its write-ahead log.", "databaseBytes"),
    store("rackseed_data_size_bytes", "Size of the file system of the data directory.", "sizeBytes"),
    store("rackseed_data_free_bytes", "Free space on the file system of the data directory.", "freeBytes"),
    {
      name: "rackseed_certificate_end_timestamp_seconds",
      help: "When a certificate ends, in seconds since 1970.",
      label: "certificate",
      read: () => seconds(facts.certificateEnds()),
    },
    {
      name: "rackseed_queue_length",
      help: "What waits, by queue.",
      label: "queue",
      read: () => facts.queues(),
    },
    {
      name: "rackseed_http_connections",
      help: "Open connections to HTTPS and HTTP.",
      read: () => facts.connections(),
    },
  ];
}

/** Without a pack store, nothing is wrong with it, and nothing waits for it. */
function packStoreGauges(facts: ServerFacts): Figure[] {
  return [
    {
      name: "rackseed_pack_store_up",
      help: "1 unless the bucket of the images failed at the last attempt.",
      read: () => facts.packStore()?.isUp === false ? 0 : 1,
    },
    {
      name: "rackseed_pack_store_waiting_bytes",
      help: "Bytes of images that are still to be stored in the bucket.",
      read: () => facts.packStore()?.waitingBytes ?? 0,
    },
    {
      name: "rackseed_pack_store_lost_objects",
      help: "Objects that the bucket no longer has, and neither has the local disk.",
      read: () => facts.packStore()?.lost ?? 0,
    },
    {
      name: "rackseed_pack_store_cached_bytes",
      help: "Bytes of images that are in the bucket's cache on the local disk.",
      read: () => facts.packStore()?.localBytes ?? 0,
    },
  ];
}

/** Under the names that every Prometheus client library uses. */
function processGauges({ version, startedMs }: ServerFacts): Figure[] {
  return [
    {
      name: "rackseed_build_info",
      help: "1, labelled with the version.",
      label: "version",
      read: () => ({ [version]: 1 }),
    },
    {
      name: "process_start_time_seconds",
      help: "Start of the process, in seconds since 1970.",
      read: () => startedMs / 1000,
    },
    {
      name: "process_resident_memory_bytes",
      help: "Memory of the process.",
      read: () => Deno.memoryUsage().rss,
    },
    {
      name: "process_open_fds",
      help: "Open file descriptors.",
      read: () => [...Deno.readDirSync("/proc/self/fd")].length,
    },
  ];
}

function counters(facts: ServerFacts): Figure[] {
  return [
    {
      name: "rackseed_image_sent_bytes_total",
      help:
        "Image bytes that the server sent, by way: its BitTorrent seeder, web seed, packs or extents by HTTPS.",
      label: "source",
      read: () => facts.sentBytes(),
    },
    {
      name: "process_cpu_seconds_total",
      help: "Processor time of the process.",
      read: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
    },
  ];
}

function addGauge(registry: Registry, figure: Figure): void {
  new Gauge({
    ...settingsOf(registry, figure),
    collect() {
      renew(this, figure, (labels, value) => this.set(labels, value));
    },
  });
}

function addCounter(registry: Registry, figure: Figure): void {
  new Counter({
    ...settingsOf(registry, figure),
    collect() {
      renew(this, figure, (labels, value) => this.inc(labels, value));
    },
  });
}

function settingsOf(registry: Registry, { name, help, label }: Figure) {
  return { name, help, labelNames: label === undefined ? [] : [label], registers: [registry] };
}

function renew(
  metric: Gauge | Counter,
  figure: Figure,
  each: (labels: Record<string, string>, value: number) => void,
): void {
  metric.reset();
  // without labels, reset() leaves a 0
  if (figure.label === undefined) metric.remove();
  forEach(figure, each);
}

/** A figure that cannot be read is left out of this scrape. */
function forEach(
  { name, label, read }: Pick<Figure, "name" | "label" | "read">,
  each: (labels: Record<string, string>, value: number) => void,
): void {
  try {
    const figures = read();
    if (typeof figures === "number") return each({}, figures);
    for (const [key, value] of Object.entries(figures)) each({ [label ?? "name"]: key }, value);
  } catch (error) {
    log.warn("not-read", { name, error: messageOf(error) });
  }
}
