/** Views of versions for the API, and the errors if there is none. */
import type { StoredBytes, VersionView } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Lineage } from "./lineages.ts";
import type { VersionRecord } from "./versions.ts";

interface Marks {
  readonly tags: readonly string[];
  readonly note: string | undefined;
  readonly stored: StoredBytes;
}

export function viewOf(
  { header, ...record }: VersionRecord,
  { tags, note, stored }: Marks,
): VersionView {
  return {
    image: record.image,
    version: record.version,
    id: record.id,
    created: header.created,
    infoHash: record.infoHash,
    totals: header.totals,
    ...(header.source && { source: header.source, architecture: header.source.architecture }),
    ...(header.layout && { layout: header.layout }),
    excludes: header.excludes,
    notes: header.notes,
    bootable: record.bootable,
    bootNotes: [...record.bootNotes],
    ...(record.backupOf !== undefined && { backupOf: record.backupOf }),
    ...(record.publicKey !== undefined && { mirrored: true }),
    ...(header.parent !== undefined && { parent: header.parent }),
    tags: [...tags],
    ...(note !== undefined && { note }),
    stored,
  };
}

/** `exist`: what could have been named. */
export function unknownImage(ref: string, exist: readonly string[]): RackseedError {
  const known = [...new Set(exist)];
  return new RackseedError(`there is no image ${ref}`, {
    reason: known.length > 0 ? `the known ones are ${known.join(", ")}.` : "no image has been captured yet.",
    remedy: known.length > 0
      ? "name one of them."
      : "capture one: `rackseed capture TEMPLATE --image NAME`, or `rackseed image import`.",
    status: 404,
  });
}

export function otherKind({ image, backupOf }: Lineage): RackseedError {
  return new RackseedError(`cannot capture ${image}`, {
    reason: backupOf === undefined
      ? `${image} is an ordinary image, and a node of that name would mix its backups with it.`
      : `${image} holds the backups of the node ${backupOf}.`,
    remedy: backupOf === undefined
      ? "give the node another name, or delete the image."
      : `choose another name for the image; or, to back the node up: rackseed node backup ${backupOf}`,
    status: 409,
  });
}

/** What the upstream decides is not changed here. */
export function ofUpstream(title: string, image: string): RackseedError {
  return new RackseedError(title, {
    reason: `${image} is mirrored from the upstream, which alone changes it.`,
    remedy: "do it at the upstream, or use an image of another name here.",
    status: 409,
  });
}
