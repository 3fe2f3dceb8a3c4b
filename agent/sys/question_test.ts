import assert from "node:assert/strict";
import { TerminalConsole } from "./console.ts";
import { type Answer, Question } from "./question.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const typed: { name: string; chunks: string[]; answer: Answer | undefined }[] = [
  { name: "Enter alone takes the proposal", chunks: ["\r"], answer: { by: "person", text: "" } },
  { name: "a name, byte by byte", chunks: [..."db7\r"], answer: { by: "person", text: "db7" } },
  { name: "a serial line that sends line feeds", chunks: ["db7\n"], answer: { by: "person", text: "db7" } },
  { name: "corrections", chunks: ["dbx\x7f8\b7\r"], answer: { by: "person", text: "db7" } },
  {
    name: "a line that is started over",
    chunks: ["wrong", "\x15db7\r"],
    answer: { by: "person", text: "db7" },
  },
  {
    name: "cursor keys and what a terminal answers",
    chunks: ["d\x1b[A\x1b[24;80Rb\x1bOP7\r"],
    answer: { by: "person", text: "db7" },
  },
  {
    name: "control characters and other bytes",
    chunks: ["d\x00\x07b\u00e47\r"],
    answer: { by: "person", text: "db7" },
  },
  { name: "blanks around it", chunks: ["  db7 \r"], answer: { by: "person", text: "db7" } },
  { name: "no Enter yet", chunks: ["db7"], answer: undefined },
  {
    name: "without end",
    chunks: ["x".repeat(100_000), "\r"],
    answer: { by: "person", text: "x".repeat(255) },
  },
];
for (const { name, chunks, answer } of typed) {
  Deno.test(`a question at the console: ${name}`, () => {
    const question = new Question("name", { limitMs: 1000, nowMs: 0 });
    assert.deepEqual(chunks.map((chunk) => question.type(chunk, 0)).at(-1), answer);
  });
}

Deno.test("without a person the time answers, and typing restarts the time", () => {
  const question = new Question("name [n1]", { limitMs: 60_000, nowMs: 0 });
  assert.equal(question.line(3_000), "name [n1] (57 s): ");
  assert.equal(question.tick(59_999), undefined);
  question.type("db", 59_999);
  assert.equal(question.line(59_999), "name [n1] (60 s): db");
  assert.equal(question.tick(60_000), undefined);
  assert.deepEqual(question.tick(119_999), { by: "time" });
});

/** `typed`: what comes, in order; a function comes when the terminal has shown what it waits for. */
function terminal(path: string, typed: { after: string; text: string }[] = []) {
  let shown = "";
  const waiting: (() => void)[] = [];
  const raw: boolean[] = [];
  return {
    path,
    raw: (on: boolean) => void raw.push(on),
    write(text: string) {
      shown += text;
      for (const wake of waiting.splice(0)) wake();
    },
    async read() {
      const next = typed.shift();
      if (!next) return new Promise<never>(() => {});
      while (!shown.includes(next.after)) await new Promise<void>((resolve) => waiting.push(resolve));
      return bytes(next.text);
    },
    shown: () => shown,
    modes: raw,
  };
}

Deno.test("a question is shown on every terminal, any of them can answer, and lines do not disturb it", async () => {
  const screen = terminal("/dev/tty0");
  const serial = terminal("/dev/ttyS0", [
    { after: "", text: "stale\r" },
    { after: "name [n1] (9 s): ", text: "d" },
    { after: "name [n1] (9 s): d", text: "b7\r" },
  ]);
  const console = new TerminalConsole([screen, serial]);
  const { signal } = new AbortController();
  const asked = console.ask("name [n1]", { limitMs: 9_000, signal });
  console.progress("must not be seen");
  console.line("news");
  assert.deepEqual(await asked, { by: "person", text: "db7" });
  assert.equal(screen.shown(), serial.shown());
  assert.match(serial.shown(), /news\n/);
  assert.doesNotMatch(serial.shown(), /stale/);
  assert.ok(serial.shown().includes("name [n1] (9 s): d\x1b[K"));
  assert.deepEqual(serial.modes, [true, false]);
});

Deno.test("a question ends with its signal, and the terminals are as before", async () => {
  const serial = terminal("/dev/ttyS0");
  const stop = new AbortController();
  const asked = new TerminalConsole([serial]).ask("name", { limitMs: 60_000, signal: stop.signal });
  stop.abort(new Error("called off"));
  await assert.rejects(asked, /called off/);
  assert.deepEqual(serial.modes, [true, false]);
});

Deno.test("typed-ahead text answers the next question, but the LF of a CR LF does not", async () => {
  const serial = terminal("/dev/ttyS0", [
    { after: "first", text: "one\r" },
    { after: "", text: "\n" },
    { after: "", text: "two\r\nthree\r" },
  ]);
  const console = new TerminalConsole([serial]);
  const { signal } = new AbortController();
  const answers = [];
  for (const text of ["first", "second", "third"]) {
    answers.push(await console.ask(text, { limitMs: 9_000, signal }));
  }
  assert.deepEqual(answers, [{ by: "person", text: "one" }, { by: "person", text: "two" }, {
    by: "person",
    text: "three",
  }]);
});
