/** Fields that several messages of the API share. */
import { z } from "zod";

export const text = (max: number) => z.string().max(max);
export const count = z.int().min(0);
export const id = z.string().regex(/^[\w-]{1,64}$/);
export const time = z.iso.datetime();

/** Of a bootable medium. */
export const MediumId = z.string().regex(/^[0-9a-f]{8}$/, { error: "a medium's id is 8 hexadecimal digits" });

/** Names of templates and nodes: what a person types. */
export const MachineName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, {
  error: "a name is 1 to 63 letters, digits, . _ - and starts with a letter or digit",
});
/** NAME (its newest version), NAME@VERSION or NAME@TAG. */
export const ImageRef = z.string().regex(
  /^[a-z0-9][a-z0-9._-]{0,62}(@([1-9][0-9]{0,8}|[a-z][a-z0-9._-]{0,31}))?$/,
  { error: "an image is named NAME, NAME@VERSION or NAME@TAG, for instance web, web@3 or web@stable" },
);

/** The header that tells a repeated order from a new one. */
export const IDEMPOTENCY_KEY = "Idempotency-Key";
export const IdempotencyKey = z.string().regex(/^[\w.:-]{8,200}$/);

export const ProblemSchema = z.object({
  title: text(2000),
  status: z.int(),
  detail: text(20_000),
  remedy: text(4000),
});

/** The body of an error answer (RFC 9457 §3). */
export const ProblemAnswer = ProblemSchema.extend({ type: z.literal("about:blank") });
