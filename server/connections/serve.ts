/**
 * Deno.serve that survives a failed accept. Deno ends its accept loop at the first error, for instance when out of
 * descriptors, and frees the port; open connections live on. So we listen on the port again, and retry until it works.
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "#contract/errors.ts";
import { guarded, type Handler } from "./guard.ts";
import type { ConnectionReaper } from "./reaper.ts";

const log = getLogger(["rackseed", "connections"]);
const RETRY_MS = 100;
/** How long requests may continue while the server closes. */
const GRACE_MS = 2000;

type Binding = { readonly hostname: string; readonly port: number } & Partial<Deno.TlsCertifiedKeyPem>;

export class HttpService implements AsyncDisposable {
  readonly port: number;
  readonly #name: string;
  #binding: Binding;
  readonly #handler: Handler;
  readonly #reaper: ConnectionReaper;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** Throws what Deno.serve throws if the port is taken. */
  constructor(
    binding: Binding,
    { name, handler, reaper }: { name: string; handler: Handler; reaper: ConnectionReaper },
  ) {
    this.#name = name;
    this.#handler = guarded(handler, { book: reaper.book, localPort: () => this.port });
    this.#binding = binding;
    this.#reaper = reaper;
    this.#server = this.#start(binding);
    this.port = this.#server.addr.port;
    this.#watch();
  }

  /** False while the port is lost after a failed accept. */
  get isListening(): boolean {
    return !this.#closed && this.#retry === undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#reaper.forget(this.port);
    clearTimeout(this.#retry);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GRACE_MS);
    await Promise.race([this.#server.shutdown().catch(() => {}), late]);
    clearTimeout(timer);
  }

  /** Listens again with this certificate; requests in progress end under the old one. */
  present(certificate: Deno.TlsCertifiedKeyPem): void {
    this.#binding = { ...this.#binding, ...certificate };
    this.#reaper.forget(this.port);
    clearTimeout(this.#retry);
    this.#server.shutdown().catch(() => {});
    this.#startAgain();
  }

  #start(binding: Binding): Deno.HttpServer<Deno.NetAddr> {
    const onError = (error: unknown) => {
      log.error("request-failed", { service: this.#name, error: messageOf(error) });
      return new Response("internal error\n", { status: 500 });
    };
    const server = Deno.serve({ ...binding, onListen() {}, onError }, this.#handler);
    // Deno 2.9 rejects this when it stops accepting; the reaper notices in any case
    server.finished.catch(() => {});
    return server;
  }

  #watch(): void {
    this.#reaper.watch(this.port, {
      onLost: () => {
        log.error("accept-failed", {
          service: this.#name,
          reason: "a connection could not be accepted, most likely because no descriptor was left.",
          remedy: "raise the limit: LimitNOFILE= of the systemd unit, or ulimit -n.",
        });
        // finishes the responses in progress, and closes all other connections
        this.#server.shutdown().catch(() => {});
        this.#startAgain();
      },
    });
  }

  #startAgain(): void {
    if (this.#closed) return;
    this.#retry = undefined;
    try {
      this.#server = this.#start({ ...this.#binding, port: this.port });
      this.#watch();
      log.info("accepts-again", { service: this.#name });
    } catch {
      this.#retry = setTimeout(() => this.#startAgain(), RETRY_MS);
    }
  }
}
