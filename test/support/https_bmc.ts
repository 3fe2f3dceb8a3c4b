/** A test BMC on a real HTTPS socket, with a certificate of its own as BMCs have. */
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import type { TestBmc } from "../../server/power/testing/test_bmc.ts";

interface HttpsBmc extends AsyncDisposable {
  readonly port: number;
}

/** `delayMs`: before each answer. */
export async function serveBmc(bmc: TestBmc, { delayMs = 0 }: { delayMs?: number } = {}): Promise<HttpsBmc> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-bmc-" });
  const authority = await openAuthority(folder);
  const certificate = await issueServerCertificate(authority, ["idrac-ABC1234"]);
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(Object.assign(options, certificate), async (request) => {
    const { pathname } = new URL(request.url), text = await request.text();
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const body = text === "" ? undefined : JSON.parse(text);
    const answer = bmc.answer({ method: request.method, path: pathname, headers: request.headers, body });
    const content = answer.json === undefined ? null : JSON.stringify(answer.json);
    return new Response(content, { status: answer.status, headers: answer.headers ?? {} });
  });
  return {
    port: server.addr.port,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
