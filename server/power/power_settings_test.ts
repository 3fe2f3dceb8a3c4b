import assert from "node:assert/strict";
import type { PowerChange, PowerSettings } from "#contract/api/power.ts";
import { DiskSecrets } from "../store/disk_secrets.ts";
import { PowerRecords } from "../store/power_records.ts";
import { newPower } from "./power_settings.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const BMC = { method: "redfish", host: "10.0.0.5", user: "admin" } as const;
const PIN = "a".repeat(64);

function open() {
  const keys = Deno.makeTempDirSync({ prefix: "rackseed-keys-" }), db = emptyDatabase();
  const records = new PowerRecords(db, { directory: { keys } });
  const put = (power: PowerSettings, more: Partial<PowerChange> = {}) =>
    records.putAll([{
      node: "a",
      power: newPower(Object.assign({ node: "a", power }, more), { name: "n1", old: records.get("a") }),
    }]);
  return { db, keys, records, put, [Symbol.dispose]: () => Deno.removeSync(keys, { recursive: true }) };
}

Deno.test("a password is sealed: the database does not hold it, another node's row does not open it", () => {
  using test = open();
  const { db, records, put } = test;
  put(BMC, { secret: "hunter22" });
  assert.equal(records.secret("a"), "hunter22");
  const row = db.prepare("SELECT * FROM power").get() as { secret: Uint8Array };
  assert.ok(!Buffer.from(row.secret).includes("hunter22"));
  assert.doesNotMatch(JSON.stringify(records.get("a")), /hunter22/);
  db.exec("UPDATE power SET node = 'b'");
  assert.throws(() => records.secret("b"), /does not open what is stored/);
});

Deno.test("a stored password never goes to another address or user, and the pin goes with the address", () => {
  using test = open();
  const { records, put } = test;
  put(BMC, { secret: "hunter22" });
  records.pin("a", PIN);
  put({ ...BMC, system: "/redfish/v1/Systems/1" });
  assert.deepEqual([records.secret("a"), records.get("a")?.pin], ["hunter22", PIN], "the same BMC: kept");
  for (const other of [{ host: "10.0.0.66" }, { user: "root" }, { port: 8443 }]) {
    assert.throws(() => put({ ...BMC, ...other }), /not used for another address or user/);
  }
  assert.throws(() => put({ method: "ipmi", host: BMC.host, user: BMC.user }), /not used for another/);
  put({ ...BMC, host: "10.0.0.66" }, { secret: "other" });
  assert.deepEqual([records.secret("a"), records.get("a")?.pin], ["other", undefined]);
  put({ method: "wol" });
  assert.equal(records.secret("a"), undefined);
});

Deno.test('the first certificate is pinned, a later one does not replace it, "new" does', () => {
  using test = open();
  const { records, put } = test;
  put(BMC, { secret: "x" });
  records.pin("a", PIN);
  records.pin("a", "b".repeat(64));
  assert.equal(records.get("a")?.pin, PIN);
  put(BMC, { pin: "new" });
  assert.equal(records.get("a")?.pin, undefined);
  assert.equal(records.secret("a"), "x");
});

const refused: [power: PowerSettings, more: Partial<PowerChange>, reason: RegExp][] = [
  [BMC, {}, /its password is missing/],
  [{ method: "ipmi", host: "h", user: "u" }, { secret: "x".repeat(21) }, /at most 20 bytes/],
  [{ method: "wol" }, { secret: "hello" }, /six bytes/],
  [{ method: "command", program: "pdu", args: [] }, { secret: "x" }, /gets no password/],
  [{ method: "wol" }, { pin: PIN }, /only Redfish/],
];
for (const [power, more, reason] of refused) {
  Deno.test(`power settings that are refused: ${reason.source}`, () => {
    using test = open();
    assert.throws(() => test.put(power, more), reason);
    assert.equal(test.records.get("a"), undefined);
  });
}

Deno.test("one key seals both kinds of secrets, and it is not made again while either exists", () => {
  using test = open();
  const { db, keys, put } = test;
  put({ method: "wol" });
  const secrets = new DiskSecrets(db, { directory: { keys }, now: () => 0 });
  const order = { node: "a", deployment: "d", image: "v@1", unlock: "tpm2", keepsKey: false } as const;
  secrets.order(order);
  put(BMC, { secret: "x" });
  secrets.forget("a");
  Deno.removeSync(`${keys}/secrets.key`);
  const later = new DiskSecrets(db, { directory: { keys }, now: () => 0 });
  assert.throws(() => later.order(order), /it is missing/);
});
