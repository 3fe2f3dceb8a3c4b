/**
 * Runs without permission to load libraries: repeats its first argument 1000 times, seals that with the key in the
 * second (hexadecimal), and opens it again.
 */
import { nativeGcm, nativeSha256, nativeZstd } from "../native_codecs.ts";
import { open } from "../open_sealed.ts";
import { sealedCodec } from "../sealed_codec.ts";
import { sha256 } from "../sha256.ts";

const [text = "", hexKey = ""] = Deno.args;
const key = Buffer.from(hexKey, "hex");
const raw = Buffer.from(text.repeat(1000));
const sealed = await (await sealedCodec(key)).seal(raw, { level: 3 });
console.log(JSON.stringify({
  native: [nativeGcm(), nativeSha256(), nativeZstd()].some((library) => library !== null),
  sealed: Buffer.from(sealed).toString("hex"),
  opens: raw.equals(open(sealed, { key })),
  sha256: sha256(raw).toString("hex"),
}));
