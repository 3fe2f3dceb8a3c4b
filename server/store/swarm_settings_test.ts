import assert from "node:assert/strict";
import { DEFAULT_SEED } from "#contract/api/distribution.ts";
import { SwarmSettingsStore } from "./swarm_settings.ts";
import { emptyDatabase } from "./testing/test_database.ts";

Deno.test("without settings nothing is limited", () => {
  assert.deepEqual(new SwarmSettingsStore(emptyDatabase()).value, { seed: DEFAULT_SEED });
});

Deno.test("a change keeps what it does not name, null clears, and everything survives a restart", () => {
  const db = emptyDatabase();
  const settings = new SwarmSettingsStore(db);
  settings.change({ uploadLimit: 100e6, rackPrefix: 24 });
  settings.change({ nodeUploadLimit: 5e6, rackPrefix: null, seed: { mode: "none" } });
  const wanted = { uploadLimit: 100e6, nodeUploadLimit: 5e6, seed: { mode: "none" as const } };
  assert.deepEqual(settings.value, wanted);
  assert.deepEqual(new SwarmSettingsStore(db).value, wanted);
  assert.deepEqual(settings.change({ seed: null }).seed, DEFAULT_SEED);
});
