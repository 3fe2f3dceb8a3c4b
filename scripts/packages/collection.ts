/**
 * The Ansible collection as `ansible-galaxy collection build` writes it (ansible-core 2.19, galaxy/collection/): a tar
 * with MANIFEST.json, which says what it is and has the hash of FILES.json, which has that of every other file.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { parse } from "yaml";
import { z } from "zod";
import { walk } from "../build/bundle.ts";
import { file, type PackageFile } from "./package_files.ts";
import { tarOf } from "./tar_file.ts";

const FORMAT = 1;
/** What galaxy.yml of this project has; see collections_galaxy_meta.yml of ansible-core. */
const Galaxy = z.strictObject({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  readme: z.string(),
  authors: z.array(z.string()),
  description: z.string(),
  license: z.array(z.string()),
  tags: z.array(z.string()),
  dependencies: z.record(z.string(), z.string()),
  build_ignore: z.array(z.string()),
});

/** Writes OUTPUT. `source`: the folder with galaxy.yml, whose version must be `version`. */
export async function writeCollection(
  source: string,
  { version, epoch, output }: { version: string; epoch: number; output: string },
): Promise<void> {
  const { build_ignore, ...about } = Galaxy.parse(parse(await Deno.readTextFile(`${source}/galaxy.yml`)));
  if (about.version !== version) {
    throw new Error(`${source}/galaxy.yml has the version ${about.version}: set it to ${version}`);
  }
  const files = await collectionFiles(source, { ignored: ["galaxy.yml", ...build_ignore] });
  const list = textOf({ files: [DOT, ...entriesOf(files)], format: FORMAT });
  const manifest = textOf({
    collection_info: {
      ...about,
      license_file: null,
      repository: null,
      documentation: null,
      homepage: null,
      issues: null,
    },
    file_manifest_file: {
      name: "FILES.json",
      ftype: "file",
      chksum_type: "sha256",
      chksum_sha256: hashOf(new TextEncoder().encode(list)),
      format: FORMAT,
    },
    format: FORMAT,
  });
  const all = [...files, file("/FILES.json", list), file("/MANIFEST.json", manifest)];
  await Deno.writeFile(output, new Uint8Array(gzipSync(tarOf(all, { epoch }), { level: 9 })));
}

/** `ignored`: names of files and folders at the top; what Python writes when it runs is left out anyway. */
async function collectionFiles(
  source: string,
  { ignored }: { ignored: readonly string[] },
): Promise<PackageFile[]> {
  const files: PackageFile[] = [];
  for await (const from of walk(source)) {
    const path = from.slice(source.length);
    const [, top = ""] = path.split("/");
    if (ignored.includes(top) || path.includes("/__pycache__/")) continue;
    files.push({ path, mode: 0o644, content: { from } });
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

const NO_HASH = { chksum_type: null, chksum_sha256: null, format: FORMAT };
const DOT = { name: ".", ftype: "dir", ...NO_HASH };

function entriesOf(files: readonly PackageFile[]): object[] {
  const folders = new Set(files.flatMap(({ path }) => foldersOf(path)));
  return [
    ...[...folders].sort().map((name) => ({ name, ftype: "dir", ...NO_HASH })),
    ...files.map(({ path, content }) => ({
      name: path.slice(1),
      ftype: "file",
      chksum_type: "sha256",
      chksum_sha256: hashOf(content instanceof Uint8Array ? content : Deno.readFileSync(content.from)),
      format: FORMAT,
    })),
  ];
}

/** "/a/b/c" → "a", "a/b" */
function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
}

function textOf(value: unknown): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
