import type { TftpOptions } from "./packet.ts";

/** How to send a file, as negotiated with the client. */
export interface TransferTerms {
  readonly sizeBytes: number;
  readonly blksize: number;
  /** Blocks to send before waiting for an ACK. */
  readonly windowsize: number;
  /** The longest pause before an unanswered packet is sent again. */
  readonly maxTimeoutMs: number;
  /** The options of the OACK; undefined if the client requested none that this server supports. */
  readonly accepted: TftpOptions | undefined;
}

/** The block size without options, RFC 1350. */
const DEFAULT_BLKSIZE = 512;
/** An Ethernet frame less the IPv4, UDP and TFTP headers. Larger blocks are fragmented, and ROMs drop fragments. */
export const ETHERNET_BLKSIZE = 1500 - 20 - 8 - 4;
const MIN_BLKSIZE = 8;
const MAX_WINDOWSIZE = 64;
/**
 * Blocks that all clients together may have in flight: what the queue of a network card holds on Linux (its default
 * txqueuelen is 1000). What does not fit is dropped, and sent again.
 */
const MAX_IN_FLIGHT = 1000;
/** A longer timeout is not granted: the session would occupy its place for too long. */
const MAX_TIMEOUT_SECONDS = 10;
/** The default timeout of clients (tftp-hpa, atftp, curl). */
const CLIENT_TIMEOUT_SECONDS = 5;
/**
 * atftp repeats a lost ACK once, and after that only once it has received nothing for its own timeout. A server that
 * kept repeating faster than that would never get another ACK.
 */
const MAX_PAUSE_OF_CLIENT_TIMEOUT = 1.5;

/** The window for one more client beside so many: the more machines load at once, the smaller their windows. */
export function windowsizeBeside(sessions: number): number {
  return Math.max(1, Math.min(MAX_WINDOWSIZE, Math.floor(MAX_IN_FLIGHT / (sessions + 1))));
}

/**
 * Negotiates the options of RFC 2348 (blksize), 2349 (timeout, tsize) and 7440 (windowsize). Unknown options and
 * values out of bounds are left out of the answer, as RFC 2347 requires. A server may lower blksize and windowsize;
 * it may leave out timeout, but not change it.
 *
 * Deviation: `timeout` sets the end of the back-off, not the first pause. After a lost packet the sender tries again
 * as soon as the measured round trip allows; otherwise each loss would cost the client whole seconds.
 */
export function negotiate(requested: TftpOptions, { sizeBytes, maxBlksize, maxWindowsize = MAX_WINDOWSIZE }: {
  sizeBytes: number;
  maxBlksize: number;
  maxWindowsize?: number;
}): TransferTerms {
  const accepted = new Map<string, string>();
  const take = (name: string, { min, max, limit = max }: { min: number; max: number; limit?: number }) => {
    const text = requested.get(name);
    if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
    const value = Number(text);
    if (value < min || value > max) return undefined;
    const granted = Math.min(value, limit);
    accepted.set(name, String(granted));
    return granted;
  };
  const blksize = take("blksize", { min: MIN_BLKSIZE, max: 65_464, limit: maxBlksize }) ?? DEFAULT_BLKSIZE;
  const windowsize = take("windowsize", { min: 1, max: 65_535, limit: maxWindowsize }) ?? 1;
  const timeout = take("timeout", { min: 1, max: MAX_TIMEOUT_SECONDS }) ?? CLIENT_TIMEOUT_SECONDS;
  if (requested.has("tsize")) accepted.set("tsize", String(sizeBytes));
  return {
    sizeBytes,
    blksize,
    windowsize,
    maxTimeoutMs: timeout * 1000 * MAX_PAUSE_OF_CLIENT_TIMEOUT,
    accepted: accepted.size > 0 ? accepted : undefined,
  };
}
