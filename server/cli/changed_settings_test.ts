import assert from "node:assert/strict";
import { changedSettings } from "./changed_settings.ts";
import { serverCommand } from "./load_settings.ts";
import { fileSettings } from "./setting_sources.ts";

const commandOf = (text: string) => ({
  ...serverCommand({}, { sources: [fileSettings(text, "server.yaml")], file: undefined }),
  json: false,
});

Deno.test("a reload applies what can change, and names what waits for a restart until it is applied", () => {
  const first = commandOf("http-port: 8080\nverbose: false\ndns: 10.0.0.1");
  const second = commandOf("http-port: 8081\nverbose: true\ndns: 10.0.0.1\nupload-limit: 800mbit");
  const { applied, waiting, next } = changedSettings(first, second);
  assert.deepEqual([applied, waiting], [["upload-limit", "verbose"], ["http-port"]]);
  assert.deepEqual([next.verbose, next.uploadLimit, next.httpPort], [true, 100e6, 8080]);
  const again = changedSettings(next, second);
  assert.deepEqual([again.applied, again.waiting], [[], ["http-port"]]);
});
