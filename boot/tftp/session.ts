import type { UdpPeer, UdpPort } from "../udp_port.ts";
import type { TransferTerms } from "./options.ts";
import {
  DATA_HEADER_BYTES,
  decodeTftp,
  encodeError,
  encodeOack,
  ERROR,
  TftpFormatError,
  type TftpPacket,
  writeDataHeader,
} from "./packet.ts";
import type { TftpFile } from "./tftp_file.ts";
import type { Step, Transfer } from "./transfer.ts";

/** How a transfer ended. */
type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly reason: string; readonly ackedBytes: number };

interface SessionOptions {
  /** The session's own port, whose number identifies the transfer (RFC 1350 §4). The caller closes it. */
  readonly port: UdpPort;
  readonly peer: UdpPeer;
  readonly file: TftpFile;
  readonly terms: TransferTerms;
  /** Created from `terms` and the current time. */
  readonly transfer: Transfer;
  readonly signal: AbortSignal;
}

type Event = { readonly kind: "packet"; readonly packet: TftpPacket } | { readonly kind: "other" | "closed" };

/** An ACK has 4 bytes; the text of an ERROR may be truncated. */
const RECEIVE_BYTES = 1024;
const OTHER: Event = { kind: "other" };

/** Sends the file to the peer, holding one block in memory. Throws if the file cannot be read. */
export async function runSession(
  { port, peer, file, terms, transfer, signal }: SessionOptions,
): Promise<Outcome> {
  const block = new Uint8Array(DATA_HEADER_BYTES + terms.blksize);
  const incoming = new Uint8Array(RECEIVE_BYTES);
  using timer = new Timer();

  const next = async (): Promise<Event> => {
    const datagram = await port.receive(incoming);
    if (!datagram) return { kind: "closed" };
    if (datagram.from.port !== peer.port || datagram.from.hostname !== peer.hostname) {
      // RFC 1350 §4: a stranger gets an error and disturbs nothing, not even if the error cannot be sent.
      await port.send(encodeError(ERROR.unknownTransferId, "unknown transfer"), datagram.from).catch(
        () => {},
      );
      return OTHER;
    }
    return packetIn(datagram.bytes);
  };

  let step = transfer.begin(performance.now());
  let received = next();
  for (;;) {
    if (step.kind === "done") return step;
    if (step.kind === "failed") return { ...step, ackedBytes: transfer.ackedBytes };
    await send(step);
    const event = await Promise.race([received, timer.at(transfer.deadlineMs)]);
    if (signal.aborted || event?.kind === "closed") {
      return { kind: "failed", reason: "the server closed the session", ackedBytes: transfer.ackedBytes };
    }
    step = event?.kind === "packet"
      ? transfer.receive(event.packet, performance.now())
      : transfer.expire(performance.now());
    if (event) received = next();
  }

  async function send(step: Step): Promise<void> {
    if (step.kind === "send-oack" && terms.accepted) await port.send(encodeOack(terms.accepted), peer);
    if (step.kind !== "send-blocks") return;
    for (let number = step.first; number <= step.last; number++) {
      const count = file.read((number - 1) * terms.blksize, block.subarray(DATA_HEADER_BYTES));
      writeDataHeader(block, number);
      await port.send(block.subarray(0, DATA_HEADER_BYTES + count), peer);
    }
  }
}

function packetIn(bytes: Uint8Array): Event {
  try {
    return { kind: "packet", packet: decodeTftp(bytes) };
  } catch (error) {
    if (error instanceof TftpFormatError) return OTHER;
    throw error;
  }
}

/**
 * One timer for all deadlines of a session, because setting and clearing one for each packet would cost more than
 * the packet itself. It may fire before the deadline, but never after it.
 */
class Timer {
  #pending: Promise<undefined> | undefined;
  #id: ReturnType<typeof setTimeout> | undefined;
  #dueMs = 0;

  /** Resolves at the deadline, or at an earlier deadline that is still pending. */
  at(deadlineMs: number): Promise<undefined> {
    if (this.#pending && this.#dueMs <= deadlineMs) return this.#pending;
    clearTimeout(this.#id);
    this.#dueMs = deadlineMs;
    this.#pending = new Promise((resolve) => {
      this.#id = setTimeout(() => {
        this.#pending = undefined;
        resolve(undefined);
      }, Math.max(0, deadlineMs - performance.now()));
    });
    return this.#pending;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#id);
  }
}
