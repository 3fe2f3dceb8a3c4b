/** Bad input to the compiled product: a clear error with a remedy, the right exit code, and no changes. */
import assert from "node:assert/strict";
import { needs } from "../support/needs.ts";
import { Product } from "./support/product.ts";

const PORTS = [
  "--http-port",
  "0",
  "--peer-port",
  "0",
  "--tracker-port",
  "0",
  "--tftp-port",
  "off",
  "--rsync-port",
  "0",
];

Deno.test("the operator's mistakes", async () => {
  await using product = await Product.withServer();
  const { folder, token, status: { server, ports } } = product;
  const other = `${folder}/other`;
  const wrong = token.replace(/.{43}$/, "x".repeat(43));
  await product.done("node", "set", "n1");
  const cases: [args: string[], code: number, says: RegExp][] = [
    [["node", "list", "--token", "secret"], 1, /does not have the form rs1\.PIN\.SECRET\.\n {2}Remedy: copy/],
    [
      ["node", "list", "--token", wrong],
      1,
      /carries no valid token of this server\.\n {2}Remedy: give --token/,
    ],
    [
      ["node", "list", "--token", token.replace(/^rs1\.../, "rs1.xx")],
      1,
      /not the one that the token was made/,
    ],
    [["node", "list", "--server", "https://127.0.0.1:1"], 1, /cannot reach the server .*\n {2}Remedy: check/],
    [["node", "list", "--server", "http://127.0.0.1"], 1, /not of the form https:\/\/HOST:PORT/],
    [["agent", "template", "--root", folder, "--token", wrong], 1, /carries no valid token of this server/],
    [["image", "show", "none"], 1, /no image none: no image has been captured yet\.\n {2}Remedy: capture/],
    [["node", "deploy", "n1", "--image", "none"], 1, /there is no image none/],
    [["node", "deploy", "n2", "--image", "none"], 1, /there is no image none|the known nodes are n1/],
    [["node", "show", "n2"], 1, /cannot find the node n2: the known nodes are n1\./],
    [["capture", "none", "--image", "web"], 1, /no machine has announced itself yet/],
    [["image", "import", "web", `${folder}/none`], 1, /cannot import .*\n {2}Remedy: name a directory/],
    [["image", "import", "Web!", folder], 2, /an image name is/],
    [["image", "verify", "web@X"], 2, /NAME, NAME@VERSION or NAME@TAG/],
    [
      ["server", "--data", `${folder}/data`, ...PORTS, "--listen", "127.0.0.1:0"],
      1,
      /another server is using it/,
    ],
    [["server", "--data", other, ...PORTS, "--listen", `127.0.0.1:${ports.https}`], 1, heldBy(ports.https)],
    [
      ["server", "--data", other, "--listen", "127.0.0.1:0", "--http-port", `${ports.http}`],
      1,
      heldBy(ports.http),
    ],
    [
      ["server", "--data", other, "--interface", "none0"],
      1,
      /no such interface; with an address it has: .*lo/,
    ],
    [["server", "--data", "/proc/none"], 1, /cannot make the data directory .*\n {2}Remedy: start as root/],
    [["nodes"], 2, /unknown command 'nodes'\n\(Did you mean node\?\)/],
    [["node", "list", "--jsn"], 2, /unknown option '--jsn'\n\(Did you mean --json\?\)/],
  ];
  for (const [args, code, says] of cases) {
    const ended = await product.run(args, { RACKSEED_SERVER: server, RACKSEED_TOKEN: token });
    assert.match(ended.stderr, says, args.join(" "));
    assert.equal(ended.code, code, args.join(" "));
  }
  assert.deepEqual(await product.json("image", "list"), []);
});

/** Names the program that holds the port: this test's server. */
function heldBy(port: number): RegExp {
  return new RegExp(`TCP port ${port} is held by process \\d+ \\(.*rackseed server .*\\)`);
}

Deno.test("a client that finds no server explains how to name one", async () => {
  await using product = await Product.prepare();
  const { code, stderr } = await product.run(["node", "list"], { RACKSEED_SERVER: "https://127.0.0.1:1" });
  assert.equal(code, 1);
  assert.match(stderr, /Remedy: /);
});

Deno.test({
  name: "serving TFTP on port 69 without root fails with an explanation",
  ...needs({ root: true, programs: ["setpriv"] }),
  async fn() {
    await using product = await Product.prepare();
    const { folder } = product;
    await Deno.copyFile(product.path, `${folder}/rackseed`);
    await Deno.mkdir(`${folder}/data`);
    for (const path of [folder, `${folder}/data`]) await Deno.chown(path, 65534, 65534);
    const ports = ["--http-port", "0", "--peer-port", "0", "--tracker-port", "0", "--listen", "127.0.0.1:0"];
    const { code, stderr } = await new Deno.Command("setpriv", {
      args: [
        ...["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"],
        ...[`${folder}/rackseed`, "server", "--data", `${folder}/data`, ...ports],
      ],
      clearEnv: true,
      cwd: folder,
    }).output();
    assert.match(
      new TextDecoder().decode(stderr),
      /this user may not use UDP port 69\.\n {2}Remedy: start as root/,
    );
    assert.equal(code, 1);
  },
});

Deno.test("--help answers in at most 0.3 s", async () => {
  await using product = await Product.prepare();
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    assert.equal((await product.run(["--help"])).code, 0);
    times.push(performance.now() - started);
  }
  assert.ok(Math.min(...times) <= 300, `${times}`);
});
