import assert from "node:assert/strict";
import { chooseAddresses, defaultRange, type Interface } from "./network.ts";

const INTERFACES: Interface[] = [
  { name: "lo", family: "IPv4", address: "127.0.0.1", netmask: "255.0.0.0" },
  { name: "eth0", family: "IPv4", address: "192.0.2.2", netmask: "255.255.255.0" },
  { name: "eth1", family: "IPv4", address: "10.0.0.1", netmask: "255.255.0.0" },
  { name: "eth2", family: "IPv6", address: "fe80::1", netmask: "ffff:ffff:ffff:ffff::" },
];

Deno.test("addresses: what is said wins, then the interface, then where HTTPS listens, then the first card", () => {
  const cases: [Parameters<typeof chooseAddresses>[0], advertised: string, bind: string, listen: string][] = [
    [{}, "192.0.2.2", "0.0.0.0", "0.0.0.0:8443"],
    [{ interface: "eth1" }, "10.0.0.1", "10.0.0.1", "10.0.0.1:8443"],
    [{ interface: "eth1", address: "10.0.0.9" }, "10.0.0.9", "10.0.0.1", "10.0.0.1:8443"],
    [{ listen: { hostname: "127.0.0.1", port: 0 } }, "127.0.0.1", "127.0.0.1", "127.0.0.1:0"],
    [{ listen: { hostname: "0.0.0.0", port: 1 }, interface: "eth1" }, "10.0.0.1", "10.0.0.1", "0.0.0.0:1"],
  ];
  for (const [options, advertised, bind, listen] of cases) {
    const site = chooseAddresses(options, INTERFACES);
    const listens = `${site.listen.hostname}:${site.listen.port}`;
    assert.deepEqual([site.advertised, site.bind, listens], [advertised, bind, listen]);
  }
});

Deno.test("a machine without a network still serves itself", () => {
  assert.equal(chooseAddresses({}, INTERFACES.slice(0, 1)).advertised, "127.0.0.1");
});

Deno.test("an interface that is not there is an error that lists those which are", () => {
  assert.throws(() => chooseAddresses({ interface: "eth9" }, INTERFACES), {
    reason: /lo \(127\.0\.0\.1\), eth0 \(192\.0\.2\.2\), eth1 \(10\.0\.0\.1\)\.$/,
  });
  assert.throws(() => chooseAddresses({ interface: "eth2" }, INTERFACES), {
    reason: "it has no IPv4 address.",
  });
});

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
