import assert from "node:assert/strict";
import { EveryBoots } from "./every_boot.ts";
import { Schedules } from "./schedules.ts";
import { holdsSealed } from "./sealed_tables.ts";
import { emptyDatabase } from "./testing/test_database.ts";

Deno.test("only a row with a passphrase is sealed: the first secret of a site with schedules makes its key", () => {
  const db = emptyDatabase();
  const directory = { keys: "/nonexistent" };
  new Schedules(db, directory);
  new EveryBoots(db, directory);
  const schedule = db.prepare("INSERT INTO schedules VALUES (?, '{}', ?, '{}', '', 0, 0)");
  const everyBoot = db.prepare("INSERT INTO every_boots VALUES (?, '{}', ?, '', '', NULL)");
  for (const insert of [schedule, everyBoot]) insert.run("open", null);
  assert.equal(holdsSealed(db), false);
  for (const insert of [schedule, everyBoot]) {
    insert.run("sealed", new Uint8Array([1]));
    assert.equal(holdsSealed(db), true);
    db.exec("DELETE FROM schedules WHERE name = 'sealed'; DELETE FROM every_boots WHERE node = 'sealed'");
  }
});
