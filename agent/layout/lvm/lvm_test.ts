import assert from "node:assert/strict";
import { lvmConfig } from "./config.ts";

Deno.test("LVM is told of plain paths only", () => {
  const config = lvmConfig(["/dev/sda2", "/dev/mapper/luks-0.1+x"], { readOnly: "vg-0", systemId: "host.a" });
  assert.match(
    config,
    /filter=\["a\|\^\/dev\/sda2\$\|","a\|\^\/dev\/mapper\/luks-0\\\\\.1\\\\\+x\$\|","r\|\.\*\|"\]/,
  );
  assert.match(config, /read_only_volume_list=\["vg-0"\]/);
  assert.match(config, /extra_system_ids=\["host\.a"\]/);
  for (const path of ['/dev/a"', "/dev/a|b", "/dev/a b", "/dev/(x)"]) {
    assert.throws(() => lvmConfig([path]), RangeError);
  }
});
