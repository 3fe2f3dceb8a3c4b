import { createHmac, randomBytes } from "node:crypto";
import dgram from "node:dgram";
import { getLogger } from "@logtape/logtape";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { PeerAddress } from "#contract/torrent/ports.ts";
import {
  decodeUdpRequest,
  encodeUdpResponse,
  type UdpRequest,
  type UdpResponse,
} from "#contract/torrent/udp_tracker_codec.ts";
import type { Tracker } from "./tracker.ts";

/** A connection id is good for one to two of these (BEP 15: two minutes). */
const EPOCH_MS = 60_000;

const log = getLogger(["rackseed", "tracker"]);

/**
 * Answers datagrams (BEP 15). Connection ids are an HMAC over the client's address and the minute, so that a
 * forged source address gets no peer list and nothing is kept per client.
 */
export class UdpTrackerCore {
  readonly #tracker: Tracker;
  readonly #secret: Uint8Array;

  constructor(tracker: Tracker, secret: Uint8Array) {
    this.#tracker = tracker;
    this.#secret = secret;
  }

  /** The answer, or undefined where the datagram deserves none. `from` is its sender, `now` in ms. */
  answer(datagram: Uint8Array, { from, now }: { from: PeerAddress; now: number }): Uint8Array | undefined {
    const request = decodeUdpRequest(datagram);
    if (!request) return undefined;
    const response = this.#respond(request, { from, now });
    return response && encodeUdpResponse(response, from.hostname.includes(":") ? 6 : 4);
  }

  #respond(request: UdpRequest, { from, now }: { from: PeerAddress; now: number }): UdpResponse | undefined {
    const { transaction } = request;
    const epoch = Math.floor(now / EPOCH_MS);
    if (request.action === "connect") {
      return { action: "connect", transaction, connection: this.#connectionId(from, epoch) };
    }
    const known = [epoch, epoch - 1].some((at) => this.#connectionId(from, at) === request.connection);
    if (!known) return undefined;
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

  #connectionId({ hostname, port }: PeerAddress, epoch: number): bigint {
    return createHmac("sha256", this.#secret).update(`${hostname} ${port} ${epoch}`).digest()
      .readBigUInt64BE();
  }
}

/** The socket around the core. Runs until disposed. */
export class UdpTracker implements Disposable {
  readonly port: number;
  readonly #socket: dgram.Socket;

  private constructor(socket: dgram.Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
  }

  static async listen(tracker: Tracker, { hostname, port }: PeerAddress): Promise<UdpTracker> {
    const socket = dgram.createSocket(hostname.includes(":") ? "udp6" : "udp4");
    const core = new UdpTrackerCore(tracker, randomBytes(32));
    socket.on("message", (datagram, { address, port }) => {
      try {
        const answer = core.answer(datagram, { from: { hostname: address, port }, now: Date.now() });
        if (answer) socket.send(answer, port, address);
      } catch (error) {
        // node:dgram swallows what a listener throws.
        log.error("udp-tracker-failed", { address, error: messageOf(error) });
      }
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (cause) => reject(bindError({ hostname, port }, cause)));
      socket.bind(port, hostname, resolve);
    });
    socket.on("error", (error) => log.error("udp-tracker-failed", { error: messageOf(error) }));
    return new UdpTracker(socket);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function bindError({ hostname, port }: PeerAddress, cause: Error): RackseedError {
  return new RackseedError(`cannot listen for tracker requests on UDP ${hostname}:${port}`, {
    reason: `${cause.message}.`,
    remedy: `see what holds the port with: ss -lunp 'sport = :${port}', or choose another port.`,
    cause,
  });
}
