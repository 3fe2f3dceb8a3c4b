/** The certificate authority that every agent pins. */
import { RackseedError } from "#contract/errors.ts";
import { parseToken, pinOf } from "#contract/token.ts";
import { type Authority, openAuthority } from "../../access/tls.ts";
import type { DoctorOptions, DoctorSystem, Finding } from "../finding.ts";

const check = "certificates";
const SOON_MS = 14 * 86_400_000;
const RESTORE = "put tls/ca.pem and tls/ca.key back from a backup: rackseed server restore FILE --force";

export async function checkCertificates(
  { data }: DoctorOptions,
  system: DoctorSystem,
): Promise<Finding[]> {
  const pem = readIfThere(`${data}/tls/ca.pem`), token = readIfThere(`${data}/token`);
  if (pem === undefined) {
    if (token === undefined) return [{ check, level: "ok", text: "the first start makes the certificates" }];
    return [problem(`${data}/tls/ca.pem is missing, by which every agent knows the server`, RESTORE)];
  }
  let authority: Authority;
  try {
    // it makes one only where there is none
    authority = await openAuthority(data);
  } catch (error) {
    if (!(error instanceof RackseedError)) throw error;
    return [problem(`${error.title}: ${error.reason}`, error.remedy)];
  }
  const parsed = token === undefined ? undefined : parseToken(token);
  if (token !== undefined && parsed === undefined) {
    return [
      problem(
        `${data}/token is damaged`,
        "put it back from a backup, or remove it: the server makes a new one.",
      ),
    ];
  }
  if (parsed !== undefined && parsed.pin !== pinOf(pem)) {
    return [problem(`${data}/token was made for another certificate authority`, RESTORE)];
  }
  const endMs = authority.certificate.notAfter.getTime();
  if (endMs - system.nowMs() < SOON_MS) {
    return [problem(
      `the certificate authority ends on ${new Date(endMs).toISOString().slice(0, 10)}`,
      "remove tls/ and token, start the server, and give every agent a new token.",
    )];
  }
  return [{
    check,
    level: "ok",
    text: `the certificate authority is sound until ${new Date(endMs).getUTCFullYear()}`,
  }];
}

function problem(text: string, remedy: string): Finding {
  return { check, level: "problem", text, remedy };
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
