/**
 * The backup of a data directory's own facts, one pax tar (0600: it holds every secret of the site):
 *
 *     backup.json               FactsIndex: what follows, each with its SHA-256, and what the archive leaves out
 *     rackseed.db               a copy that is whole in itself
 *     token  tls/ca.pem  tls/ca.key  keys/signing.pem  identities/NODE.json
 *
 * Packs and version folders are not in it, since they are large: their names, sizes and hashes are.
 */
import { z } from "zod";
import { RackseedError } from "#contract/errors.ts";
import { Sha256Hex } from "#contract/format/sha256.ts";

/** Relative and confined: every name that this server writes, and no other. */
const FactsPath = z.string().regex(
  /^(rackseed\.db|token|tls\/ca\.(pem|key)|keys\/signing\.pem|identities\/[\w-]{1,80}\.json)$/,
);
/** Of what stays in the data directory. */
const ContentPath = z.string().regex(/^(packs\/[0-9a-f]{64}\.pack|versions\/[^/@]{1,80}@\d+\/[\w.-]{1,80})$/);

export const FactsIndex = z.object({
  format: z.literal("rackseed server backup"),
  formatVersion: z.literal(1),
  created: z.iso.datetime(),
  files: z.array(z.object({ path: FactsPath, sizeBytes: z.int().min(0), sha256: Sha256Hex })),
  /** What the database refers to and the archive does not hold. */
  elsewhere: z.array(z.object({ path: ContentPath, sizeBytes: z.int().min(0), sha256: Sha256Hex })),
});
export type FactsIndex = z.infer<typeof FactsIndex>;

export const INDEX = "backup.json";
export const MAX_INDEX_BYTES = 256 << 20;

export function badArchive(path: string, reason: string): RackseedError {
  return new RackseedError(`cannot restore from ${path}`, {
    reason: `${reason}. Nothing was changed.`,
    remedy: "give a whole file that `rackseed server backup` wrote, for instance an older one.",
  });
}
