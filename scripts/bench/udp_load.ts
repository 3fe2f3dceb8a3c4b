import { decodeUdpResponse, encodeUdpRequest } from "#torrent/tracker/udp_tracker_codec.ts";
import { Latencies, type LoadResult, type LoadShape } from "./paced_load.ts";

const SOCKETS = 4;
/** An answer that has not arrived after this time is lost. */
const LOST_MS = 1000;

interface Client {
  readonly socket: Deno.DatagramConn;
  readonly connection: bigint;
}

/**
 * Sends announces over a few sockets (BEP 15), many at once, with little work for each: the transaction id is the
 * request's number.
 */
export class UdpLoad {
  readonly #to: Deno.NetAddr;
  readonly #datagrams: readonly Uint8Array[];
  readonly #clients: readonly Client[];
  readonly #latencies = new Latencies();
  /** When a request was due, by its number; removed once it is answered. */
  readonly #due = new Map<number, number>();
  #next = 0;

  private constructor(
    to: Deno.NetAddr,
    { datagrams, clients }: { datagrams: readonly Uint8Array[]; clients: readonly Client[] },
  ) {
    this.#to = to;
    this.#datagrams = datagrams;
    this.#clients = clients;
  }

  /** `datagrams`: one announce per peer. */
  static async start(
    { to: { hostname, port }, datagrams }: {
      to: { hostname: string; port: number };
      datagrams: readonly Uint8Array[];
    },
  ): Promise<UdpLoad> {
    const to = { transport: "udp", hostname, port } as const;
    const clients = await Promise.all(Array.from({ length: SOCKETS }, () => connect(to)));
    datagrams.forEach((datagram, index) => {
      new DataView(datagram.buffer).setBigUint64(0, clients[index % SOCKETS]!.connection);
    });
    return new UdpLoad(to, { datagrams, clients });
  }

  /** `window`: how many are under way if there is no rate. */
  async run({ seconds, requests, rate, window }: LoadShape & { window: number }): Promise<LoadResult> {
    const start = performance.now();
    const end = start + seconds * 1000;
    const goesOn = () => performance.now() < end && this.#next < requests;
    const refill = () => {
      while (this.#due.size < window && goesOn()) this.#send(performance.now());
    };
    for (const client of this.#clients) void this.#receive(client, rate === undefined ? refill : () => {});
    if (rate === undefined) refill();
    while (goesOn()) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const now = performance.now();
      if (rate !== undefined) {
        while (start + this.#next * 1000 / rate <= now) this.#send(start + this.#next * 1000 / rate);
      } else {
        this.#forgetLost();
        refill();
      }
    }
    const elapsed = (performance.now() - start) / 1000;
    for (let wait = 0; wait < LOST_MS && this.#due.size > 0; wait += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const _ of this.#due) this.#latencies.lose();
    return this.#latencies.result(elapsed);
  }

  #send(due: number): void {
    const number = this.#next++;
    const index = number % this.#datagrams.length;
    const datagram = this.#datagrams[index]!;
    new DataView(datagram.buffer).setUint32(12, number);
    this.#due.set(number, due);
    // A peer always uses the same socket, since its connection id is valid only there.
    void this.#clients[index % SOCKETS]!.socket.send(datagram, this.#to);
  }

  async #receive({ socket }: Client, then: () => void): Promise<void> {
    const into = new Uint8Array(2048);
    for (;;) {
      const [answer] = await socket.receive(into);
      const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
      const number = view.getUint32(4);
      const due = this.#due.get(number);
      if (due === undefined || view.getUint32(0) !== 1 || answer.length < 20) continue;
      this.#due.delete(number);
      this.#latencies.add(performance.now() - due);
      then();
    }
  }

  #forgetLost(): void {
    for (const [number, due] of this.#due) {
      if (performance.now() - due < LOST_MS) return;
      this.#due.delete(number);
      this.#latencies.lose();
    }
  }
}

async function connect(to: Deno.NetAddr): Promise<Client> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: to.hostname, port: 0 });
  await socket.send(encodeUdpRequest({ action: "connect", transaction: 7 }), to);
  const [bytes] = await socket.receive();
  const answer = decodeUdpResponse(bytes);
  if (answer?.action !== "connect") throw new Error("the tracker did not connect");
  return { socket, connection: answer.connection };
}
