/** Tries one fault: copies the data directory, damages the copy, and starts a real server on it. */
import { createHash } from "node:crypto";
import type { ImageView, Notice } from "#contract/api.ts";
import { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { ServerOptions } from "../../../server/cli/server_options.ts";
import { type RunningServer, startServer } from "../../../server/server.ts";
import { BASE_VERSIONS, type BaseStore, copyFolder } from "./base_store.ts";
import { damageFiles, type Fault } from "./catalogue.ts";
import { mountFull, mountReadOnly } from "./mounts.ts";

export interface Outcome {
  readonly fault: Fault;
  /** What was damaged, and what the server reported. */
  readonly detail: string;
  readonly result: "clean start" | "started, named" | "refused" | "wrong";
}

const CHILD = new URL("./child.ts", import.meta.url).pathname;

export async function tryFault(fault: Fault, base: BaseStore): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-fault-" });
  const data = `${folder}/data`;
  const source = fault.afterKill ? base.killed : base.stopped;
  const stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  try {
    const what = await apply(fault, { folder, data, source, stack });
    const before = digests(data), whole = wholeVersions(data, source);
    const { result, said } = await start(data, whole);
    const after = digests(data);
    const lost = [...before].filter(([path, digest]) => after.get(path) !== digest).map(([path]) => path);
    const wrong = lost.length > 0 || result === "wrong";
    const why = lost.length > 0 ? `CHANGED ${lost.join(", ")}; ${said}` : said;
    return { fault, detail: `${what}: ${why}`, result: wrong ? "wrong" : result };
  } finally {
    await stack.disposeAsync();
  }
}

async function apply(
  fault: Fault,
  { folder, data, source, stack }: {
    folder: string;
    data: string;
    source: string;
    stack: AsyncDisposableStack;
  },
): Promise<string> {
  switch (fault.kind) {
    case "full disk": {
      const left = fault.random.pick([0, 0, 4096, 65_536, 1 << 20]);
      stack.use(await mountFull(folder, { source, data, leftBytes: left }));
      return `${left} bytes left`;
    }
    case "read-only":
      await copyFolder(source, data);
      stack.use(await mountReadOnly(data));
      return "mounted read-only";
    case "killed":
      await copyFolder(source, data);
      return await killAmid(data, 50 + fault.random.below(1500));
    default:
      await copyFolder(source, data);
      return damageFiles(data, fault);
  }
}

/** Kills a server while it publishes and deletes versions of its own. */
async function killAmid(data: string, afterMs: number): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CHILD, data],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill("SIGKILL");
  while (!(await reader.read()).done);
  await child.status;
  return `killed after ${afterMs} ms of publishing and deleting`;
}

async function start(
  data: string,
  whole: readonly string[],
): Promise<{ result: Outcome["result"]; said: string }> {
  let server: RunningServer;
  try {
    server = await startServer(optionsOf(data), { signal: new AbortController().signal });
  } catch (error) {
    if (error instanceof RackseedError && error.remedy !== "") {
      return { result: "refused", said: `${error.title}: ${error.reason}` };
    }
    return { result: "wrong", said: `NO REMEDY: ${messageOf(error)}` };
  }
  try {
    using client = await ApiClient.connect({ server: server.urls.server, token: server.token });
    const listed = await imagesOf(client);
    const verdicts = new Map<string, boolean>();
    for (const ref of listed) verdicts.set(ref, await isSound(client, ref));
    const notices = await noticesOf(client, listed.some((ref) => verdicts.get(ref) === false));
    const text = notices.map((n) => `${n.subject}: ${n.problem}`).join("; ");
    // A version that is intact on disk must be listed, or reported as present.
    const unnamed = whole.filter((ref) =>
      !listed.includes(ref) && !text.includes("the database does not know")
    );
    if (unnamed.length > 0) return { result: "wrong", said: `NOT NAMED: ${unnamed.join(", ")}` };
    const damaged = [...verdicts].filter(([, sound]) => !sound).map(([ref]) => ref);
    const said = [text, damaged.length > 0 ? `verify: ${damaged.join(", ")} damaged` : ""].filter((s) =>
      s !== ""
    );
    return said.length === 0
      ? { result: "clean start", said: `${listed.length} versions are sound` }
      : { result: "started, named", said: said.join("; ") };
  } finally {
    await server.close();
  }
}

async function imagesOf(client: ApiClient): Promise<string[]> {
  const images = await (await client.send("GET", "/images")).json() as ImageView[];
  return images.map(({ image, version }) => `${image}@${version}`);
}

async function isSound(client: ApiClient, ref: string): Promise<boolean> {
  const lines = (await (await client.send("POST", `/images/${ref}/verify`)).text()).trim().split("\n");
  const last = JSON.parse(lines.at(-1) ?? "{}") as { type?: string; damaged?: number };
  return last.type === "done" && last.damaged === 0;
}

/** Waits until the server's background check has noticed the damage. */
async function noticesOf(client: ApiClient, expected: boolean): Promise<Notice[]> {
  for (let tries = 0;; tries++) {
    const notices = await (await client.send("GET", "/notices")).json() as Notice[];
    if (notices.length > 0 || !expected || tries === 10) return notices;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function optionsOf(data: string): ServerOptions {
  return {
    data,
    listen: { hostname: "127.0.0.1", port: 0 },
    httpPort: 0,
    peerPort: 0,
    trackerPort: 0,
    tftpPort: undefined,
    rsyncPort: undefined,
    dhcp: "off",
    dhcpClients: "nodes",
    dns: [],
    secureBoot: false,
  };
}

/** Hashes of what a start must never change: versions, packs, keys, certificates, identities. */
function digests(data: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const folder of ["versions", "packs", "keys", "tls", "identities"]) {
    for (const path of filesIn(`${data}/${folder}`)) {
      if (path.endsWith(".part") || !isOfBase(path)) continue;
      found.set(path.slice(data.length + 1), digest(path));
    }
  }
  return found;
}

/** The child process publishes and deletes versions of its own image, tmp. */
function isOfBase(path: string): boolean {
  return !path.includes("/versions/tmp@") && (!path.endsWith(".pack") || basePacks.has(path.slice(-69)));
}

const basePacks = new Set<string>();

/** Call once, before the first fault. */
export function rememberPacks({ stopped }: BaseStore): void {
  for (const path of filesIn(`${stopped}/packs`)) basePacks.add(path.slice(-69));
}

function wholeVersions(data: string, source: string): string[] {
  return BASE_VERSIONS.filter((ref) => {
    const files = filesIn(`${source}/versions/${ref}`);
    return files.every((path) => {
      const copy = `${data}${path.slice(source.length)}`;
      return isFile(copy) && digest(copy) === digest(path);
    });
  });
}

function filesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
      isDirectory ? filesIn(`${folder}/${name}`) : [`${folder}/${name}`]
    );
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function digest(path: string): string {
  return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
}
