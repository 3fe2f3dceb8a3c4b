// a terminal obeys control characters
// deno-lint-ignore-file no-control-regex
import assert from "node:assert/strict";
import { NodeConsole } from "./node_console.ts";

const SIZE = { columns: 80, rows: 25 };

/** A terminal that obeys what the console writes, as the kernel's does. */
class FakeScreen {
  readonly rows = Array.from({ length: SIZE.rows }, () => new Array<string>(SIZE.columns).fill(" "));
  written = 0;
  #row = 0;
  #column = 0;
  #wraps = true;

  constructor(readonly path: string, readonly typed: string[] = []) {}
  read(): Promise<Uint8Array | null> {
    const text = this.typed.shift();
    return text === undefined ? new Promise(() => {}) : Promise.resolve(new TextEncoder().encode(text));
  }
  write(text: string): void {
    this.written += text.length;
    for (const [part] of text.matchAll(/\x1b\[[?\d;]*[a-zA-Z]|[^\x1b]/gu)) {
      const move = /^\x1b\[(\d+);(\d+)H$/.exec(part);
      if (move) [this.#row, this.#column] = [Number(move[1]) - 1, Number(move[2]) - 1];
      else if (part === "\x1b[H") this.#row = this.#column = 0;
      else if (part === "\x1b[2J") { for (const row of this.rows) row.fill(" "); }
      else if (part === "\n") [this.#row, this.#column] = [this.#row + 1, 0];
      else if (part === "\r") this.#column = 0;
      else if (/^\x1b\[\?7[hl]$/.test(part)) this.#wraps = part.endsWith("h");
      else if (!part.startsWith("\x1b")) {
        if (this.#column === SIZE.columns && this.#wraps) [this.#row, this.#column] = [this.#row + 1, 0];
        const row = this.rows[this.#row];
        assert.ok(row && this.#column < SIZE.columns, `"${part}" outside the screen`);
        row[this.#column++] = part;
      }
    }
  }
  get text(): string {
    return this.rows.map((row) => row.join("").trimEnd()).join("\n");
  }
}

function open({ typed = [] as string[] } = {}) {
  const screen = new FakeScreen("/dev/tty0", typed);
  const serial = { path: "/dev/ttyS0", text: "", read: () => new Promise<never>(() => {}) };
  const write = (text: string) => void (serial.text += text);
  const clock = { ms: 0 };
  let tick = () => {};
  const console = new NodeConsole([screen, Object.assign(serial, { write })], {
    size: SIZE,
    nowMs: () => clock.ms,
    every: (work) => void (tick = work),
  });
  const pass = (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      clock.ms += 1000;
      tick();
    }
  };
  return { console, screen, serial, pass };
}

const FACTS = {
  node: "node017",
  image: "web@3",
  server: "10.0.0.1:8443",
  orderText: "install",
  page: "https://10.0.0.1:8443/nodes/node017",
};
const TRANSFER = { bytesDone: 12e9, bytesTotal: 29e9, bytesPerSecond: 112e6, peers: 7 };

Deno.test("the screen shows name and percentage large, the time left, image, server and the page's code", () => {
  const { console, screen, pass } = open();
  console.show(FACTS);
  console.show({ step: "install", transfer: TRANSFER, message: "from peers" });
  pass(75);
  const { text } = screen;
  for (
    const part of [
      "> WORKING   install",
      "1 min 15 s",
      "12.0 GB of 29.0 GB, 112.0 MB/s, 7 peers",
      "2 min 32 s left",
    ]
  ) {
    assert.ok(text.includes(part), `${part}\n${text}`);
  }
  assert.match(text, /Step 15\/22 +install: from peers/);
  assert.match(text, /Image +web@3/);
  assert.match(text, /Server +10\.0\.0\.1:8443/);
  // the letters N and O of the name, five columns each and one between them
  assert.equal(screen.rows[2]?.slice(1, 12).join(""), "█   █ ▄▀▀▀▄");
  // 29 modules with two around them, in half blocks, in the lower right corner
  assert.equal(screen.rows.slice(-17).filter((row) => row.slice(-33)[0] === "█").length, 16);
});

Deno.test("only rows that changed are written again; what the kernel wrote over the picture does not stay", () => {
  const { console, screen, pass } = open();
  console.show(FACTS);
  console.show({ step: "install", transfer: TRANSFER });
  pass(2);
  const before = screen.written;
  pass(5);
  assert.ok(screen.written - before < 5 * 200, `${screen.written - before} characters in five seconds`);
  screen.rows[12]?.fill("#");
  pass(20);
  assert.ok(!screen.text.includes("#"), screen.text);
});

Deno.test("a serial line gets plain lines: each finished step, and progress every five seconds at most", () => {
  const { console, serial, pass } = open();
  console.line("[ 1/22] network: eth0 (1.0 s)");
  for (let percent = 0; percent < 60; percent++) {
    console.progress(`[15/22] install: ${percent} %`);
    pass(1);
  }
  console.line("[15/22] install: done (60.0 s)");
  const lines = serial.text.split("\n");
  assert.ok(lines.length >= 12 && lines.length <= 15, serial.text);
  assert.equal(lines.at(-2), "[15/22] install: done (60.0 s)");
  assert.ok(!/[\r\x1b]/.test(serial.text));
  // it can be seen where a machine hangs
  console.show({ step: "identity" });
  console.progress("[16/22] identity …");
  console.progress("[16/22] identity: host keys");
  console.line("[16/22] identity: n1 (0.1 s)");
  assert.match(serial.text, /\n\[16\/22\] identity …\n\[16\/22\] identity: n1 \(0\.1 s\)\n$/);
});

Deno.test("a failure stays on the screen with cause, remedy, the end of the log and the way to a shell", async () => {
  const { console, screen, serial, pass } = open({ typed: ["\r"] });
  console.show({ ...FACTS, step: "bootloader" });
  for (const line of ["grub-install failed", "\x1b[2Jhostile"]) console.line(`  | ${line}`);
  const problem = {
    title: "cannot install GRUB",
    detail: `grub-install exited 1: ${"no space left on the partition ".repeat(12)}`,
    remedy: "make the EFI system partition larger on the template, and capture it again.",
    status: 500,
  };
  console.show({ problem, isShellReady: true });
  pass(60);
  const { text } = screen;
  assert.match(text, /X FAILED {3}at the step bootloader/);
  assert.match(text, /What +cannot install GRUB/);
  assert.match(text, /Cause +grub-install exited 1: no space/);
  assert.match(text, /\(Enter shows all of it\)/);
  assert.match(text, /Remedy +make the EFI system partition\s/);
  assert.match(text, /\| grub-install failed/);
  assert.match(text, /Enter: a shell\./);
  assert.equal((await console.enter()).path, "/dev/tty0");
  console.line("  | cannot install GRUB");
  const shell = screen.text;
  assert.match(shell, /^ {2}\| cannot install GRUB\n+$/);
  pass(30);
  // nothing is drawn over a person's shell
  assert.equal(screen.text, shell);
  console.line("in the shell");
  assert.ok(screen.text.includes("in the shell") && serial.text.includes("in the shell"));
});

Deno.test("a machine that failed before it learnt its name says so in large letters", () => {
  const { console, screen } = open();
  const problem = { title: "cannot use the token", detail: "it is none.", remedy: "copy it.", status: 401 };
  console.show({ step: "enrol", problem });
  // the letters F and A
  assert.equal(screen.rows[2]?.slice(1, 12).join(""), "█▀▀▀▀ ▄▀▀▀▄");
  assert.match(screen.text, /What +cannot use the token/);
});

Deno.test("while a person is asked, name and state stay in sight above the question", async () => {
  const { console, screen, pass } = open({ typed: [] });
  console.show(FACTS);
  console.line("Which machine is this?");
  const stop = new AbortController();
  const answer = console.ask("name [n1]", { limitMs: 60_000, signal: stop.signal });
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.match(screen.text, /\? WAITING FOR YOU/);
  assert.match(screen.text, /Which machine is this\?\nname \[n1\] \(60 s\):/);
  stop.abort();
  await assert.rejects(answer);
  pass(1);
  assert.match(screen.text, /> WORKING/);
});

Deno.test("names that are too long for large letters are shown by their first label, or plainly", () => {
  const { console, screen, pass } = open();
  console.show({ ...FACTS, node: "node017.rack2.example.org" });
  pass(1);
  assert.equal(screen.rows[2]?.slice(1, 12).join(""), "█   █ ▄▀▀▀▄");
  console.show({ node: "a-very-long-name-of-a-node" });
  pass(1);
  assert.match(screen.text, /a - v e r y - l o n g/);
});
