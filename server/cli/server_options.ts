/** The options of `rackseed server`. */
import type { WebhookEvent } from "#contract/api/webhooks.ts";
import type { Repository } from "#contract/registry_reference.ts";
import type { RoleRule } from "#contract/role_rule.ts";
import type { DailyHours } from "../words/daily_hours.ts";

export interface ServerOptions {
  readonly data: string;
  /** HTTPS host and port (default: the interface's address or all, port 8443). Port 0 takes a free one, here and below. */
  readonly listen?: { readonly hostname: string; readonly port: number } | undefined;
  /** PEM files of the site's own certificate and its key, for browsers; both or neither. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** ACME directory that the site's certificate is obtained from instead, and the server's names in it. */
  readonly acmeDirectory?: URL | undefined;
  readonly acmeDomain?: readonly string[];
  readonly acmeCaFile?: string | undefined;
  readonly acmeEmail?: string | undefined;
  readonly acmePort?: number;
  /** HTTPS host and port that present that certificate (default: as `listen`, port 443). */
  readonly siteListen?: { readonly hostname: string; readonly port: number } | undefined;
  readonly httpPort: number;
  readonly peerPort: number;
  readonly trackerPort: number;
  /** Undefined: no TFTP. */
  readonly tftpPort: number | undefined;
  /** Undefined: no rsync. */
  readonly rsyncPort?: number | undefined;
  /** Start even if that port is taken: nodes then fetch torrent files over HTTPS. */
  readonly rsyncMayFail?: boolean | undefined;
  /** "proxy": boot files only, beside a DHCP server that gives the addresses. */
  readonly dhcp: "off" | "server" | "proxy";
  /** "server": nodes boot by IPv6, and get their addresses by DHCPv6 (absent: off). */
  readonly dhcp6?: "off" | "server";
  /** Which clients to answer: known nodes and network boots, or all. */
  readonly dhcpClients: "nodes" | "all";
  /** First and last address of the DHCP pool. */
  readonly dhcpRange?: { readonly first: string; readonly last: string } | undefined;
  readonly gateway?: string | undefined;
  readonly dns: readonly string[];
  readonly interface?: string | undefined;
  /** The address announced to nodes, if not the interface's. */
  readonly address?: string | undefined;
  /** Whether to answer iPXE's router solicitations (absent: yes), if there is an interface; see boot/ndp. */
  readonly routerAdvertisements?: "on" | "off";
  /** The VLAN whose tag the nodes' switch ports may ask for; see agent/start/port.ts. */
  readonly bootVlan?: number | undefined;
  /** The largest packet of the nodes' network (absent: the usual 1500). */
  readonly mtu?: number | undefined;
  readonly secureBoot: boolean;
  /** Boot UEFI machines from images signed by the site's key; "enroll": and give that key to machines in set-up mode. */
  readonly signedImages?: "off" | "on" | "enroll";
  /** Sign the boot programs of clones, for machines whose firmware trusts the site's key and not theirs. */
  readonly signDisks?: boolean;
  /** The site's key is elsewhere: this program signs with it, for this certificate. */
  readonly signingKey?: { readonly command: string; readonly certificate: string } | undefined;
  /** Ask shim on clones' disks to trust the site's certificate. */
  readonly requestMok?: boolean;
  /** Nodes without a setting of their own get orders only if their TPM proves what they run. */
  readonly requireTpm?: boolean;
  /** Serve although no standby answers; see standby/. */
  readonly startAlone?: boolean;
  /** Upload limit of seeder and web seed together, in bytes per second; undefined keeps the stored one. */
  readonly uploadLimit?: number | "off" | undefined;
  /** Whether the server itself uploads images by BitTorrent (absent: yes). */
  readonly seeder?: "on" | "off";
  /** HTTP caches that nodes fetch from, in place of this server's web seed. */
  readonly webSeed?: readonly URL[];
  /** Announce URLs of trackers beside the server's own. */
  readonly tracker?: readonly string[];
  /** The server that this one mirrors images of, as a site's relay; see upstream/. */
  readonly upstream?: URL | undefined;
  readonly upstreamTokenFile?: string | undefined;
  /** In bytes per second. */
  readonly upstreamRate?: number | "off";
  readonly upstreamHours?: DailyHours | undefined;
  /** Bucket of the images; see pack_store/. */
  readonly packStore?: { readonly bucket: string; readonly prefix: string } | undefined;
  /** Limit of packs on the local disk, in bytes. */
  readonly cacheSize?: number | undefined;
  readonly s3Endpoint?: URL | undefined;
  readonly s3Region?: string;
  readonly s3Addressing?: "path" | "host" | undefined;
  readonly s3KeyFile?: string | undefined;
  readonly s3CaFile?: string | undefined;
  readonly s3PublicUrl?: URL | undefined;
  /** Logins of OCI registries, the authority of their certificates, and those without TLS; see registry/. */
  readonly registryAuthFile?: string | undefined;
  readonly registryCaFile?: string | undefined;
  readonly registryHttp?: readonly string[];
  /** Repository that nodes fetch from. */
  readonly registrySeed?: Repository | undefined;
  /** Serve GET /metrics without a token. */
  readonly metricsOpen?: boolean | undefined;
  /** OpenTelemetry collector, without the path for traces; see traces/collector.ts. */
  readonly traceEndpoint?: URL | undefined;
  /** OpenID provider through which people may log in; see access/oidc_provider.ts. */
  readonly oidcIssuer?: URL | undefined;
  readonly oidcClientId?: string | undefined;
  readonly oidcSecretFile?: string | undefined;
  readonly oidcCaFile?: string | undefined;
  readonly oidcScope?: readonly string[];
  readonly oidcNameClaim?: string;
  readonly oidcRoleClaim?: string;
  readonly oidcRole?: readonly RoleRule[];
  /** SMTP server that mails what happened; see webhooks/mailer.ts. */
  readonly mailServer?: string | undefined;
  readonly mailPort?: number | undefined;
  readonly mailSecurity?: "starttls" | "tls" | "off";
  readonly mailCaFile?: string | undefined;
  readonly mailUser?: string | undefined;
  readonly mailPasswordFile?: string | undefined;
  readonly mailFrom?: string | undefined;
  readonly mailTo?: readonly string[];
  readonly mailEvent?: readonly WebhookEvent[];
}

