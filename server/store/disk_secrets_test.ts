import assert from "node:assert/strict";
import { RecoveryKey } from "#contract/api.ts";
import { DiskSecrets, type NewEncryption } from "./disk_secrets.ts";
import { formatRecoveryKey } from "./recovery_key.ts";
import { RecoveryKeyUses } from "./recovery_key_uses.ts";
import { emptyDatabase, ON_POSTGRES } from "./testing/test_database.ts";

const PASSPHRASE = "correct horse battery";

function open(
  { db = emptyDatabase(), keys = Deno.makeTempDirSync({ prefix: "rackseed-keys-" }) } = {},
) {
  const time = { ms: 0 };
  const secrets = new DiskSecrets(db, { directory: { keys }, now: () => time.ms++ });
  return { db, keys, secrets, [Symbol.dispose]: () => Deno.removeSync(keys, { recursive: true }) };
}

const part = (deployment: string, node = "a") => ({ node, deployment });
const order = (deployment: string, more: Partial<NewEncryption> = {}): NewEncryption => ({
  ...part(deployment),
  image: "vault@1",
  unlock: "passphrase",
  passphrase: PASSPHRASE,
  keepsKey: false,
  ...more,
});

Deno.test("a node gets its passphrase until it has made its volumes; the recovery key stays", () => {
  using test = open();
  const { secrets } = test;
  secrets.order(order("d1"));
  const first = secrets.fetch(part("d1"));
  assert.equal(first?.passphrase, PASSPHRASE);
  assert(RecoveryKey.safeParse(first.recoveryKey).success);
  assert.deepEqual(secrets.fetch(part("d1")), first, "it may have lost power and enrol again");
  secrets.made(part("d1"));
  assert.deepEqual(secrets.fetch(part("d1")), { unlock: "passphrase", recoveryKey: first.recoveryKey });
  assert.deepEqual(secrets.openWith("a"), [first.recoveryKey]);
  assert.equal(secrets.fetch(part("d1", "b")), undefined);
});

Deno.test("a passphrase is gone when the order is over, or another one replaces it", () => {
  using test = open();
  const { db, secrets } = test;
  const stored = () => db.prepare("SELECT count(passphrase) AS n FROM encryptions").get()?.n;
  secrets.order(order("d1"));
  secrets.fetch(part("d1"));
  secrets.cancel("a");
  assert.equal(stored(), 0);
  secrets.order(order("d2"));
  secrets.order(order("d3", { unlock: "tpm2", passphrase: undefined }));
  assert.equal(stored(), 0);
  assert.equal(secrets.fetch(part("d2")), undefined, "no node ever got that key");
});

Deno.test("a new deployment has a new key, a restore keeps the one that is in use; each that a disk may have can open it", () => {
  using test = open();
  const { secrets } = test;
  const fetched = (deployment: string) => secrets.fetch(part(deployment))?.recoveryKey ?? assert.fail();
  secrets.order(order("d1"));
  const k1 = fetched("d1");
  secrets.made(part("d1"));
  secrets.order(order("d2", { keepsKey: true }));
  assert.equal(fetched("d2"), k1);
  assert.deepEqual(secrets.keys("a").map(({ recoveryKey, made }) => [recoveryKey, made !== undefined]), [[
    k1,
    true,
  ]]);
  secrets.order(order("d3"));
  assert.deepEqual(secrets.openWith("a"), [k1], "no node got the new one yet");
  const k3 = fetched("d3");
  assert.notEqual(k3, k1);
  assert.deepEqual(secrets.openWith("a"), [k3, k1]);
  assert.deepEqual(
    secrets.keys("a").map((key) => key.recoveryKey),
    [k3, k1],
    "d3 may have failed in the middle",
  );
  assert.equal(secrets.inUse("a")?.deployment, "d1");
  secrets.made(part("d3"));
  assert.deepEqual(secrets.keys("a").map((key) => key.recoveryKey), [k3]);
  assert.equal(secrets.inUse("a")?.deployment, "d3");
});

// reads SQLite's file
Deno.test("nothing is in the database in the clear, and the key that seals it is the server's alone", {
  ignore: ON_POSTGRES,
}, () => {
  using test = open();
  const { db, keys, secrets } = test;
  secrets.order(order("d1"));
  const { recoveryKey = "" } = secrets.fetch(part("d1")) ?? {};
  const file = `${keys}/copy.db`;
  db.prepare("VACUUM INTO ?").run(file);
  const bytes = Buffer.from(Deno.readFileSync(file)).toString("latin1");
  for (const secret of [PASSPHRASE, recoveryKey]) assert(!bytes.includes(secret));
  assert.equal((Deno.statSync(`${keys}/secrets.key`).mode ?? 0) & 0o777, 0o600);
});

Deno.test("a row that was moved to another node or deployment opens nothing", () => {
  using test = open();
  const { db, secrets } = test;
  secrets.order(order("d1"));
  db.exec("UPDATE encryptions SET node = 'b'");
  assert.throws(() => secrets.fetch(part("d1", "b")), /does not open what is stored/);
});

Deno.test("a lost or changed key is an error, never replaced by a new one while something is sealed with it", () => {
  using test = open();
  const { db, keys, secrets } = test;
  secrets.order(order("d1"));
  const path = `${keys}/secrets.key`;
  const { secrets: again } = { secrets: new DiskSecrets(db, { directory: { keys }, now: () => 0 }) };
  Deno.removeSync(path);
  assert.throws(() => again.fetch(part("d1")), { status: 500, reason: /^it is missing/ });
  assert.throws(() => again.order(order("d2", { node: "b" })), { reason: /^it is missing/ });
  Deno.writeTextFileSync(path, `${"0".repeat(64)}\n`);
  assert.throws(() => again.fetch(part("d1")), { reason: /does not open/ });
  Deno.writeTextFileSync(path, "x");
  const third = new DiskSecrets(db, { directory: { keys }, now: () => 0 });
  assert.throws(() => third.fetch(part("d1")), { reason: /^it is damaged/ });
});

Deno.test("recovery keys have systemd's format: modhex, a dash after every eight letters", () => {
  assert.equal(
    formatRecoveryKey(Uint8Array.from({ length: 32 }, (_, i) => i * 8 + 1)),
    "cbckbbbk-dbdkebek-fbfkgbgk-hbhkibik-jbjkkbkk-lblknbnk-rbrktbtk-ubukvbvk",
  );
});

Deno.test("the record of views cannot be changed or deleted", () => {
  const db = emptyDatabase();
  const uses = new RecoveryKeyUses(db, { now: () => 0 });
  const use = { who: "token from 10.0.0.1", node: "a", name: "n1", keyFrom: "d1", image: "vault@1" };
  uses.add(use);
  uses.add({ ...use, reason: "TPM replaced" });
  assert.equal(uses.firstOf({ node: "a", keyFrom: "d1" }), "1970-01-01T00:00:00.000Z");
  assert.equal(uses.firstOf({ node: "a", keyFrom: "d2" }), undefined);
  assert.deepEqual(uses.list("a").map(({ reason }) => reason), [undefined, "TPM replaced"]);
  for (const sql of ["UPDATE recovery_key_uses SET who = 'x'", "DELETE FROM recovery_key_uses"]) {
    assert.throws(() => db.exec(sql), /only added to/);
  }
  assert.equal(uses.list("a").length, 2);
});
