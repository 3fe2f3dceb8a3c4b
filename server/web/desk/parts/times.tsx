/** Moments, in the reader's zone. */
import { signal } from "@preact/signals";
import { agoText, exactTime } from "../messages/figures.ts";

const now = signal(Date.now());

/** Advances the time every ten seconds, so that "3 minutes ago" stays true. */
export function startClock(): void {
  setInterval(() => now.value = Date.now(), 10_000);
}

/** How long ago, with the exact moment on pointing at it. */
export function Ago({ at }: { at: string }) {
  return <time dateTime={at} title={exactTime(at)}>{agoText(at, Math.max(now.value, Date.parse(at)))}</time>;
}

export function Exact({ at }: { at: string }) {
  return <time dateTime={at}>{exactTime(at)}</time>;
}
