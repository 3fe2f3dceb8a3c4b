/** Reads the settings' file and the environment. */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { UsageError } from "../words/usage.ts";
import { DEFAULT_CONFIG } from "./defaults.ts";
import type { ServerCommand } from "./server_options.ts";
import { environmentSettings, fileSettings, type GivenSettings, settingValues } from "./setting_sources.ts";
import type { SettingName, SettingValues } from "./settings.ts";

/** The sources below the flags, the stronger one first. */
export interface SettingSources {
  readonly sources: readonly GivenSettings[];
  /** The file that was read; undefined if there is none. */
  readonly file: string | undefined;
}

/**
 * `config`: the file, instead of RACKSEED_CONFIG or the default one. Only the default one may be missing. Throws
 * RackseedError.
 */
export function readSettingSources(config: string | undefined): SettingSources {
  const chosen = config ?? Deno.env.get("RACKSEED_CONFIG");
  const path = chosen ?? DEFAULT_CONFIG;
  const text = readSettingsFile(path, { mayBeMissing: chosen === undefined });
  return {
    sources: [
      environmentSettings(Deno.env.toObject()),
      ...text === undefined ? [] : [fileSettings(text, path)],
    ],
    file: text === undefined ? undefined : path,
  };
}

/** Undefined if there is no such file. Throws RackseedError. */
export function readSettingsFile(
  path: string,
  { mayBeMissing }: { mayBeMissing: boolean },
): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (mayBeMissing && error instanceof Deno.errors.NotFound) return undefined;
    throw new RackseedError(`cannot read ${path}`, {
      reason: `${messageOf(error)}.`,
      remedy: "check the path, and the file's owner and mode.",
      status: 400,
      cause: error,
    });
  }
}

/** What `rackseed server` runs with. Throws RackseedError, or UsageError if settings contradict each other. */
export function serverCommand(
  flags: Partial<SettingValues>,
  { sources }: SettingSources,
): Omit<ServerCommand, "json"> {
  const values = settingValues(flags, sources);
  refuseContradictions(values);
  const isSet = (name: SettingName) => name in flags || sources.some((source) => source.has(name));
  return {
    data: values.data,
    listen: values.listen,
    tlsCert: values["tls-cert"],
    tlsKey: values["tls-key"],
    siteListen: values["site-listen"],
    interface: values.interface,
    address: values.address,
    httpPort: values["http-port"],
    peerPort: values["peer-port"],
    trackerPort: values["tracker-port"],
    tftpPort: portOf(values["tftp-port"]),
    rsyncPort: portOf(values["rsync-port"]),
    rsyncMayFail: !isSet("rsync-port"),
    dhcp: values.dhcp,
    dhcpRange: values["dhcp-range"],
    dhcpClients: values["dhcp-clients"],
    gateway: values.gateway,
    dns: values.dns,
    secureBoot: values["secure-boot"],
    uploadLimit: values["upload-limit"],
    metricsOpen: values["metrics-open"],
    logFormat: values["log-format"],
    verbose: values.verbose,
  };
}

/** Throws UsageError. */
function refuseContradictions(values: SettingValues): void {
  if (values.dhcp === "server" && values.interface === undefined) {
    throw new UsageError("--dhcp server needs --interface IF, the network to assign addresses in");
  }
  if ((values["tls-cert"] === undefined) !== (values["tls-key"] === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together: the certificate and its private key");
  }
}

function portOf(port: number | "off"): number | undefined {
  return port === "off" ? undefined : port;
}
