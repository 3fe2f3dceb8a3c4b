/** The server: all services in one process, under one signal. This file says what is started in which order. */
import { getLogger } from "@logtape/logtape";
import { firstError } from "#contract/errors.ts";
import { AgentSegments } from "./boot_files/agent_segments.ts";
import { MeasuredBoots } from "./boot_files/measured_boots.ts";
import type { ServerOptions } from "./cli/server_options.ts";
import type { SettingName } from "./cli/settings.ts";
import { surviveConnectionFaults } from "./connections/faults.ts";
import { guardConnections } from "./connections/reaper.ts";
import { chooseAddresses } from "./connections/site_addresses.ts";
import type { Fleet } from "./fleet/fleet.ts";
import type { Advance, InstallerBoot, Publish } from "./fleet/ports.ts";
import { Metrics } from "./metrics/metrics.ts";
import { dhcpRangeOf } from "./netboot/dhcp_range.ts";
import { startNetboot } from "./netboot/netboot_services.ts";
import { openData, type ServerData } from "./services/open_data.ts";
import { openFleet } from "./services/open_fleet.ts";
import { plainHandler, startPlainHttp } from "./services/plain_http.ts";
import { publishPorts } from "./services/publishing.ts";
import { runUntil, writeUrl } from "./services/run_until.ts";
import { startRsync } from "./services/rsync_service.ts";
import { deploymentEnds } from "./services/deployment_ends.ts";
import { startCaptures } from "./services/start_captures.ts";
import type { StartContext } from "./services/start_context.ts";
import { startHealth } from "./services/start_health.ts";
import { startHttps } from "./services/start_https.ts";
import { startImages } from "./services/start_images.ts";
import { startMedia } from "./services/start_media.ts";
import { startTransfers } from "./services/start_registry.ts";
import { refuseIfSuperseded, startReplication } from "./services/start_replication.ts";
import { readStanding } from "./standby/standing_file.ts";
import { startRehearsals } from "./services/start_rehearsals.ts";
import { startPeople } from "./services/start_people.ts";
import { openSecureBoot } from "./services/secure_boot.ts";
import { startSchedules } from "./services/start_schedules.ts";
import { listenForPeers, startSwarm } from "./services/start_swarm.ts";
import { startTraces } from "./services/start_traces.ts";
import { startUpstream } from "./services/start_upstream.ts";
import { startWebhooks } from "./services/start_webhooks.ts";
import { swarmAddresses } from "./services/swarm_addresses.ts";
import { Sites } from "./sites/sites.ts";
import type { Replication } from "./standby/replication.ts";
import { lockDataDirectory } from "./store/data_lock.ts";
import { backUpFacts } from "./store/facts_backup.ts";
import { SqliteLeaseStore } from "./store/leases.ts";
import { OrderAnswers } from "./store/order_answers.ts";
import { startError } from "./store/store_error.ts";
import { deskSources } from "./services/desk_sources.ts";
import { DeskFeed } from "./web/desk_feed.ts";
import { LiveEvents } from "./web/live.ts";

const log = getLogger(["rackseed", "server"]);

export interface RunningServer {
  readonly urls: {
    /** HTTPS: API and page. */
    readonly server: string;
    /** Plain HTTP: boot files, tracker, web seed. */
    readonly http: string;
    /** The module with the torrent files; undefined without rsync. */
    readonly rsync: string | undefined;
  };
  readonly ports: {
    readonly https: number;
    /** HTTPS with the site's own certificate. */
    readonly site: number | undefined;
    readonly http: number;
    readonly peer: number;
    readonly tracker: number;
    readonly tftp: number | undefined;
    readonly rsync: number | undefined;
  };
  readonly token: string;
  /** While no admin has a password: the page that makes one, good once. */
  readonly setup: string | undefined;
  /** Settles when the server has closed; rejects if one of its services broke. */
  readonly done: Promise<void>;
  /**
   * Applies the settings among `changed` that may change while the server runs, and reads the site's certificate again.
   * Throws RackseedError, with nothing changed, if that is not usable.
   */
  reload(options: ServerOptions, of: { readonly changed: readonly SettingName[] }): void;
  close(): Promise<void>;
}

