/** The audit log: who changed what, or was shown which secret. */
import { z } from "zod";
import { Sha256Hex } from "../format/sha256.ts";
import { count, text, time } from "./fields.ts";

/** "refused": nothing was done (HTTP 4xx); "failed": it may be half done (HTTP 5xx). */
export const AuditResult = z.enum(["done", "refused", "failed"]);
export type AuditResult = z.infer<typeof AuditResult>;

export const AuditEntry = z.object({
  number: z.int().min(1),
  at: time,
  /** "admin token", "anna", "anna (token ci)" */
  who: text(200),
  role: text(20).optional(),
  address: text(64),
  /** Stable, see words/audit_text.ts: "node.deploy". */
  action: text(64),
  nodes: z.array(text(64)).readonly(),
  images: z.array(text(100)).readonly(),
  /** Whatever else it concerns: a hook, a capture, a user, a token. */
  subject: text(200).optional(),
  /** Absent if the server stopped before it was known. */
  outcome: z.object({ at: time, result: AuditResult, status: z.int() }).optional(),
});
export type AuditEntry = z.infer<typeof AuditEntry>;

/** GET /audit, newest first. */
export const AuditQuery = z.object({
  since: time.optional(),
  until: time.optional(),
  /** Its code, such as "node.deploy". */
  action: text(64).optional(),
  user: text(200).optional(),
  node: text(64).optional(),
  /** `next` of the page before. */
  cursor: z.coerce.number().int().min(1).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export type AuditQuery = z.infer<typeof AuditQuery>;

export const AuditPage = z.object({ entries: z.array(AuditEntry), next: z.int().min(1).optional() });
export type AuditPage = z.infer<typeof AuditPage>;

/** A line of GET /audit/export, oldest first: the text that was hashed, and its hash; see audit_chain.ts. */
export const AuditLine = z.object({ number: z.int().min(1), entry: text(1 << 20), hash: Sha256Hex });
export type AuditLine = z.infer<typeof AuditLine>;

/** The last line of the export: how many lines were ever written. */
export const AuditEnd = z.object({ written: count });
