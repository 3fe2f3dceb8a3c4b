import assert from "node:assert/strict";
import { parseIni, valueOf, valuesOf } from "./ini.ts";

Deno.test("sections come in order, comments and stray lines are dropped, an empty value discards those before it", () => {
  const sections = parseIni(
    "stray=1\n[Match]\n# Name=no\n; Name=no\nName = eth0 \\\n eth1\nnothing\n=x\n\n[Network]\nDNS=1\nDNS=\nDNS=2\nDNS=3\n" +
      "[Network]\nAddress=a=b\n",
  );
  assert.deepEqual(sections.map((s) => s.name), ["Match", "Network", "Network"]);
  assert.equal(valueOf(sections, "Match", "Name")?.replace(/\s+/g, " "), "eth0 eth1");
  assert.deepEqual(valuesOf(sections, "Network", "DNS"), ["2", "3"]);
  assert.equal(valueOf(sections, "Network", "Address"), "a=b");
  assert.equal(valueOf(sections, "Network", "Name"), undefined);
});

Deno.test("a line of a million blanks is read like any other", () => {
  const sections = parseIni(
    `[A]\nk${" ".repeat(1e6)}x\nkey${" ".repeat(1e6)}=${" ".repeat(1e6)}v${" ".repeat(1e6)}w\n`,
  );
  assert.equal(valueOf(sections, "A", "key")?.length, 1e6 + 2);
});
