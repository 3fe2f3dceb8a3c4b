/** Wake-on-LAN: can switch a machine on, and nothing else. */
import type { PowerState } from "#contract/api/power.ts";
import { RackseedError } from "#contract/errors.ts";
import type { PowerDriver } from "../power_driver.ts";
import { hardwareBytes, magicPacket } from "./magic_packet.ts";

interface WakeTarget {
  readonly mac: string | undefined;
  readonly secureOn: string | undefined;
  readonly broadcast: string;
  readonly port: number;
  /** Address of the server's interface that faces the nodes. */
  readonly from: string;
  /** For messages. */
  readonly title: string;
  /** Whether the node's agent, or its clone, was heard of just now. */
  readonly isHeard: () => boolean;
}

/** A packet may be lost, and there is no answer. */
const PACKETS = 3;

export class WakeDriver implements PowerDriver {
  readonly #target: WakeTarget;

  constructor(target: WakeTarget) {
    this.#target = target;
  }

  status(): Promise<PowerState> {
    return Promise.resolve(this.#target.isHeard() ? "on" : "unknown");
  }

  async on(): Promise<void> {
    const { mac, secureOn, broadcast, port, from, title } = this.#target;
    if (mac === undefined) {
      throw new RackseedError(title, {
        reason: "its MAC address is not known, and a magic packet carries it.",
        remedy: "set it: rackseed node set NODE --mac 52:54:00:12:34:56",
        status: 409,
      });
    }
    const packet = magicPacket(mac, secureOn);
    const socket = Deno.listenDatagram({ transport: "udp", hostname: from, port: 0 });
    try {
      for (let i = 0; i < PACKETS; i++) {
        await socket.send(packet, { transport: "udp", hostname: broadcast, port });
      }
    } finally {
      socket.close();
    }
  }

  off(): Promise<void> {
    return Promise.reject(this.#cannot("Wake-on-LAN can only switch a machine on."));
  }

  reset(): Promise<void> {
    return Promise.reject(this.#cannot("Wake-on-LAN cannot restart a machine."));
  }

  canCutPower(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** The firmware's own boot order decides. */
  bootOnce(): Promise<string> {
    return Promise.resolve(
      "Wake-on-LAN cannot choose where it boots from: its firmware must try the network first",
    );
  }

  restoreBoot(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #cannot(reason: string): RackseedError {
    return new RackseedError(this.#target.title, {
      reason,
      remedy:
        "switch it by hand or in its own system, or set its BMC: rackseed node set NODE --power redfish://…",
      status: 409,
    });
  }
}

/** Whether the text can be a SecureOn password. */
export function isSecureOn(text: string): boolean {
  try {
    return hardwareBytes(text).length === 6;
  } catch {
    return false;
  }
}
