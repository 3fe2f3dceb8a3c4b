import { getLogger } from "@logtape/logtape";
import type { UdpPort } from "../udp_port.ts";
import type { MacAddress } from "./address.ts";
import type { BootClient } from "./boot_client.ts";
import { DhcpFormatError } from "./options.ts";
import { decodePacket, encodePacket } from "./packet.ts";
import type { Decision } from "./policy.ts";
import type { Arrival } from "./proxy_policy.ts";
import type { Reporter } from "./reporter.ts";
import { type DhcpRequest, parseRequest } from "./request.ts";

/** Whom a DHCP service tells what it hears. */
export interface DhcpListeners {
  /** Called for each packet with what it asked for ("discover"), and with the answer ("offer") or why there is none. */
  readonly onDecision?: (request: string, answer: string) => void;
  /** Called with each client that asks for an address or a boot file, whether or not it is answered. */
  readonly onClient?: (client: BootClient) => void;
  /** Called for each DISCOVER of a machine that boots from the network, with its `secs`. */
  readonly onBoot?: (discover: { readonly mac: MacAddress; readonly secs: number }) => void;
}

/** Larger than any packet from an Ethernet client. */
const BUFFER_BYTES = 4096;

/** What a client sends that asks for nothing. */
const LEAVING: readonly DhcpRequest["intent"]["kind"][] = ["decline", "release"];

const log = getLogger(["rackseed", "dhcp"]);

/** Receives packets, has them decided, and sends the answers. */
export class DhcpService {
  readonly #decide: (request: DhcpRequest, arrival: Arrival) => Decision;
  readonly #listeners: DhcpListeners;
  readonly #reporter: Reporter;

  constructor({ decide, listeners, reporter }: {
    decide: (request: DhcpRequest, arrival: Arrival) => Decision;
    listeners: DhcpListeners;
    reporter: Reporter;
  }) {
    this.#decide = decide;
    this.#listeners = listeners;
    this.#reporter = reporter;
  }

  /** Serves one port until it is closed; `answers` is the port that sends, with the server's address as its source. */
  async serve(port: UdpPort, { answers }: { answers: UdpPort }): Promise<void> {
    const buffer = new Uint8Array(BUFFER_BYTES);
    for (;;) {
      const datagram = await port.receive(buffer);
      if (datagram === undefined) return;
      const { bytes, from } = datagram;
      try {
        await this.#handle(bytes, { arrival: { port: port.port, from }, answers });
      } catch (error) {
        if (error instanceof DhcpFormatError) {
          this.#listeners.onDecision?.("malformed", "none");
          log.debug("malformed", { from, error: error.message });
        } else log.error("failed", { from, error });
      }
    }
  }

  async #handle(
    bytes: Uint8Array,
    { arrival, answers }: { arrival: Arrival; answers: UdpPort },
  ): Promise<void> {
    const request = parseRequest(decodePacket(bytes)), { client, intent, packet } = request;
    if (client.pxe && intent.kind === "discover") {
      this.#listeners.onBoot?.({ mac: client.mac, secs: packet.secs });
    }
    if (!LEAVING.includes(intent.kind)) this.#listeners.onClient?.(client);
    const decision = this.#decide(request, arrival);
    this.#reporter.report(request, decision, performance.now());
    this.#listeners.onDecision?.(intent.kind, decision.kind === "silent" ? decision.why : decision.kind);
    if (decision.kind === "silent") return;
    try {
      await answers.send(encodePacket(decision.reply), decision.to);
    } catch (error) {
      this.#reporter.unsent(request, { to: decision.to, error });
    }
  }
}
