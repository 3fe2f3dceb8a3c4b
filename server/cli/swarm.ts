/** `rackseed swarm …` */
import { SwarmChange, SwarmSettings } from "#contract/api/distribution.ts";
import { formatRate } from "#contract/rate_text.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { formatSeedPolicy } from "../words/seed_text.ts";
import { print, printFields, printJson } from "./terminal.ts";
import { checked, UsageError } from "../words/usage.ts";

export interface SwarmOptions extends ConnectionOptions {
  readonly json?: boolean | undefined;
  readonly signal: AbortSignal;
}

export async function showSwarm({ json, signal, ...options }: SwarmOptions): Promise<void> {
  using client = await connect(options, signal);
  show(await client.call("GET /swarm", { signal }), json);
}

/** The options given; "off" clears a setting. */
export interface SwarmSetOptions {
  readonly uploadLimit?: number | "off" | undefined;
  readonly nodeUploadLimit?: number | "off" | undefined;
  readonly rackPrefix?: number | "off" | undefined;
  readonly serverRack?: string | undefined;
  readonly seed?: SwarmSettings["seed"] | undefined;
}

export async function setSwarm(
  { settings, json, signal, ...options }: SwarmOptions & { settings: SwarmSetOptions },
): Promise<void> {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  if (given.length === 0) throw new UsageError("no setting given; see `rackseed swarm set --help`");
  const change = Object.fromEntries(given.map(([key, value]) => [key, value === "off" ? null : value]));
  const body = checked(SwarmChange, { name: "swarm set", value: change });
  using client = await connect(options, signal);
  show(await client.call("POST /swarm", { body, signal }), json);
}

function show(settings: SwarmSettings, json: boolean | undefined): void {
  if (json) return printJson(settings);
  const { uploadLimit, nodeUploadLimit, rackPrefix, serverRack, seed } = settings;
  const rate = (limit: number | undefined) =>
    limit === undefined ? "no limit" : `at most ${formatRate(limit)}`;
  printFields({
    "Server sends": rate(uploadLimit),
    "Each node sends": rate(nodeUploadLimit),
    "Racks": rackPrefix === undefined
      ? "by the nodes' labels only"
      : `by label, else one per /${rackPrefix} network`,
    "The server's rack": serverRack,
    "Finished nodes seed": formatSeedPolicy(seed),
  });
  if (nodeUploadLimit === undefined) {
    print("To limit a single node: rackseed node set NODE --upload-limit RATE");
  }
}
