/**
 * Which connections have to go. Pure: `sweep` gets what the kernel knows of every connection, the request guard tells
 * when requests begin and end, and a connection is idle while no request of it is being answered. So a long poll, a
 * watched event stream and a slow download are never idle.
 */
import type { ConnectionLimits } from "./limits.ts";
import type { SocketFacts, SocketTraffic } from "./sockets.ts";

export type EndReason =
  | "no request in time"
  | "idle"
  | "header fields too long"
  | "does not read"
  | "too many new connections of its address"
  | "too many new connections"
  | "too many connections of its address"
  | "too many connections";

interface Ending extends SocketFacts {
  readonly reason: EndReason;
}

interface Entry {
  facts: SocketFacts | undefined;
  /** First seen by a sweep, or by its first request. */
  readonly openedMs: number;
  /** Requests begun in all, and those being answered now. */
  requests: number;
  active: number;
  idleSinceMs: number;
  /** What had come in when the connection became idle. */
  idleFromBytes: number | undefined;
  /** At the last sweep, more had come in without a request than header fields may have. */
  sweptLong: boolean;
  /** What the far end had acknowledged, and when, as its patience was last renewed. */
  acknowledged: { bytes: number; atMs: number } | undefined;
  seen: number;
}

export class ConnectionBook {
  readonly #limits: ConnectionLimits;
  readonly #entries = new Map<string, Entry>();
  #sweeps = 0;
  #requests = 0;
  #forgotten = 0;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Connections known at the last sweep, and since then by a request. */
  get size(): number {
    return this.#entries.size;
  }

  /** Connections that have ended, by us or by the far end, since there is this book. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** A whole request has come in. False: too many are being answered already; then it must not be ended. */
  begin(key: string, nowMs: number): boolean {
    const entry = this.#entry(key, nowMs);
    entry.requests++;
    entry.sweptLong = false;
    if (this.#requests >= this.#limits.requests) {
      entry.idleSinceMs = nowMs;
      return false;
    }
    this.#requests++;
    entry.active++;
    return true;
  }

  /** The answer has gone out, or never will. */
  end(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (!entry || entry.active === 0) return;
    this.#requests--;
    entry.active--;
    entry.idleSinceMs = nowMs;
    entry.idleFromBytes = undefined;
    entry.sweptLong = false;
    entry.acknowledged = undefined;
  }

  /** Takes down all connections that there are, and tells which to end and why. */
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
      const reason = this.#fault(entry, { traffic: traffic(facts.fd), nowMs });
      if (reason) endings.set(entry, reason);
    }
    for (const [key, entry] of this.#entries) {
      if (entry.seen === this.#sweeps) continue;
      // Deno 2.6 may not tell that a request has ended with its connection
      if (entry.active === 0 || entry.facts) this.#forget(key);
    }
    this.#shed(present, endings);
    return [...endings].map(([entry, reason]) => {
      // the descriptor closes in a moment; until then it must not be counted again
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
        sweptLong: false,
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
    this.#forgotten++;
  }

  #fault(
    entry: Entry,
    { traffic, nowMs }: { traffic: SocketTraffic | undefined; nowMs: number },
  ): EndReason | undefined {
    const { firstRequestMs, idleMs, headBytes } = this.#limits;
    if (entry.active > 0) return this.#stall(entry, { traffic, nowMs });
    const isNew = entry.requests === 0;
    if (isNew && nowMs - entry.openedMs > firstRequestMs) return "no request in time";
    if (!isNew && nowMs - entry.idleSinceMs > idleMs) return "idle";
    if (!traffic) return undefined;
    entry.idleFromBytes ??= isNew ? 0 : traffic.receivedBytes;
    if (traffic.receivedBytes - entry.idleFromBytes <= headBytes) return undefined;
    // what was read a moment ago may hold a request that is about to begin
    if (entry.sweptLong) return "header fields too long";
    entry.sweptLong = true;
    return undefined;
  }

  #stall(
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

  /** Beyond a limit the longest idle go first: a client that means it has sent its request long before. */
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
    shedPerAddress(count(true), newPerAddress, "too many new connections of its address");
    shed(count(true), newTotal, "too many new connections");
    shedPerAddress(count(false), perAddress, "too many connections of its address");
    shed(count(false), total, "too many connections");
  }
}

function isNew({ requests }: Entry): boolean {
  return requests === 0;
}

/** One client has a whole /64 of IPv6 addresses. */
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
