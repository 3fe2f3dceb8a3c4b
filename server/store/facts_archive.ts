/**
 * The backup of what only this data directory knows ("facts"), as one pax tar (0600: it holds every secret of the site):
 *
 *     backup.json               FactsIndex: the files that follow, with their SHA-256, and those left out
 *     rackseed.db               a consistent copy
 *     token  tls/ca.pem  tls/ca.key  keys/signing.pem  keys/secrets.key  identities/NODE.json
 *
 * Packs and version folders are too large for it; it has their names, sizes and hashes.
 */
import { z } from "zod";
import { RackseedError } from "#contract/errors.ts";
import { Sha256Hex } from "#contract/format/sha256.ts";

/** Relative and confined: exactly the names that this server writes. */
const FactsPath = z.string().regex(
  /^(rackseed\.db|token|tls\/ca\.(pem|key)|keys\/(signing\.pem|secrets\.key)|identities\/[\w-]{1,80}\.json)$/,
);
/** Paths of what stays in the data directory. */
const ContentPath = z.string().regex(/^(packs\/[0-9a-f]{64}\.pack|versions\/[^/@]{1,80}@\d+\/[\w.-]{1,80})$/);

export const FactsIndex = z.object({
  format: z.literal("rackseed server backup"),
  formatVersion: z.literal(1),
  created: z.iso.datetime(),
  files: z.array(z.object({ path: FactsPath, sizeBytes: z.int().min(0), sha256: Sha256Hex })),
  /** Files that the database refers to and the archive leaves out. */
  elsewhere: z.array(z.object({ path: ContentPath, sizeBytes: z.int().min(0), sha256: Sha256Hex })),
});
export type FactsIndex = z.infer<typeof FactsIndex>;

export const INDEX = "backup.json";
export const MAX_INDEX_BYTES = 256 << 20;

export function badArchive(path: string, reason: string): RackseedError {
  return new RackseedError(`cannot restore from ${path}`, {
    reason: `${reason}. Nothing was changed.`,
    remedy: "give a complete file from `rackseed server backup`, for instance an older one.",
  });
}