/**
 * Starts all services, or none. Throws RackseedError if one cannot be started.
 *
 * @example A server on free ports of the loopback interface, without DHCP and TFTP
 * ```ts
 * import { startServer } from "./server.ts";
 *
 * export async function urlsOf(data: string): Promise<string> {
 *   const { signal } = new AbortController();
 *   const ports = { httpPort: 0, peerPort: 0, trackerPort: 0, tftpPort: undefined };
 *   const listen = { hostname: "127.0.0.1", port: 0 };
 *   const boot = { dhcp: "off", dhcpClients: "nodes", dns: [], secureBoot: false } as const;
 *   const server = await startServer({ data, listen, ...ports, ...boot }, { signal });
 *   await server.close();
 *   return server.urls.server;
 * }
 * ```
 */
export async function startServer(
  options: ServerOptions,
  control: { signal: AbortSignal; metrics?: Metrics },
): Promise<RunningServer> {
  try {
    return await startServices(options, control);
  } catch (thrown) {
    throw startError(options.data, firstError(thrown));
  }
}

async function startServices(
  options: ServerOptions,
  { signal, metrics = new Metrics() }: { signal: AbortSignal; metrics?: Metrics },
): Promise<RunningServer> {
  await using stack = new AsyncDisposableStack();
  const closing = new AbortController();
  const site = chooseAddresses(options, Deno.networkInterfaces());
  stack.use(lockDataDirectory(options.data));
  const reaper = stack.use(guardConnections());
  stack.use(surviveConnectionFaults());
  const now = () => Date.now();
  const context: StartContext = { options, site, reaper, stack, closing: closing.signal, now };
  const data = await openData(context);
  const standing = readStanding(options.data);
  const fence = standing?.role === "serves" ? standing.takeOver.of : undefined;
  await refuseIfSuperseded(context, data, { hasTakenOver: fence !== undefined });
  const served = await serveImages(context, { data, metrics, fleet: () => managed.fleet });
  let installer: InstallerBoot | undefined = undefined;
  const boots = new MeasuredBoots({
    image: (ref) => managed.secureBoot && installer?.file(`images/${ref}/agent.efi`),
    now,
  });
  const replication = startReplication(context, { data, notices: served.notices, fence });
  const managed = await manageNodes(context, {
    data,
    served,
    boots,
    replication,
    installer: () => installer,
  });
  // runs first when the server closes: it ends the services below, and the requests that would wait for ever
  stack.defer(() => {
    closing.abort(new Error("the server is closing"));
    served.live[Symbol.dispose]();
    served.desk[Symbol.dispose]();
  });
  const netboot = await bootMachines(context, { data, served, managed });
  installer = netboot.installer;
  const { swarm, http, rsync, peers, addresses } = served, { https } = managed;
  writeUrl(`${options.data}/url`, https.url);
  await managed.rehearsals.resume();
  const running = runUntil(signal, {
    services: stack.move(),
    finished: [...netboot.finished, replication.superseded],
  });
  log.info("serving", { server: https.url, data: options.data });
  return {
    urls: { server: https.url, http: addresses.http, rsync: addresses.rsync },
    ports: {
      https: https.port,
      site: https.site?.port,
      http: http.port,
      peer: peers.port,
      tracker: swarm.udpTracker.port,
      tftp: netboot.tftpPort,
      rsync: rsync?.port,
    },
    token: data.admin.text,
    setup: managed.setup === undefined ? undefined : https.url + managed.setup,
    reload(read, { changed }) {
      // first what may fail
      https.site?.reload(read);
      if (changed.includes("upload-limit")) swarm.site.limitUploads(read.uploadLimit);
    },
    ...running,
  };
}

type Served = Awaited<ReturnType<typeof serveImages>>;

