/**
 * The settings of `rackseed server`: one table, from which its flags, its environment variables and the keys of its
 * file are made. `http-port` is --http-port, RACKSEED_HTTP_PORT and `http-port:`.
 *
 * A setting never holds a secret, only the path of a file that does: settings are printed.
 */
import { WEBHOOK_EVENTS } from "#contract/api/webhooks.ts";
import {
  parseBucket,
  parseCollector,
  parseHours,
  parseHttps,
  parseIp,
  parseIpv4,
  parseIssuer,
  parseListen,
  parseMailAddress,
  parseMtu,
  parsePort,
  parsePortOrOff,
  parseRange,
  parseRateOrOff,
  parseRepositoryName,
  parseRoleRuleOption,
  parseSize,
  parseTracker,
  parseVlan,
  parseWebUrl,
} from "./arguments.ts";
import {
  DEFAULT_DATA,
  DEFAULT_HTTP_PORT,
  DEFAULT_LISTEN,
  DEFAULT_PEER_PORT,
  DEFAULT_RSYNC_PORT,
  DEFAULT_SITE_PORT,
  DEFAULT_TFTP_PORT,
  DEFAULT_TRACKER_PORT,
} from "./defaults.ts";
import { oneOf, parsePath, parseSwitch, parseText, parseWord } from "./setting_values.ts";

export interface Setting<T = unknown> {
  /** As help shows it, "<port>"; undefined for a setting that is on or off. */
  readonly argument?: string;
  readonly description: string;
  /** Throws InvalidArgumentError. */
  readonly parse: (text: string) => T;
  readonly choices?: readonly string[];
  /** The value if nothing else sets one. */
  readonly fallback?: T;
  /** Takes several values. */
  readonly many?: true;
  /** `systemctl reload` applies a change. All others need a restart. */
  readonly reloads?: true;
  /** The path of a file that holds a secret. */
  readonly isSecretFile?: true;
}

const DHCP = ["off", "server", "proxy"] as const;
const DHCP6 = ["off", "server"] as const;
const LOG_FORMATS = ["text", "json", "journal"] as const;
const MAIL_SECURITY = ["starttls", "tls", "off"] as const;
const ADVERTISEMENTS = ["on", "off"] as const;
const SIGNED_IMAGES = ["off", "on", "enroll"] as const;
const CLIENTS = ["nodes", "all"] as const;
const SEEDER = ["on", "off"] as const;
const ADDRESSING = ["path", "host"] as const;

