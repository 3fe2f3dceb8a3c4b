import assert from "node:assert/strict";
import fc from "fast-check";
import { Encrypted } from "#contract/format/volumes.ts";
import { nameInCrypttab, parseCrypttab } from "./crypttab.ts";
import { describeEncrypted } from "./describe_encrypted.ts";
import { LUKS_START_BYTES, luksHeaderBytes, parseLuksHeader } from "./header.ts";

const UUID = "2b9b51fc-4917-4a2e-9b4b-acdb745c15fd", HEADER_BYTES = 16_384;

/** The metadata that cryptsetup 2.6 writes, without what nobody reads here. */
const METADATA = {
  keyslots: { "0": { type: "luks2", key_size: 64 } } as Record<string, unknown>,
  tokens: {} as Record<string, unknown>,
  segments: {
    "0": {
      type: "crypt",
      offset: "16777216",
      size: "dynamic",
      encryption: "aes-xts-plain64",
      sector_size: 4096,
    },
  } as Record<string, unknown>,
  digests: {},
  config: { json_size: "12288", keyslots_size: "16744448" } as Record<string, unknown>,
};

function header(change: (metadata: typeof METADATA) => void = () => {}): Uint8Array {
  const metadata = structuredClone(METADATA);
  change(metadata);
  const bytes = new Uint8Array(HEADER_BYTES), view = new DataView(bytes.buffer);
  bytes.set([0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe]);
  view.setUint16(6, 2);
  view.setBigUint64(8, BigInt(HEADER_BYTES));
  const text = (at: number, value: string) => bytes.set(new TextEncoder().encode(value), at);
  text(24, "safe");
  text(168, UUID);
  text(LUKS_START_BYTES, JSON.stringify(metadata));
  return bytes;
}

Deno.test("the header of LUKS2 tells what a clone's volume needs", () => {
  assert.equal(luksHeaderBytes(header().subarray(0, LUKS_START_BYTES)), HEADER_BYTES);
  assert.deepEqual(parseLuksHeader(header()), {
    version: 2,
    uuid: UUID,
    label: "safe",
    cipher: "aes-xts-plain64",
    keyBits: 512,
    sectorBytes: 4096,
    flags: [],
    ways: ["passphrase"],
  });
});

const unbuilt: [what: string, change: (metadata: typeof METADATA) => void, says: RegExp][] = [
  [
    "being reencrypted",
    (m) => m.config.requirements = { mandatory: ["online-reencrypt"] },
    /reencrypt has ended/,
  ],
  [
    "integrity",
    (m) => Object.assign(m.segments["0"] as object, { integrity: { type: "hmac(sha256)" } }),
    /--integrity/,
  ],
  ["encryption by the disk", (m) => Object.assign(m.segments["0"] as object, { type: "hw-opal" }), /OPAL/],
  ["several segments", (m) => m.segments["1"] = { type: "linear" }, /segments of an unknown kind/],
];
for (const [what, change, says] of unbuilt) {
  Deno.test(`LUKS2 with ${what} has an obstacle`, () => {
    assert.match(parseLuksHeader(header(change)).obstacle ?? "", says);
  });
}

Deno.test("LUKS1 is described, and the obstacle says how to convert it", () => {
  const bytes = header(), view = new DataView(bytes.buffer);
  view.setUint16(6, 1);
  bytes.fill(0, 8, 112);
  bytes.set(new TextEncoder().encode("aes"), 8);
  bytes.set(new TextEncoder().encode("xts-plain64"), 40);
  view.setUint32(108, 64);
  const { version, cipher, keyBits, uuid, obstacle } = parseLuksHeader(bytes);
  assert.deepEqual({ version, cipher, keyBits, uuid }, {
    version: 1,
    cipher: "aes-xts-plain64",
    keyBits: 512,
    uuid: UUID,
  });
  assert.match(obstacle ?? "", /cryptsetup convert --type luks2/);
});

const on = { kind: "partition" as const, disk: 0, number: 3 };
const place = { name: "root", on, sizeBytes: 1e9, crypttab: [], mapperUuid: "CRYPT-LUKS2-2b9b51fc-root" };

Deno.test("tokens and crypttab tell how the template opens it", () => {
  const tpm = header((m) => {
    m.keyslots["1"] = { type: "luks2", key_size: 64 };
    m.tokens["0"] = { type: "systemd-tpm2", keyslots: ["1"] };
  });
  const crypttab = parseCrypttab(`root UUID=${UUID} /etc/key luks,discard\n`);
  assert.deepEqual(describeEncrypted(parseLuksHeader(tpm), place).opensWith, ["tpm2", "passphrase"]);
  assert.deepEqual(describeEncrypted(parseLuksHeader(header()), { ...place, crypttab }).opensWith, [
    "key-file",
  ]);
  const clevis = header((m) => m.tokens["0"] = { type: "clevis", keyslots: ["0"] });
  assert.deepEqual(describeEncrypted(parseLuksHeader(clevis), place).opensWith, ["other"]);
});

Deno.test("a volume with its header elsewhere, or an unusual one, is described with an obstacle", () => {
  const detached = Encrypted.parse(describeEncrypted(undefined, place));
  assert.match(detached.obstacle ?? "", /header is on another device/);
  const odd = header((m) => Object.assign(m.segments["0"] as object, { encryption: "Ä" }));
  assert.match(
    Encrypted.parse(describeEncrypted(parseLuksHeader(odd), place)).obstacle ?? "",
    /unusual cipher/,
  );
});

Deno.test("crypttab names volumes by UUID, link and path; comments are skipped", () => {
  const entries = parseCrypttab(
    `# <name> <device>\nroot UUID=${UUID.toUpperCase()} none luks\ndata /dev/disk/by-uuid/11-22 - \nx\n`,
  );
  assert.deepEqual(entries.map(({ name, keyFile }) => [name, keyFile]), [["root", undefined], [
    "data",
    undefined,
  ]]);
  assert.equal(nameInCrypttab(UUID, entries), "root");
  assert.equal(nameInCrypttab("11-22", entries), "data");
  assert.equal(nameInCrypttab("none", entries), undefined);
});

Deno.test("any bytes in a LUKS header give a description within bounds, or a RangeError", () => {
  const changed = fc.tuple(fc.nat(HEADER_BYTES), fc.uint8Array({ maxLength: 64 }));
  fc.assert(
    fc.property(fc.array(changed, { maxLength: 4 }), (changes) => {
      const bytes = header();
      for (const [at, noise] of changes) bytes.set(noise.subarray(0, HEADER_BYTES - at), at);
      try {
        Encrypted.parse(describeEncrypted(parseLuksHeader(bytes), place));
      } catch (error) {
        assert(error instanceof RangeError, String(error));
      }
    }),
    { seed: 20_261, numRuns: 2000 },
  );
});
