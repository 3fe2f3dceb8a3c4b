import { getLogger } from "@logtape/logtape";
import { connectionsOf } from "../../connections/accept.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { Newcomers } from "../../connections/newcomers.ts";
import { decodeHandshake, encodeHandshake, type Handshake, HANDSHAKE_BYTES } from "../wire/handshake.ts";
import { toHex } from "../metainfo/hex.ts";
import type { Connection, PeerAddress } from "../ports.ts";

const HANDSHAKE_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Bounds on connections that have not completed their handshake. */
const NEWCOMERS = { total: 256, perAddress: 64 };

/** A connection after the peer's handshake. */
export interface Introduction {
  readonly connection: Connection;
  readonly handshake: Handshake;
  readonly address: PeerAddress;
}

/** The network as a swarm uses it. */
export interface PeerNetwork {
  /** The TCP port on which peers reach us. */
  readonly port: number;
  /** Calls `accept` for each peer that connects and names this info hash, until the returned function is called. */
  register(infoHash: Uint8Array, accept: (introduction: Introduction) => void): () => void;
  /** Connects and exchanges handshakes. Throws if nobody answers there or the peer serves another torrent. */
  connect(address: PeerAddress, { handshake, signal }: {
    handshake: Handshake;
    signal: AbortSignal;
  }): Promise<Introduction>;
}

const log = getLogger(["rackseed", "swarm"]);

/** One listening TCP port for any number of torrents. */
export class PeerListener implements PeerNetwork, Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #torrents = new Map<string, (introduction: Introduction) => void>();
  readonly #newcomers = new Newcomers(NEWCOMERS);
  #closed = false;

  private constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
  }

  /** Port 0 picks a free one. Throws RackseedError if the port is taken. */
  static listen({ hostname, port }: PeerAddress): PeerListener {
    let listener: Deno.TcpListener;
    try {
      listener = Deno.listen({ hostname, port, transport: "tcp" });
    } catch (cause) {
      throw new RackseedError(`cannot listen for peers on ${hostname}:${port}`, {
        reason: `${messageOf(cause)}.`,
        remedy: `see what holds the port with: ss -ltnp 'sport = :${port}', or choose another port.`,
        cause,
      });
    }
    const peers = new PeerListener(listener);
    peers.#acceptAll().catch((error) => log.error("peer-listener-failed", { error: messageOf(error) }));
    return peers;
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  register(infoHash: Uint8Array, accept: (introduction: Introduction) => void): () => void {
    const key = toHex(infoHash);
    this.#torrents.set(key, accept);
    return () => this.#torrents.delete(key);
  }

  async connect(
    address: PeerAddress,
    { handshake, signal }: { handshake: Handshake; signal: AbortSignal },
  ): Promise<Introduction> {
    const connection = await connectWithin(CONNECT_TIMEOUT_MS, { address, signal });
    try {
      using _deadline = deadline(connection);
      connection.setNoDelay(true);
      await writeAll(connection, encodeHandshake(handshake));
      const theirs = await readHandshake(connection);
      if (toHex(theirs.infoHash) !== toHex(handshake.infoHash)) throw new Error("it serves another torrent");
      return { connection, handshake: theirs, address };
    } catch (error) {
      close(connection);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#listener.close();
    this.#newcomers.closeAll();
  }

  async #acceptAll(): Promise<void> {
    for await (const connection of connectionsOf(this.#listener, { isClosed: () => this.#closed, log })) {
      this.#introduce(connection).catch(() => close(connection));
    }
  }

  async #introduce(connection: Deno.TcpConn): Promise<void> {
    const { hostname, port } = connection.remoteAddr;
    const leave = this.#newcomers.admit({ close: () => close(connection), address: hostname });
    try {
      using _deadline = deadline(connection);
      connection.setNoDelay(true);
      const handshake = await readHandshake(connection);
      const accept = this.#torrents.get(toHex(handshake.infoHash));
      if (!accept) return close(connection);
      accept({ connection, handshake, address: { hostname, port } });
    } finally {
      leave();
    }
  }
}

/** Writes all of `bytes`, in as many writes as it takes. */
export async function writeAll(connection: Connection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readHandshake(connection: Connection): Promise<Handshake> {
  const bytes = new Uint8Array(HANDSHAKE_BYTES);
  for (let at = 0; at < bytes.length;) {
    const got = await connection.read(bytes.subarray(at));
    if (got === null) throw new Error("it closed the connection before its handshake");
    at += got;
  }
  const handshake = decodeHandshake(bytes);
  if (!handshake) throw new Error("it does not speak BitTorrent");
  return handshake;
}

/** Closes the connection, which makes its reads fail, unless disposed in time. */
function deadline(connection: Deno.TcpConn): Disposable {
  const timer = setTimeout(() => close(connection), HANDSHAKE_TIMEOUT_MS);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Deno.connect has no timeout. A connection that is established too late is closed. */
function connectWithin(
  timeoutMs: number,
  { address, signal }: { address: PeerAddress; signal: AbortSignal },
): Promise<Deno.TcpConn> {
  return new Promise((resolve, reject) => {
    const giveUp = () => settle(() => reject(new Error(`no answer within ${timeoutMs} ms`)));
    const timer = setTimeout(giveUp, timeoutMs);
    let settled = false;
    const settle = (then: () => void) => {
      settled = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", giveUp);
      then();
    };
    signal.addEventListener("abort", giveUp);
    Deno.connect({ ...address, transport: "tcp" }).then(
      (connection) => settled ? close(connection) : settle(() => resolve(connection)),
      (error) => settled || settle(() => reject(error)),
    );
  });
}

function close(connection: Connection): void {
  try {
    connection.close();
  } catch {
    // already closed, by the deadline or by the winner of the race
  }
}
