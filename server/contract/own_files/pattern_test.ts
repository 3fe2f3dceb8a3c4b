import assert from "node:assert/strict";
import { OwnPatterns } from "./pattern.ts";

const patterns = new OwnPatterns(["/etc/ssh/*_key", "/var/lib/dbus", "/*.img", "/o*t/agent/id", "/srv"]);

Deno.test("a pattern covers the path that it matches and everything below, in whatever component its wildcard is", () => {
  const cases = {
    "etc/ssh/host_key": true,
    "etc/ssh/host_key/below": true,
    "etc/ssh/host_key.pub": false,
    "etc/ssh": false,
    "var/lib/dbus/machine-id": true,
    "var/lib/dbus2": false,
    "swap.img": true,
    "swap.img/below": true,
    "usr/swap.img": false,
    "opt/agent/id": true,
    "oct/agent/id/1": true,
    "opt/agent": false,
    "srv": true,
    "srv/www": true,
    "srv2": false,
    "": false,
  };
  for (const [path, expected] of Object.entries(cases)) assert.equal(patterns.has(path), expected, path);
});

Deno.test("a match is of the whole path", () => {
  for (const path of ["etc/ssh/host_key", "var/lib/dbus", "swap.img", "opt/agent/id", "srv"]) {
    assert(patterns.matches(path), path);
    assert(!patterns.matches(`${path}/below`), path);
  }
});
