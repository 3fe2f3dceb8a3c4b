import assert from "node:assert/strict";
import { Transcript } from "./transcript.ts";

interface Spoken extends AsyncDisposable {
  readonly transcript: Transcript;
  say(text: string): Promise<void>;
  end(): Promise<void>;
  log(): Promise<string>;
}

async function spoken(
  { signal, fatal = "unheard of" }: { signal?: AbortSignal; fatal?: string } = {},
): Promise<Spoken> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const file = await Deno.makeTempFile();
  const transcript = new Transcript(readable, { name: "a console", log: file, fatal, signal });
  let ended = false;
  const end = async () => {
    if (!ended) await writer.close();
    ended = true;
    await transcript.closed;
  };
  return {
    transcript,
    say: (text) => writer.write(new TextEncoder().encode(text)),
    end,
    log: () => Deno.readTextFile(file),
    async [Symbol.asyncDispose]() {
      await end();
      await Deno.remove(file);
    },
  };
}

Deno.test("text that arrives in parts is found, and so is text printed before the wait", async () => {
  await using console = await spoken();
  const found = console.transcript.expect(/node\d login:/, { timeoutMs: 5000 });
  await console.say("Debian\r\nnode1 lo");
  await console.say("gin: ");
  assert.equal(await found, "node1 login:");
  assert.equal(await console.transcript.expect("Debian", { timeoutMs: 5000 }), "Debian");
  await console.end();
  assert.equal(await console.log(), "Debian\r\nnode1 login: ");
});

Deno.test("waiting ends with the timeout, and with the console", async () => {
  await using console = await spoken();
  await assert.rejects(
    console.transcript.expect(/never/, { timeoutMs: 1 }),
    /waited 0.001 s for "\/never\/"/,
  );
  const waiting = assert.rejects(
    console.transcript.expect(/more/, { timeoutMs: 5000 }),
    /ended without "\/more\/"/,
  );
  await console.end();
  await waiting;
  await assert.rejects(console.transcript.expect("later", { timeoutMs: 5000 }), /ended without "later"/);
});

Deno.test("an abort ends the wait at once", async () => {
  const stop = new AbortController();
  await using console = await spoken({ signal: stop.signal });
  const waiting = assert.rejects(console.transcript.expect(/more/, { timeoutMs: 5000 }), /interrupted/);
  stop.abort(new Error("interrupted"));
  await waiting;
});

Deno.test("a fatal message ends the wait at once", async () => {
  await using console = await spoken({ fatal: "Kernel panic" });
  const waiting = assert.rejects(
    console.transcript.expect("login:", { timeoutMs: 5000 }),
    /says "Kernel panic"/,
  );
  await console.say("[ 1.0] Kernel panic - not syncing");
  await waiting;
  await assert.rejects(console.transcript.failed, /says "Kernel panic"/);
});

Deno.test("the last lines are shown without terminal escape sequences", async () => {
  await using console = await spoken();
  await console.say("\x1b[2J\x1b[01;01Hone\r\n\x1b[0mtwo\r\n");
  await console.end();
  assert.equal(console.transcript.tail(), "--- end of a console\none\ntwo");
});
