/** Parsers of single arguments, for commander. Each throws InvalidArgumentError, which leads to exit code 2. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { SeedPolicy } from "#contract/api/distribution.ts";
import { messageOf } from "#contract/errors.ts";
import { parseRate } from "#contract/rate_text.ts";
import { parseRepository, type Repository } from "#contract/registry_reference.ts";
import { parseRoleRule, type RoleRule } from "#contract/role_rule.ts";
import { type DailyHours, parseDailyHours } from "../words/daily_hours.ts";
import { parseDuration } from "../words/duration.ts";
import { parseSeedPolicy } from "../words/seed_text.ts";

export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("A port is a number from 0 to 65535.");
}

export function parsePortOrOff(text: string): number | "off" {
  return text === "off" ? text : parsePort(text);
}

/** HOST:PORT, [IPv6]:PORT, or PORT alone for all addresses. */
export function parseListen(text: string): { hostname: string; port: number } {
  const [, bracketed, plain, port] = /^(?:(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) {
    throw new InvalidArgumentError("Expected HOST:PORT, for instance 0.0.0.0:8443.");
  }
  return { hostname: bracketed ?? plain ?? "0.0.0.0", port: parsePort(port) };
}

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

export function parseIpv4(text: string): string {
  if (IPV4.test(text)) return text;
  throw new InvalidArgumentError("Expected an IPv4 address, for instance 10.0.0.1.");
}

/** IPv6 in the form of RFC 5952. */
export function parseIp(text: string): string {
  if (IPV4.test(text)) return text;
  const host = /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text)
    ? URL.parse(`http://[${text}]/`)?.hostname
    : undefined;
  if (host !== undefined) return host.slice(1, -1);
  throw new InvalidArgumentError("Expected an IP address, for instance 10.0.0.1 or fd00::1.");
}

export function parseRange(text: string): { first: string; last: string } {
  const [first = "", last = "", ...rest] = text.split("-");
  if (rest.length === 0 && IPV4.test(first) && IPV4.test(last)) {
    if (numberOf(first) <= numberOf(last)) return { first, last };
    throw new InvalidArgumentError("The first address comes after the last one.");
  }
  throw new InvalidArgumentError("Expected a range, for instance 10.0.0.100-10.0.0.199.");
}

export function parseLevel(text: string): number {
  const level = Number(text);
  if (/^\d{1,2}$/.test(text) && level >= 1 && level <= 19) return level;
  throw new InvalidArgumentError("A level is a number from 1 (fast) to 19 (small).");
}

export function parseVersionCount(text: string): number {
  const number = Number(text);
  if (/^[1-9]\d{0,5}$/.test(text)) return number;
  throw new InvalidArgumentError("Expected a number, 1 or more.");
}

/** 0 and 4095 are reserved (IEEE 802.1Q-2018 table 9-2). */
export function parseVlan(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 4094) return Number(text);
  throw new InvalidArgumentError("Expected a VLAN's number, 1 to 4094.");
}

