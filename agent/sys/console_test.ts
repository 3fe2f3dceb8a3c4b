import assert from "node:assert/strict";
import { TerminalConsole } from "./console.ts";

function fakeTerminal(path: string, typed: string[] = []) {
  const screen = { path, shown: "" };
  const inputs = typed.map((text) => new TextEncoder().encode(text));
  const read = () =>
    inputs.length > 0 ? Promise.resolve(inputs.shift() ?? null) : new Promise<never>(() => {});
  return Object.assign(screen, { read, write: (text: string) => void (screen.shown += text) });
}

Deno.test("every terminal shows the same, and a progress line gives way to the next line", () => {
  const screen = fakeTerminal("/dev/tty0"), serial = fakeTerminal("/dev/ttyS0");
  const terminal = new TerminalConsole([screen, serial]);
  terminal.line("one");
  terminal.progress("two");
  terminal.line("three");
  assert.equal(screen.shown, "one\n\rtwo\x1b[K\r\x1b[Kthree\n");
  assert.equal(serial.shown, screen.shown);
});

Deno.test("Enter counts on any terminal, other keys do not", async () => {
  const terminals = [fakeTerminal("/dev/tty0", ["abc"]), fakeTerminal("/dev/ttyS0", ["x", "\r", "\n"])];
  const terminal = new TerminalConsole(terminals);
  assert.equal((await terminal.enter()).path, "/dev/ttyS0");
  assert.equal((await terminal.enter()).path, "/dev/ttyS0");
});
