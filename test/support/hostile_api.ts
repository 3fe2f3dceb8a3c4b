/** A server in the place of Rackseed's that answers as a test wants, over TLS with a certificate of a CA of its own. */
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import { pinOf } from "#contract/token.ts";

export class HostileApi implements AsyncDisposable {
  readonly url: string;
  /** For its own CA. */
  readonly token: string;
  /** "PUT /api/v1/nodes/n1", in their order, without those for the CA. */
  readonly calls: readonly string[];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #folder: string;

  private constructor(
    server: Deno.HttpServer<Deno.NetAddr>,
    { folder, pem, calls }: { folder: string; pem: string; calls: readonly string[] },
  ) {
    this.#server = server;
    this.#folder = folder;
    this.calls = calls;
    this.url = `https://127.0.0.1:${server.addr.port}`;
    this.token = `rs1.${pinOf(pem)}.${"s".repeat(43)}`;
  }

  /** `ca`: what it shows as its CA, given its own. */
  static async start(
    answer: (request: Request) => Response | Promise<Response>,
    { ca = (own) => own }: { ca?: (own: string) => string } = {},
  ): Promise<HostileApi> {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-hostile-" });
    const { pem, ...authority } = await openAuthority(folder);
    const { cert, key } = await issueServerCertificate({ pem, ...authority }, ["127.0.0.1"]);
    const calls: string[] = [];
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/ca.pem") return new Response(ca(pem));
      calls.push(`${request.method} ${pathname}`);
      return answer(request);
    });
    return new HostileApi(server, { folder, pem, calls });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
