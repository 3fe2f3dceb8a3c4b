/** argv → command. A command's modules are loaded when it runs. */
import settings from "./deno.json" with { type: "json" };
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

// A node's first program does not wait for the parser of all commands. It never ends; where this is no node, the command
// below says so.
if (Deno.pid === 1 && Deno.args.join(" ") === "agent install") {
  await import("./agent/install_command.ts").then(({ runInstall }) => runInstall({ signal: stop.signal }))
    .catch(() => {});
}
const { runCommandLine } = await import("./server/cli/run.ts");
const code = await runCommandLine(Deno.args, {
  version: settings.version,
  apiDocument: async () => (await import("./server/web/openapi/document.ts")).apiDocument(),
  signal: stop.signal,
  runServer: async (command, { reread }) =>
    await (await import("./server/run_server.ts")).runServer(command, { reread, signal: stop.signal }),
  installService: async (options) =>
    await (await import("./server/service_command.ts")).installServiceHere(options),
  uninstallService: async (options) =>
    await (await import("./server/service_command.ts")).uninstallServiceHere(options),
  backUpServer: async (file, options) =>
    await (await import("./server/facts_command.ts")).backUpServer(file, options),
  restoreServer: async (file, options) =>
    (await import("./server/facts_command.ts")).restoreServer(file, options),
  joinServer: async (server, options) =>
    await (await import("./server/standby_command.ts")).joinServer(server, options),
  runDoctor: async (options) => await (await import("./server/doctor_command.ts")).runDoctor(options),
  supportBundle: async (file, options) =>
    await (await import("./server/support_command.ts")).supportBundle(file, options),
  runTemplate: async (options) =>
    await (await import("./agent/template_command.ts")).templateCommand(options),
  runInstall: async (options) => await (await import("./agent/install_command.ts")).runInstall(options),
  sendTree,
  exportDisk: async (options) =>
    await (await import("./server/virtual_machine/export_disk.ts")).exportDisk(options),
  claimDevice: async (path) => (await import("./agent/sys/kernel.ts")).claimBlockDevice(path),
});
Deno.exit(code);

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
