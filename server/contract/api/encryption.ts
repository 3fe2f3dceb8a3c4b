/** How the encrypted volumes of a clone are opened. No image holds a key: each clone's are its own. */
import { z } from "zod";
import { MachineName, text, time } from "./fields.ts";

/**
 * "passphrase": a person types it at each start; "key-file": it is in a file of the clone and, for what its start needs,
 * in its initramfs; "tpm2": bound to the node's TPM 2.0.
 */
export const Unlock = z.enum(["passphrase", "key-file", "tpm2"]);
export type Unlock = z.infer<typeof Unlock>;

/** LUKS takes up to 512 bytes from a terminal, up to the end of the line. */
export const Passphrase = z.string().min(8, { error: "a passphrase has at least 8 characters" })
  .max(512, { error: "a passphrase has at most 512 characters" })
  .regex(/^\P{Cc}*$/u, { error: "a passphrase is one line without control characters" });

/** 256 bits in the format of systemd-cryptenroll's recovery keys; see recovery_key.ts. */
export const RecoveryKey = z.string().regex(/^([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}$/);

/** In an order: how the volumes that it makes are opened. */
export const EncryptionOrder = z.object({
  unlock: Unlock,
  /**
   * With "passphrase". Absent once a session has reported that the volumes exist: an installation that resumes opens
   * them with the recovery key.
   */
  passphrase: Passphrase.optional(),
  /** The second key slot of each volume. */
  recoveryKey: RecoveryKey,
});
export type EncryptionOrder = z.infer<typeof EncryptionOrder>;

/** Asks for a node's recovery key. It is shown once; `again`: why it is needed another time. */
export const RecoveryKeyRequest = z.object({ again: text(500).min(1).optional() });
export type RecoveryKeyRequest = z.infer<typeof RecoveryKeyRequest>;

export const RecoveryKeyView = z.object({
  node: MachineName,
  /** Newest first; several if the node has not reported that the newest is in use. */
  keys: z.array(z.object({
    /** The version that the node was, or was to be, installed with. */
    image: z.string(),
    created: time,
    /** When the node had made its volumes with it. */
    made: time.optional(),
    recoveryKey: RecoveryKey,
  })),
});
export type RecoveryKeyView = z.infer<typeof RecoveryKeyView>;

/** A line of the record of who was shown a recovery key. */
export const RecoveryKeyUse = z.object({
  at: time,
  /** "admin token from 10.0.0.5", "anna from 10.0.0.5" */
  who: text(200),
  image: z.string(),
  /** Absent the first time. */
  reason: text(500).optional(),
});
export type RecoveryKeyUse = z.infer<typeof RecoveryKeyUse>;
