/** argv → command. A command's modules are loaded when it runs. */
import settings from "./deno.json" with { type: "json" };
import type { ServerCommand } from "./server/cli/server_options.ts";
import { runCommandLine } from "./server/cli/run.ts";
import type { SendTree } from "./server/cli/images.ts";

/** A stopped command has this long to clean up. Whatever it leaves behind, a power cut could leave too. */
const CLEANUP_MS = 4000;

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => stopBy(name));

function stopBy(name: Deno.Signal): void {
  if (stop.signal.aborted) return;
  stop.abort(new Error(`stopped by ${name}`));
  Deno.unrefTimer(setTimeout(() => {
    console.error(`stopped before everything had ended, after ${CLEANUP_MS / 1000} s`);
    Deno.exit(1);
  }, CLEANUP_MS));
}

const code = await runCommandLine(Deno.args, {
  version: settings.version,
  signal: stop.signal,
  runServer,
  backUpServer: async (file, options) =>
    await (await import("./server/facts_command.ts")).backUpServer(file, options),
  restoreServer: async (file, options) =>
    (await import("./server/facts_command.ts")).restoreServer(file, options),
  runTemplate: async (options) =>
    await (await import("./agent/template_command.ts")).templateCommand(options),
  runInstall: async (options) => await (await import("./agent/install_command.ts")).runInstall(options),
  sendTree,
  exportDisk: async (options) =>
    await (await import("./server/virtual_machine/export_disk.ts")).exportDisk(options),
});
Deno.exit(code);

async function runServer({ json, verbose, ...options }: ServerCommand): Promise<void> {
  const { configureLogs } = await import("./server/cli/logs.ts");
  await configureLogs({ verbose });
  const { startServer } = await import("./server/server.ts");
  const { print } = await import("./server/cli/terminal.ts");
  const { urls, ports, token, setup, done } = await startServer(options, { signal: stop.signal });
  if (json) print(JSON.stringify({ ...urls, ports, data: options.data }));
  else {
    print(`Rackseed serves at ${urls.server}`);
    // the output of a service goes into a journal, which others may read
    const isSeen = Deno.stdout.isTerminal();
    print(`  page   ${urls.server}/${isSeen ? `?token=${token}` : ""}`);
    if (isSeen && setup !== undefined) print(`  set up ${setup}   # once: makes the user admin`);
    print(`  boot   ${urls.http}/boot/, TFTP ${ports.tftp ?? "off"}, DHCP ${options.dhcp}`);
    print(`  swarm  peers ${ports.peer}, tracker ${urls.http}/announce and UDP ${ports.tracker}`);
    print(`  rsync  ${urls.rsync ?? "off"}`);
    print(`  data   ${options.data} (token in ${options.data}/token)`);
  }
  await done;
}

async function sendTree(path: string, options: Parameters<SendTree>[1]): Promise<void> {
  const { openImport } = await import("./agent/import/open_import.ts");
  const { sendCapture } = await import("./agent/capture/send_capture.ts");
  const { client, kind, firmware, ...rest } = options;
  await using stack = new AsyncDisposableStack();
  const { tree, source, layout, excludes, notes } = await openImport(path, {
    kind,
    firmware,
    stack,
    excludes: options.excludes,
    signal: options.signal,
  });
  const onRead = () => Promise.resolve(notes);
  await sendCapture({ ...rest, api: client, tree, source, layout, excludes, onRead });
}
