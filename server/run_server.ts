/** `rackseed server`: runs the server until it is stopped, and keeps the service manager informed. */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { changedSettings } from "./cli/changed_settings.ts";
import { configureLogs } from "./cli/logs.ts";
import type { ServerCommand, ServerOptions } from "./cli/server_options.ts";
import { print } from "./cli/terminal.ts";
import { Metrics } from "./metrics/metrics.ts";
import { type RunningServer, startServer } from "./server.ts";
import { startStandby } from "./services/start_standby.ts";
import { readStanding } from "./standby/standing_file.ts";
import { managerOptions, ServiceManager } from "./systemd/service_manager.ts";

const log = getLogger(["rackseed", "server"]);

interface ServerSource {
  /** Reads the settings again. Throws if they are wrong. */
  readonly reread: () => ServerCommand;
  readonly signal: AbortSignal;
}

/** Throws RackseedError if the server cannot start, or one of its services breaks. */
export async function runServer(command: ServerCommand, { reread, signal }: ServerSource): Promise<void> {
  const { json, verbose, logFormat, ...options } = command;
  const metrics = new Metrics();
  const onProblem: Parameters<typeof configureLogs>[0]["onProblem"] = (problem) => metrics.log.count(problem);
  const logs = await configureLogs({ format: logFormat, verbose, onProblem });
  const manager = new ServiceManager(managerOptions(Deno.env.toObject(), Deno.pid));
  using stack = new DisposableStack();
  stack.use(manager);
  signal.addEventListener("abort", () => manager.stopping(), { once: true });
  await followFirst(options, { manager, json, signal });
  if (signal.aborted) return;
  const server = await startServer(options, { signal, metrics });
  stack.use(onHangUp(reloader(command, { server, manager, logs, reread })));
  if (json) print(JSON.stringify({ ...server.urls, ports: server.ports, data: options.data }));
  else printPlaces(server, options);
  manager.ready(`serves at ${server.urls.server}`);
  await server.done;
}

/** On a standby: follows its server until it is to take over, or is stopped. */
async function followFirst(
  options: ServerOptions,
  { manager, json, signal }: { manager: ServiceManager; json: boolean; signal: AbortSignal },
): Promise<void> {
  const standing = readStanding(options.data);
  if (standing?.role !== "follows") return;
  const standby = await startStandby(options, { standing, signal }).catch((error) => {
    if (!signal.aborted) throw error;
  });
  if (standby === undefined) return;
  if (json) print(JSON.stringify({ standby: standby.url, follows: standby.follows, data: options.data }));
  else print(`Rackseed follows ${standby.follows}, as its standby at ${standby.url}`);
  manager.ready(`follows ${standby.follows}`);
  // it reads its settings when it starts to serve, and a signal without a listener would end it
  using _hangUp = onHangUp(() => log.info("not-reloaded", { reason: "this server is a standby" }));
  await standby.done;
}

/** Returns what reads the settings again, and applies those that may change while the server runs. */
function reloader(
  command: ServerCommand,
  { server, manager, logs, reread }: Pick<ServerSource, "reread"> & {
    server: RunningServer;
    manager: ServiceManager;
    logs: Awaited<ReturnType<typeof configureLogs>>;
  },
): () => void {
  let running = command;
  return () => {
    manager.reloading();
    try {
      const read = reread();
      const { applied, waiting, next } = changedSettings(running, read);
      server.reload(read, { changed: applied });
      logs.verbose = read.verbose;
      running = next;
      log.info("reloaded", { changed: applied });
      if (waiting.length > 0) log.warn("not-applied", { settings: waiting, remedy: "restart to apply." });
    } catch (error) {
      log.error("reload-failed", { error: messageOf(error), remedy: "the settings stay as they were." });
    }
    manager.ready(`serves at ${server.urls.server}`);
  };
}

/** A server that a person runs in a terminal ends with it, as every program does. */
function onHangUp(reload: () => void): Disposable {
  if (Deno.stdin.isTerminal()) return { [Symbol.dispose]() {} };
  Deno.addSignalListener("SIGHUP", reload);
  return { [Symbol.dispose]: () => Deno.removeSignalListener("SIGHUP", reload) };
}

function printPlaces({ urls, ports, token, setup }: RunningServer, { data, dhcp }: ServerOptions): void {
  // the output of a service goes into a journal, which others may read
  const isSeen = Deno.stdout.isTerminal();
  print(`Rackseed serves at ${urls.server}`);
  print(`  page   ${urls.server}/${isSeen ? `?token=${token}` : ""}`);
  if (isSeen && setup !== undefined) print(`  set up ${setup}   # once: makes the user admin`);
  print(`  boot   ${urls.http}/boot/, TFTP ${ports.tftp ?? "off"}, DHCP ${dhcp}`);
  print(`  swarm  peers ${ports.peer}, tracker ${urls.http}/announce and UDP ${ports.tracker}`);
  print(`  rsync  ${urls.rsync ?? "off"}`);
  print(`  data   ${data} (token in ${data}/token)`);
}