/** Below 1280 a network carries no IPv6 (RFC 8200 §5). */
export function parseMtu(text: string): number {
  if (/^[1-9]\d{3,4}$/.test(text) && Number(text) >= 1280 && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError("Expected bytes, 1280 to 65535, e.g. 9000.");
}

/** Returns bytes: "40G" and "40GiB" are 2^30 each, "40GB" is 10^9. */
export function parseSize(text: string): number {
  const [, digits = "", unit = "", suffix = ""] = /^(\d{1,6})([MGT])(iB|B)?$/.exec(text) ?? [];
  const power = "MGT".indexOf(unit) + 2;
  if (digits !== "" && Number(digits) > 0) return Number(digits) * (suffix === "B" ? 1000 : 1024) ** power;
  throw new InvalidArgumentError("A size is a number with M, G or T, e.g. 40G.");
}

/** Returns seconds; at most ten years. */
export function parseAge(text: string): number {
  return parsed(text, (duration) => parseDuration(duration, { maxDays: 3650 }));
}

/** A date, a time (UTC unless it says otherwise), or an age: returns ISO 8601. */
export function parseMoment(text: string): string {
  const isTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?$/.test(text);
  const zoned = text.length > 10 && !/(Z|[+-]\d\d:\d\d)$/.test(text) ? `${text}Z` : text;
  const ms = isTime ? Date.parse(zoned.replace(" ", "T")) : Date.now() - parseAge(text) * 1000;
  if (Number.isFinite(ms)) return new Date(ms).toISOString();
  throw new InvalidArgumentError("Expected a date, a time or an age, e.g. 2026-01-31 or 24h.");
}

/** "NUMBER:HASH", a line of the audit log. */
export function parseKnownLine(text: string): { number: number; hash: string } {
  const [, number, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number !== undefined && hash !== undefined) return { number: Number(number), hash };
  throw new InvalidArgumentError("Expected NUMBER:HASH, as `rackseed audit verify` prints it.");
}

export function parseVersion(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("A version is a number, 1 or more.");
}

/** Returns seconds, at most a year, or "off". */
export function parseEveryOrOff(text: string): number | "off" {
  return text === "off" ? text : parsed(text, (duration) => parseDuration(duration, { maxDays: 366 }));
}

/** "s3://BUCKET/PREFIX"; the prefix is "" or ends in "/". Names as in "Bucket naming rules" of the Amazon S3 User Guide. */
export function parseBucket(text: string): { bucket: string; prefix: string } {
  const [, bucket, path = ""] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([^?#]{0,500}))?$/.exec(text) ?? [];
  const parts = path.split("/").filter((part) => part !== "");
  if (bucket === undefined || parts.some((part) => part === "." || part === "..")) {
    throw new InvalidArgumentError("Expected s3://BUCKET or s3://BUCKET/PREFIX.");
  }
  return { bucket, prefix: parts.map((part) => `${part}/`).join("") };
}

/** An announce URL; see #torrent/tracker/tracker_client.ts. */
export function parseTracker(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isComplete = url !== undefined && url.hostname !== "" && (url.protocol !== "udp:" || url.port !== "");
  if (isComplete && ["http:", "https:", "udp:"].includes(url.protocol)) return text;
  throw new InvalidArgumentError("Expected an announce URL, for instance udp://10.0.0.4:6969/announce.");
}

/** REGISTRY/REPOSITORY */
export function parseRepositoryName(text: string): Repository {
  const repository = parseRepository(text);
  if (repository) return repository;
  throw new InvalidArgumentError(
    "Expected REGISTRY/REPOSITORY, for instance registry.example:5000/site/web.",
  );
}

/** An address of a web server, without a user, a query or a fragment. */
export function parseWebUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url && ["http:", "https:"].includes(url.protocol) &&
    [url.username, url.password, url.search, url.hash].every((part) => part === "");
  if (isPlain) return url;
  throw new InvalidArgumentError("Expected a URL, for instance http://10.0.0.2:8333.");
}

/** Returns bytes per second, or "off". */
export function parseRateOrOff(text: string): number | "off" {
  return text === "off" ? text : parsed(text, parseRate);
}

/** Returns bytes per second, "off", or "none" to clear the setting. */
export function parseRateOrNone(text: string): number | "off" | "none" {
  return text === "none" ? text : parseRateOrOff(text);
}

/** Values of --unlock. */
export const UNLOCK = ["passphrase", "key-file", "tpm2"] as const;

/** Returns a number of disks, or "none". */
export function parseMirror(text: string): number | "none" {
  if (text === "none") return text;
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 16) return Number(text);
  throw new InvalidArgumentError("A mirror has 1 to 16 disks; none clears the setting.");
}

/** Returns how many leading bits the addresses of one rack share, or "off". */
export function parsePrefixOrOff(text: string): number | "off" {
  if (text === "off") return text;
  const prefix = Number(text.replace(/^\//, ""));
  if (/^\/?\d{1,2}$/.test(text) && prefix >= 8 && prefix <= 31) return prefix;
  throw new InvalidArgumentError("A prefix is a number from 8 to 31, for instance 24, or off.");
}

export function parseSeedOption(text: string): SeedPolicy {
  return parsed(text, parseSeedPolicy);
}

/** Returns seconds. */
export function parseDurationOption(text: string): number {
  return parsed(text, (duration) => parseDuration(duration));
}

function parsed<T>(text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** An OpenID provider's issuer: https, since the network is not trusted, or http on the loopback interface. */
export function parseIssuer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.protocol === "http:" && ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  const isPlain = url?.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (url && isPlain && (url.protocol === "https:" || isLocal)) return url;
  throw new InvalidArgumentError("Expected the provider's URL, https://HOST/….");
}

/** Where OTLP over HTTP goes. A password in it would be printed with the settings. */
export function parseCollector(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.search === "" && url.hash === "" && url.username === "" && url.password === "";
  if (url && isPlain && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError("Expected the collector's URL, http://HOST:4318 for instance.");
}

export function parseHttps(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "https:") return url;
  throw new InvalidArgumentError("Expected a URL, https://HOST/….");
}

/** Hours of each day. */
export function parseHours(text: string): DailyHours {
  return parsed(text, parseDailyHours);
}

/** An address as SMTP carries it (RFC 5321 §4.1.2), without a name, and without what is rarely used. */
export function parseMailAddress(text: string): string {
  if (text.length <= 254 && /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9.-]+$/.test(text)) return text;
  throw new InvalidArgumentError("Expected an address, for instance ops@site.example.");
}

/** Which role a claim's value gives; see #contract/role_rule.ts. */
export function parseRoleRuleOption(text: string): RoleRule {
  const rule = parseRoleRule(text);
  if (rule) return rule;
  throw new InvalidArgumentError(
    "Expected ROLE=VALUE or operator/GROUP=VALUE; roles: viewer, operator, admin.",
  );
}

/** For repeatable options. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...previous ?? [], value];
}

export function collectIpv4(value: string, previous: string[] | undefined): string[] {
  return collect(value === "none" ? value : parseIpv4(value), previous);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
