/**
 * Measures what ten versions of a Debian take in the store, beside restic's and casync's of the same ten.
 *
 *     deno task bench store [--packages LIST] [--level 9] [--json]
 *
 *     --packages  packages that are installed, each makes one more version
 *                 (tree,vim,htop,nginx-light,git,rsync,gawk,curl,python3)
 *     --level     zstd level of the captures                                (9)
 *     --json      print the figures as JSON
 *
 * The tree is the lab's, made by debootstrap, with kernel and modules; it is captured by the product's agent, each
 * version with `apt-get install` of one more package. The peers get a copy without what captures leave out. restic
 * compresses as hard as it can (`--compression max`), casync by its default zstd. Counted are all bytes of the peers'
 * stores, and here packs, manifests and the database, but not the files that nodes boot from, which the peers have not.
 * Needs root, a Debian mirror, rsync, restic and casync (`apt-get install restic casync`). Bar: bytes of all versions
 * ≤ 1 × the smaller peer's.
 */
import { parseArgs } from "node:util";
import { DEFAULT_EXCLUDES } from "../../agent/tree/excludes.ts";
import { ensureProduct } from "../build.ts";
import { Programs } from "../demo/programs.ts";
import { debianTree } from "../lab/debian.ts";
import { secondsOf, shell, workplace } from "./bench_tree.ts";
import { interruption } from "./interruption.ts";

const BAR = 1;
const { values } = parseArgs({
  options: {
    packages: { type: "string", default: "tree,vim,htop,nginx-light,git,rsync,gawk,curl,python3" },
    level: { type: "string", default: "9" },
    json: { type: "boolean", default: false },
  },
});

const signal = interruption();
const product = await ensureProduct();
await using place = await workplace();
const { path } = place;
const tree = `${path}/tree`;
const archive = await debianTree({
  cache: new URL("../../.cache/lab", import.meta.url).pathname,
  work: path,
  signal,
});
await shell(`mkdir tree copy && tar -C tree --numeric-owner --xattrs --acls -I zstd -xf ${archive}`, path);
const inTree = (command: string) =>
  shell(`chroot tree sh -ec 'export DEBIAN_FRONTEND=noninteractive; ${command}'`, path);
await inTree("apt-get -q update");

await using programs = new Programs(product, { folder: path, signal });
const { server } = await programs.startServer();
programs.start([
  ...["agent", "template", "--name", "golden", "--root", tree, "--state", `${path}/state`],
  ...["--server", server],
], { quiet: true });
await programs.until(
  "template",
  () => programs.json(["template", "list", "--json"]),
  (found) => found.length > 0,
);
const token = (await Deno.readTextFile(`${path}/data/token`)).trim();

/** Stores the tree as one more version. */
const stores: Readonly<Record<string, (version: number) => Promise<void>>> = {
  async ours() {
    const { success, stderr } = await new Deno.Command(product, {
      args: ["capture", "golden", "--image", "debian", "--level", values.level, "--json"],
      env: { RACKSEED_SERVER: server, RACKSEED_TOKEN: token },
      stdout: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  },
  restic: () => shell("restic -q backup --compression max copy", path),
  casync: (version) => shell(`casync make --store=casync/store.castr casync/${version}.caidx copy`, path),
};
Deno.env.set("RESTIC_REPOSITORY", `${path}/restic`);
Deno.env.set("RESTIC_PASSWORD", "bench");
await shell("restic -q init && mkdir casync", path);

const left = DEFAULT_EXCLUDES.map((pattern) => `'--exclude=${pattern}'`).join(" ");
const versions: Record<string, { bytes: number; seconds: number }>[] = [];
for (const name of ["", ...values.packages.split(",")]) {
  if (name !== "") await inTree(`apt-get -q install -y --no-install-recommends ${name}`);
  await shell(`rsync -aHAX --numeric-ids --delete ${left} tree/ copy/`, path);
  const row: typeof versions[number] = {};
  for (const [store, add] of Object.entries(stores)) {
    const seconds = await secondsOf(() => add(versions.length));
    row[store] = { bytes: await bytesOf(store), seconds };
  }
  versions.push(row);
  if (!values.json) console.log(`${String(versions.length).padStart(2)} ${textOf(row)}  ${name}`);
}
const last = versions.at(-1) ?? {}, bytes = (store: string) => last[store]?.bytes ?? NaN;
const ratios = { restic: bytes("ours") / bytes("restic"), casync: bytes("ours") / bytes("casync") };
const isKept = Math.max(...Object.values(ratios)) <= BAR;
if (values.json) console.log(JSON.stringify({ versions, ratios, bar: BAR }));
else {
  for (const [peer, ratio] of Object.entries(ratios)) {
    console.log(
      `${versions.length} versions: ours ÷ ${peer}'s ${ratio.toFixed(2)} (bar ${BAR}${
        ratio <= BAR ? "" : ", MISSED"
      })`,
    );
  }
}
Deno.exitCode = isKept ? 0 : 1;

function textOf(row: typeof versions[number]): string {
  return Object.entries(row).map(([store, { bytes, seconds }]) =>
    `${store} ${(bytes / 1e6).toFixed(1).padStart(6)} MB ${seconds.toFixed(1).padStart(5)} s`
  ).join("  ");
}

async function bytesOf(store: string): Promise<number> {
  const files = store === "ours" ? "data/packs data/rackseed.db* $(find data -name manifest.rsm)" : store;
  const { stdout } = await new Deno.Command("bash", {
    args: ["-ec", `du -sbc ${files} | tail -n 1`],
    cwd: path,
  }).output();
  return Number(new TextDecoder().decode(stdout).split("\t")[0]);
}
