/** Run where no library may be loaded: seals 1000 times its first argument for the key (hexadecimal), opens it. */
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
