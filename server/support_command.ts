/** `rackseed support-bundle`: collects the parts of the archive, on the server's own machine. */
import { z } from "zod";
import { CaptureView, ImageView, NodeView, Notice, StepReport, TemplateView } from "#contract/api.ts";
import { UserView } from "#contract/api/access.ts";
import { SwarmSettings } from "#contract/api/distribution.ts";
import { HookSummary } from "#contract/api/hooks.ts";
import { WebhookView } from "#contract/api/webhooks.ts";
import { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { SupportCommand } from "./cli/server_options.ts";
import { remark } from "./cli/terminal.ts";
import { examine } from "./doctor/doctor.ts";
import { realSystem } from "./doctor/system.ts";
import { type BundleParts, makeBundle } from "./support/bundle.ts";
import { knownSecrets } from "./support/known_secrets.ts";
import { readLog } from "./support/read_log.ts";

/** Nodes whose steps are included: those that went wrong. */
const MAX_LOGS = 50;
const MAX_CAPTURES = 50;
const ANSWER_MS = 30_000;

/** Writes the file, which must not exist yet. Throws RackseedError if it cannot. */
export async function supportBundle(file: string, command: SupportCommand): Promise<void> {
  const { data, secretFiles, signal } = command;
  using server = new RunningServer(data, signal);
  const parts: BundleParts = {
    "version.json": () => versionOf(command),
    "settings.json": () => command.settings,
    "doctor.json": () => examine(command, realSystem),
    "log.txt": () => readLog(command.log, { signal }),
    "ready.txt": () => server.text("/readyz"),
    "metrics.txt": () => server.text("/metrics"),
    ...siteParts(server),
  };
  const { bytes, missing } = await makeBundle(parts, {
    secrets: knownSecrets(data, secretFiles),
    now: new Date(),
  });
  await write(file, bytes);
  if (missing.length > 0) remark(`without ${missing.join(", ")}: missing.json in it says why`);
  remark(`wrote ${file}; it names machines, users and addresses, so look through it before you send it`);
}

function versionOf({ version }: SupportCommand): unknown {
  return {
    made: new Date().toISOString(),
    rackseed: version,
    runtime: Deno.version.deno,
    kernel: Deno.osRelease(),
    memory: Deno.systemMemoryInfo(),
    load: Deno.loadavg(),
    processors: navigator.hardwareConcurrency,
  };
}

/** What the server says of its nodes, images and people. */
function siteParts(server: RunningServer): BundleParts {
  return {
    "nodes.json": () => server.list("/nodes", NodeView),
    "node-logs.json": async () => await logsOf(server),
    "templates.json": () => server.list("/templates", TemplateView),
    "captures.json": async () => (await server.list("/captures", CaptureView)).slice(-MAX_CAPTURES),
    "images.json": () => server.list("/images", ImageView),
    "swarm.json": () => server.get("/swarm", SwarmSettings),
    "hooks.json": () => server.list("/hooks", HookSummary),
    "notices.json": () => server.list("/notices", Notice),
    "users.json": () => server.list("/users", UserView),
    // the path of a receiver's URL is often a secret
    "webhooks.json": async () =>
      (await server.list("/webhooks", WebhookView)).map((w) => ({ ...w, url: new URL(w.url).origin })),
  };
}

/** The steps of nodes that went wrong, by name. */
async function logsOf(server: RunningServer): Promise<Record<string, unknown>> {
  const wrong = (await server.list("/nodes", NodeView)).filter(({ state, silentSince, firstBoot }) =>
    state === "failed" || state === "aborted" || silentSince !== undefined || firstBoot?.problem !== undefined
  );
  const logs: Record<string, unknown> = {};
  for (const { name } of wrong.slice(0, MAX_LOGS)) {
    logs[name] = await server.list(`/nodes/${name}/log`, StepReport);
  }
  return logs;
}

/** The server that runs on the data directory. Its calls fail if there is none. */
class RunningServer implements Disposable {
  readonly #data: string;
  readonly #signal: AbortSignal;
  #client: Promise<ApiClient> | undefined;
  #open: ApiClient | undefined;

  constructor(data: string, signal: AbortSignal) {
    this.#data = data;
    this.#signal = signal;
  }

  async get<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>> {
    return await (await this.#connect()).get(path, schema, { signal: this.#patience() });
  }

  async list<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T>[]> {
    return await this.get(path, z.array(schema));
  }

  /** `path` is not below the API's. */
  async text(path: string): Promise<string> {
    const client = await this.#connect();
    return await (await client.send("GET", path, { base: "", signal: this.#patience() })).text();
  }

  [Symbol.dispose](): void {
    this.#open?.[Symbol.dispose]();
  }

  #connect(): Promise<ApiClient> {
    return this.#client ??= this.#begin();
  }

  async #begin(): Promise<ApiClient> {
    const [server, token] = await Promise.all(
      ["url", "token"].map(async (name) => (await Deno.readTextFile(`${this.#data}/${name}`)).trim()),
    );
    return this.#open = await ApiClient.connect({
      server: server ?? "",
      token: token ?? "",
      signal: this.#patience(),
    });
  }

  #patience(): AbortSignal {
    return AbortSignal.any([this.#signal, AbortSignal.timeout(ANSWER_MS)]);
  }
}

async function write(file: string, bytes: Uint8Array): Promise<void> {
  try {
    await Deno.writeFile(file, bytes, { createNew: true, mode: 0o600 });
  } catch (error) {
    throw new RackseedError(`cannot write ${file}`, {
      reason: `${messageOf(error)}.`,
      remedy: "give a new file in a folder that you may write to.",
      cause: error,
    });
  }
}
