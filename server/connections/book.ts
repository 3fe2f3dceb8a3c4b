/**
 * Decides which connections to end. Pure: `sweep` receives what the kernel knows about every connection, and the
 * request guard reports when requests begin and end. A connection is idle while none of its requests is being
 * answered, so a long poll, an event stream and a slow download are never idle.
 */
import type { ConnectionLimits } from "./limits.ts";
import type { SocketFacts, SocketTraffic } from "./sockets.ts";

export type EndReason =
  | "no request in time"
  | "idle"
  | "header fields too long"
  | "does not read"
  | "too many new connections from its address"
  | "too many new connections"
  | "too many connections from its address"
  | "too many connections";

interface Ending extends SocketFacts {
  readonly reason: EndReason;
}

interface Entry {
  facts: SocketFacts | undefined;
  /** First seen by a sweep, or by its first request. */
  readonly openedMs: number;
  /** Requests so far, and those being answered now. */
  requests: number;
  active: number;
  idleSinceMs: number;
  /** Bytes received when the connection became idle. */
  idleFromBytes: number | undefined;
  /** At the last sweep, more bytes had come in without a request than header fields may have. */
  headTooLong: boolean;
  /** The bytes that the client had acknowledged when it last made progress, and when that was. */
  acknowledged: { bytes: number; atMs: number } | undefined;
  /** The last sweep that saw it. */
  seen: number;
}

export class ConnectionBook {
  readonly #limits: ConnectionLimits;
  readonly #entries = new Map<string, Entry>();
  #sweeps = 0;
  #requests = 0;
  #endedCount = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Connections seen by the last sweep, and those that have made a request since. */
  get size(): number {
    return this.#entries.size;
  }

  /** How many connections have ended so far, by us or by the client. */
  get endedCount(): number {
    return this.#endedCount;
  }

  /** A whole request has come in. False if too many are being answered already; do not call `end` for it then. */
  begin(key: string, nowMs: number): boolean {
    const entry = this.#entry(key, nowMs);
    entry.requests++;
    entry.headTooLong = false;
    if (this.#requests >= this.#limits.requests) {
      entry.idleSinceMs = nowMs;
      return false;
    }
    this.#requests++;
    entry.active++;
    return true;
  }

  /** The response is complete, or never will be. */
  end(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (!entry || entry.active === 0) return;
    this.#requests--;
    entry.active--;
    entry.idleSinceMs = nowMs;
    entry.idleFromBytes = undefined;
    entry.headTooLong = false;
    entry.acknowledged = undefined;
  }

  /** Updates the book from the list of open connections. Returns which to end, and why. */
  sweep(
    sockets: readonly SocketFacts[],
    { traffic, nowMs }: { traffic: (fd: number) => SocketTraffic | undefined; nowMs: number },
  ): Ending[] {
    this.#sweeps++;
    const endings = new Map<Entry, EndReason>();
    const present: Entry[] = [];
    for (const facts of sockets) {
      const entry = this.#entry(facts.key, nowMs);
      entry.facts = facts;
      entry.seen = this.#sweeps;
      present.push(entry);
      const reason = this.#reasonToEnd(entry, { traffic: traffic(facts.fd), nowMs });
      if (reason) endings.set(entry, reason);
    }
    for (const [key, entry] of this.#entries) {
      if (entry.seen === this.#sweeps) continue;
      // Deno 2.6 may not report that a request has ended with its connection
      if (entry.active === 0 || entry.facts) this.#forget(key);
    }
    this.#shed(present, endings);
    return [...endings].map(([entry, reason]) => {
      // its descriptor closes in a moment; until then it must not be counted again
      if (entry.facts && entry.active === 0) this.#forget(entry.facts.key);
      return { ...entry.facts as SocketFacts, reason };
    });
  }

  #entry(key: string, nowMs: number): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        facts: undefined,
        openedMs: nowMs,
        requests: 0,
        active: 0,
        idleSinceMs: nowMs,
        idleFromBytes: undefined,
        headTooLong: false,
        acknowledged: undefined,
        seen: this.#sweeps,
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #forget(key: string): void {
    this.#requests -= this.#entries.get(key)?.active ?? 0;
    this.#entries.delete(key);
    this.#endedCount++;
  }

  #reasonToEnd(
    entry: Entry,
    { traffic, nowMs }: { traffic: SocketTraffic | undefined; nowMs: number },
  ): EndReason | undefined {
    const { firstRequestMs, idleMs, headBytes } = this.#limits;
    if (entry.active > 0) return this.#stallReason(entry, { traffic, nowMs });
    const isNew = entry.requests === 0;
    if (isNew && nowMs - entry.openedMs > firstRequestMs) return "no request in time";
    if (!isNew && nowMs - entry.idleSinceMs > idleMs) return "idle";
    if (!traffic) return undefined;
    entry.idleFromBytes ??= isNew ? 0 : traffic.receivedBytes;
    if (traffic.receivedBytes - entry.idleFromBytes <= headBytes) return undefined;
    // the bytes may hold a request that is about to begin: wait one sweep
    if (entry.headTooLong) return "header fields too long";
    entry.headTooLong = true;
    return undefined;
  }

  #stallReason(
    entry: Entry,
    { traffic, nowMs }: { traffic: SocketTraffic | undefined; nowMs: number },
  ): EndReason | undefined {
    const { stallMs, stallBytes } = this.#limits;
    if (!traffic) return undefined;
    const before = entry.acknowledged;
    const { acknowledgedBytes: bytes, isSending } = traffic;
    if (!before || !isSending || bytes - before.bytes >= stallBytes) {
      entry.acknowledged = { bytes, atMs: nowMs };
      return undefined;
    }
    return nowMs - before.atMs > stallMs ? "does not read" : undefined;
  }

  /** Above a limit, the longest idle connections go first: a real client has sent its request long before. */
  #shed(present: readonly Entry[], endings: Map<Entry, EndReason>): void {
    const { total, perAddress, newTotal, newPerAddress } = this.#limits;
    const count = (newOnly: boolean) =>
      present.filter((entry) => !endings.has(entry) && (!newOnly || isNew(entry)));
    const shed = (entries: readonly Entry[], most: number, reason: EndReason) => {
      const idle = entries.filter(({ active }) => active === 0).sort((a, b) => a.idleSinceMs - b.idleSinceMs);
      for (const entry of idle.slice(0, Math.max(0, entries.length - most))) endings.set(entry, reason);
    };
    const shedPerAddress = (entries: readonly Entry[], most: number, reason: EndReason) => {
      if (entries.length <= most) return;
      for (const group of Map.groupBy(entries, ({ facts }) => networkOf(facts?.address ?? "")).values()) {
        if (group.length > most) shed(group, most, reason);
      }
    };
    shedPerAddress(count(true), newPerAddress, "too many new connections from its address");
    shed(count(true), newTotal, "too many new connections");
    shedPerAddress(count(false), perAddress, "too many connections from its address");
    shed(count(false), total, "too many connections");
  }
}

function isNew({ requests }: Entry): boolean {
  return requests === 0;
}

/** The part of an address that identifies a client: an IPv6 client has a whole /64. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const rest = tail === "" ? [] : tail.split(":");
    while (groups.length + rest.length < 8) groups.push("0");
    groups.push(...rest);
  }
  return groups.slice(0, 4).join(":");
}
