/**
 * Measures capturing a Debian again after `apt-get install` of one package: the bytes on the wire against rsync's for
 * the same change, and the time until the version is published against that of the first capture. Also measures a
 * capture without changes.
 *
 *     deno task bench recapture [--packages tree,vim] [--level 9] [--json]
 *
 *     --packages  packages to install, one after the other       (tree,vim)
 *     --level     zstd level of the captures                     (9)
 *     --json      print the figures as JSON
 *
 * The tree is the lab's: made by debootstrap, with kernel and modules. The product's agent and server talk over
 * HTTPS; the peer is `rsync -aHAXz --numeric-ids --delete` to a daemon, with the same paths excluded. A proxy counts
 * the bytes of their TCP connections in both directions. Needs root and a Debian mirror. Bars: bytes ≤ 1 × rsync's,
 * time ≤ 0.25 × the first capture's.
 */
import { parseArgs } from "node:util";
import { DEFAULT_EXCLUDES } from "../../agent/tree/excludes.ts";
import { SETTLED_MS } from "../../agent/capture/cache/capture_record.ts";
import { ensureProduct } from "../build.ts";
import { Programs } from "../demo/programs.ts";
import { debianTree } from "../lab/debian.ts";
import { secondsOf, shell, workplace } from "./bench_tree.ts";
import { CountingProxy } from "./counting_proxy.ts";
import { interruption } from "./interruption.ts";

const BARS = { bytes: 1, seconds: 0.25 };
const { values } = parseArgs({
  options: {
    packages: { type: "string", default: "tree,vim" },
    level: { type: "string", default: "9" },
    json: { type: "boolean", default: false },
  },
});

interface Cost {
  readonly seconds: number;
  readonly bytes: number;
}

/** The duration of `work`, and the bytes that cross the proxy meanwhile. */
async function costOf(proxy: CountingProxy, work: () => Promise<unknown>): Promise<Cost> {
  const before = proxy.bytes;
  const seconds = await secondsOf(work);
  return { seconds, bytes: proxy.bytes - before };
}

/** An rsync daemon that receives the tree; disposing of it ends it. */
async function rsyncDaemon(folder: string): Promise<AsyncDisposable & { readonly port: number }> {
  const port = freePort();
  await Deno.mkdir(`${folder}/copy`);
  await Deno.writeTextFile(
    `${folder}/rsyncd.conf`,
    `use chroot = no\nuid = 0\ngid = 0\n[copy]\npath = ${folder}/copy\nread only = no\n`,
  );
  const child = new Deno.Command("rsync", {
    args: [
      "--daemon",
      "--no-detach",
      `--config=${folder}/rsyncd.conf`,
      "--address=127.0.0.1",
      `--port=${port}`,
    ],
    stdin: "null",
    stdout: "null",
  }).spawn();
  await new Promise((resolve) => setTimeout(resolve, 500));
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.status;
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const signal = interruption();
const product = await ensureProduct();
await using place = await workplace();
const { path } = place;
const tree = `${path}/tree`;
const inTree = (command: string) =>
  shell(`chroot tree sh -ec 'export DEBIAN_FRONTEND=noninteractive; ${command}'`, path);
const archive = await debianTree({
  cache: new URL("../../.cache/lab", import.meta.url).pathname,
  work: path,
  signal,
});
await shell(`mkdir tree && tar -C tree --numeric-owner --xattrs --acls -I zstd -xf ${archive}`, path);
await inTree("apt-get -q update");

await using daemon = await rsyncDaemon(path);
await using toDaemon = new CountingProxy({ hostname: "127.0.0.1", port: daemon.port });
const left = DEFAULT_EXCLUDES.map((pattern) => `'--exclude=${pattern}'`).join(" ");
const rsync = () =>
  shell(`rsync -aHAXz --numeric-ids --delete ${left} tree/ rsync://127.0.0.1:${toDaemon.port}/copy/`, path);

await using programs = new Programs(product, { folder: path, signal });
const { server } = await programs.startServer();
await using toServer = new CountingProxy({ hostname: "127.0.0.1", port: Number(new URL(server).port) });
programs.start([
  ...["agent", "template", "--name", "golden", "--root", tree, "--state", `${path}/state`],
  ...["--server", `https://127.0.0.1:${toServer.port}`],
], { quiet: true });
await programs.until(
  "template",
  () => programs.json(["template", "list", "--json"]),
  (found) => found.length > 0,
);
const capture = async () => {
  const { success, stderr } = await new Deno.Command(product, {
    args: ["capture", "golden", "--image", "debian", "--level", values.level, "--json"],
    env: { RACKSEED_SERVER: server, RACKSEED_TOKEN: (await Deno.readTextFile(`${path}/data/token`)).trim() },
    stdout: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
};

console.error(`waiting ${SETTLED_MS / 1000} s: files written just now would be read again`);
await new Promise((resolve) => setTimeout(resolve, SETTLED_MS + 1000));
await rsync();
const first = await costOf(toServer, capture);
const unchanged = await costOf(toServer, capture);
let kept = true;
const results = [];
for (const name of values.packages.split(",")) {
  await inTree(`apt-get -q install -y --no-install-recommends ${name}`);
  const ours = await costOf(toServer, capture), peer = await costOf(toDaemon, rsync);
  const ratio = { bytes: ours.bytes / peer.bytes, seconds: ours.seconds / first.seconds };
  const isKept = ratio.bytes <= BARS.bytes && ratio.seconds <= BARS.seconds;
  kept &&= isKept;
  results.push({ name, first, unchanged, ours, peer, ratio, bars: BARS, kept: isKept });
}
const mb = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
if (values.json) console.log(JSON.stringify(results));
else {
  console.log(`first capture: ${first.seconds.toFixed(2)} s, ${mb(first.bytes)}`);
  console.log(`nothing changed: ${unchanged.seconds.toFixed(2)} s, ${mb(unchanged.bytes)}`);
  for (const { name, ours, peer, ratio, kept } of results) {
    console.log(
      `${name}: ${mb(ours.bytes)} against rsync's ${mb(peer.bytes)}, ${
        ratio.bytes.toFixed(2)
      } (bar ${BARS.bytes}); ` +
        `${ours.seconds.toFixed(2)} s, ${ratio.seconds.toFixed(2)} of the first (bar ${BARS.seconds})` +
        (kept ? "" : " MISSED"),
    );
  }
}
Deno.exitCode = kept ? 0 : 1;
