/**
 * Measures what versions of a Debian, or of several, take in the store, beside restic's and casync's of the same ones.
 *
 *     deno task bench store [--suites LIST] [--packages LIST] [--level 9] [--json]
 *
 *     --suites    Debian releases, each an image of its own                 (bookworm)
 *     --packages  packages that are installed, each makes one more version of every image
 *                 (tree,vim,htop,nginx-light,git,rsync,gawk,curl,python3)
 *     --level     zstd level of the captures                                (9)
 *     --json      print the figures as JSON
 *
 * The trees are the lab's, made by debootstrap, with kernel and modules; the product's agent captures them, each
 * version with `apt-get install` of one more package. The peers get a copy without what captures leave out. restic
 * compresses as hard as it can (`--compression max`), casync by its default zstd. Counted are all
 * bytes of the peers' stores, and here packs, manifests and the database, but not the files that nodes boot from, which
 * the peers have not. The peers share equal content among all trees; an image shares none with another, because each
 * has its own key. So with several suites the content that the last versions of the first two share is printed too.
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
    suites: { type: "string", default: "bookworm" },
    packages: { type: "string", default: "tree,vim,htop,nginx-light,git,rsync,gawk,curl,python3" },
    level: { type: "string", default: "9" },
    json: { type: "boolean", default: false },
  },
});
const suites = values.suites.split(",");

const signal = interruption();
const product = await ensureProduct();
await using place = await workplace();
const { path } = place;
const inTree = (suite: string, command: string) =>
  shell(`chroot tree/${suite} sh -ec 'export DEBIAN_FRONTEND=noninteractive; ${command}'`, path);
for (const suite of suites) {
  const cache = new URL("../../.cache/lab", import.meta.url).pathname;
  const archive = await debianTree({ suite, cache, work: path, signal });
  await shell(`mkdir -p {tree,copy}/${suite}`, path);
  await shell(`tar -C tree/${suite} --numeric-owner --xattrs --acls -I zstd -xf ${archive}`, path);
  await inTree(suite, "apt-get -q update");
}

await using programs = new Programs(product, { folder: path, signal });
const { server } = await programs.startServer();
for (const suite of suites) {
  programs.start([
    ...["agent", "template", "--name", suite, "--root", `${path}/tree/${suite}`],
    ...["--state", `${path}/state/${suite}`, "--server", server],
  ], { quiet: true });
}
await programs.until(
  "templates",
  () => programs.json(["template", "list", "--json"]),
  (found) => found.length === suites.length,
);
const token = (await Deno.readTextFile(`${path}/data/token`)).trim();

/** Stores the suite's tree as one more version. */
const stores: Readonly<Record<string, (suite: string, version: number) => Promise<void>>> = {
  async ours(suite) {
    const { success, stderr } = await new Deno.Command(product, {
      args: ["capture", suite, "--image", suite, "--level", values.level, "--json"],
      env: { RACKSEED_SERVER: server, RACKSEED_TOKEN: token },
      stdout: "null",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  },
  restic: (suite) => shell(`restic -q backup --compression max copy/${suite}`, path),
  casync: (suite, version) =>
    shell(`casync make --store=casync/store.castr casync/${suite}-${version}.caidx copy/${suite}`, path),
};
Deno.env.set("RESTIC_REPOSITORY", `${path}/restic`);
Deno.env.set("RESTIC_PASSWORD", "bench");
await shell("restic -q init && mkdir casync", path);

const left = DEFAULT_EXCLUDES.map((pattern) => `'--exclude=${pattern}'`).join(" ");
const versions: Record<string, { bytes: number; seconds: number }>[] = [];
for (const name of ["", ...values.packages.split(",")]) {
  for (const suite of suites) {
    if (name !== "") await inTree(suite, `apt-get -q install -y --no-install-recommends ${name}`);
    await shell(`rsync -aHAX --numeric-ids --delete ${left} tree/${suite}/ copy/${suite}/`, path);
    const row: typeof versions[number] = {};
    for (const [store, add] of Object.entries(stores)) {
      const seconds = await secondsOf(() => add(suite, versions.length));
      row[store] = { bytes: await bytesOf(store), seconds };
    }
    versions.push(row);
    if (!values.json) console.log(`${String(versions.length).padStart(2)} ${textOf(row)}  ${suite} ${name}`);
  }
}
const last = versions.at(-1) ?? {}, bytes = (store: string) => last[store]?.bytes ?? NaN;
const ratios = { restic: bytes("ours") / bytes("restic"), casync: bytes("ours") / bytes("casync") };
const isKept = Math.max(...Object.values(ratios)) <= BAR;
const shared = suites.length > 1 ? await sharedBytes() : undefined;
if (values.json) console.log(JSON.stringify({ versions, ratios, shared, bar: BAR }));
else {
  if (shared) {
    console.log(
      `${suites[0]} and ${suites[1]} share files of ${megabytes(shared.bytes)}, ` +
        `${megabytes(shared.compressedBytes)} by zstd -${values.level}`,
    );
  }
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
  return await numberFrom(`du -sbc ${files} | tail -n 1 | cut -f 1`);
}

/** The files of the second tree's last version whose content the first tree has too, each content once. */
async function sharedBytes(): Promise<{ bytes: number; compressedBytes: number }> {
  const [first, second] = suites;
  const sums = (suite: string | undefined) =>
    `find copy/${suite} -type f -print0 | xargs -0 sha256sum -z | sed -z 's/  /\\t/' | sort -zu -k 1,1`;
  await shell(`join -z -t $'\\t' -o 2.2 <(${sums(first)}) <(${sums(second)}) > shared`, path);
  return {
    bytes: await numberFrom("xargs -0 cat < shared | wc -c"),
    compressedBytes: await numberFrom(`xargs -0 cat < shared | zstd -q -${values.level} | wc -c`),
  };
}

async function numberFrom(line: string): Promise<number> {
  const { success, stdout } = await new Deno.Command("bash", {
    args: ["-o", "pipefail", "-ec", line],
    cwd: path,
  }).output();
  if (!success) throw new Error(`failed: ${line}`);
  return Number(new TextDecoder().decode(stdout));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