const SETTINGS = {
  "data": {
    argument: "<dir>",
    description: "directory of the images, the database and the keys",
    parse: parsePath,
    fallback: DEFAULT_DATA,
  },
  "listen": {
    argument: "<host:port>",
    description: `HTTPS address of page and API (default: ${DEFAULT_LISTEN}, or the interface's)`,
    parse: parseListen,
  },
  "tls-cert": {
    argument: "<file>",
    description: "PEM file: the site's own certificate for browsers, with its chain",
    parse: parsePath,
    reloads: true,
  },
  "tls-key": {
    argument: "<file>",
    description: "PEM file: the private key of --tls-cert",
    parse: parsePath,
    reloads: true,
    isSecretFile: true,
  },
  "site-listen": {
    argument: "<host:port>",
    description: `HTTPS address that presents --tls-cert (default: port ${DEFAULT_SITE_PORT})`,
    parse: parseListen,
  },
  "acme-directory": {
    argument: "<url>",
    description: "ACME directory of the site's own authority: obtains the certificate from there",
    parse: parseHttps,
  },
  "acme-domain": {
    argument: "<name>",
    description: "name of this server for that certificate (repeatable)",
    parse: parseWord,
    many: true,
  },
  "acme-ca-file": {
    argument: "<file>",
    description: "PEM file: the authority of the ACME server's own certificate",
    parse: parsePath,
  },
  "acme-email": {
    argument: "<address>",
    description: "where that authority may write to",
    parse: parseMailAddress,
  },
  "acme-port": {
    argument: "<port>",
    description: "port that the authority asks by http-01",
    parse: parsePort,
    fallback: 80,
  },
  "interface": {
    argument: "<if>",
    description: "network interface that faces the nodes",
    parse: parseWord,
  },
  "address": {
    argument: "<ip>",
    description: "address that nodes reach this server at (default: the interface's)",
    parse: parseIp,
  },
  "http-port": {
    argument: "<port>",
    description: "plain HTTP port: boot files, tracker, encrypted images",
    parse: parsePort,
    fallback: DEFAULT_HTTP_PORT,
  },
  "peer-port": {
    argument: "<port>",
    description: "port of the BitTorrent seeder",
    parse: parsePort,
    fallback: DEFAULT_PEER_PORT,
  },
  "tracker-port": {
    argument: "<port>",
    description: "port of the UDP tracker",
    parse: parsePort,
    fallback: DEFAULT_TRACKER_PORT,
  },
  "tftp-port": {
    argument: "<port>",
    description: "TFTP port, or off",
    parse: parsePortOrOff,
    fallback: DEFAULT_TFTP_PORT,
  },
  "rsync-port": {
    argument: "<port>",
    description: "rsync port for torrent files, or off; the default is skipped if taken",
    parse: parsePortOrOff,
    fallback: DEFAULT_RSYNC_PORT,
  },
  "dhcp": {
    argument: "<mode>",
    description: "assign addresses, or only offer boot files (proxy)",
    parse: oneOf(DHCP),
    choices: DHCP,
    fallback: "off",
  },
  "dhcp-range": {
    argument: "<first-last>",
    description: "addresses to assign, e.g. 10.0.0.100-10.0.0.199",
    parse: parseRange,
  },
  "dhcp6": {
    argument: "<mode>",
    description: "serve the nodes by IPv6 alone, and assign their addresses (DHCPv6)",
    parse: oneOf(DHCP6),
    choices: DHCP6,
    fallback: "off",
  },
  "dhcp-clients": {
    argument: "<who>",
    description: "answer known nodes and network boots only, or all",
    parse: oneOf(CLIENTS),
    choices: CLIENTS,
    fallback: "nodes",
  },
  "gateway": { argument: "<ip>", description: "default gateway for DHCP clients", parse: parseIpv4 },
  "dns": {
    argument: "<ip>",
    description: "name server for DHCP clients (repeatable)",
    parse: parseIp,
    many: true,
  },
  "router-adverts": {
    argument: "<mode>",
    description: "spare iPXE its wait for IPv6; announce --dhcp6",
    parse: oneOf(ADVERTISEMENTS),
    choices: ADVERTISEMENTS,
    fallback: "on",
  },
  "mtu": {
    argument: "<bytes>",
    description: "packet size of the nodes' network if it has jumbo frames, e.g. 9000",
    parse: parseMtu,
  },
  "boot-vlan": {
    argument: "<id>",
    description: "switch ports to nodes carry this network tagged with this VLAN",
    parse: parseVlan,
  },
  "secure-boot": {
    description: "boot UEFI machines through shim and the signed GRUB",
    parse: parseSwitch,
    fallback: false,
  },
  "signed-images": {
    argument: "<mode>",
    description: "boot UEFI machines from images signed by the site's key",
    parse: oneOf(SIGNED_IMAGES),
    choices: SIGNED_IMAGES,
    fallback: "off",
  },
  "sign-disks": {
    description: "sign installed boot programs with the site's key for machines that need it",
    parse: parseSwitch,
    fallback: false,
  },
  "signing-command": {
    argument: "<file>",
    description: "program that signs with the site's key, which is in a token or HSM",
    parse: parsePath,
  },
  "signing-cert": {
    argument: "<file>",
    description: "the certificate of that key, PEM or DER",
    parse: parsePath,
  },
  "request-mok": {
    description: "have shim on installed disks ask at the console to trust the site's key",
    parse: parseSwitch,
    fallback: false,
  },
  "require-tpm": {
    description: "give nodes their orders only if their TPM 2.0 proves what they run",
    parse: parseSwitch,
    fallback: false,
  },
  "start-alone": {
    description: "serve although no standby answers that may have taken over (for one start)",
    parse: parseSwitch,
    fallback: false,
  },
  "upload-limit": {
    argument: "<rate>",
    description: "limit of all image uploads, e.g. 800mbit or 100MB/s, or off (default: last setting)",
    parse: parseRateOrOff,
    reloads: true,
  },
  "seeder": {
    argument: "<mode>",
    description: "whether the server itself uploads images to nodes by BitTorrent",
    parse: oneOf(SEEDER),
    choices: SEEDER,
    fallback: "on",
  },
  "web-seed": {
    argument: "<url>",
    description: "HTTP cache that nodes fetch images from, in place of this server (repeatable)",
    parse: parseWebUrl,
    many: true,
  },
  "tracker": {
    argument: "<url>",
    description: "further BitTorrent tracker, for when this server's do not answer (repeatable)",
    parse: parseTracker,
    many: true,
  },
  "upstream": {
    argument: "<url>",
    description: "be the relay of a site: mirror images of this server, https://HOST:8443, and report to it",
    parse: parseHttps,
  },
  "upstream-token-file": {
    argument: "<file>",
    description: "token of `rackseed site add` at the upstream; needed until the relay has enrolled",
    parse: parsePath,
    isSecretFile: true,
  },
  "upstream-rate": {
    argument: "<rate>",
    description: "limit of copying images from the upstream, e.g. 50mbit, or off",
    parse: parseRateOrOff,
    fallback: "off",
  },
  "upstream-hours": {
    argument: "<hours>",
    description: "hours in which images are copied, e.g. 22:00-06:00 (default: always)",
    parse: parseHours,
  },
  "pack-store": {
    argument: "<bucket>",
    description: "keep images in this bucket, s3://BUCKET/PREFIX; the data directory is their cache",
    parse: parseBucket,
  },
  "cache-size": {
    argument: "<size>",
    description: "with --pack-store: space for images on the local disk, e.g. 200G (default: no limit)",
    parse: parseSize,
  },
  "s3-endpoint": {
    argument: "<url>",
    description: "address of the S3 server of --pack-store (default: that of AWS)",
    parse: parseWebUrl,
  },
  "s3-region": {
    argument: "<region>",
    description: "region of the bucket",
    parse: parseWord,
    fallback: "us-east-1",
  },
  "s3-addressing": {
    argument: "<where>",
    description: "where the bucket's name is in a URL (default: path, with AWS host)",
    parse: oneOf(ADDRESSING),
    choices: ADDRESSING,
  },
  "s3-key-file": {
    argument: "<file>",
    description: "credentials as `aws configure` writes them (default: AWS_ACCESS_KEY_ID and so on)",
    parse: parsePath,
    isSecretFile: true,
  },
  "s3-ca-file": {
    argument: "<file>",
    description: "PEM file: the authority of the S3 server's certificate",
    parse: parsePath,
  },
  "s3-public-url": {
    argument: "<url>",
    description: "where nodes read the bucket (default: at --s3-endpoint, by signed URLs)",
    parse: parseWebUrl,
  },
  "registry-auth-file": {
    argument: "<file>",
    description: "logins of OCI registries, as `docker login` writes them",
    parse: parsePath,
    isSecretFile: true,
  },
  "registry-ca-file": {
    argument: "<file>",
    description: "PEM file: the authority of the OCI registries' certificates",
    parse: parsePath,
  },
  "registry-http": {
    argument: "<host:port>",
    description: "OCI registry that is reached by plain HTTP (repeatable)",
    parse: parseWord,
    many: true,
  },
  "registry-seed": {
    argument: "<repo>",
    description: "OCI repository that nodes fetch images from, REGISTRY/REPOSITORY",
    parse: parseRepositoryName,
  },
  "metrics-open": {
    description: "serve /metrics without a token, to anyone who reaches the page",
    parse: parseSwitch,
    fallback: false,
  },
  "trace-endpoint": {
    argument: "<url>",
    description: "OpenTelemetry collector that gets traces, e.g. http://127.0.0.1:4318",
    parse: parseCollector,
  },
  "oidc-issuer": {
    argument: "<url>",
    description: "OpenID provider through which people may log in",
    parse: parseIssuer,
  },
  "oidc-client-id": {
    argument: "<id>",
    description: "this server's client id at the OpenID provider",
    parse: parseText,
  },
  "oidc-secret-file": {
    argument: "<file>",
    description: "file of the client's secret (default: none, a public client)",
    parse: parsePath,
    isSecretFile: true,
  },
  "oidc-ca-file": {
    argument: "<file>",
    description: "PEM file: the authority of the OpenID provider's certificate",
    parse: parsePath,
  },
  "oidc-scope": {
    argument: "<scope>",
    description: "scope to ask for besides openid and profile (repeatable)",
    parse: parseWord,
    many: true,
  },
  "oidc-name-claim": {
    argument: "<claim>",
    description: "claim that names the user",
    parse: parseText,
    fallback: "preferred_username",
  },
  "oidc-role-claim": {
    argument: "<claim>",
    description: "claim whose values give roles, also as a path such as realm_access.roles",
    parse: parseText,
    fallback: "groups",
  },
  "oidc-role": {
    argument: "<rule>",
    description: "ROLE=VALUE or operator/GROUP=VALUE; * is any value (repeatable)",
    parse: parseRoleRuleOption,
    many: true,
  },
  "mail-server": {
    argument: "<host>",
    description: "SMTP server that mails what happened",
    parse: parseWord,
  },
  "mail-port": {
    argument: "<port>",
    description: "its port (default: 587; 465 with tls, 25 with off)",
    parse: parsePort,
  },
  "mail-security": {
    argument: "<how>",
    description: "encryption on the way to the mail server",
    parse: oneOf(MAIL_SECURITY),
    choices: MAIL_SECURITY,
    fallback: "starttls",
  },
  "mail-ca-file": {
    argument: "<file>",
    description: "PEM file: the authority of the mail server's certificate",
    parse: parsePath,
  },
  "mail-user": {
    argument: "<name>",
    description: "user to log in as at the mail server",
    parse: parseText,
  },
  "mail-password-file": {
    argument: "<file>",
    description: "file of that user's password",
    parse: parsePath,
    isSecretFile: true,
  },
  "mail-from": {
    argument: "<address>",
    description: "sender's address",
    parse: parseMailAddress,
  },
  "mail-to": {
    argument: "<address>",
    description: "recipient's address (repeatable)",
    parse: parseMailAddress,
    many: true,
  },
  "mail-event": {
    argument: "<event>",
    description: "event to mail, as of webhooks (repeatable; default: all)",
    parse: oneOf(WEBHOOK_EVENTS),
    many: true,
  },
  "log-format": {
    argument: "<format>",
    description: "form of the log (default: journal under systemd, else text)",
    parse: oneOf(LOG_FORMATS),
    choices: LOG_FORMATS,
  },
  "verbose": {
    description: "log debug events, and every repeat of an event",
    parse: parseSwitch,
    fallback: false,
    reloads: true,
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

type Parsed<S extends Setting> = S extends { many: true } ? readonly ReturnType<S["parse"]>[]
  : S extends { fallback: unknown } ? ReturnType<S["parse"]>
  : ReturnType<S["parse"]> | undefined;

/** A value for every setting; a list, perhaps empty, for one that takes several. */
export type SettingValues = { readonly [N in SettingName]: Parsed<(typeof SETTINGS)[N]> };

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

export function settingOf(name: SettingName): Setting {
  return SETTINGS[name];
}

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** "http-port" → "RACKSEED_HTTP_PORT" */
export function variableOf(name: SettingName): string {
  return `RACKSEED_${name.toUpperCase().replaceAll("-", "_")}`;
}
