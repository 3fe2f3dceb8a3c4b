import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { createProgram } from "./program.ts";
import { runCommandLine } from "./run.ts";
import type { ServerCommand } from "./server_options.ts";
import { unexpectedActions as actions } from "./testing/actions.ts";

Deno.test("exit codes: 0 success, 1 failure, 2 wrong usage", async () => {
  const failing = actions({
    runServer: () => Promise.reject(new RackseedError("cannot", { reason: "so.", remedy: "do." })),
  });
  const cases: [args: string[], code: number][] = [
    [["--help"], 0],
    [["image", "--help"], 0],
    [["node", "deploy", "--help"], 0],
    [["version"], 0],
    [["--version"], 0],
    [["-V"], 0],
    [["nonsense"], 2],
    [["nonsense", "--help"], 2],
    [["help", "nonsense"], 2],
    [["node", "nonsense", "--help"], 2],
    [["help", "node"], 0],
    [["help"], 0],
    [["server"], 1],
    [[], 2],
    [["imag"], 2],
    [["image"], 2],
    [["image", "show"], 2],
    [["server", "--nonsense"], 2],
    [["server", "--http-port", "70000"], 2],
    [["server", "--listen", "nowhere"], 2],
    [["server", "--dhcp", "maybe"], 2],
    [["server", "--dhcp", "server"], 2],
    [["server", "--dhcp", "proxy"], 2],
    [["server", "--dhcp-range", "10.0.0.9-10.0.0.1"], 2],
    [["capture", "web"], 2],
    [["capture", "web", "--image", "web", "--level", "20"], 2],
    [["capture", "web", "--image", "Not A Name"], 2],
    [["node", "deploy", "n1"], 2],
    [["node", "deploy", "n1", "--image", "Web"], 2],
    [["server", "--upload-limit", "100mb"], 2],
    [["node", "set", "n1", "--upload-limit", "fast"], 2],
    [["node", "deploy", "n1", "--image", "web", "--seed", "ever"], 2],
    [["node", "set", "n1", "--identity", "guess"], 2],
    [["node", "set", "n1", "--interface", "bond0"], 2],
    [["node", "deploy", "n1", "--image", "web", "--identity", "ask", "--ask-timeout", "soon"], 2],
    [["swarm"], 2],
    [["swarm", "set"], 2],
    [["swarm", "set", "--upload-limit", "none"], 2],
    [["swarm", "set", "--rack-prefix", "32"], 2],
    [["swarm", "set", "--help"], 0],
    [["server", "--boot-vlan", "4095"], 2],
    [["server", "--boot-vlan", "20", "--secure-boot"], 2],
    [["server", "--mtu", "900"], 2],
    [["medium", "--image", "web", "-o", "stick.img", "--vlan", "0"], 2],
  ];
  for (const [args, code] of cases) assert.equal(await runCommandLine(args, failing), code, args.join(" "));
});

Deno.test("the server receives its options parsed", async () => {
  const seen: ServerCommand[] = [];
  const runServer = (options: ServerCommand) => Promise.resolve(void seen.push(options));
  await runCommandLine(["server"], actions({ runServer }));
  await runCommandLine([
    ...["server", "--listen", "[::1]:9", "--tftp-port", "off", "--interface", "eth1", "--dhcp", "server"],
    ...["--dhcp-range", "10.0.0.5-10.0.0.9", "--dns", "10.0.0.1", "--dns", "10.0.0.2", "--secure-boot"],
    ...["--dhcp-clients", "all", "--rsync-port", "873", "--upload-limit", "800mbit"],
    ...["--router-adverts", "off"],
    ...["--signed-images", "enroll"],
  ], actions({ runServer }));
  await runCommandLine(["server", "--rsync-port", "off"], actions({ runServer }));
  const [plain, full, quiet] = seen;
  assert.deepEqual([plain?.listen, plain?.tftpPort, plain?.dhcp, plain?.data], [
    undefined,
    69,
    "off",
    "/var/lib/rackseed",
  ]);
  assert.deepEqual(full?.listen, { hostname: "::1", port: 9 });
  assert.deepEqual([full?.tftpPort, full?.dns, full?.secureBoot], [
    undefined,
    ["10.0.0.1", "10.0.0.2"],
    true,
  ]);
  assert.deepEqual([plain?.uploadLimit, full?.uploadLimit], [undefined, 100e6]);
  assert.deepEqual([plain?.rsyncPort, plain?.rsyncMayFail], [873, true]);
  assert.deepEqual([full?.rsyncPort, full?.rsyncMayFail], [873, false]);
  assert.equal(quiet?.rsyncPort, undefined);
  assert.deepEqual([plain?.dhcpClients, full?.dhcpClients], ["nodes", "all"]);
  assert.deepEqual([plain?.signedImages, full?.signedImages], ["off", "enroll"]);
  assert.deepEqual([plain?.routerAdvertisements, full?.routerAdvertisements], ["on", "off"]);
  assert.deepEqual(full?.dhcpRange, { first: "10.0.0.5", last: "10.0.0.9" });
});

Deno.test("every command has a description, and an example in its help", () => {
  const visit = (command: ReturnType<typeof createProgram>, path: string): string[] => {
    let help = "";
    command.configureOutput({ writeOut: (text) => help += text });
    command.outputHelp();
    const here = /\nExamples?:\n {2}rackseed /.test(help) && command.description() ? [] : [path];
    const below = command.commands.flatMap((c) => visit(c as typeof command, `${path} ${c.name()}`));
    return [...here, ...below];
  };
  assert.deepEqual(visit(createProgram(actions()), "rackseed"), []);
});
