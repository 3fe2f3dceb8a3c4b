/** Tags: names in a lineage, each for one of its versions; and a note for each version. Both go with their version. */
import type { Database, Statement } from "./engine.ts";
import { MAX_TAGS } from "#contract/api/image_tags.ts";
import { RackseedError } from "#contract/errors.ts";
import { transaction } from "./database.ts";
import type { Lineage } from "./lineages.ts";

interface Marks {
  readonly tags: readonly string[];
  readonly note: string | undefined;
}

export class ImageTags {
  readonly #db: Database;
  readonly #find: Statement;
  readonly #listOf: Statement;
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #putNote: Statement;
  readonly #deleteNote: Statement;
  readonly #notes: Statement;

  /** After the tables of lineages and versions. */
  constructor(db: Database) {
    this.#db = db;
    db.exec(`
      CREATE TABLE IF NOT EXISTS image_tag (
        lineage INTEGER NOT NULL, tag TEXT NOT NULL, version INTEGER NOT NULL,
        PRIMARY KEY (lineage, tag),
        FOREIGN KEY (lineage, version) REFERENCES version ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS image_tag_version ON image_tag (lineage, version);
      CREATE TABLE IF NOT EXISTS version_note (
        lineage INTEGER NOT NULL, version INTEGER NOT NULL, note TEXT NOT NULL,
        PRIMARY KEY (lineage, version),
        FOREIGN KEY (lineage, version) REFERENCES version ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;`);
    this.#find = db.prepare("SELECT version FROM image_tag WHERE lineage = ? AND tag = ?");
    this.#listOf = db.prepare("SELECT tag, version FROM image_tag WHERE lineage = ? ORDER BY tag");
    this.#put = db.prepare(`INSERT INTO image_tag VALUES (?, ?, ?)
      ON CONFLICT (lineage, tag) DO UPDATE SET version = excluded.version`);
    this.#delete = db.prepare("DELETE FROM image_tag WHERE lineage = ? AND tag = ?");
    this.#notes = db.prepare("SELECT version, note FROM version_note WHERE lineage = ?");
    this.#putNote = db.prepare(`INSERT INTO version_note VALUES (?, ?, ?)
      ON CONFLICT (lineage, version) DO UPDATE SET note = excluded.note`);
    this.#deleteNote = db.prepare("DELETE FROM version_note WHERE lineage = ? AND version = ?");
  }

  /** The version that the tag names. Throws RackseedError (404). */
  get(lineage: Lineage, tag: string): number {
    const version = this.#version(lineage, tag);
    if (version === undefined) throw unknownTag({ ...lineage, tag }, this.listOf(lineage));
    return version;
  }

  #version({ id }: Lineage, tag: string): number | undefined {
    return (this.#find.get(id, tag) as { version: number } | undefined)?.version;
  }

  /** By tag. */
  listOf({ id }: Lineage): { readonly tag: string; readonly version: number }[] {
    return this.#listOf.all(id) as unknown as { tag: string; version: number }[];
  }

  /** Tags and notes of all versions of the lineage, by version. */
  marksOf(lineage: Lineage): (version: number) => Marks {
    const tags = Map.groupBy(this.listOf(lineage), ({ version }) => version);
    const notes = new Map(
      (this.#notes.all(lineage.id) as unknown as { version: number; note: string }[])
        .map(({ version, note }) => [version, note]),
    );
    return (version) => ({
      tags: (tags.get(version) ?? []).map(({ tag }) => tag),
      note: notes.get(version),
    });
  }

  /**
   * Sets the tag, or moves it: from one moment to the next, with nothing in between. Returns the version that it named
   * before. Throws RackseedError (409) if the image has too many tags.
   */
  put(lineage: Lineage, { tag, version }: { tag: string; version: number }): number | undefined {
    return transaction(this.#db, () => {
      const before = this.#version(lineage, tag), tags = this.listOf(lineage);
      if (before === undefined && tags.length >= MAX_TAGS) throw tooMany(lineage, tag);
      this.#put.run(lineage.id, tag, version);
      return before;
    });
  }

  /** Throws RackseedError (404). */
  delete(lineage: Lineage, tag: string): void {
    this.get(lineage, tag);
    this.#delete.run(lineage.id, tag);
  }

  /** "" removes it. */
  setNote({ id }: Lineage, { version, note }: { version: number; note: string }): void {
    if (note === "") this.#deleteNote.run(id, version);
    else this.#putNote.run(id, version, note);
  }
}

function tooMany({ image }: Lineage, tag: string): RackseedError {
  return new RackseedError(`cannot set the tag ${tag} of ${image}`, {
    reason: `the image has ${MAX_TAGS} tags, and no more are allowed.`,
    remedy: `remove one that is no longer needed: rackseed image tag ${image} TAG --remove`,
    status: 409,
  });
}

/** `known`: the tags that the image has. */
function unknownTag(
  { image, tag }: { image: string; tag: string },
  known: readonly { tag: string; version: number }[],
): RackseedError {
  return new RackseedError(`there is no tag ${tag} of ${image}`, {
    reason: known.length === 0
      ? "the image has no tags."
      : `it has ${known.map(({ tag, version }) => `${tag} (${image}@${version})`).join(", ")}.`,
    remedy: `set it: rackseed image tag ${image}@VERSION ${tag}`,
    status: 404,
  });
}
