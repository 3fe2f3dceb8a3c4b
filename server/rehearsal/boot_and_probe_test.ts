/** A real machine under QEMU, whose whole system is a boot sector that writes one text to its serial console. */
import assert from "node:assert/strict";
import type { Probe } from "#contract/api/rehearsals.ts";
import { needs } from "../../test/support/needs.ts";
import { bootAndProbe } from "./boot_and_probe.ts";

/** What the sector does after its text: halts, or restarts the machine through the keyboard controller. */
const THEN = {
  halt: [0xf4, 0xeb, 0xfd],
  // mov al, 0xfe; out 0x64, al
  restart: [0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd],
};

/** Real-mode code, loaded at 0x7c00: each byte of the text goes to COM1, up to a zero. */
function bootSector(text: string, then: readonly number[]): Uint8Array<ArrayBuffer> {
  const code = (start: number) => [
    // xor ax, ax; mov ds, ax; cld; mov si, 0x7c00 + start; mov dx, 0x3f8
    ...[0x31, 0xc0, 0x8e, 0xd8, 0xfc, 0xbe, start, 0x7c, 0xba, 0xf8, 0x03],
    // next: lodsb; test al, al; jz done; out dx, al; jmp next; done:
    ...[0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8],
    ...then,
  ];
  const { length } = code(0);
  const sector = new Uint8Array(512);
  sector.set(code(length));
  sector.set(new TextEncoder().encode(text), length);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

async function boot(text: string, { then = "halt", probes = [{ type: "login" }], seconds = 60, signal }: {
  then?: keyof typeof THEN;
  probes?: readonly Probe[];
  seconds?: number;
  signal?: AbortSignal;
} = {}) {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const path = `${folder}/disk.img`, console = `${folder}/console.log`;
  await Deno.writeFile(path, bootSector(text, THEN[then]));
  await Deno.truncate(path, 1 << 20);
  await Deno.writeTextFile(console, "the installer writes: old login: \n");
  const outcome = await bootAndProbe({
    ref: "web@1",
    firmware: "bios",
    disks: [{ path, format: "raw", sectorBytes: 512, serial: "rackseed-disk0" }],
    mac: "52:54:00:00:00:01",
    memoryMiB: 128,
    emulate: true,
    folder,
    console,
    before: (await Deno.stat(console)).size,
    screenshot: `${folder}/screen.png`,
    probes,
    seconds,
    onProbes: () => {},
    signal: signal ?? new AbortController().signal,
  });
  const isPictured = (await Deno.readFile(`${folder}/screen.png`))[1] === 0x50;
  return { outcome, isPictured };
}

const QEMU = needs({ programs: ["qemu-system-x86_64"] });

Deno.test({
  name: "a machine that shows a login prompt is proved, with a picture of its screen",
  ...QEMU,
  async fn() {
    const text = "\nweb login: ", probes: Probe[] = [{ type: "login" }, { type: "console", text: "web" }];
    assert.deepEqual(await boot(text, { probes }), { outcome: undefined, isPictured: true });
  },
});

Deno.test({
  name: "a machine that panics, restarts for ever, or says nothing has failed, for a reason that is named",
  ...QEMU,
  async fn() {
    const panic = await boot("\nKernel panic - not syncing: No working init found.\n");
    assert.match(
      panic.outcome?.reason ?? "",
      /^its kernel panicked: .*No working init found; no login prompt/,
    );
    assert.ok(panic.isPictured);
    const loop = await boot("\nonce more\n", { then: "restart" });
    assert.match(loop.outcome?.reason ?? "", /^it has restarted itself \d+ times; no login prompt/);
    const mute = await boot("", { probes: [{ type: "login" }, { type: "tcp", port: 22 }], seconds: 1 });
    assert.match(
      mute.outcome?.reason ?? "",
      /^the 1 s that it had have passed; .*needs console=ttyS0.*port 22 does not answer/,
    );
  },
});

Deno.test({
  name: "a rehearsal that is cancelled ends its machine at once",
  ...QEMU,
  async fn() {
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("ann cancelled it")), 1500);
    await assert.rejects(boot("\nbusy\n", { signal: stop.signal }), /ann cancelled it/);
  },
});
