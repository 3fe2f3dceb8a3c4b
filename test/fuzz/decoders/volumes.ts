/** Decoders of what is found on a machine's volumes: LVM's report, LUKS headers, members of MD arrays, crypttab. */
import fc from "fast-check";
import { parseCrypttab } from "../../../agent/layout/luks/crypttab.ts";
import { describeEncrypted } from "../../../agent/layout/luks/describe_encrypted.ts";
import { parseLuksHeader } from "../../../agent/layout/luks/header.ts";
import { describeGroup } from "../../../agent/layout/lvm/describe_group.ts";
import { parseLvmReport } from "../../../agent/layout/lvm/report.ts";
import { parseMdExamine } from "../../../agent/layout/md/examine.ts";
import { decoder } from "./decoder.ts";
import { refusesAsJson, refusesBy } from "./refusals.ts";

const REPORT = Deno.readTextFileSync(
  new URL("../../../agent/layout/fixtures/raid_machine/lvm_fullreport.json", import.meta.url),
);

const EXAMINE = `/dev/vdb2:
        Version : 1.2
     Array UUID : 3aaa0122:29827cfa:5331ad66:ca767371
     Raid Level : raid1
   Device Role : Active device 1
`;

/** The header of LUKS2, whose metadata are JSON behind its first 4096 bytes. */
function luksHeader(): Uint8Array {
  const bytes = new Uint8Array(16_384), view = new DataView(bytes.buffer);
  bytes.set([0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe, 0, 2]);
  view.setBigUint64(8, BigInt(bytes.length));
  const metadata = {
    keyslots: { "0": { type: "luks2", key_size: 64 } },
    tokens: { "0": { type: "systemd-tpm2", keyslots: ["0"] } },
    segments: { "0": { type: "crypt", encryption: "aes-xts-plain64", sector_size: 4096 } },
    config: { flags: ["allow-discards"] },
  };
  bytes.set(new TextEncoder().encode(JSON.stringify(metadata)), 4096);
  return bytes;
}

const volume = { kind: "disk" as const, disk: 0 };

export const decoders = [
  decoder({
    name: "LVM report",
    inputs: fc.constant(REPORT),
    decode: (text) =>
      parseLvmReport(text).map((group) =>
        describeGroup(group, { volumeOf: () => volume, isMounted: () => false })
      ),
    refuses: refusesAsJson,
  }),
  decoder({ name: "mdadm --examine", inputs: fc.constant(EXAMINE), decode: parseMdExamine }),
  decoder({
    name: "LUKS header",
    inputs: fc.constant(luksHeader()),
    decode: (bytes) =>
      describeEncrypted(parseLuksHeader(bytes), {
        name: "root",
        on: volume,
        sizeBytes: 1,
        crypttab: [],
        mapperUuid: "CRYPT-LUKS2-00-root",
      }),
    refuses: refusesBy(RangeError),
  }),
  decoder({
    name: "crypttab",
    inputs: fc.constant("root UUID=2b9b51fc-4917 none luks,discard\nswap /dev/sda3 /dev/urandom swap\n"),
    decode: parseCrypttab,
  }),
];
