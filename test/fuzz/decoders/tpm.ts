/** Decoders of what a TPM answers, of what a node says that its TPM said, and of its firmware's log. */
import fc from "fast-check";
import { concat, sized, u16, u32 } from "#contract/tpm/bytes.ts";
import { pointOf } from "#contract/tpm/public_key.ts";
import { decodeResponse } from "../../../agent/tpm/command.ts";
import { eventsOf } from "../../../agent/tpm/event_log.ts";
import { decodeAttest } from "../../../server/fleet/attestation/verify_quote.ts";
import { bootLog, SEPARATOR, textEvent } from "../../support/boot_log.ts";
import { madeTpmKeys } from "../../support/made_tpm_keys.ts";
import { decoder } from "./decoder.ts";
import { refusesBy } from "./refusals.ts";

/** They are simple, and the others' share of the inputs is not to shrink much. */
const small = { refuses: refusesBy(RangeError), weight: 0.25 };
const QUOTE = { name: "TPM2_Quote", code: 0x158, auth: ["empty"] } as const;
const selection = concat(u32(1), u16(0x000b), Uint8Array.of(3), Uint8Array.of(0x10, 0x38, 0));
const attest = concat(
  ...[u32(0xff544347), u16(0x8018), sized(new Uint8Array(34)), sized(new Uint8Array(32))],
  ...[new Uint8Array(25), selection, sized(new Uint8Array(32))],
);
const parameters = concat(sized(attest), u16(0x0018), u16(0x000b), sized(new Uint8Array(32)));
const answer = concat(u32(0), u32(parameters.length), parameters, new Uint8Array(5));

export const decoders = [
  decoder({
    name: "TPM's response",
    inputs: fc.constant(concat(u16(0x8002), u32(answer.length + 6), answer)),
    decode: (bytes) => decodeResponse(bytes, QUOTE).response.parameters.sized(),
    ...small,
  }),
  decoder({ name: "TPM's statement", inputs: fc.constant(attest), decode: decodeAttest, ...small }),
  decoder({
    name: "TPM's key",
    inputs: fc.constant(new Uint8Array(Buffer.from(madeTpmKeys().ek, "base64"))),
    decode: (bytes) => pointOf(bytes, "ek"),
    ...small,
  }),
  decoder({
    name: "firmware's log",
    inputs: fc.constant(
      bootLog([SEPARATOR, textEvent(4, 0x80000007, "Calling EFI Application from Boot Option")]),
    ),
    decode: (bytes) => eventsOf(bytes, 4),
    ...small,
  }),
];
