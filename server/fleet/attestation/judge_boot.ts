/**
 * Whether the quoted PCRs are those of a machine that runs this server's agent and nothing else. Pure.
 *
 * PCR 4 has the hash of each program that the firmware loaded. The log of it counts for nothing by itself: its digests
 * are extended here again, and must give the quoted value. Accepted are, in this order, the server's boot programs, its
 * signed kernel image, and the kernel inside that. A digest that is unknown, or comes later, may have run anything, and
 * may have extended the other PCRs as it liked.
 *
 * PCR 11 is what systemd-stub measures of the signed kernel image, and nothing after that: the agent extends it as soon
 * as it has enrolled. PCR 12 and 13 are empty unless somebody gave the image parameters, credentials or extensions
 * beside its own.
 */
import { createHash } from "node:crypto";
import type { TpmQuote } from "#contract/api/attestation.ts";
import { closingDigest, QUOTED_PCRS, type QuotedPcr } from "#contract/tpm/quoted.ts";

/** What a machine measures that boots a signed kernel image (UKI) of this server. SHA-256, in hex. */
export interface ExpectedBoot {
  /** Authenticode digests of boot programs that may load the image, for instance iPXE. */
  readonly programs: readonly string[];
  /** Authenticode digest of the image. */
  readonly image: string;
  /** Authenticode digest of the kernel in it, which some firmware measures too when the image starts it. */
  readonly kernel: string;
  /** PCR 11 as systemd-stub leaves it. */
  readonly pcr11: string;
}

const EMPTY = "00".repeat(32);
/** EV_SEPARATOR: the firmware is done, and boots. */
const SEPARATOR = createHash("sha256").update(new Uint8Array(4)).digest("hex");

/** Undefined if it is; else the reason, a sentence. */
export function judgeBoot(
  { pcrs, loaded }: Pick<TpmQuote, "pcrs" | "loaded">,
  expected: ExpectedBoot,
): string | undefined {
  const value = (pcr: QuotedPcr) => pcrs[QUOTED_PCRS.indexOf(pcr)] ?? EMPTY;
  if (extended(EMPTY, loaded.map(({ digest }) => digest)) !== value(4)) {
    return "the firmware's log of the programs that it loaded does not agree with the TPM (PCR 4).";
  }
  return judgePrograms(loaded, expected) ??
    judgeImage(value(11), expected) ??
    (value(12) === EMPTY
      ? undefined
      : "the agent's kernel was given other parameters than its own (PCR 12).") ??
    (value(13) === EMPTY ? undefined : "the agent's initramfs was extended by somebody (PCR 13).");
}

function judgePrograms(
  loaded: TpmQuote["loaded"],
  { programs, image, kernel }: ExpectedBoot,
): string | undefined {
  let seen: "programs" | "image" | "kernel" = "programs";
  for (const { digest, text } of loaded) {
    if (digest === SEPARATOR || isText(digest, text)) continue;
    if (seen === "programs" && digest === image) seen = "image";
    else if (seen === "image" && digest === kernel) seen = "kernel";
    else if (seen !== "programs" || !programs.includes(digest)) {
      return `the firmware loaded a program that this server does not serve for this order (Authenticode ${digest}).`;
    }
  }
  return seen === "programs"
    ? "the firmware did not load the signed kernel image of this order: it booted another way, or was started by its own system."
    : undefined;
}

/** "Calling EFI Application from Boot Option", and the like. No program hashes to what a line of text does. */
function isText(digest: string, text: string | undefined): boolean {
  return text !== undefined && /^[\x20-\x7e]{1,200}$/.test(text) && !text.startsWith("MZ") &&
    createHash("sha256").update(text, "latin1").digest("hex") === digest;
}

function judgeImage(value: string, { pcr11 }: ExpectedBoot): string | undefined {
  if (value === pcr11) return undefined;
  return value === extended(pcr11, [Buffer.from(closingDigest()).toString("hex")])
    ? "its agent has enrolled since the machine was started, and something else may run now (PCR 11)."
    : "the agent's kernel image is not the one that this server serves for this order (PCR 11).";
}

/** The value of a PCR that these digests extend (Part 1 §17). */
export function extended(value: string, digests: readonly string[]): string {
  return digests.reduce(
    (old, digest) => createHash("sha256").update(Buffer.from(old + digest, "hex")).digest("hex"),
    value,
  );
}