export interface ServerCommand extends ServerOptions {
  /** Print one line of JSON once all services are listening, for scripts. */
  readonly json: boolean;
  readonly verbose: boolean;
  /** Absent: the journal if systemd connected standard error to it, otherwise text. */
  readonly logFormat?: "text" | "json" | "journal" | undefined;
}

/** The settings that say what `rackseed doctor` examines; see doctor/finding.ts. */
interface Examined extends
  Pick<
    ServerOptions,
    | "data"
    | "listen"
    | "httpPort"
    | "peerPort"
    | "trackerPort"
    | "tftpPort"
    | "rsyncMayFail"
    | "dhcp"
    | "dhcp6"
    | "interface"
    | "signingKey"
    | "packStore"
    | "s3Endpoint"
    | "s3Region"
    | "s3Addressing"
    | "s3KeyFile"
    | "s3CaFile"
  > {
  readonly rsyncPort: number | undefined;
}

/** `rackseed doctor`. */
export interface DoctorCommand extends Examined {
  readonly json: boolean;
}

/** `rackseed support-bundle`. */
export interface SupportCommand extends Examined {
  /** For people: the settings with their sources, and the names of flags that were given. */
  readonly settings: unknown;
  /** Files outside the data directory that hold secrets. */
  readonly secretFiles: readonly string[];
  /** The file that the log is in; undefined: the journal. */
  readonly log?: string | undefined;
  readonly version: string;
  readonly signal: AbortSignal;
}

/** `rackseed server backup`. */
export interface BackUpServer {
  readonly data: string;
  /** The server to back up, instead of the one that runs on `data`. */
  readonly server?: string | undefined;
  readonly token?: string | undefined;
  readonly signal: AbortSignal;
}

/** `rackseed server restore`. */
export interface RestoreServer {
  readonly data: string;
  /** Move existing facts aside instead of refusing. */
  readonly force: boolean;
  readonly json: boolean;
}

/** `rackseed server join`. */
export interface JoinServer {
  readonly data: string;
  /** The server's one-time token. */
  readonly token: string;
  /** Move existing facts aside instead of refusing. */
  readonly force: boolean;
  readonly signal: AbortSignal;
}

/** What the settings decide about the service of `rackseed install-service`. */
export interface ServicePaths {
  /** "" for this machine, else the other system's tree. */
  readonly root: string;
  readonly data: string;
  /** The file of settings as it is written if there is none. */
  readonly settings: string;
}

export interface ServiceOptions extends ServicePaths {
  readonly dryRun: boolean;
}
