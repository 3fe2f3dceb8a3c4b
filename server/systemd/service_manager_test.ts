import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { NotifySocket } from "../../test/support/notify_socket.ts";
import { managerOptions, ServiceManager } from "./service_manager.ts";

for (const kind of ["path", "abstract"]) {
  Deno.test({
    name: `start, watchdog, reload and stop reach the manager's socket (${kind})`,
    ...needs({ programs: ["python3"] }),
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "rackseed-notify-" });
      try {
        const name = kind === "path" ? `${folder}/notify` : `@rackseed-test-${crypto.randomUUID()}`;
        await using socket = await NotifySocket.bind(name);
        using manager = new ServiceManager({ socket: name, watchdogMs: 40 });
        manager.ready("serves at\nhttps://10.0.0.1:8443");
        assert.equal(await socket.next(), "READY=1\nSTATUS=serves at https://10.0.0.1:8443");
        for (let i = 0; i < 3; i++) assert.equal(await socket.next(), "WATCHDOG=1");
        manager.reloading();
        manager.ready("again");
        manager.stopping();
        const states = [await socket.nextState(), await socket.nextState(), await socket.nextState()];
        assert.deepEqual(states, ["RELOADING=1", "READY=1\nSTATUS=again", "STOPPING=1"]);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

Deno.test("a manager that does not listen, or cannot be addressed, stops nothing", () => {
  for (const socket of [undefined, "/nonexistent/socket", "vsock:2:1", `/${"x".repeat(200)}`]) {
    new ServiceManager({ socket, watchdogMs: undefined }).ready("serves");
  }
});

Deno.test("the watchdog is read from the environment, and only if it is meant for this process", () => {
  const cases: [env: Record<string, string>, watchdogMs: number | undefined][] = [
    [{}, undefined],
    [{ WATCHDOG_USEC: "60000000" }, 60_000],
    [{ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "7" }, 60_000],
    [{ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "8" }, undefined],
    [{ WATCHDOG_USEC: "0" }, undefined],
    [{ WATCHDOG_USEC: "soon" }, undefined],
  ];
  for (const [env, watchdogMs] of cases) assert.equal(managerOptions(env, 7).watchdogMs, watchdogMs);
});
