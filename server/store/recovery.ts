import { getLogger } from "@logtape/logtape";
import type { Database } from "./engine.ts";
import { messageOf } from "#contract/errors.ts";
import { isPackName } from "#contract/format/sha256.ts";
import type { DataDirectory } from "./data_directory.ts";
import { transaction } from "./database.ts";
import { removeSync, sizeOf } from "./durable.ts";
import type { Leftover, Leftovers } from "./leftovers.ts";
import type { Pack, Packs } from "./packs.ts";
import { isVersionName, strangerRefusal } from "./start_check.ts";
import { isDiskFull, storeError } from "./store_error.ts";
import type { Versions } from "./versions.ts";

const log = getLogger(["rackseed", "store"]);

/** How long the frames of an unpublished capture are kept, so that the next one need not send them. */
export const PARTS_LAST_MS = 7 * 86_400_000;
const PART = /^\d+\.part$/;

/**
 * Makes files and database agree after a crash, before anything else runs. It removes only known leftovers: what the
 * store recorded beforehand (see Leftovers), `staging/`, and parts that the database does not know. It cuts parts to the
 * size in the database, and forgets parts that are shorter. It leaves published packs and versions alone, intact or not:
 * `verify` reports their damage.
 *
 * Returns packs and version folders that the database does not know, as paths relative to the data directory. They stay,
 * because the database may be the one that is wrong. Throws RackseedError if it knows none of the existing versions.
 */
export function recover({ db, directory, packs, versions, leftovers }: {
  db: Database;
  directory: DataDirectory;
  packs: Packs;
  versions: Versions;
  leftovers: Leftovers;
}): string[] {
  const knownTo = () =>
    new Set([
      ...packs.all().map((pack) => directory.pack(pack)),
      ...versions.list().map((v) => directory.version(v.image, v.version)),
    ]);
  removeLeftovers(leftovers, { directory, known: knownTo() });
  removeEmpty(directory.versions, knownTo());
  const unknown = [
    ...strays("packs", isPackName, { directory, known: knownTo() }),
    ...strays("versions", isVersionName, { directory, known: knownTo() }),
  ];
  const refusal = strangerRefusal(directory.path, { known: versions.list().length, strays: unknown });
  if (refusal) throw refusal;

  dropLostParts({ db, directory, packs });
  clear(directory.staging, () => true);
  const known = knownTo();
  clear(directory.packs, (name) => PART.test(name) && !known.has(`${directory.packs}/${name}`));
  return unknown;
}

function dropLostParts({ db, directory, packs }: {
  db: Database;
  directory: DataDirectory;
  packs: Packs;
}): void {
  const old = new Set(packs.partsBefore(Date.now() - PARTS_LAST_MS).map((p) => p.id));
  const lost = packs.all().filter((pack) =>
    pack.sha256 === null && (old.has(pack.id) || !fits(pack, directory))
  );
  if (lost.length === 0) return;
  try {
    transaction(db, () => {
      for (const { id } of lost) packs.delete(id);
    });
    log.info("parts-dropped", { count: lost.length });
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    log.warn("parts-kept", { error: messageOf(error) });
  }
}

/** Cuts a part to its registered size; false if it is shorter, empty or missing. */
function fits(part: Pack, directory: DataDirectory): boolean {
  const path = directory.pack(part);
  const size = sizeOf(path);
  if (size === undefined || size < part.sizeBytes || part.sizeBytes === 0) return false;
  if (size > part.sizeBytes) Deno.truncateSync(path, part.sizeBytes);
  return true;
}

function removeLeftovers(
  leftovers: Leftovers,
  { directory, known }: { directory: DataDirectory; known: ReadonlySet<string> },
): void {
  const all = leftovers.list();
  if (all.length === 0) return;
  const isHeld = ({ parts }: Leftover) =>
    parts.map((part) => `${directory.path}/${part}`).every((part) =>
      known.has(part) && sizeOf(part) !== undefined
    );
  for (const leftover of all) {
    const path = `${directory.path}/${leftover.path}`;
    if (!known.has(path) && isHeld(leftover)) remove(path);
  }
  leftovers.forgetIfRoom(all.map(({ path }) => path));
}

function clear(folder: string, isLeftover: (name: string) => boolean): void {
  for (const { name } of [...Deno.readDirSync(folder)]) if (isLeftover(name)) remove(`${folder}/${name}`);
}

function removeEmpty(folder: string, known: ReadonlySet<string>): void {
  for (const { name, isDirectory } of [...Deno.readDirSync(folder)]) {
    const path = `${folder}/${name}`;
    if (
      isDirectory && isVersionName(name) && !known.has(path) &&
      Deno.readDirSync(path)[Symbol.iterator]().next().done
    ) {
      remove(path);
    }
  }
}

function remove(path: string): void {
  log.info("leftover-removed", { path });
  try {
    removeSync(path);
  } catch (error) {
    throw storeError(`cannot remove ${path}, which a crash left behind`, error);
  }
}

function strays(
  folder: "packs" | "versions",
  isOurs: (name: string) => boolean,
  { directory, known }: { directory: DataDirectory; known: ReadonlySet<string> },
): string[] {
  return [...Deno.readDirSync(directory[folder])]
    .filter(({ name }) => isOurs(name) && !known.has(`${directory[folder]}/${name}`))
    .map(({ name }) => `${folder}/${name}`)
    .sort();
}
