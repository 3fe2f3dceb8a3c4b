import assert from "node:assert/strict";
import { parseMac } from "../dhcp/address.ts";
import {
  addressIn,
  bytesOfIpv6,
  interfaceIdOf,
  ipv6OfBytes,
  isInPrefix,
  isLinkLocal,
  macInAddress,
  parseIpv6,
  prefixOf,
} from "./address.ts";

Deno.test("addresses have one form, in text and in bytes", () => {
  const cases: [text: string, form: string][] = [
    ["::", "::"],
    ["::1", "::1"],
    ["FD00:0:0::1", "fd00::1"],
    ["fd00:1:2:3:4:5:6:7", "fd00:1:2:3:4:5:6:7"],
    ["fd00:0:0:1:0:0:0:1", "fd00:0:0:1::1"],
    ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ];
  for (const [text, form] of cases) {
    assert.equal(parseIpv6(text), form);
    assert.equal(ipv6OfBytes(bytesOfIpv6(parseIpv6(text))), form);
  }
  for (const text of ["", "10.0.0.1", "fe80::1%eth0", "fd00::1::2", "1:2:3", "fd00::1/64", "[::1]", ":"]) {
    assert.throws(() => parseIpv6(text), TypeError, text);
  }
});

Deno.test("an address of a prefix and a MAC address tells both", () => {
  const mac = parseMac("52:54:00:78:00:02");
  const prefix = prefixOf(parseIpv6("fd00:78:0:1ff::1"), 56);
  assert.deepEqual(prefix, { network: "fd00:78:0:100::", length: 56 });
  const address = addressIn(prefix, interfaceIdOf(mac));
  assert.equal(address, "fd00:78:0:100:5054:ff:fe78:2");
  assert.equal(macInAddress(address), mac);
  assert.equal(macInAddress(parseIpv6("fd00::1")), undefined);
  assert.ok(isInPrefix(address, prefix) && !isInPrefix(parseIpv6("fd00:78:0:200::"), prefix));
  assert.deepEqual(["fe80::1", "febf::1", "fec0::1", "fd00::1"].map((one) => isLinkLocal(parseIpv6(one))), [
    true,
    true,
    false,
    false,
  ]);
});
