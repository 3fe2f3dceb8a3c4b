import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { BootedMachine, connectionsOf } from "./booted_machine.ts";

Deno.test("forwarded ports and open connections are read from QEMU's table", () => {
  const table = `Hub -1 (net):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[ESTABLISHED]   22       127.0.0.1 43210       10.0.2.15    22     0     0
  TCP[SYN_SENT]      23       127.0.0.1 43211       10.0.2.15    80     0     0
  TCP[HOST_FORWARD]  14       127.0.0.1 39841       10.0.2.15    22     0     0
  UDP[131 sec]       25       10.0.2.15   123       10.0.2.2    123     0     0
`;
  assert.deepEqual(connectionsOf(table), [
    { state: "ESTABLISHED", localPort: 43210, port: 22 },
    { state: "SYN_SENT", localPort: 43211, port: 80 },
    { state: "HOST_FORWARD", localPort: 39841, port: 22 },
  ]);
});

Deno.test({
  name: "a machine without a system shows its firmware's screen, and is switched off at the end",
  ...needs({ programs: ["qemu-system-x86_64"] }),
  async fn() {
    const folder = await Deno.makeTempDir();
    await using stack = new AsyncDisposableStack();
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const path = `${folder}/a,b.img`;
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, 1 << 20);
    const disk = { path, format: "raw", sectorBytes: 512, serial: "rackseed-disk0" } as const;
    const machine = await BootedMachine.start({
      firmware: "bios",
      disks: [disk],
      mac: "52:54:00:00:00:01",
      memoryMiB: 128,
      emulate: true,
      folder,
      ports: [22, 80],
    });
    stack.use(machine);
    const ports = await Promise.all([22, 80, 443].map((port) => machine.localPort(port)));
    assert.ok(ports[0]! > 0 && ports[1]! > 0 && ports[0] !== ports[1] && ports[2] === undefined, `${ports}`);
    // the local port is open, but there is nothing behind it that accepts
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: ports[0]! });
    assert.ok(connection.remoteAddr);
    assert.equal(await machine.hasAccepted(22), false);
    await machine.screenshot(`${folder}/screen.png`);
    assert.deepEqual([...(await Deno.readFile(`${folder}/screen.png`)).subarray(1, 4)], [80, 78, 71]);
    await machine[Symbol.asyncDispose]();
    await assert.rejects(machine.screenshot(`${folder}/screen.png`), /QEMU has ended/);
  },
});
