/**
 * Pebble, the ACME server that Let's Encrypt tests with, as a site's own authority. By its DNS server, every name leads
 * to this machine.
 */
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import { waitFor } from "./wait_for.ts";

const PEBBLE = "/usr/bin/pebble", DNS = "/usr/bin/pebble-challtestsrv";
export const pebbleNeeds = { files: [PEBBLE, DNS] };

export class Pebble implements AsyncDisposable {
  readonly directory: URL;
  /** Of the ACME server's own certificate. */
  readonly caFile: string;
  readonly #roots: URL;
  readonly #http: Deno.HttpClient;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    stack: AsyncDisposableStack,
    { ports, caFile }: { ports: { acme: number; management: number }; caFile: string },
  ) {
    this.#stack = stack;
    this.caFile = caFile;
    this.directory = new URL(`https://localhost:${ports.acme}/dir`);
    this.#roots = new URL(`https://localhost:${ports.management}/roots/0`);
    this.#http = stack.adopt(
      Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(caFile)] }),
      (http) => http.close(),
    );
  }

  /** `httpPort`: the one that it asks servers at. */
  static async start({ httpPort }: { httpPort: number }): Promise<Pebble> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "rackseed-pebble-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const { cert, key } = await issueServerCertificate(await openAuthority(folder), ["localhost"]);
    const paths = { certificate: `${folder}/cert.pem`, privateKey: `${folder}/key.pem` };
    await Deno.writeTextFile(paths.certificate, cert);
    await Deno.writeTextFile(paths.privateKey, key);
    const [acme = 0, management = 0, dns = 0] = [freePort(), freePort(), freePort()];
    const config = {
      pebble: {
        ...paths,
        listenAddress: `127.0.0.1:${acme}`,
        managementListenAddress: `127.0.0.1:${management}`,
        httpPort,
        tlsPort: 0,
        ocspResponderURL: "",
      },
    };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
    run(stack, DNS, [
      ...["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", `127.0.0.1:${dns}`],
      ...["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", `127.0.0.1:${freePort()}`],
    ]);
    run(stack, PEBBLE, ["-config", `${folder}/config.json`, "-dnsserver", `127.0.0.1:${dns}`]);
    const pebble = new Pebble(stack.move(), { ports: { acme, management }, caFile: `${folder}/tls/ca.pem` });
    // it makes RSA keys first
    await waitFor("pebble", () => pebble.root().catch(() => undefined), { timeoutMs: 120_000, everyMs: 100 });
    return pebble;
  }

  /** The certificate of the authority that issues, in PEM: a new one at each start. */
  async root(): Promise<string> {
    return await (await fetch(this.#roots, { client: this.#http })).text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function run(stack: AsyncDisposableStack, program: string, args: string[]): void {
  const child = new Deno.Command(program, {
    args,
    // it validates every order anew, without a pause
    env: { PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  stack.defer(async () => {
    child.kill();
    await child.status;
  });
}
