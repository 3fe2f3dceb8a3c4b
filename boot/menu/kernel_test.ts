import assert from "node:assert/strict";
import { kernelParameters } from "./kernel.ts";

Deno.test("a value that the kernel or a boot program would misread is refused", () => {
  const good = {
    server: "https://10.0.0.1:8443",
    token: "rs1.pin_-A.secret",
    image: "web@3",
    mac: "52:54:00:00:00:01",
  };
  assert.match(kernelParameters(good, {}), /^rackseed\.server=https:\/\/10\.0\.0\.1:8443 rackseed\.token=/);
  for (const token of ["a b", "a\nb", "${net0/mac}", "$x", "", 'a"b', "a;b"]) {
    assert.throws(() => kernelParameters({ ...good, token }, {}), TypeError);
  }
});
