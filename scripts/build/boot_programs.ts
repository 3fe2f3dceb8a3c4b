import { ARCHITECTURE_NAMES, ARCHITECTURES } from "#contract/architectures.ts";
import { messageOf } from "#contract/errors.ts";
import { includedPrograms, ipxePackage } from "../../boot/programs/programs.ts";
import { run } from "./command.ts";
import { sha256, sha256OfFile } from "./sha256.ts";

const sumsFile = "SHA256SUMS";
/** Part of apt. */
const APT_HELPER = "/usr/lib/apt/apt-helper";

/** What a product of any architecture contains. */
function allPrograms(): ReturnType<typeof includedPrograms> {
  const byName = new Map(
    ARCHITECTURE_NAMES.flatMap(includedPrograms).map((program) => [program.name, program]),
  );
  return [...byName.values()];
}

/**
 * Extracts the boot programs of Debian packages into `folder`, without root and without installing the packages. apt
 * verifies the index's signature and the package's hash; the package's SHA-256 is checked again here, and SHA256SUMS
 * records that of each program. The package versions are those that the machine's sources offer, so that Secure Boot
 * revocations are followed; iPXE's is fixed.
 *
 * @returns name → SHA-256
 */
export async function fetchBootPrograms(
  folder: string,
  { scratch }: { scratch: string },
): Promise<Map<string, string>> {
  const present = await readSums(folder);
  if (present !== undefined) return present;
  // Leftovers of an interrupted build would keep apt from listing the packages.
  await Deno.remove(scratch, { recursive: true }).catch(() => {});
  await Deno.mkdir(scratch, { recursive: true });
  const packages = [...new Set(allPrograms().map((program) => program.debianPackage))]
    .filter((name) => name !== ipxePackage.name);
  const archives = await download(packages, scratch);
  const tree = `${scratch}/tree`;
  for (const archive of archives) await run(["dpkg-deb", "-x", archive, tree]);

  const sums = new Map<string, string>();
  const staged = `${scratch}/programs`;
  await Deno.mkdir(staged, { recursive: true });
  for (const { name, packagePath } of allPrograms()) {
    const bytes = await Deno.readFile(await inTree(tree, packagePath));
    await Deno.writeFile(`${staged}/${name}`, bytes);
    sums.set(name, sha256(bytes));
  }
  const lines = [`# ${origin()}\n`, ...[...sums].map(([name, sum]) => `${sum}  ${name}\n`)];
  await Deno.writeTextFile(`${staged}/${sumsFile}`, lines.join(""));
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.rename(staged, folder);
  await Deno.remove(scratch, { recursive: true });
  return sums;
}

/** Resolves a file of the packages: their absolute links refer to the tree they were unpacked to, not this machine. */
async function inTree(tree: string, path: string): Promise<string> {
  const target = await Deno.readLink(`${tree}/${path}`).catch(() => undefined);
  return target?.startsWith("/") ? `${tree}${target}` : `${tree}/${path}`;
}

/** Changes with what is to be fetched, and where from. */
function origin(): string {
  return sha256(new TextEncoder().encode(JSON.stringify([allPrograms(), ipxePackage])));
}

/** The checksums of a complete and intact folder. */
async function readSums(folder: string): Promise<Map<string, string> | undefined> {
  const text = await Deno.readTextFile(`${folder}/${sumsFile}`).catch(() => "");
  if (!text.startsWith(`# ${origin()}\n`)) return undefined;
  const sums = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [sum, name] = line.split("  ");
    if (sum !== undefined && name !== undefined) sums.set(name, sum);
  }
  for (const { name } of allPrograms()) {
    const sum = sums.get(name);
    if (sum === undefined || await sha256OfFile(`${folder}/${name}`) !== sum) return undefined;
  }
  return sums;
}

/**
 * Downloads packages with apt into `scratch`. The machine's own package lists are not used: few machines have those of
 * another architecture.
 */
async function download(packages: readonly string[], scratch: string): Promise<string[]> {
  const state = `${scratch}/apt`;
  await Deno.mkdir(`${state}/lists/partial`, { recursive: true });
  const options = [
    ...Object.values(ARCHITECTURES).map(({ debian }) => `APT::Architectures::=${debian}`),
    ...[`Dir::State::Lists=${state}/lists`, `Dir::Cache=${state}`],
  ].flatMap((option) => ["-o", option]);
  await run(["apt-get", ...options, "update"]);
  return await downloadWith(options, { packages, scratch });
}

async function downloadWith(
  aptOptions: readonly string[],
  { packages, scratch }: { packages: readonly string[]; scratch: string },
): Promise<string[]> {
  const apt = ["apt-get", ...aptOptions, "download"] as const;
  const offers = parseUris(await run([...apt, "--print-uris", ...packages], { cwd: scratch }));
  await run([...apt, ...packages], { cwd: scratch });
  const archives: string[] = [];
  for (const { fileName, expected } of offers) {
    const path = `${scratch}/${fileName}`;
    const actual = await sha256OfFile(path);
    if (actual !== expected) throw new Error(`${fileName} has SHA-256 ${actual}, apt names ${expected}`);
    archives.push(path);
  }
  if (archives.length !== packages.length) {
    throw new Error(`apt offers ${archives.length} of the packages ${packages.join(", ")}`);
  }
  const mirrors = new Set(offers.map(({ uri }) => uri.slice(0, uri.indexOf("pool/"))));
  return [...archives, await downloadIpxe(`${scratch}/ipxe.deb`, { aptOptions, mirrors })];
}

/** From the first of the mirrors that has it: a mirror of security updates has not. */
async function downloadIpxe(
  archive: string,
  { aptOptions, mirrors }: { aptOptions: readonly string[]; mirrors: ReadonlySet<string> },
): Promise<string> {
  const reasons: string[] = [];
  for (const mirror of mirrors) {
    const from = `${mirror}${ipxePackage.path}`;
    try {
      await run([APT_HELPER, ...aptOptions, "download-file", from, archive, `SHA256:${ipxePackage.sha256}`]);
      return archive;
    } catch (error) {
      reasons.push(messageOf(error));
    }
  }
  throw new Error(
    `no mirror of apt's sources has ${ipxePackage.path}: ${reasons.join("; ")}. ` +
      "Remedy: add a mirror of Debian that has Debian 13 to apt's sources.",
  );
}

/** Lines of `apt-get download --print-uris`: `'URI' FILE SIZE SHA256:HEX`. */
function parseUris(text: string): { uri: string; fileName: string; expected: string }[] {
  const pattern = /^'([^']*)' ([A-Za-z0-9_.+~%-]+) \d+ SHA256:([0-9a-f]{64})$/gm;
  return [...text.matchAll(pattern)].map(([, uri = "", fileName = "", expected = ""]) => {
    return { uri, fileName, expected };
  });
}
