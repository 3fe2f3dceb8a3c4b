/** Takes out of a value the secrets that are known, and whatever has the form of one. */

const REMOVED = "[removed]";

/** The site's secrets as text. */
export type KnownSecrets = readonly string[];

/** Members whose text is a secret, whatever it looks like. */
const KEYS =
  /^(secret|token|passphrase|password|credentials?|recoveryKeys?|keys?|privateKey|session|cookie|authorization|script)$/i;
const FORMS: readonly RegExp[] = [
  // tokens (#contract/token.ts) and webhook secrets
  /\brs1\.[\w-]+\.[\w-]+/g,
  /\bwhsec_[\w+/=]+/g,
  // a boot token on a kernel command line; tokens, codes and cookies in requests
  /\brackseed\.token=\S+/gi,
  /\b(Bearer|Basic) [\w+/=.~-]+/gi,
  /(?<=[?&](code|token|state|access_token|id_token|client_secret)=)[^\s&"']+/gi,
  /__Host-[\w-]+=[^\s;"]+/g,
  // a JSON Web Token (RFC 7519 §3.1)
  /\beyJ[\w-]+\.[\w-]+\.[\w-]*/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  // recovery keys of systemd-cryptenroll(1): eight groups of eight letters of modhex
  /\b([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}\b/g,
  // passwords in URLs, and in the output of hooks
  /(?<=:\/\/)[^\s/@]+:[^\s/@]+(?=@)/g,
  /[\w-]*(password|passwd|passphrase|secret|api[_-]?key)["']?\s*[=:]\s*("[^"]*"|'[^']*'|\S+)/gi,
  // crypt(5), and scrypt as access/passwords.ts writes it
  /\$(1|5|6|y|7|2[aby]|argon2\w*)\$[\w./$=,]+/g,
  /\bscrypt\$\d+\$\d+\$\d+\$[\w-]+\$[\w-]+/g,
  // 256 random bits in base64url: boot secrets, sessions, set-up codes. A hash in hexadecimal has no capitals
  /(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{43}(?![\w-])/g,
];

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const value = { node: "n1", note: "tried hunter2", password: "x" };
 * assert.deepEqual(withoutSecrets(value, ["hunter2"]), {
 *   node: "n1",
 *   note: "tried [removed]",
 *   password: "[removed]",
 * });
 * ```
 */
export function withoutSecrets(value: unknown, known: KnownSecrets): unknown {
  if (typeof value === "string") return clean(value, known);
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one, known));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      clean(key, known),
      KEYS.test(key) && typeof inner === "string" ? REMOVED : withoutSecrets(inner, known),
    ]),
  );
}

function clean(text: string, known: KnownSecrets): string {
  const unknown = known.reduce((rest, secret) => rest.replaceAll(secret, REMOVED), text);
  return FORMS.reduce((rest, form) => rest.replace(form, REMOVED), unknown);
}
