/**
 * Checks on a data directory before the server opens it. The server creates what is missing, so a directory that lost
 * its database, its keys or its certificate authority would look new, and everything else in it would be forgotten or
 * locked out. Therefore nothing is created next to old facts, and a refusal changes nothing.
 */
import { messageOf, RackseedError } from "#contract/errors.ts";
import { isPackName } from "#contract/format/sha256.ts";

/** First bytes of every SQLite database ("The Database Header", sqlite.org/fileformat2.html §1.3). */
const SQLITE_MAGIC = "SQLite format 3\0";

/** "web@3", a folder of versions/. */
export function isVersionName(name: string): boolean {
  return /^[^@/]+@\d+$/.test(name);
}

interface StoreFacts {
  /** First bytes of the database; undefined if there is no file. */
  readonly databaseHead: string | undefined;
  /** As text, what only a server with a database can have written. */
  readonly written: readonly string[];
}

/** Reads the directory without changing it; a missing directory has no facts. */
export function storeFacts(path: string): StoreFacts {
  const count = (folder: string, isOurs: (name: string) => boolean, what: string): string[] => {
    const found = namesIn(`${path}/${folder}`).filter(isOurs);
    return found.length === 0
      ? []
      : [`${folder}/ holds ${found.length} ${what}${found.length > 1 ? "s" : ""}`];
  };
  return {
    databaseHead: headOf(`${path}/rackseed.db`),
    written: [
      ...count("versions", isVersionName, "version"),
      ...count("packs", (name) => isPackName(name) || /^\d+\.part$/.test(name), "pack"),
      ...count("keys", (name) => name === "signing.pem", "signing key"),
      ...count("identities", (name) => name.endsWith(".json"), "node identity record"),
    ],
  };
}

/** Why the server must not start here; undefined if it may. Pure. */
export function databaseRefusal(
  path: string,
  { databaseHead, written }: StoreFacts,
): RackseedError | undefined {
  const database = `${path}/rackseed.db`;
  if (databaseHead !== undefined && databaseHead !== "" && databaseHead !== SQLITE_MAGIC) {
    return new RackseedError(`cannot open the database ${database}`, {
      reason: "it is not an SQLite database, or its first page is damaged. Nothing was changed.",
      remedy: restoreRemedy(path),
    });
  }
  if (databaseHead === SQLITE_MAGIC || written.length === 0) return undefined;
  return new RackseedError(`cannot start on the data directory ${path}`, {
    reason: `its database rackseed.db is ${databaseHead === undefined ? "missing" : "empty"}, but ${
      written.join(", ")
    }. Nothing was changed.`,
    remedy: restoreRemedy(path),
  });
}

/** Refuses if the database knows none of the versions in the directory. Pure. */
export function strangerRefusal(
  path: string,
  { known, strays }: { known: number; strays: readonly string[] },
): RackseedError | undefined {
  if (known > 0 || strays.length === 0) return undefined;
  const [first] = strays;
  return new RackseedError(`cannot start on the data directory ${path}`, {
    reason: `its database knows no version, but ${
      strays.length === 1 ? `${first} exists` : `${first} and ${strays.length - 1} more exist`
    }. None of them was touched.`,
    remedy: restoreRemedy(path),
  });
}

export function restoreRemedy(path: string): string {
  return `restore the database from a backup (rackseed server restore FILE --data ${path} --force), or from a ` +
    `file system snapshot; if there is none, move ${path} aside and start with an empty directory.`;
}

function headOf(path: string): string | undefined {
  try {
    using file = Deno.openSync(path);
    const head = new Uint8Array(SQLITE_MAGIC.length);
    const got = file.readSync(head) ?? 0;
    return String.fromCharCode(...head.subarray(0, got));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unreadable(path, error);
  }
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw unreadable(folder, error);
  }
}

function unreadable(path: string, error: unknown): RackseedError {
  return new RackseedError(`cannot read ${path}`, {
    reason: `${messageOf(error)}.`,
    remedy: "check its owner and mode, and the disk of the data directory.",
    cause: error,
  });
}
