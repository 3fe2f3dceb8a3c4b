/** What is assigned to a site, as versions: references are followed, and what a relay must not have is left out. */
import type { Assignment, OfferedImage } from "#contract/api/sites.ts";
import { RackseedError } from "#contract/errors.ts";
import { Header } from "#contract/format/manifest.ts";
import type { Images } from "../fleet/ports.ts";

type Sources = Pick<Images, "get" | "secrets" | "settings">;

interface Offer {
  readonly assigned: Assignment[];
  readonly images: OfferedImage[];
}

/** `refs`: NAME, NAME@VERSION or NAME@TAG. */
export function offerOf(refs: readonly string[], images: Sources): Offer {
  const assigned = refs.map((ref) => assignmentOf(ref, images));
  const versions = [...new Set(assigned.flatMap(({ version }) => version ?? []))];
  const byImage = Map.groupBy(versions, (ref) => ref.split("@")[0] ?? "");
  return { assigned, images: [...byImage].map(([image, refs]) => offered(image, { refs, images })) };
}

export function assignmentOf(ref: string, images: Sources): Assignment {
  try {
    return { ref, version: versionFor(ref, images) };
  } catch (error) {
    if (!(error instanceof RackseedError)) throw error;
    return { ref, problem: error.reason };
  }
}

/** "web@3" for "web@stable". Throws RackseedError: 404 if there is none, 409 if no site may have it. */
export function versionFor(ref: string, images: Sources): string {
  const { image, version, backupOf } = images.get(ref);
  const title = `cannot assign ${ref} to a site`;
  if (backupOf !== undefined) {
    throw new RackseedError(title, {
      reason: `${image} holds the backups of the node ${backupOf}.`,
      remedy: "assign the image that its nodes are installed from.",
      status: 409,
    });
  }
  const { header } = images.secrets(`${image}@${version}`).manifest;
  // its manifest would hand the other image's key out
  if (Header.parse(JSON.parse(header)).packs.some(({ key }) => key !== undefined)) {
    throw new RackseedError(title, {
      reason: "it uses packs of another image.",
      remedy: "capture it as a new image, and assign that.",
      status: 409,
    });
  }
  return `${image}@${version}`;
}

function offered(
  image: string,
  { refs, images }: { refs: readonly string[]; images: Sources },
): OfferedImage {
  const found = refs.map((ref) => ({ ...images.get(ref), secrets: images.secrets(ref) }));
  const { key = "", manifest } = found[0]?.secrets ?? {};
  // a rehearsal here proves nothing there
  const { rehearsal: _, ...settings } = images.settings(image);
  return {
    image,
    key,
    publicKey: manifest?.publicKey ?? "",
    settings,
    tags: found.flatMap(({ tags, version }) => tags.map((tag) => ({ tag, version }))),
    versions: found.map(({ version, secrets: { manifest: { id, signature, header } } }) => ({
      version,
      id,
      signature,
      totalBytes: Header.parse(JSON.parse(header)).packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    })),
  };
}
