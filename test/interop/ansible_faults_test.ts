/** The collection against servers that deceive it or fail, its documentation, and what Ansible's own checks say of it. */
import assert from "node:assert/strict";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { Ansible, COLLECTION } from "../support/ansible.ts";
import { HostileApi } from "../support/hostile_api.ts";

const problem = (status: number) =>
  Response.json({ title: `refused with ${status}`, status, detail: "d.", remedy: "r." }, { status });
const VIEW = { id: "1", name: "n1", state: "idle", armed: false };

/** Somebody else sets the rack between the first reading and the first writing. */
function changesMeanwhile(sent: unknown[]): (request: Request) => Promise<Response> {
  let settings: object = {}, reads = 0;
  return async (request) => {
    const tag = `"${JSON.stringify(settings).length}"`;
    if (request.method === "GET") {
      const answer = Response.json({ ...VIEW, settings }, { headers: { etag: tag } });
      if (reads++ === 0) settings = { rack: "x" };
      return answer;
    }
    if (request.headers.get("if-match") !== tag) return problem(412);
    settings = await request.json();
    sent.push(settings);
    return Response.json({ ...VIEW, settings });
  };
}

/** The first answer to an order breaks off. */
function losesAnswer(keys: (string | null)[]): (request: Request) => Response {
  return (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.includes("/nodes/")) return Response.json({ ...VIEW, settings: {} });
    if (pathname.includes("/images/")) return Response.json({ image: "web", version: 3 });
    keys.push(request.headers.get("idempotency-key"));
    if (keys.length > 1) return Response.json({ deployment: "d", image: "web@3", nodes: [] });
    return new Response(
      new ReadableStream({
        start: (stream) => stream.enqueue(new TextEncoder().encode("{")),
        pull: (stream) => stream.error(new Error("gone")),
      }),
    );
  };
}

Deno.test("no token goes to a stranger, no change undoes another, and a lost order is not given twice", async () => {
  await using ansible = await Ansible.install();
  if (!ansible) return;
  await using real = await ServerUnderTest.start();
  const pem = await Deno.readTextFile(`${real.data}/tls/ca.pem`);
  // the real CA is public: a stranger shows it, and its own after it
  await using stranger = await HostileApi.start(() => problem(500), { ca: (own) => pem + own });
  await using second = await HostileApi.start(() => problem(500), { ca: (own) => own + pem });
  const sent: unknown[] = [], keys: (string | null)[] = [];
  await using busy = await HostileApi.start(changesMeanwhile(sent));
  await using shaky = await HostileApi.start(losesAnswer(keys));
  await using elsewhere = await HostileApi.start(() => Response.redirect(`${real.server.urls.server}/`));
  const { token } = real.server;
  const node = (args: object) => ({ module: "node" as const, args: { name: "n1", ...args } });
  const results = await ansible.play([
    node({ server: stranger.url, token }),
    node({ server: second.url, token }),
    node({ server: busy.url, token: busy.token, group: "g" }),
    {
      module: "deployment",
      args: { server: shaky.url, token: shaky.token, nodes: ["n1"], image: "web", wait: false },
    },
    node({ server: elsewhere.url, token: elsewhere.token }),
  ], {});
  const [deceived, refused, changed, ordered, led] = results;
  assert.match(deceived?.msg ?? "", /cannot reach the server.*certificate verify failed/);
  assert.match(refused?.msg ?? "", /cannot trust the server/);
  assert.deepEqual([stranger.calls, second.calls], [[], []]);
  assert.deepEqual([changed?.changed, sent], [true, [{ rack: "x", group: "g" }]]);
  assert.equal(ordered?.deployment, "d");
  assert.match(keys[0] ?? "", /^"[\w-]{36}"$/);
  assert.deepEqual(keys, [keys[0], keys[0]]);
  assert.match(led?.msg ?? "", /HTTP 302/);
  // Python 3.13 and later hold certificates to RFC 5280 by default
  const script =
    "import ssl, socket, sys; _, ca, port = sys.argv; c = ssl.create_default_context(cafile=ca); " +
    "c.verify_flags |= ssl.VERIFY_X509_STRICT; " +
    "c.wrap_socket(socket.create_connection(('127.0.0.1', int(port))), server_hostname='127.0.0.1')";
  const { port } = new URL(real.server.urls.server);
  const strict = await ansible.run("python3", ["-c", script, `${real.data}/tls/ca.pem`, port]);
  assert.equal(strict.code, 0, strict.stderr);
});

const PLUGINS = [
  ["module", "plugins/modules/rackseed_node.py"],
  ["module", "plugins/modules/rackseed_deployment.py"],
  ["inventory", "plugins/inventory/rackseed.py"],
] as const;
/** The only licence that it accepts. This project's is MIT, which goes with Ansible's. */
const LICENCE = /missing-gplv3-license/;

Deno.test("ansible-lint, ansible-doc and ansible-test's validate-modules are content with the collection", async () => {
  await using ansible = await Ansible.install();
  if (!ansible) return;
  const root = `${ansible.folder}/source`, name = "ansible_collections/rackseed/rackseed";
  await Deno.mkdir(`${root}/ansible_collections/rackseed`, { recursive: true });
  const copied = await new Deno.Command("cp", { args: ["-r", COLLECTION, `${root}/${name}`] }).output();
  assert.ok(copied.success);
  const cwd = `${root}/${name}`;
  const lint = await ansible.run("ansible-lint", ["--offline", "--nocolor"], { cwd });
  assert.equal(lint.code, 0, lint.stdout + lint.stderr);
  assert.match(lint.stderr, /Profile 'production' was required, and it passed/);

  for (const [type, path] of PLUGINS) {
    const plugin = `rackseed.rackseed.${path.slice(path.lastIndexOf("/") + 1, -3)}`;
    const shown = await ansible.run("ansible-doc", ["--json", "-t", type, plugin]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.ok(JSON.parse(shown.stdout)[plugin].examples.length > 100);
  }

  // ansible-test itself would download pip first
  const tool = "import ansible_test, sys; print(ansible_test.__path__[0])";
  const { stdout: at } = await ansible.run("python3", ["-c", tool]);
  const folder = `${at.trim()}/_util/controller/sanity/validate-modules`;
  const env = { PYTHONPATH: `${root}:${folder}`, ANSIBLE_COLLECTIONS_PATH: root };
  for (const type of ["module", "inventory"]) {
    const paths = PLUGINS.filter((plugin) => plugin[0] === type).map(([, path]) => path);
    const { stdout, stderr } = await ansible.run("python3", [
      `${folder}/validate.py`,
      ...["--format", "plain", "--arg-spec", "--plugin-type", type],
      ...["--collection", name, "--collection-version", "0.1.0", ...paths],
    ], { cwd, env });
    const said = (stdout + stderr).trim().split("\n");
    assert.equal(said.filter((line) => LICENCE.test(line)).length, paths.length, stdout + stderr);
    assert.deepEqual(said.filter((line) => !LICENCE.test(line)), []);
  }

  const parse =
    "import ast, sys; [ast.parse(open(path).read(), path, feature_version=(3, 9)) for path in sys.argv[1:]]";
  const files = [...PLUGINS.map(([, path]) => path)];
  for await (const { name } of Deno.readDir(`${cwd}/plugins/module_utils`)) {
    files.push(`plugins/module_utils/${name}` as typeof files[number]);
  }
  const parsed = await ansible.run("python3", ["-c", parse, ...files], { cwd });
  assert.equal(parsed.code, 0, parsed.stderr);
});
