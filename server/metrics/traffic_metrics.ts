/** What goes over the server's network: images by HTTP, DHCP and TFTP. */
import { Counter, type Registry } from "prom-client";

/** Ways by which the server itself sends images by HTTP. */
type HttpSource = "web_seed" | "packs" | "extents";

export class TrafficMetrics {
  readonly #sent = { web_seed: 0, packs: 0, extents: 0 };
  readonly #dhcp: Counter<"request" | "answer">;
  readonly #tftp: Counter<"outcome">;
  readonly #tftpBytes: Counter;

  constructor(registry: Registry) {
    this.#dhcp = new Counter({
      name: "rackseed_dhcp_requests_total",
      help: "DHCP packets received, by what was asked for, and by the answer or why there was none.",
      labelNames: ["request", "answer"],
      registers: [registry],
    });
    this.#tftp = new Counter({
      name: "rackseed_tftp_requests_total",
      help: "TFTP requests by outcome.",
      labelNames: ["outcome"],
      registers: [registry],
    });
    this.#tftpBytes = new Counter({
      name: "rackseed_tftp_sent_bytes_total",
      help: "Bytes of files that were sent whole by TFTP.",
      registers: [registry],
    });
  }

  /** Bytes of images that the server sent by HTTP since it started. */
  get sentBytes(): Readonly<Record<HttpSource, number>> {
    return this.#sent;
  }

  sent(source: HttpSource, bytes: number): void {
    this.#sent[source] += bytes;
  }

  /** Both words come from a fixed list, see boot/dhcp/policy.ts. */
  dhcp(request: string, answer: string): void {
    this.#dhcp.inc({ request, answer });
  }

  tftp(outcome: string, bytes: number): void {
    this.#tftp.inc({ outcome });
    this.#tftpBytes.inc(bytes);
  }
}
