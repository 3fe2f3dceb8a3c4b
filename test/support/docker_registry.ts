/** Debian's docker-registry (the Distribution project's), on loopback. */
import { createPrivateKey, sign } from "node:crypto";
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import { freePort } from "./pebble.ts";
import { waitFor } from "./wait_for.ts";

const PROGRAM = "/usr/bin/docker-registry";
export const registryNeeds = { files: [PROGRAM] };

const SERVICE = "registry.test";
export const LOGIN = { user: "site", password: "a password: with signs" };

interface Options {
  /** TLS with a certificate of its own authority, and logins by a token server. */
  readonly isPrivate?: boolean;
}

export class DockerRegistry implements AsyncDisposable {
  /** "127.0.0.1:5000" */
  readonly name: string;
  readonly folder: string;
  /** Logins as `docker login` writes them, and the authority of the certificate. */
  readonly authFile: string;
  readonly caFile: string;
  /** Logins that the token server has answered. */
  readonly logins: { readonly user: string | undefined; readonly scopes: readonly string[] }[] = [];
  readonly #stack: AsyncDisposableStack;
  #child: Deno.ChildProcess | undefined;

  private constructor(folder: string, port: number, stack: AsyncDisposableStack) {
    this.folder = folder;
    this.name = `127.0.0.1:${port}`;
    this.authFile = `${folder}/auth.json`;
    this.caFile = `${folder}/tls/ca.pem`;
    this.#stack = stack;
  }

  static async start({ isPrivate = false }: Options = {}): Promise<DockerRegistry> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "rackseed-registry-" });
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const port = freePort();
    const registry = new DockerRegistry(folder, port, stack.move());
    const access = isPrivate ? await registry.#makePrivate() : { tls: "", auth: "" };
    await Deno.writeTextFile(
      `${folder}/config.yml`,
      `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: ${folder}/blobs }
http:
  addr: 127.0.0.1:${port}
  secret: the-same-after-a-restart
${access.tls}
${access.auth}`,
    );
    await registry.begin();
    return registry;
  }

  /** Where it has a blob on the disk. */
  blobPath(digest: string): string {
    const hash = digest.slice("sha256:".length);
    return `${this.folder}/blobs/docker/registry/v2/blobs/sha256/${hash.slice(0, 2)}/${hash}/data`;
  }

  /** Starts the program again with what it has stored. */
  async begin(): Promise<void> {
    this.#child = new Deno.Command(PROGRAM, {
      args: ["serve", `${this.folder}/config.yml`],
      env: { OTEL_TRACES_EXPORTER: "none" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const [hostname = "", port] = this.name.split(":");
    await waitFor("the registry", async () => {
      try {
        (await Deno.connect({ hostname, port: Number(port) })).close();
        return true;
      } catch {
        return undefined;
      }
    }, { timeoutMs: 60_000, everyMs: 20 });
  }

  /** As a power cut does. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = undefined;
  }

  async #makePrivate(): Promise<{ tls: string; auth: string }> {
    const authority = await openAuthority(this.folder);
    const { cert, key } = await issueServerCertificate(authority, ["127.0.0.1", "localhost"]);
    await Deno.writeTextFile(`${this.folder}/cert.pem`, cert);
    await Deno.writeTextFile(`${this.folder}/key.pem`, key);
    const auth = Buffer.from(`${LOGIN.user}:${LOGIN.password}`).toString("base64");
    await Deno.writeTextFile(this.authFile, JSON.stringify({ auths: { [this.name]: { auth } } }));
    const tokens = this.#stack.adopt(
      Deno.serve(
        { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} },
        (request) => this.#answerLogin(request, { cert, key }),
      ),
      (server) => server.shutdown(),
    );
    return {
      tls: `  tls: { certificate: ${this.folder}/cert.pem, key: ${this.folder}/key.pem }`,
      auth: `auth:
  token:
    realm: https://127.0.0.1:${(tokens.addr as Deno.NetAddr).port}/token
    service: ${SERVICE}
    issuer: rackseed-test
    rootcertbundle: ${this.caFile}`,
    };
  }

  /** "Token Authentication Implementation" of the Distribution project. */
  #answerLogin(request: Request, { cert, key }: { cert: string; key: string }): Response {
    const { searchParams } = new URL(request.url);
    const [, basic] = /^Basic (.*)$/.exec(request.headers.get("authorization") ?? "") ?? [];
    const given = basic && Buffer.from(basic, "base64").toString();
    const scopes = searchParams.getAll("scope");
    this.logins.push({ user: given?.split(":")[0], scopes });
    if (given !== `${LOGIN.user}:${LOGIN.password}`) return new Response(null, { status: 401 });
    const [, der = ""] = /-----BEGIN CERTIFICATE-----([^-]*)-----END/.exec(cert) ?? [];
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.map((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      return { type, name, actions: actions.split(",") };
    });
    const parts = [
      { typ: "JWT", alg: "ES256", x5c: [der.replaceAll(/\s/g, "")] },
      {
        iss: "rackseed-test",
        sub: LOGIN.user,
        aud: SERVICE,
        iat: now,
        nbf: now - 10,
        exp: now + 300,
        jti: "1",
        access,
      },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
    const signature = sign("sha256", Buffer.from(parts.join(".")), {
      key: createPrivateKey(key),
      dsaEncoding: "ieee-p1363",
    });
    return Response.json({ token: `${parts.join(".")}.${signature.toString("base64url")}`, expires_in: 300 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#stack.disposeAsync();
  }
}
