/** The server: all services in one process, under one signal. */
import { getLogger } from "@logtape/logtape";
import { firstError, messageOf } from "#contract/errors.ts";
import { FIRST_BOOT_PATH } from "#contract/first_boot.ts";
import { pinOf } from "#contract/token.ts";
import { PeerListener } from "#torrent/session/peer_listener.ts";
import { RateLimit } from "#torrent/rate_limit.ts";
import { handleBoot } from "../boot/http.ts";
import { AgentSegments } from "./boot_files/agent_segments.ts";
import { CaptureService } from "./capture/capture_service.ts";
import type { ServerOptions } from "./cli/server_options.ts";
import { surviveConnectionFaults } from "./connections/faults.ts";
import { guardConnections } from "./connections/reaper.ts";
import { HttpService } from "./connections/serve.ts";
import { lockDataDirectory } from "./store/data_lock.ts";
import { Batches } from "./fleet/batches/batches.ts";
import { FirstBootWatch } from "./fleet/first_boot/first_boot_watch.ts";
import { HookBook } from "./fleet/hook_book.ts";
import { NodeTerms } from "./fleet/node_terms.ts";
import { RackBook } from "./fleet/rack_book.ts";
import { ImageService } from "./images/image_service.ts";
import { bind } from "./services/bind.ts";
import { startNetboot } from "./netboot/netboot_services.ts";
import { chooseAddresses, isIpv4, type SiteAddresses } from "./connections/site_addresses.ts";
import { publishPorts } from "./services/publishing.ts";
import { MODULE } from "./rsync/selection.ts";
import { startRsync } from "./services/rsync_service.ts";
import { DataDirectory } from "./store/data_directory.ts";
import { openDatabase } from "./store/database.ts";
import { Deployments } from "./store/deployments.ts";
import { EndedSessions } from "./store/ended_sessions.ts";
import { backUpFacts } from "./store/facts_backup.ts";
import { FirstBoots } from "./store/first_boots.ts";
import { Hooks } from "./store/hooks.ts";
import { Identities } from "./store/identities.ts";
import { ImageStore } from "./store/images.ts";
import { openSigningKey } from "./store/keys.ts";
import { SqliteLeaseStore } from "./store/leases.ts";
import { Nodes } from "./store/nodes.ts";
import { Notices } from "./images/notices.ts";
import { keepStore } from "./images/store_upkeep.ts";
import { SwarmSettingsStore } from "./store/swarm_settings.ts";
import { Templates } from "./store/templates.ts";
import { startError } from "./store/store_error.ts";
import { signedVersions } from "./store/versions.ts";
import { AgentTokens } from "./store/agent_tokens.ts";
import { handleAnnounce, handleScrape } from "./swarm/http_tracker.ts";
import { Seeder } from "./swarm/seeder.ts";
import { Tracker } from "./swarm/tracker.ts";
import { UdpTracker } from "./swarm/udp_tracker.ts";
import { handleWebSeed } from "./swarm/web_seed.ts";
import { createApp } from "./web/app.ts";
import { AdminToken } from "./access/admin_token.ts";
import { BootBackups } from "./fleet/backups/boot_backups.ts";
import { Backups } from "./fleet/backups/backups.ts";
import { CaptureOrders } from "./fleet/backups/capture_orders.ts";
import { handleFirstBoot } from "./web/first_boot_http.ts";
import { Fleet } from "./fleet/fleet.ts";
import { LiveEvents } from "./web/live.ts";
import { PageSessions } from "./access/page_sessions.ts";
import { SiteSwarm } from "./services/site_swarm.ts";
import type { SwarmAddresses } from "./fleet/ports.ts";
import { writePublicFile } from "./access/private_file.ts";
import { issueServerCertificate, openAuthority } from "./access/tls.ts";