/** The swarm and the images in it, by every way in which nodes fetch them. */
async function serveImages(
  context: StartContext,
  { data, metrics, fleet }: { data: ServerData; metrics: Metrics; fleet: () => Fleet },
) {
  const { options, site, stack, reaper } = context;
  const peers = await listenForPeers(context);
  const desk = new DeskFeed();
  // routes publish here, too
  const live = new LiveEvents({ also: (event) => desk.note(event) });
  const ends = deploymentEnds(data, fleet);
  const webhooks = startWebhooks(context, { data, ends });
  const traces = await startTraces(context, { data, ends });
  /** Services that start later, and hear of events as well. */
  const observers: Publish[] = [];
  const publish: Publish = (event) => {
    live.publish(event);
    metrics.observe(event);
    webhooks.observe(event);
    traces.observe(event);
    for (const observe of observers) observe(event);
  };
  const advance: Advance = (name, view) => {
    live.advance(name, view);
    desk.advance(name, view);
  };
  const swarm = await startSwarm(context, { data, peers, publish });
  const { images, notices, packStore, registry } = await startImages(context, {
    data,
    seeder: swarm.seeder,
    publish,
  });
  const rsync = await startRsync(options, { hostname: site.bind, files: () => images.torrentFiles() });
  if (rsync) stack.use(rsync);
  for (const port of [peers.port, rsync?.port]) if (port !== undefined) reaper.lengthenQueue(port);
  // listens before what it serves is complete: until then it answers 503
  const http = await startPlainHttp(context);
  const seedPort = options.seeder === "off" ? undefined : peers.port;
  const ports = { http: http.port, tracker: swarm.udpTracker.port, peers: seedPort, rsync: rsync?.port };
  const swarmAt = (host: string) =>
    swarmAddresses(ports, {
      host,
      advertised: site.advertised,
      caches: options.webSeed ?? [],
      trackers: options.tracker ?? [],
    });
  const addresses = swarmAt(site.advertised);
  return {
    peers,
    live,
    desk,
    metrics,
    webhooks,
    traces,
    observers,
    publish,
    advance,
    swarm,
    images,
    notices,
    packStore,
    registry,
    rsync,
    http,
    swarmAt,
    addresses,
  };
}

type Managed = Awaited<ReturnType<typeof manageNodes>>;

