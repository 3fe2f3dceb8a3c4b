/** `rackseed agent template`: the template's agent with this machine's facts, telling the terminal what it does. */
import { ApiClient } from "#contract/client.ts";
import { readMachine } from "./capture/machine.ts";
import { CacheStore } from "./capture/cache/cache_store.ts";
import { type Console, standardConsole } from "./sys/console.ts";
import { runTemplate, type TemplateEvent } from "./template.ts";

/** Below the directory that no capture takes along. */
const DEFAULT_STATE = "/var/lib/rackseed/agent";

/** Runs until `signal`; throws RackseedError where waiting does not help. */
export async function templateCommand(
  { server, token, name = Deno.hostname(), root = "/", state = DEFAULT_STATE, allowHooks, signal }: {
    server: string;
    token: string;
    name?: string | undefined;
    root?: string | undefined;
    /** The directory where is remembered what was captured last. */
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
    signal,
    onEvent: (event) => tell(event, { name, console }),
  });
}

function tell(event: TemplateEvent, { name, console }: { name: string; console: Console }): void {
  switch (event.type) {
    case "waiting":
      console.line(`waiting as template ${name}; on the server: rackseed capture ${name} --image NAME`);
      for (const lack of event.lacks) console.line(`  lacks: ${lack}`);
      return;
    case "unreachable":
      return console.line(`the server is out of reach (${event.reason}); trying again`);
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
        } MB; the server publishes ${event.order.image}`,
      );
    case "failed":
      return console.line(`${event.problem.title}: ${event.problem.detail} Remedy: ${event.problem.remedy}`);
  }
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