const log = getLogger(["rackseed", "server"]);
/** How often is looked which backups are due. */
const BACKUP_TICK_MS = 60_000;
const SEED_PREFIX = "/seed/";
const SILENCE_TICK_MS = 5000;
/** How soon a full disk, or a file that changed, is noticed. */
const UPKEEP_TICK_MS = 15_000;

export interface RunningServer {
  readonly urls: {
    /** HTTPS: API and page. */
    readonly server: string;
    /** Plain HTTP: boot files, tracker, web seed. */
    readonly http: string;
    /** The module with the torrent files, where there is one. */
    readonly rsync: string | undefined;
  };
  readonly ports: {
    readonly https: number;
    readonly http: number;
    readonly peer: number;
    readonly tracker: number;
    readonly tftp: number | undefined;
    readonly rsync: number | undefined;
  };
  readonly token: string;
  /** Settles when the server has closed; rejects where a service of it broke. */
  readonly done: Promise<void>;
  close(): Promise<void>;
}

/** Starts all services, or none. Throws RackseedError where one cannot be had. */
export async function startServer(
  options: ServerOptions,
  control: { signal: AbortSignal },
): Promise<RunningServer> {
  try {
    return await startServices(options, control);
  } catch (thrown) {
    throw startError(options.data, firstError(thrown));
  }
}

