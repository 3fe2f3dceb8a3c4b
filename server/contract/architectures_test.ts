import assert from "node:assert/strict";
import { ARCHITECTURE_NAMES, architectureOf, architectureOfElf, ARCHITECTURES } from "./architectures.ts";

Deno.test("every name of an architecture means that architecture only", () => {
  for (const name of ARCHITECTURE_NAMES) {
    const { label, debian } = ARCHITECTURES[name];
    assert.deepEqual([name, label, debian].map(architectureOf), [name, name, name]);
  }
  for (const other of ["", "riscv64", "i686", "arm", "toString"]) {
    assert.equal(architectureOf(other), undefined);
  }
});

Deno.test("a program's architecture is read from its header", async () => {
  using file = await Deno.open(Deno.execPath());
  const head = new Uint8Array(64);
  await file.read(head);
  assert.equal(architectureOfElf(head), Deno.build.arch);
  head[18] = ARCHITECTURES.aarch64.elfMachine;
  assert.equal(architectureOfElf(head), "aarch64");
  head[18] = 243; // RISC-V
  assert.equal(architectureOfElf(head), undefined);
  assert.equal(architectureOfElf(head.subarray(0, 19)), undefined);
  head.set([ARCHITECTURES.aarch64.elfMachine], 18);
  head[4] = 1; // 32-bit
  assert.equal(architectureOfElf(head), undefined);
  assert.equal(architectureOfElf(new TextEncoder().encode("#!/bin/sh\nexit 0 # long enough")), undefined);
});
