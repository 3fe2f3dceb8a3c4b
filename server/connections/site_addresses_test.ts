import assert from "node:assert/strict";
import { chooseAddresses, type Interface } from "./site_addresses.ts";

const INTERFACES: Interface[] = [
  { name: "lo", family: "IPv4", address: "127.0.0.1", netmask: "255.0.0.0" },
  { name: "eth0", family: "IPv4", address: "192.0.2.2", netmask: "255.255.255.0" },
  { name: "eth1", family: "IPv4", address: "10.0.0.1", netmask: "255.255.0.0" },
  { name: "eth1", family: "IPv6", address: "fe80::2", netmask: "ffff:ffff:ffff:ffff::" },
  { name: "eth1", family: "IPv6", address: "fd00:1::1", netmask: "ffff:ffff:ffff:ff00::" },
  { name: "eth3", family: "IPv6", address: "fd00:3::1", netmask: "ffff:ffff:ffff:ffff::" },
  { name: "eth2", family: "IPv6", address: "fe80::1", netmask: "ffff:ffff:ffff:ffff::" },
];

Deno.test("the address given wins, then the interface, then the address of HTTPS, then the first interface", () => {
  const cases: [Parameters<typeof chooseAddresses>[0], advertised: string, bind: string, listen: string][] = [
    [{}, "192.0.2.2", "0.0.0.0", "0.0.0.0:8443"],
    [{ interface: "eth1" }, "10.0.0.1", "10.0.0.1", "10.0.0.1:8443"],
    [{ interface: "eth1", address: "10.0.0.9" }, "10.0.0.9", "10.0.0.1", "10.0.0.1:8443"],
    [{ listen: { hostname: "127.0.0.1", port: 0 } }, "127.0.0.1", "127.0.0.1", "127.0.0.1:0"],
    [{ interface: "eth1", dhcp6: "server" }, "fd00:1::1", "fd00:1::1", "fd00:1::1:8443"],
    [{ interface: "eth3" }, "fd00:3::1", "fd00:3::1", "fd00:3::1:8443"],
    [{ address: "fd00::9" }, "fd00::9", "::", ":::8443"],
    [{ listen: { hostname: "0.0.0.0", port: 1 }, interface: "eth1" }, "10.0.0.1", "10.0.0.1", "0.0.0.0:1"],
    [
      { listen: { hostname: "0.0.0.0", port: 1 }, interface: "eth1", address: "10.0.0.9" },
      "10.0.0.9",
      "0.0.0.0",
      "0.0.0.0:1",
    ],
  ];
  for (const [options, advertised, bind, listen] of cases) {
    const site = chooseAddresses(options, INTERFACES);
    const listens = `${site.listen.hostname}:${site.listen.port}`;
    assert.deepEqual([site.advertised, site.bind, listens], [advertised, bind, listen]);
  }
});

Deno.test("mask or prefix are those of the address that is served", () => {
  assert.equal(chooseAddresses({ interface: "eth1" }, INTERFACES).netmask, "255.255.0.0");
  const site = chooseAddresses({ interface: "eth1", dhcp6: "server" }, INTERFACES);
  assert.deepEqual([site.netmask, site.prefixLength], [undefined, 56]);
});

Deno.test("a machine without a network still serves itself", () => {
  assert.equal(chooseAddresses({}, INTERFACES.slice(0, 1)).advertised, "127.0.0.1");
});

Deno.test("an unknown interface is an error that lists the known ones", () => {
  assert.throws(() => chooseAddresses({ interface: "eth9" }, INTERFACES), {
    reason: /lo \(127\.0\.0\.1\), eth0 \(192\.0\.2\.2\), eth1 \(10\.0\.0\.1\)\.$/,
  });
  assert.throws(() => chooseAddresses({ interface: "eth2" }, INTERFACES), {
    reason: "it has no IPv4 address.",
  });
  assert.throws(() => chooseAddresses({ interface: "eth2", dhcp6: "server" }, INTERFACES), {
    reason: "it has no IPv6 address beside its link-local one.",
  });
});
