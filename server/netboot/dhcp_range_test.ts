import assert from "node:assert/strict";
import { defaultRange } from "./dhcp_range.ts";

Deno.test("the default DHCP range is the upper half of the network, without its broadcast address", () => {
  const cases = [
    ["10.0.0.1", "255.255.255.0", "10.0.0.128", "10.0.0.254"],
    ["192.168.7.1", "255.255.255.252", "192.168.7.2", "192.168.7.2"],
    ["10.1.2.3", "255.0.0.0", "10.255.252.23", "10.255.255.254"],
  ] as const;
  for (const [advertised, netmask, first, last] of cases) {
    assert.deepEqual(defaultRange({ advertised, netmask }), { first, last });
  }
});
