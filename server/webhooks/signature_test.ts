import assert from "node:assert/strict";
import { makeSecret, signatureHeaders } from "./signature.ts";

Deno.test("a signature is the one that other libraries of Standard Webhooks make", () => {
  assert.deepEqual(
    signatureHeaders('{"test": 2432232314}', {
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
      seconds: 1614265330,
      secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }),
    {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    },
  );
});

Deno.test("a secret has 32 random bytes", () => {
  const secret = makeSecret();
  assert.equal(Buffer.from(secret.slice("whsec_".length), "base64").length, 32);
  assert.notEqual(makeSecret(), secret);
});
