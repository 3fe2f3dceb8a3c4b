import { createHash, randomBytes } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { CompactAnnounceResponse } from "#torrent/tracker/announce.ts";
import { parseIp } from "#torrent/tracker/compact_peers.ts";
import type { PeerAddress } from "#torrent/ports.ts";
import {
  decodeUdpRequest,
  encodeUdpResponse,
  type UdpRequest,
  type UdpResponse,
} from "#torrent/tracker/udp_tracker_codec.ts";
import type { Tracker } from "./tracker.ts";

/** A connection id is valid for one to two epochs (BEP 15: two minutes). */
const EPOCH_MS = 60_000;

/** The largest request is a scrape of 74 torrents. */
const MAX_DATAGRAM_BYTES = 2048;
/** Pause after a socket error, so that a lasting one does not flood the log. */
const PAUSE_MS = 100;

const log = getLogger(["rackseed", "tracker"]);

/**
 * Answers datagrams (BEP 15). A connection id is a keyed hash of the client's address and the minute: a forged source
 * address gets no peer list, and nothing is stored per client.
 */
export class UdpTrackerCore {
  readonly #tracker: Tracker;
  readonly #secret: Uint8Array;

  constructor(tracker: Tracker, secret: Uint8Array) {
    this.#tracker = tracker;
    this.#secret = secret;
  }

  /** The answer, or undefined if the datagram deserves none. `from` is its sender, `now` in ms. */
  answer(
    datagram: Uint8Array,
    { from, now }: { from: PeerAddress; now: number },
  ): Uint8Array<ArrayBuffer> | undefined {
    const request = decodeUdpRequest(datagram);
    if (!request) return undefined;
    const response = this.#respond(request, { from, now });
    return response && encodeUdpResponse(response, familyOf(from));
  }

  #respond(
    request: UdpRequest,
    { from, now }: { from: PeerAddress; now: number },
  ): UdpResponse<CompactAnnounceResponse> | undefined {
    const { transaction } = request;
    const epoch = Math.floor(now / EPOCH_MS);
    if (request.action === "connect") {
      return { action: "connect", transaction, connection: this.#connectionId(from, epoch) };
    }
    const isKnown = this.#connectionId(from, epoch) === request.connection ||
      this.#connectionId(from, epoch - 1) === request.connection;
    if (!isKnown) return undefined;
    if (request.action === "scrape") {
      const counts = request.infoHashes.map((infoHash) =>
        this.#tracker.scrape(infoHash, now) ?? { complete: 0, downloaded: 0, incomplete: 0 }
      );
      return { action: "scrape", transaction, counts };
    }
    const response = this.#tracker.announce(request.request, { hostname: from.hostname, now });
    return response
      ? { action: "announce", transaction, response }
      : { action: "error", transaction, message: "this torrent is not known here" };
  }

  /** Only the first 8 bytes of the hash, which rules out length extension. Costs a third of an HMAC. */
  #connectionId({ hostname, port }: PeerAddress, epoch: number): bigint {
    return createHash("sha256").update(this.#secret).update(`${hostname} ${port} ${epoch}`).digest()
      .readBigUInt64BE();
  }
}

/** The socket around the core. Runs until disposed. */
export class UdpTracker implements Disposable {
  readonly port: number;
  readonly #socket: Deno.DatagramConn;
  #closed = false;

  private constructor(socket: Deno.DatagramConn) {
    this.#socket = socket;
    this.port = (socket.addr as Deno.NetAddr).port;
  }

  /** Throws RackseedError if the port cannot be opened. */
  static listen(tracker: Tracker, { hostname, port }: PeerAddress): UdpTracker {
    const socket = open({ hostname, port });
    const udp = new UdpTracker(socket);
    void udp.#serve(new UdpTrackerCore(tracker, randomBytes(32)));
    return udp;
  }

  /** Deno's own socket: node:dgram costs twice as much per datagram, and swallows what a listener throws. */
  async #serve(core: UdpTrackerCore): Promise<void> {
    const buffer = new Uint8Array(MAX_DATAGRAM_BYTES);
    while (!this.#closed) {
      try {
        const [datagram, { hostname, port }] = await this.#socket.receive(buffer) as [
          Uint8Array,
          Deno.NetAddr,
        ];
        const answer = core.answer(datagram, { from: { hostname, port }, now: Date.now() });
        if (answer) await this.#socket.send(answer, { transport: "udp", hostname, port });
      } catch (error) {
        if (this.#closed) return;
        log.error("udp-tracker-failed", { error: messageOf(error) });
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#socket.close();
  }
}

/** The client's address family. IPv4 may appear as IPv6 ("::ffff:10.0.0.2"). */
function familyOf({ hostname }: PeerAddress): 4 | 6 {
  return parseIp(hostname)?.length === 16 ? 6 : 4;
}

function open({ hostname, port }: PeerAddress): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({ transport: "udp", hostname, port });
  } catch (cause) {
    throw new RackseedError(`cannot listen for tracker requests on UDP ${hostname}:${port}`, {
      reason: `${messageOf(cause)}.`,
      remedy: `see what holds the port with: ss -lunp 'sport = :${port}', or choose another port.`,
      cause,
    });
  }
}