async function startServices(
  options: ServerOptions,
  { signal }: { signal: AbortSignal },
): Promise<RunningServer> {
  await using stack = new AsyncDisposableStack();
  const closing = new AbortController();
  const now = () => Date.now();
  const site = chooseAddresses(options, Deno.networkInterfaces());
  stack.use(lockDataDirectory(options.data));
  const reaper = stack.use(guardConnections());
  stack.use(surviveConnectionFaults());
  const directory = new DataDirectory(options.data);
  const db = openDatabase(directory.database);
  stack.defer(() => db.close());

  const authority = await openAuthority(options.data);
  const pin = pinOf(authority.pem);
  const admin = AdminToken.open(options.data, { pin });

  const nodes = new Nodes(db, { now });
  const deployments = new Deployments(db, { now });
  const store = stack.use(
    new ImageStore({
      db,
      directory,
      signingKey: await openSigningKey(directory, { signed: signedVersions(db) }),
      inUse: (version) => {
        const names = deployments.nodesWaitingFor(version).flatMap((id) => nodes.find(id)?.name ?? []);
        return names.length === 0 ? undefined : `it is being deployed to ${names.join(", ")}`;
      },
    }),
  );

  const peers = stack.use(
    await bind({ protocol: "tcp", port: options.peerPort }, {
      action: "listen for peers",
      start: () => PeerListener.listen({ hostname: site.bind, port: options.peerPort }),
    }),
  );
  const tracker = new Tracker(Math.random);
  // seeder and web seed draw from one budget: both go over the server's uplink
  const uplink = new RateLimit(Infinity);
  const live = new LiveEvents();
  const siteSwarm = new SiteSwarm(new SwarmSettingsStore(db), {
    uplink,
    uploadLimit: options.uploadLimit,
    onChange: (settings) => live.publish({ type: "swarm", settings }),
  });
  const settings = () => siteSwarm.settings();
  const racks = new RackBook({
    nodes: () => nodes.all(),
    server: () => ({ address: site.advertised, settings: { rack: settings().serverRack } }),
    prefix: () => settings().rackPrefix,
    now,
  });
  const seeder = stack.use(
    new Seeder(peers, {
      tracker,
      hostnames: [site.advertised],
      uploadLimit: uplink,
      racks: () => {
        const rack = racks.serverRack;
        return rack === undefined ? {} : { rack, rackOf: (address) => racks.rackOf(address) };
      },
    }),
  );
  const udpTracker = stack.use(
    await bind({ protocol: "udp", port: options.trackerPort }, {
      action: "serve the UDP tracker",
      start: () => UdpTracker.listen(tracker, { hostname: site.bind, port: options.trackerPort }),
    }),
  );
  const notices = new Notices((list) => live.publish({ type: "notices", notices: list }));
  const images = new ImageService(store, { seeder, notices });
  await images.start();
  const upkeep = keepStore({ images, directory, notices, strays: store.strays, signal: closing.signal });
  stack.use(every(UPKEEP_TICK_MS, upkeep));
  upkeep();
  const rsync = await startRsync(options, { hostname: site.bind, files: () => images.torrentFiles() });
  if (rsync) stack.use(rsync);
  for (const port of [peers.port, rsync?.port]) if (port !== undefined) reaper.lengthenQueue(port);

  // the listeners are up before what they serve is complete: until then they answer 503
  let serveHttp: (request: Request, client: Deno.NetAddr) => Response | Promise<Response> = notReady;
  const { port: httpPort } = stack.use(
    await bind({ protocol: "tcp", port: options.httpPort }, {
      action: "serve plain HTTP",
      start: () =>
        new HttpService({ hostname: site.bind, port: options.httpPort }, {
          name: "http",
          reaper,
          handler: (request, info) => serveHttp(request, info.remoteAddr),
        }),
    }),
  );

  const batches = new Batches({
    store: deployments,
    policy: () => settings().seed,
    nameOf: (id) => nodes.find(id)?.name ?? id,
    now,
  });
  const terms = new NodeTerms({ settings, racks });
  const hooks = new HookBook(new Hooks(db), nodes);
  const firstBoots = new FirstBootWatch(new FirstBoots(db), { now });
  const agents = new AgentTokens(db);
  const fleet = new Fleet({
    nodes,
    deployments,
    agents,
    images,
    batches,
    terms,
    firstBoots,
    hooks,
    pin,
    identities: new Identities(directory),
    publish: (event) => live.publish(event),
    now,
  });
  stack.use(every(1000, () => fleet.clones.flagSilent()));
  stack.use(every(SILENCE_TICK_MS, () => fleet.flagSilent()));
  const swarmAt = (host: string): SwarmAddresses => {
    const hostname = isIpv4(host) ? host : site.advertised;
    const origin = `http://${hostname}:${httpPort}`;
    return {
      announce: [`${origin}/announce`, `udp://${hostname}:${udpTracker.port}`],
      webSeeds: [origin + SEED_PREFIX],
      http: origin,
      seeders: [{ hostname, port: peers.port }],
      ...(rsync && { rsync: `rsync://${hostname}:${rsync.port}/${MODULE}` }),
    };
  };
  const swarm = swarmAt(site.advertised);
  const segments = new AgentSegments(options.data, { signal: closing.signal });
  const captures = stack.use(
    new CaptureService({
      db,
      store,
      onChange: (capture) => {
        if (capture.state === "published") {
          images.serve(`${capture.image}@${capture.version}`).then(
            () => live.publish({ type: "images" }),
            (error) => log.error("not-seeded", { image: capture.image, error: messageOf(error) }),
          );
        }
        live.publish({ type: "capture", capture });
      },
      ...publishPorts({
        swarm,
        segments,
        signal: closing.signal,
      }),
    }),
  );

  const templates = new Templates(db, { now });
  const orders = new CaptureOrders(captures);
  const backups = new Backups({
    fleet,
    templates,
    captures,
    images,
    orders,
    agents,
    pin,
    now,
    nameOf: (id) => nodes.find(id)?.name,
    server: () => server,
  });
  const bootBackups = new BootBackups({
    nodes,
    deployments,
    images,
    captures,
    orders,
    pin,
    onChange: (node) => fleet.changed(node),
  });
  stack.use(every(BACKUP_TICK_MS, () => captures.endAbandoned()));
  stack.use(every(BACKUP_TICK_MS, () => backups.tick()));
  const app = createApp(
    {
      sessions: new PageSessions({ admin, ended: new EndedSessions(db), now }),
      admin,
      fleet,
      templates,
      images,
      captures,
      orders,
      backups,
      bootBackups,
      swarm: siteSwarm,
      hooks,
      notices,
      live,
      swarmAt,
      now,
      backUp: () => backUpFacts({ directory, db, versions: store.allPublished(), created: new Date() }),
      closing: closing.signal,
    },
    { caPem: authority.pem },
  );
  const { port: httpsPort } = stack.use(
    await bind({ protocol: "tcp", port: site.listen.port }, {
      action: "serve HTTPS",
      start: async () =>
        new HttpService({
          ...site.listen,
          ...await issueServerCertificate(authority, certificateNames(site)),
        }, {
          name: "https",
          reaper,
          handler: (request, info) => app.fetch(request, { info }),
        }),
    }),
  );

  // the first to be run: it ends the services below, and the requests that would wait for ever
  stack.defer(() => {
    closing.abort(new Error("the server is closing"));
    live[Symbol.dispose]();
  });
  const netboot = await startNetboot({
    options,
    site,
    httpPort,
    httpsPort,
    fleet,
    nodes,
    store,
    segments,
    isDamaged: (path) => images.isDamaged(path),
    leases: new SqliteLeaseStore(db),
    signal: closing.signal,
  });
  serveHttp = (request, client) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/boot/")) return handleBoot(request, netboot);
    if (pathname === "/announce") {
      return handleAnnounce(request, { hostname: client.hostname, tracker, now: now() });
    }
    if (pathname === FIRST_BOOT_PATH) {
      return handleFirstBoot(request, { clones: fleet.clones, address: client.hostname });
    }
    if (pathname === "/scrape") return handleScrape(request, { tracker, now: now() });
    if (pathname.startsWith(SEED_PREFIX)) {
      return handleWebSeed(request, {
        prefix: SEED_PREFIX,
        lookup: (name) => images.webSeedFile(name),
        uploadLimit: uplink,
      });
    }
    return new Response("not found\n", { status: 404 });
  };

  const host = site.listen.hostname === "0.0.0.0" || site.listen.hostname === "::"
    ? site.advertised
    : site.listen.hostname;
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${httpsPort}`;
  announce(`${options.data}/url`, server);
  const services = stack.move();
  let closed: Promise<void> | undefined;
  const close = () => closed ??= services.disposeAsync();
  const ended = Promise.withResolvers<void>();
  const end = () => close().then(ended.resolve, ended.reject);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  for (const finished of netboot.finished) {
    finished.catch((error) => close().finally(() => ended.reject(error)));
  }
  log.info("serving", { server, data: options.data });
  return {
    urls: {
      server,
      http: `http://${site.advertised}:${httpPort}`,
      rsync: swarm.rsync,
    },
    ports: {
      https: httpsPort,
      http: httpPort,
      peer: peers.port,
      tracker: udpTracker.port,
      tftp: netboot.tftpPort,
      rsync: rsync?.port,
    },
    token: admin.text,
    done: ended.promise,
    close: async () => {
      end();
      await ended.promise;
    },
  };
}

/** Tells commands on this machine where the server is. A full disk must not keep it from starting. */
function announce(path: string, server: string): void {
  try {
    writePublicFile(path, `${server}\n`);
  } catch (error) {
    log.error("url-not-written", { path, error: messageOf(error) });
  }
}

/** Until disposed. What fails once, as on a full disk, may be done the next time. */
function every(ms: number, work: () => void): Disposable {
  const timer = setInterval(() => {
    try {
      work();
    } catch (error) {
      log.error("work-failed", { error: messageOf(error) });
    }
  }, ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** All that the server may be called. */
function certificateNames({ advertised, listen }: SiteAddresses): string[] {
  const local = Deno.networkInterfaces().map((i) => i.address.replace(/%.*/, ""));
  const named = ["0.0.0.0", "::"].includes(listen.hostname) ? [] : [listen.hostname];
  return [...local, "127.0.0.1", "localhost", Deno.hostname(), advertised, ...named];
}

function notReady(): Response {
  return new Response("starting\n", { status: 503, headers: { "retry-after": "1" } });
}
