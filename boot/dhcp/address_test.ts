import assert from "node:assert/strict";
import { ipv4OfNumber, numberOfIpv4, parseIpv4, parseMac, sameSubnet } from "./address.ts";

Deno.test("an address has the same value as text and as a number", () => {
  for (
    const [text, value] of [["0.0.0.0", 0], ["10.0.0.1", 0x0a000001], [
      "255.255.255.255",
      0xffffffff,
    ]] as const
  ) {
    assert.equal(numberOfIpv4(parseIpv4(text)), value);
    assert.equal(ipv4OfNumber(value), text);
  }
});

Deno.test("text that is not an IPv4 address is refused", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "a.b.c.d", "1.2.3.4 "]) {
    assert.throws(() => parseIpv4(text), TypeError, text);
  }
});

Deno.test("a MAC address may use colons or dashes; anything else is refused", () => {
  assert.equal(parseMac("52-54-00-AB-CD-EF"), "52:54:00:ab:cd:ef");
  for (const text of ["", "52:54:00:ab:cd", "52:54:00:ab:cd:eg", "525400abcdef"]) {
    assert.throws(() => parseMac(text), TypeError, text);
  }
});

Deno.test("subnets are compared under their mask, also above 128.0.0.0", () => {
  const as = parseIpv4("192.168.1.1");
  const netmask = parseIpv4("255.255.255.0");
  assert.ok(sameSubnet(parseIpv4("192.168.1.200"), { as, netmask }));
  assert.ok(!sameSubnet(parseIpv4("192.168.2.1"), { as, netmask }));
});
