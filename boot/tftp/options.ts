import type { TftpOptions } from "./packet.ts";

/** How a file is sent, as agreed with its client. */
export interface TransferTerms {
  readonly sizeBytes: number;
  readonly blksize: number;
  /** Blocks sent before an ACK is awaited. */
  readonly windowsize: number;
  /** Longest pause before something unanswered is sent again. */
  readonly maxTimeoutMs: number;
  /** What the OACK says; undefined where the client asked for nothing that is known. */
  readonly accepted: TftpOptions | undefined;
}

/** RFC 1350: without options. */
const DEFAULT_BLKSIZE = 512;
/** An Ethernet frame less the headers of IPv4, UDP and TFTP: larger blocks come in fragments, which ROMs drop. */
export const ETHERNET_BLKSIZE = 1500 - 20 - 8 - 4;
const MIN_BLKSIZE = 8;
const MAX_WINDOWSIZE = 64;
/** A client that wants longer pauses does not get its option: they would hold its session's place. */
const MAX_TIMEOUT_SECONDS = 10;
/** What clients wait by default before they speak again (tftp-hpa, atftp, curl). */
const CLIENT_TIMEOUT_SECONDS = 5;
/**
 * atftp repeats a lost ACK once, then only after it has heard nothing for its own timeout: a server that keeps
 * repeating faster than that would never hear from it again.
 */
const MAX_PAUSE_OF_CLIENT_TIMEOUT = 1.5;

/**
 * Agrees on the options of RFC 2348 (blksize), 2349 (timeout, tsize) and 7440 (windowsize); what is unknown or out
 * of bounds is left out of the answer, as RFC 2347 wants. A server may lower blksize and windowsize, and leave
 * timeout out, but not change it.
 * Deviation: `timeout` sets where the back-off ends, not the first pause: after a lost packet the sender tries again
 * as soon as the measured round trip says, or each loss would cost the client whole seconds.
 */
export function agree(asked: TftpOptions, { sizeBytes, maxBlksize }: {
  sizeBytes: number;
  maxBlksize: number;
}): TransferTerms {
  const accepted = new Map<string, string>();
  const take = (name: string, { min, max, limit = max }: { min: number; max: number; limit?: number }) => {
    const text = asked.get(name);
    if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
    const value = Number(text);
    if (value < min || value > max) return undefined;
    const agreed = Math.min(value, limit);
    accepted.set(name, String(agreed));
    return agreed;
  };
  const blksize = take("blksize", { min: MIN_BLKSIZE, max: 65_464, limit: maxBlksize }) ?? DEFAULT_BLKSIZE;
  const windowsize = take("windowsize", { min: 1, max: 65_535, limit: MAX_WINDOWSIZE }) ?? 1;
  const timeout = take("timeout", { min: 1, max: MAX_TIMEOUT_SECONDS }) ?? CLIENT_TIMEOUT_SECONDS;
  if (asked.has("tsize")) accepted.set("tsize", String(sizeBytes));
  return {
    sizeBytes,
    blksize,
    windowsize,
    maxTimeoutMs: timeout * 1000 * MAX_PAUSE_OF_CLIENT_TIMEOUT,
    accepted: accepted.size > 0 ? accepted : undefined,
  };
}
