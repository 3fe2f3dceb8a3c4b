import { getLogger } from "@logtape/logtape";
import type { DatabaseSync } from "node:sqlite";
import type { DataDirectory } from "./data_directory.ts";
import { transaction } from "./database.ts";
import { removeSync, sizeOf } from "./durable.ts";
import type { Pack, Packs } from "./packs.ts";
import type { Versions } from "./versions.ts";

const log = getLogger(["rackseed", "store"]);

/** How long frames of a capture that was not published are kept, so that the next one need not send them. */
export const PARTS_LAST_MS = 7 * 86_400_000;

/**
 * Brings files and database together after a crash, before anything else runs. The database is the truth: files
 * that it does not know are removed, parts are cut to what it knows of them, and parts that are shorter are
 * forgotten. Published packs and versions are left alone, whole or not: `verify` names what they lack.
 */
export function recover({ db, directory, packs, versions }: {
  db: DatabaseSync;
  directory: DataDirectory;
  packs: Packs;
  versions: Versions;
}): void {
  const old = new Set(packs.partsBefore(Date.now() - PARTS_LAST_MS).map((p) => p.id));
  const lost = packs.all().filter((pack) =>
    pack.sha256 === null && (old.has(pack.id) || !fits(pack, directory))
  );
  transaction(db, () => {
    for (const { id } of lost) packs.delete(id);
  });
  if (lost.length > 0) log.info("parts-dropped", { count: lost.length });

  keepOnly(directory.packs, new Set(packs.all().map((pack) => directory.pack(pack))));
  keepOnly(directory.versions, new Set(versions.list().map((v) => directory.version(v.image, v.version))));
  keepOnly(directory.staging, new Set());
}

/** Cuts a part to its registered size; false where it is shorter, empty or gone. */
function fits(part: Pack, directory: DataDirectory): boolean {
  const path = directory.pack(part);
  const size = sizeOf(path);
  if (size === undefined || size < part.sizeBytes || part.sizeBytes === 0) return false;
  if (size > part.sizeBytes) Deno.truncateSync(path, part.sizeBytes);
  return true;
}

function keepOnly(folder: string, known: ReadonlySet<string>): void {
  for (const { name } of [...Deno.readDirSync(folder)]) {
    const path = `${folder}/${name}`;
    if (known.has(path)) continue;
    log.info("leftover-removed", { path });
    removeSync(path);
  }
}
