/** `rackseed agent template`: runs the agent on this machine and prints its events. */
import { ApiClient } from "#contract/client.ts";
import { readMachine } from "./capture/machine.ts";
import { CacheStore } from "./capture/cache/cache_store.ts";
import { machineRestart } from "./restart/machine_restart.ts";
import { runCommand } from "./sys/command.ts";
import { type Console, standardConsole } from "./sys/console.ts";
import { runTemplate, type TemplateEvent } from "./template.ts";

/** Below a directory that every capture excludes. */
const DEFAULT_STATE = "/var/lib/rackseed/agent";

/** Runs until `signal` aborts. Throws RackseedError on an error that waiting cannot fix. */
export async function templateCommand(
  { server, token, name = Deno.hostname(), root = "/", state = DEFAULT_STATE, allowHooks, signal }: {
    server: string;
    token: string;
    name?: string | undefined;
    root?: string | undefined;
    /** The directory of the capture cache. */
    state?: string | undefined;
    allowHooks?: boolean | undefined;
    signal: AbortSignal;
  },
): Promise<void> {
  using client = await ApiClient.connect({ server, token, signal });
  const console = standardConsole();
  await runTemplate({
    client,
    name,
    root,
    cache: new CacheStore(state),
    allowHooks,
    machine: () => readMachine({ root }),
    restart: root === "/" ? machineRestart({ server: client.server, run: runCommand }) : undefined,
    signal,
    onEvent: (event) => printEvent(event, { name, console }),
  });
}

function printEvent(event: TemplateEvent, { name, console }: { name: string; console: Console }): void {
  switch (event.type) {
    case "waiting":
      console.line(`waiting as template ${name}; on the server: rackseed capture ${name} --image NAME`);
      for (const obstacle of event.obstacles) console.line(`  obstacle: ${obstacle}`);
      return;
    case "unreachable":
      return console.line(`cannot reach the server (${event.reason}); retrying`);
    case "checking":
      return console.line(`comparing with ${event.order.image}@${event.order.version}; nothing is changed`);
    case "capturing":
      return console.line(`capturing into ${event.order.image}`);
    case "progress": {
      const { phase, bytesDone, bytesTotal, bytesSent } = event.progress;
      return console.progress(
        `  ${phase}: ${mb(bytesDone)} of ${mb(bytesTotal)} MB, ${mb(bytesSent)} MB sent`,
      );
    }
    case "sent":
      return console.line(
        `read ${mb(event.bytesRead)} of ${mb(event.sent.amount.bytes)} MB, sent ${
          mb(event.sent.bytesSent)
        } MB; the server is publishing ${event.order.image}`,
      );
    case "restarting":
      return console.line(`restarting into the installer: this machine is to be ${event.purpose}`);
    case "failed":
    case "restart-failed":
      return console.line(`${event.problem.title}: ${event.problem.detail} Remedy: ${event.problem.remedy}`);
  }
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
