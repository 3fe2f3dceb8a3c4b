/** When a certificate is renewed. Pure. */

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Authorities ask for renewal with a third of the life left (RFC 9773 has a way to ask them, which few sites run). */
const LEFT = 1 / 3;
const HOUR_MS = 3600_000;
/** Pauses after failures. */
const PAUSES_MS = [5 * 60_000, 15 * 60_000, HOUR_MS];

/** Undefined: there is none. */
export function isDue(certificate: Validity | undefined, nowMs: number): boolean {
  if (certificate === undefined) return true;
  const beganMs = certificate.notBefore.getTime(), endsMs = certificate.notAfter.getTime();
  // one whose life has not begun is new, and the authority's clock is ahead
  return nowMs >= endsMs - (endsMs - beganMs) * LEFT;
}

/** When to try again. `failures`: in a row, the last one now; 1 or more. */
export function nextTryMs(failures: number, nowMs: number): number {
  return nowMs + (PAUSES_MS[failures - 1] ?? HOUR_MS);
}
