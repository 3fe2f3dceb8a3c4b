/**
 * How long machines that boot from the network go unheard. A switch port with spanning tree (IEEE 802.1D) forwards
 * nothing for the first 30 s after the link comes up: twice its forward delay of 15 s. Then the first DISCOVER that
 * reaches the server says in `secs` that earlier ones were lost.
 */
import type { MacAddress } from "./address.ts";

/** A machine whose packets were lost when it last booted. */
export interface LateMachine {
  readonly mac: string;
  /** From its first DISCOVER to the first one that arrived. */
  readonly seconds: number;
  /** ISO 8601. */
  readonly at: string;
}

/** PXE firmware sends at 0, 4, 12 and 28 s (PXE 2.1 §2.2.6): one lost packet is no sign, the first three are. */
const LATE_SECONDS = 20;
/** Arrived soon enough to say that the port forwards at once. */
const PROMPT_SECONDS = 8;
/** A DISCOVER after so long a silence begins another boot. */
const SILENCE_MS = 120_000;
const MAX_MACHINES = 256;

interface Seen {
  readonly atMs: number;
  readonly seconds: number;
}

export class FirstPackets {
  readonly #onChange: (late: readonly LateMachine[]) => void;
  /** From then on every packet was heard. */
  readonly #sinceMs: number;
  /** The last DISCOVER of each machine, oldest first. */
  readonly #seen = new Map<string, Seen>();
  readonly #late: Map<string, LateMachine>;

  /** `late`: known from before. `onChange` gets all that are late now. */
  constructor(
    late: readonly LateMachine[],
    { nowMs, onChange }: { nowMs: number; onChange: (late: readonly LateMachine[]) => void },
  ) {
    this.#late = new Map(late.map((machine) => [machine.mac, machine]));
    this.#sinceMs = nowMs;
    this.#onChange = onChange;
  }

  /** `secs`: of a DISCOVER by a machine that boots from the network (RFC 2131 §2). */
  discover({ mac, secs }: { mac: MacAddress; secs: number }, nowMs: number): void {
    const seconds = secondsOf(secs), last = this.#seen.get(mac);
    this.#seen.delete(mac);
    this.#seen.set(mac, { atMs: nowMs, seconds });
    if (this.#seen.size > MAX_MACHINES) this.#seen.delete(this.#seen.keys().next().value ?? mac);
    const isFirst = last === undefined || nowMs - last.atMs > SILENCE_MS || seconds < last.seconds;
    // it may have begun before this server listened
    if (!isFirst || nowMs - seconds * 1000 < this.#sinceMs) return;
    if (seconds >= LATE_SECONDS) this.#put({ mac, seconds, at: new Date(nowMs).toISOString() });
    else if (seconds < PROMPT_SECONDS && this.#late.delete(mac)) this.#onChange([...this.#late.values()]);
  }

  #put(machine: LateMachine): void {
    this.#late.delete(machine.mac);
    this.#late.set(machine.mac, machine);
    if (this.#late.size > MAX_MACHINES) this.#late.delete(this.#late.keys().next().value ?? "");
    this.#onChange([...this.#late.values()]);
  }
}

/** Some firmware sends the two bytes in the wrong order: nobody asks for 4 hours, but many for 56 s. */
function secondsOf(secs: number): number {
  return secs > 0xff && (secs & 0xff) === 0 ? secs >> 8 : secs;
}
