/** The power settings of `rackseed node set`. */
import {
  CertificatePin,
  NodeView,
  type PowerChange,
  PowerSecret,
  type PowerSettings,
} from "#contract/api.ts";
import type { ApiClient } from "#contract/client.ts";
import { parsePower } from "../words/power_text.ts";
import { checked, UsageError } from "../words/usage.ts";
import { byRule } from "./node_addresses.ts";
import { askHidden, firstLineOf } from "./passphrase.ts";

export interface PowerOptions {
  readonly power?: string | undefined;
  readonly powerPasswordFile?: string | undefined;
  readonly powerPin?: string | undefined;
}

/** Settings for each node, or undefined if none were given. Throws UsageError. */
export function parsePowerOptions(
  { power, powerPasswordFile, powerPin }: PowerOptions,
  names: readonly string[],
): ParsedPower | undefined {
  if (power === undefined && powerPasswordFile === undefined && powerPin === undefined) return undefined;
  const pin = powerPin === undefined || powerPin === "new"
    ? powerPin
    : checked(CertificatePin, { name: "--power-pin", value: powerPin.replaceAll(":", "").toLowerCase() });
  const given = power === undefined ? undefined : names.map((name) => parsePower(byRule(power, name)));
  const [first] = given ?? [];
  if (
    names.length > 1 && first && "host" in first &&
    given?.every((one) => one && "host" in one && sameHost(one, first))
  ) {
    throw new UsageError(
      `--power ${power} is one BMC for ${names.length} nodes: number them, for instance 10.1.0.{n}; see --help.`,
    );
  }
  return { given, file: powerPasswordFile, pin };
}

interface ParsedPower {
  readonly given: readonly (PowerSettings | null)[] | undefined;
  readonly file: string | undefined;
  readonly pin: string | undefined;
}

/** Sends them. A password is read from the file, or asked for once if the server has none for that BMC. */
export async function setPower(
  client: ApiClient,
  { given, file, pin }: ParsedPower,
  { nodes, signal }: { nodes: readonly NodeView[]; signal: AbortSignal },
): Promise<NodeView[]> {
  const settings = nodes.map((node, i) => given ? given[i] ?? null : node.power?.settings ?? null);
  const unset = given ? [] : nodes.filter(({ power }) => !power).map(({ name }) => name);
  if (unset.length > 0) throw new UsageError(`${unset.join(", ")}: give --power as well; there is none yet.`);
  const asks = nodes.filter((node, i) => needsPassword(settings[i], node));
  const secret = file !== undefined
    ? proven(await firstLineOf(file, "password"))
    : asks.length > 0
    ? await askPassword(asks.map(({ name }) => name))
    : undefined;
  const body = nodes.map((node, i): PowerChange => {
    const power = settings[i] ?? null;
    return {
      node: node.id,
      power,
      ...(power && secret !== undefined && { secret }),
      ...(power && pin !== undefined && { pin }),
    };
  });
  return await client.call("PUT /power", { body, signal });
}

function needsPassword(settings: PowerSettings | null | undefined, { power }: NodeView): boolean {
  if (!settings || (settings.method !== "redfish" && settings.method !== "ipmi")) return false;
  const old = power?.settings;
  const isSame = old?.method === settings.method && old.host === settings.host &&
    old.port === settings.port &&
    old.user === settings.user;
  return !(isSame && power?.hasSecret);
}

async function askPassword(names: readonly string[]): Promise<string> {
  const what = names.length <= 3 ? names.join(", ") : `${names.length} nodes`;
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError(
      `the BMC of ${what} needs a password, and there is no terminal to ask at: give --power-password-file FILE`,
    );
  }
  return proven(await askHidden(`Password for the BMC of ${what}: `));
}

/** The value must not appear in the message. */
function proven(text: string): string {
  const secret = PowerSecret.safeParse(text);
  if (secret.success) return secret.data;
  throw new UsageError(secret.error.issues.map(({ message }) => message).join("; "));
}

function sameHost(
  a: { host: string; port?: number | undefined },
  b: { host: string; port?: number | undefined },
): boolean {
  return a.host === b.host && a.port === b.port;
}