/** The fleet, the captures, and the API and page by which the operator and the agents reach them. */
async function manageNodes(
  context: StartContext,
  { data, served, boots, replication, installer }: {
    data: ServerData;
    served: Served;
    boots: MeasuredBoots;
    replication: Replication;
    installer: () => InstallerBoot | undefined;
  },
) {
  const { options, site, closing, now } = context;
  const { images, notices, live, desk, metrics, webhooks, traces, publish, swarm, swarmAt } = served;
  const secureBoot = openSecureBoot(context, data);
  const { fleet, hooks, agents, power, checks, templates, bell } = openFleet(context, {
    data,
    images,
    swarm,
    notices,
    installer,
    expectedBoot: (ref) => boots.of(ref),
    dhcpRange: dhcpRangeOf(options, site),
    secureBoot: secureBoot?.order,
    bootSigner: secureBoot?.bootSigner,
    media: { lend: (medium, node) => media.lend(medium, node), end: (node) => media.end(node) },
    publish,
    advance: served.advance,
  });
  const segments = new AgentSegments(options.data, { ca: data.authority.pem, signal: closing });
  const ports = publishPorts({ swarm: served.addresses, segments, nodes: data.nodes, signal: closing });
  const captures = startCaptures(context, {
    data,
    images,
    fleet,
    agents,
    nodeChecks: checks,
    templates,
    bell,
    ports,
    publish,
    onOverdue: (nodes) =>
      webhooks.webhooks.emit({ event: "backup.overdue", data: { nodes: nodes.slice(0, 100) } }),
    server: () => https.url,
  });
  const transfers = startTransfers(context, {
    store: data.store,
    images,
    registry: served.registry,
    ports,
    publish,
  });
  const { audit, authority, db, directory, store } = data;
  const present = { nodes: fleet.list(), captures: captures.captures.list() };
  metrics.begin(present);
  webhooks.begin(present);
  traces.begin(present);
  const health = startHealth(context, {
    data,
    metrics,
    seeder: swarm.seeder,
    notices,
    packStore: served.packStore,
    backups: captures.backups,
    machines: fleet.machines,
    live,
    webhooks: webhooks.webhooks,
    certificates: () => ({
      ca: authority.pem,
      server: https.certificates,
      ...(https.site && { site: https.site.certificate }),
    }),
    listeners: { "HTTPS": () => https.isListening(), "boot files": () => served.http.isReady() },
  });
  desk.readFrom(deskSources({ data, metrics, fleet, templates, captures: captures.captures, served }));
  const rehearsals = startRehearsals(context, {
    data,
    images,
    fleet,
    publish,
    server: () => https.url,
    bootFile: (name) => served.http.bootFile(name),
  });
  const media = startMedia(context, { data, images, fleet, hooks, installer, server: () => https.url });
  const persons = startPeople(context, data);
  const schedules = startSchedules(context, {
    ...captures,
    data,
    fleet,
    images,
    power,
    notices,
    people: persons.people,
    webhooks: webhooks.webhooks,
    metrics: metrics.schedules,
    publish,
  });
  const upstream = startUpstream(context, {
    data,
    images,
    fleet,
    schedules,
    notices,
    peers: served.peers,
    makeBoot: ports.makeBoot,
    swarm: served.addresses,
    publish,
  });
  if (upstream) served.observers.push((event) => upstream.observe(event));
  const https = await startHttps(context, {
    authority,
    notices,
    api: {
      ...persons,
      audit,
      answers: new OrderAnswers(db, { directory, now }),
      fleet,
      hooks,
      power,
      images,
      files: images.files,
      notices,
      replication,
      packStore: served.packStore,
      transfers,
      live,
      desk,
      health,
      webhooks: webhooks.webhooks,
      schedules,
      sites: new Sites({ table: data.sites, images, pin: data.pin, now }),
      upstream,
      secureBoot: secureBoot?.view,
      rehearsals,
      media,
      onSent: (source, bytes) => metrics.traffic.sent(source, bytes),
      swarm: swarm.site,
      swarmAt,
      now,
      closing,
      bootFile: (name) => served.http.bootFile(name),
      backUp: () => backUpFacts({ directory, db, versions: store.allPublished(), created: new Date() }),
      ...captures,
    },
  });
  return { fleet, rehearsals, segments, secureBoot, https, setup: persons.people.firstSetup() };
}

/** DHCP and TFTP; and plain HTTP, which from here on answers. */
async function bootMachines(
  { options, site, closing, now }: StartContext,
  { data, served, managed }: { data: ServerData; served: Served; managed: Managed },
) {
  const { fleet, segments, secureBoot, https } = managed;
  const { images, http, metrics: { traffic }, swarm: { tracker, site: { uplink } } } = served;
  const netboot = await startNetboot({
    options,
    site,
    httpPort: http.port,
    httpsPort: https.port,
    fleet,
    nodes: data.nodes,
    store: data.store,
    segments,
    isDamaged: (path) => images.isDamaged(path),
    signer: secureBoot?.imageSigner,
    pin: data.pin,
    leases: new SqliteLeaseStore(data.db),
    onDhcp: (request, answer) => traffic.dhcp(request, answer),
    onTftp: (outcome, bytes) => traffic.tftp(outcome, bytes),
    signal: closing,
  });
  const onSent = (bytes: number) => traffic.sent("web_seed", bytes);
  const { clones } = fleet;
  const answerChallenge = https.site?.answerChallenge;
  const sources = { bootFiles: netboot, tracker, clones, images, uplink, onSent, answerChallenge, now };
  http.answerWith(plainHandler(sources));
  return netboot;
}
