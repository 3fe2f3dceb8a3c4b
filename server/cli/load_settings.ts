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
    acmeDirectory: values["acme-directory"],
    acmeDomain: values["acme-domain"],
    acmeCaFile: values["acme-ca-file"],
    acmeEmail: values["acme-email"],
    acmePort: values["acme-port"],
    interface: values.interface,
    address: values.address,
    httpPort: values["http-port"],
    peerPort: values["peer-port"],
    trackerPort: values["tracker-port"],
    tftpPort: portOf(values["tftp-port"]),
    rsyncPort: portOf(values["rsync-port"]),
    rsyncMayFail: !isSet("rsync-port"),
    dhcp: values.dhcp,
    dhcp6: values.dhcp6,
    dhcpRange: values["dhcp-range"],
    dhcpClients: values["dhcp-clients"],
    gateway: values.gateway,
    dns: values.dns,
    routerAdvertisements: values["router-adverts"],
    bootVlan: values["boot-vlan"],
    mtu: values.mtu,
    secureBoot: values["secure-boot"],
    signedImages: values["signed-images"],
    signDisks: values["sign-disks"],
    ...signingKeyOf(values),
    requestMok: values["request-mok"],
    requireTpm: values["require-tpm"],
    startAlone: values["start-alone"],
    uploadLimit: values["upload-limit"],
    seeder: values.seeder,
    webSeed: values["web-seed"],
    tracker: values.tracker,
    upstream: values.upstream,
    upstreamTokenFile: values["upstream-token-file"],
    upstreamRate: values["upstream-rate"],
    upstreamHours: values["upstream-hours"],
    packStore: values["pack-store"],
    cacheSize: values["cache-size"],
    s3Endpoint: values["s3-endpoint"],
    s3Region: values["s3-region"],
    s3Addressing: values["s3-addressing"],
    s3KeyFile: values["s3-key-file"],
    s3CaFile: values["s3-ca-file"],
    s3PublicUrl: values["s3-public-url"],
    registryAuthFile: values["registry-auth-file"],
    registryCaFile: values["registry-ca-file"],
    registryHttp: values["registry-http"],
    registrySeed: values["registry-seed"],
    metricsOpen: values["metrics-open"],
    traceEndpoint: values["trace-endpoint"],
    oidcIssuer: values["oidc-issuer"],
    oidcClientId: values["oidc-client-id"],
    oidcSecretFile: values["oidc-secret-file"],
    oidcCaFile: values["oidc-ca-file"],
    oidcScope: values["oidc-scope"],
    oidcNameClaim: values["oidc-name-claim"],
    oidcRoleClaim: values["oidc-role-claim"],
    oidcRole: values["oidc-role"],
    mailServer: values["mail-server"],
    mailPort: values["mail-port"],
    mailSecurity: values["mail-security"],
    mailCaFile: values["mail-ca-file"],
    mailUser: values["mail-user"],
    mailPasswordFile: values["mail-password-file"],
    mailFrom: values["mail-from"],
    mailTo: values["mail-to"],
    mailEvent: values["mail-event"],
    logFormat: values["log-format"],
    verbose: values.verbose,
  };
}

function signingKeyOf(
  { "signing-command": command, "signing-cert": certificate }: SettingValues,
): Pick<ServerCommand, "signingKey"> {
  return command === undefined || certificate === undefined ? {} : { signingKey: { command, certificate } };
}

/** Throws UsageError. */
function refuseContradictions(values: SettingValues): void {
  if (values.dhcp !== "off" && values.interface === undefined) {
    const network = values.dhcp === "server" ? "to assign addresses in" : "that the nodes boot from";
    throw new UsageError(`--dhcp ${values.dhcp} needs --interface IF, the network ${network}`);
  }
  if (values.dhcp6 === "server") {
    if (values.interface === undefined) {
      throw new UsageError("--dhcp6 server needs --interface IF, the network to assign addresses in");
    }
    if (values.dhcp !== "off") {
      throw new UsageError(
        "--dhcp and --dhcp6 exclude each other: one server boots its nodes by IPv4 or by IPv6",
      );
    }
    if (values.address !== undefined && !values.address.includes(":")) {
      throw new UsageError("--dhcp6 server needs an IPv6 address as --address");
    }
    if (values["secure-boot"]) {
      throw new UsageError("--secure-boot needs IPv4; by IPv6, --signed-images boots under Secure Boot");
    }
  }
  const foreign = values.dns.find((one) => one.includes(":") !== (values.dhcp6 === "server"));
  if (foreign !== undefined && (values.dhcp === "server" || values.dhcp6 === "server")) {
    throw new UsageError(`--dns ${foreign} is no address of the family that this server assigns`);
  }
  if ((values["tls-cert"] === undefined) !== (values["tls-key"] === undefined)) {
    throw new UsageError("--tls-cert and --tls-key go together: the certificate and its private key");
  }
  if (values["acme-directory"] !== undefined && values["acme-domain"].length === 0) {
    throw new UsageError("--acme-directory needs --acme-domain");
  }
  if (values["cache-size"] !== undefined && values["pack-store"] === undefined) {
    throw new UsageError("--cache-size needs --pack-store: without it, the local disk has the only copy");
  }
  if (values["boot-vlan"] !== undefined && values["secure-boot"] && values["signed-images"] === "off") {
    throw new UsageError("--boot-vlan needs --signed-images for Secure Boot: the signed GRUB sends no tags");
  }
  if (values["require-tpm"] && values["signed-images"] === "off") {
    throw new UsageError("--require-tpm needs --signed-images: a node can prove nothing else that it booted");
  }
  if ((values["signing-command"] === undefined) !== (values["signing-cert"] === undefined)) {
    throw new UsageError(
      "--signing-command and --signing-cert go together: the key's use and its name",
    );
  }
  refuseIncompleteMail(values);
  const isIncomplete = values["oidc-client-id"] === undefined || values["oidc-role"].length === 0;
  if (values["oidc-issuer"] !== undefined && isIncomplete) {
    throw new UsageError("--oidc-issuer needs --oidc-client-id, and at least one --oidc-role");
  }
}

/** Throws UsageError. */
function refuseIncompleteMail(values: SettingValues): void {
  const isAddressed = values["mail-from"] !== undefined && values["mail-to"].length > 0;
  if (values["mail-server"] !== undefined && !isAddressed) {
    throw new UsageError("--mail-server needs --mail-from and --mail-to");
  }
  if ((values["mail-user"] === undefined) !== (values["mail-password-file"] === undefined)) {
    throw new UsageError("--mail-user and --mail-password-file go together");
  }
  if (values["mail-user"] !== undefined && values["mail-security"] === "off") {
    throw new UsageError("--mail-security off would send the password of --mail-user in the clear");
  }
}

function portOf(port: number | "off"): number | undefined {
  return port === "off" ? undefined : port;
}
