import assert from "node:assert/strict";
import { prefixOfMask } from "../install/identity/network_config/netmask.ts";
import { parseBootArguments } from "./boot_arguments.ts";

Deno.test("boot arguments: the boot program's lease", () => {
  const line =
    "initrd=x rackseed.server=https://10.0.0.1:8443 rackseed.token=rs1.a.b rackseed.mac=52-54-00-12-34-56 " +
    "rackseed.ip=10.0.0.7 rackseed.mask=255.255.254.0 rackseed.gw=10.0.0.1 rackseed.dns=10.0.0.2 console=ttyS0\n";
  assert.deepEqual(parseBootArguments(line), {
    server: "https://10.0.0.1:8443",
    token: "rs1.a.b",
    byKexec: false,
    lacp: false,
    mac: "52:54:00:12:34:56",
    lease: { cidr: "10.0.0.7/23", gateway: "10.0.0.1", dns: ["10.0.0.2"] },
  });
});

Deno.test("boot arguments: a VLAN, and the packet size of the lease's network", () => {
  const base = "rackseed.server=https://10.0.0.1:8443 rackseed.token=t";
  assert.partialDeepStrictEqual(
    parseBootArguments(`${base} rackseed.ip=10.0.0.7 rackseed.vlan=20 rackseed.mtu=9000`),
    {
      vlan: 20,
      lease: { cidr: "10.0.0.7/24", dns: [], mtu: 9000 },
    },
  );
  for (const wrong of ["vlan=0", "vlan=4095", "vlan=x", "mtu=100", "mtu=1e9"]) {
    const [name = ""] = wrong.split("=");
    assert.throws(
      () => parseBootArguments(`${base} rackseed.${wrong}`),
      new RegExp(`rackseed\\.${name}`),
      wrong,
    );
  }
});

Deno.test("boot arguments: settings that the boot program lacks are left out", () => {
  const base = "rackseed.server=https://10.0.0.1:8443 rackseed.token=t";
  assert.deepEqual(parseBootArguments(`${base} rackseed.ip= rackseed.gw=\${netX/gateway}`), {
    server: "https://10.0.0.1:8443",
    token: "t",
    byKexec: false,
    lacp: false,
  });
  assert.partialDeepStrictEqual(parseBootArguments(`${base} rackseed.by=kexec rackseed.lacp=on`), {
    byKexec: true,
    lacp: true,
  });
  assert.equal(parseBootArguments("root=/dev/vda1 quiet"), undefined);
  assert.throws(
    () => parseBootArguments("rackseed.server=http://10.0.0.1 rackseed.token=t"),
    /rackseed\.server/,
  );
  assert.throws(() => parseBootArguments(`${base} rackseed.ip=10.0.0.300`), /rackseed\.ip/);
});

Deno.test("network masks", () => {
  const masks = { "255.255.255.0": 24, "255.255.255.255": 32, "0.0.0.0": 0, "255.192.0.0": 10 };
  for (const [mask, prefix] of Object.entries(masks)) assert.equal(prefixOfMask(mask), prefix);
  for (const none of ["255.0.255.0", "255.255.255.1", "255.255.255", "256.0.0.0", "", "24"]) {
    assert.equal(prefixOfMask(none), undefined, none);
  }
  const line =
    "rackseed.server=https://10.0.0.1:8443 rackseed.token=t rackseed.ip=10.0.0.7 rackseed.mask=255.0.255.0";
  assert.throws(() => parseBootArguments(line), /not a network mask/);
});

Deno.test("a signed image's arguments name the server, and nothing of the machine", () => {
  const pin = "a".repeat(43);
  const line = `rackseed.server=https://10.0.0.1:8443 rackseed.pin=${pin} ` +
    "rackseed.orders=http://10.0.0.1:8080/boot/agent/ rackseed.token=ignored console=ttyS0";
  assert.deepEqual(parseBootArguments(line), {
    server: "https://10.0.0.1:8443",
    pin,
    orders: "http://10.0.0.1:8080/boot/agent/",
  });
  assert.throws(() => parseBootArguments(line.replace(pin, "short")), /rackseed\.pin/);
  assert.throws(() => parseBootArguments(line.replace("http://10", "ftp://10")), /rackseed\.orders/);
});
