/** The site's Secure Boot key, if it is in a token or HSM: whether it signs. */
import { RackseedError } from "#contract/errors.ts";
import { externalSigner } from "../../../boot/uki/signing_command.ts";
import type { DoctorOptions, Finding } from "../finding.ts";

const check = "signing key";

/** Has a few bytes signed that are no program. */
export function checkSigningKey({ signingKey }: DoctorOptions): Finding[] {
  if (signingKey === undefined) return [];
  try {
    externalSigner(signingKey).sign(new TextEncoder().encode("rackseed doctor"));
    return [{
      check,
      level: "ok",
      text: `${signingKey.command} signs with the key of ${signingKey.certificate}`,
    }];
  } catch (error) {
    if (!(error instanceof RackseedError)) throw error;
    return [{ check, level: "problem", text: `${error.title}: ${error.reason}`, remedy: error.remedy }];
  }
}
