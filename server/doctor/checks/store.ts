/**
 * Whether every version has its files, in full length. It reads no database, so that it works beside the server; the
 * content is what `rackseed image verify` checks.
 */
import { messageOf } from "#contract/errors.ts";
import { parseMetainfo } from "#torrent/metainfo/metainfo.ts";
import { PACK_STORE_FILE } from "../../store/data_directory.ts";
import { isVersionName } from "../../store/start_check.ts";
import type { DoctorOptions, Finding } from "../finding.ts";

const check = "store";

export function checkStore({ data }: DoctorOptions): Finding[] {
  const bucket = bucketOf(data);
  const names = namesIn(`${data}/versions`).filter(isVersionName);
  const findings = names.flatMap((name) => {
    const wrong = problemsOf(data, { name, mayLackPacks: bucket !== undefined });
    if (wrong.length === 0) return [];
    const [first] = wrong;
    const more = wrong.length > 1 ? `, and ${wrong.length - 1} more files` : "";
    return [{
      check,
      level: "problem" as const,
      text: `${name} is damaged: ${first}${more}`,
      remedy:
        `copy the file back from a backup of ${data}, or delete the version: rackseed image delete ${name}`,
    }];
  });
  if (findings.length > 0) return findings;
  const where = bucket === undefined ? "" : `; their packs are in ${bucket}, the local disk is a cache`;
  return [{ check, level: "ok", text: `${names.length} versions have all their files${where}` }];
}

/** The pack store that the server wrote down; undefined if all packs are on the local disk. */
function bucketOf(data: string): string | undefined {
  try {
    return Deno.readTextFileSync(`${data}/${PACK_STORE_FILE}`).trim().slice(0, 200);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function problemsOf(
  data: string,
  { name, mayLackPacks }: { name: string; mayLackPacks: boolean },
): string[] {
  const folder = `${data}/versions/${name}`;
  let files: readonly { readonly name: string; readonly length: number }[];
  try {
    files = parseMetainfo(Deno.readFileSync(`${folder}/torrent`)).info.files;
  } catch (error) {
    return [`torrent: ${messageOf(error)}`];
  }
  const payload = files.flatMap(({ name, length }) => {
    const path = name === "manifest.rsm" ? `${folder}/${name}` : `${data}/packs/${name}`;
    const size = sizeOf(path);
    if (size === length || (size === undefined && mayLackPacks)) return [];
    return [size === undefined ? `${path} is missing` : `${path} has ${size} bytes instead of ${length}`];
  });
  return [...payload, ...bootProblems(folder)];
}

/** A bootable version has both, and neither is empty. */
function bootProblems(folder: string): string[] {
  const sizes = ["vmlinuz", "initrd-image"].map((name) => ({ name, size: sizeOf(`${folder}/${name}`) }));
  if (sizes.every(({ size }) => size === undefined)) return [];
  return sizes.filter(({ size }) => !size).map(({ name, size }) =>
    `${folder}/${name} is ${size === undefined ? "missing" : "empty"}`
  );
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
