import assert from "node:assert/strict";
import { deadEnd, loginPrompt, plainText, withoutTokens } from "./console_text.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("a login prompt is found behind escape sequences, and a greeting about logins is none", () => {
  const console =
    "\x1b[0;32m  OK  \x1b[0m] Reached target\r\n\x1b[?2004l\r\nDebian GNU/Linux 12 web ttyS0\r\n\r\nweb login: ";
  assert.equal(loginPrompt(plainText(encode(console))), "web login:");
  assert.equal(loginPrompt("Last login: Tue\n[  OK  ] Started login: service"), undefined);
});

Deno.test("each dead end is named with the line that shows it", () => {
  const cases: [string, RegExp][] = [
    [
      "[    1.0] Kernel panic - not syncing: No working init found.",
      /^its kernel panicked: .*No working init/,
    ],
    ["BusyBox v1.35\n(initramfs) ", /^its initramfs stopped at a shell/],
    ["dracut:/# ", /^its initramfs stopped/],
    ["You are in emergency mode. After logging in", /^it stopped in emergency mode: You are/],
    ["error: no such device: 1234.\ngrub rescue> ", /^its boot loader stopped/],
    ["BdsDxe: No bootable option or device was found.", /^its firmware found nothing/],
  ];
  for (const [text, expected] of cases) assert.match(deadEnd(text) ?? "", expected);
  assert.equal(deadEnd("Loading grub> ...\n[ OK ] Started Emergency Shell helper\nweb login:"), undefined);
});

Deno.test("boot tokens are left out", () => {
  const line =
    "Command line: rackseed.server=https://10.0.0.1:8443 rackseed.token=rs1.pin.secret rackseed.mac=52";
  assert.equal(withoutTokens(line).includes("secret"), false);
  assert.match(withoutTokens(line), /rackseed\.token=… rackseed\.mac=52$/);
});
