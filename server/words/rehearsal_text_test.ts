import assert from "node:assert/strict";
import { Probe } from "#contract/api/rehearsals.ts";
import { parseProbe, probeText } from "./rehearsal_text.ts";

Deno.test("probes are read as they are written", () => {
  const texts = [
    "login",
    "console:app is ready = yes",
    "tcp:22",
    "http:80",
    "http:8080/health?a",
    "http:80/=301",
    "http:65535=404",
  ];
  for (const text of texts) {
    const probe = parseProbe(text);
    assert.equal(probeText(Probe.parse(probe)), text);
  }
  assert.deepEqual(parseProbe("http:8080/health=200"), {
    type: "http",
    port: 8080,
    path: "/health",
    status: 200,
  });
});

Deno.test("what is no probe is refused", () => {
  for (
    const text of [
      "",
      "Login",
      "console:",
      "tcp",
      "tcp:0",
      "tcp:65536",
      "http:80health",
      "http:80/a b",
      "http:80=99",
      "udp:53",
    ]
  ) {
    assert.equal(parseProbe(text), undefined, text);
  }
});
