import assert from "node:assert/strict";
import { kernelParameters, unifiedCommandLine } from "./kernel.ts";

Deno.test("a value that the kernel or a boot program would misread is refused", () => {
  const good = {
    server: "https://10.0.0.1:8443",
    token: "rs1.pin_-A.secret",
    image: "web@3",
    architecture: "x86_64" as const,
    mac: "52:54:00:00:00:01",
  };
  assert.match(kernelParameters(good, {}), /^rackseed\.server=https:\/\/10\.0\.0\.1:8443 rackseed\.token=/);
  for (const token of ["a b", "a\nb", "${net0/mac}", "$x", "", 'a"b', "a;b"]) {
    assert.throws(() => kernelParameters({ ...good, token }, {}), TypeError);
  }
});

Deno.test("the kernel command line gives the agent the VLAN and the packet size of its site, if there are any", () => {
  const boot = { server: "https://10.0.0.1:8443", token: "rs1", image: "web@3", mac: "52:54:00:00:00:01" };
  const line = (more: object) => kernelParameters({ ...boot, architecture: "x86_64", ...more }, {});
  assert.doesNotMatch(line({}), /vlan|mtu/);
  assert.match(line({ vlan: 20, mtu: 9000 }), / rackseed\.vlan=20 rackseed\.mtu=9000 /);
  const unified = {
    server: boot.server,
    pin: "p",
    httpUrl: "http://10.0.0.1:8080",
    architecture: "x86_64",
  } as const;
  assert.match(unifiedCommandLine({ ...unified, vlan: 20 }), / rackseed\.vlan=20 /);
  assert.doesNotMatch(unifiedCommandLine(unified), /vlan/);
});

Deno.test("the kernel's messages go to the consoles that its machine may have", () => {
  const boot = { server: "https://10.0.0.1:8443", token: "rs1", image: "web@3", mac: "52:54:00:00:00:01" };
  const consoles = (architecture: "x86_64" | "aarch64") =>
    kernelParameters({ ...boot, architecture }, {}).match(/console=\S+/g);
  assert.deepEqual(consoles("x86_64"), ["console=tty0", "console=ttyS0,115200n8"]);
  assert.deepEqual(consoles("aarch64"), [
    "console=tty0",
    "console=ttyS0,115200n8",
    "console=ttyAMA0,115200n8",
  ]);
});
