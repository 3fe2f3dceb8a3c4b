import assert from "node:assert/strict";
import { RackseedError } from "#contract/errors.ts";
import { readSettingSources, serverCommand } from "./load_settings.ts";
import { runCommandLine } from "./run.ts";
import type { ServerCommand } from "./server_options.ts";
import { effectiveSettings, environmentSettings, fileSettings, settingValues } from "./setting_sources.ts";
import { SETTING_NAMES, type SettingName, settingOf, variableOf } from "./settings.ts";
import { settingsAsFile } from "./settings_text.ts";
import { unexpectedActions } from "./testing/actions.ts";

/** A value of each setting, as text, that is not its default. */
const EXAMPLES: Record<SettingName, readonly string[]> = {
  "data": ["/srv/rackseed: a"],
  "listen": ["10.0.0.1:9443"],
  "tls-cert": ["/etc/rackseed/site.pem"],
  "tls-key": ["/etc/rackseed/site.key"],
  "site-listen": ["10.0.0.1:443"],
  "acme-directory": ["https://acme.site.example/directory"],
  "acme-domain": ["images.site.example", "img1"],
  "acme-ca-file": ["/etc/rackseed/site-ca.pem"],
  "acme-email": ["ops@site.example"],
  "acme-port": ["8880"],
  "interface": ["eth1"],
  "address": ["10.0.0.1"],
  "http-port": ["8081"],
  "peer-port": ["0"],
  "tracker-port": ["7000"],
  "tftp-port": ["off"],
  "rsync-port": ["off"],
  "dhcp": ["server"],
  "dhcp6": ["server"],
  "dhcp-range": ["10.0.0.100-10.0.0.199"],
  "dhcp-clients": ["all"],
  "gateway": ["10.0.0.254"],
  "dns": ["10.0.0.2", "10.0.0.3"],
  "router-adverts": ["off"],
  "mtu": ["9000"],
  "boot-vlan": ["20"],
  "secure-boot": ["true"],
  "signed-images": ["enroll"],
  "sign-disks": ["true"],
  "signing-command": ["/usr/local/sbin/sign"],
  "signing-cert": ["/etc/rackseed/site.pem"],
  "request-mok": ["true"],
  "require-tpm": ["true"],
  "start-alone": ["true"],
  "upload-limit": ["800mbit"],
  "seeder": ["off"],
  "web-seed": ["http://10.0.0.2/seed/", "http://10.0.0.3/seed/"],
  "tracker": ["udp://10.0.0.4:6969/announce", "http://10.0.0.5:6969/announce"],
  "upstream": ["https://10.0.0.9:8443"],
  "upstream-token-file": ["/etc/rackseed/upstream-token"],
  "upstream-rate": ["50mbit"],
  "upstream-hours": ["22:00-06:00"],
  "pack-store": ["s3://images/site-1"],
  "cache-size": ["200G"],
  "s3-endpoint": ["http://10.0.0.2:8333"],
  "s3-region": ["eu-central-1"],
  "s3-addressing": ["host"],
  "s3-key-file": ["/etc/rackseed/s3"],
  "s3-ca-file": ["/etc/rackseed/site-ca.pem"],
  "s3-public-url": ["http://10.0.0.2/images"],
  "registry-auth-file": ["/etc/rackseed/registry.json"],
  "registry-ca-file": ["/etc/rackseed/site-ca.pem"],
  "registry-http": ["registry.site.example:5000", "10.0.0.6:5000"],
  "registry-seed": ["registry.site.example:5000/site/web"],
  "metrics-open": ["true"],
  "trace-endpoint": ["http://127.0.0.1:4318"],
  "oidc-issuer": ["https://login.site.example/realms/site"],
  "oidc-client-id": ["rackseed"],
  "oidc-secret-file": ["/etc/rackseed/oidc-secret"],
  "oidc-ca-file": ["/etc/rackseed/site-ca.pem"],
  "oidc-scope": ["email", "groups"],
  "oidc-name-claim": ["email"],
  "oidc-role-claim": ["realm_access.roles"],
  "oidc-role": ["admin=cluster-admins", "operator/rack1=rack1-staff", "viewer=*"],
  "mail-server": ["mail.site.example"],
  "mail-port": ["2525"],
  "mail-security": ["tls"],
  "mail-ca-file": ["/etc/rackseed/site-ca.pem"],
  "mail-user": ["rackseed"],
  "mail-password-file": ["/etc/rackseed/mail-password"],
  "mail-from": ["rackseed@site.example"],
  "mail-to": ["ops@site.example", "night+shift@site.example"],
  "mail-event": ["node.failed", "disk.nearly_full"],
  "log-format": ["json"],
  "verbose": ["true"],
};

// it excludes --dhcp, and has a test of its own
const TOGETHER = SETTING_NAMES.filter((name) => name !== "dhcp6");

/** The file that `config show` would print. */
const FILE = settingsAsFile(TOGETHER.map((name) => ({ name, texts: EXAMPLES[name], from: "a test" })));

Deno.test("flags, environment and file agree on every setting", async () => {
  const file = settingValues({}, [fileSettings(FILE, "server.yaml")]);
  const env = Object.fromEntries(TOGETHER.map((name) => [variableOf(name), EXAMPLES[name].join(",")]));
  assert.deepEqual(settingValues({}, [environmentSettings(env)]), file);
  const seen: ServerCommand[] = [];
  const flags = TOGETHER.flatMap((name) =>
    EXAMPLES[name].flatMap((text) => settingOf(name).argument ? [`--${name}`, text] : [`--${name}`])
  );
  const runServer = (options: ServerCommand) => Promise.resolve(void seen.push(options));
  assert.equal(await runCommandLine(["server", ...flags], unexpectedActions({ runServer })), 0);
  const [command] = seen;
  assert.deepEqual(command, {
    ...serverCommand({}, { sources: [fileSettings(FILE, "server.yaml")], file: "server.yaml" }),
    json: false,
  });
  const defaults = settingValues({}, []);
  for (const name of TOGETHER) assert.notDeepEqual(file[name], defaults[name], name);
});

Deno.test("a flag wins over the environment, the environment over the file, the file over the default", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-settings-" });
  const seen: ServerCommand[] = [];
  const runServer = (options: ServerCommand) => Promise.resolve(void seen.push(options));
  Deno.env.set("RACKSEED_HTTP_PORT", "2");
  Deno.env.set("RACKSEED_PEER_PORT", "2");
  try {
    const config = `${folder}/server.yaml`;
    await Deno.writeTextFile(config, "http-port: 3\npeer-port: 3\ntracker-port: 3\n");
    const args = ["server", "--config", config, "--http-port", "1"];
    assert.equal(await runCommandLine(args, unexpectedActions({ runServer })), 0);
    const effective = effectiveSettings(readSettingSources(config).sources);
    assert.deepEqual(
      effective.filter(({ from }) => from !== "default").map(({ name, from }) => [name, from]),
      [["http-port", "RACKSEED_HTTP_PORT"], ["peer-port", "RACKSEED_PEER_PORT"], [
        "tracker-port",
        `${config} line 3`,
      ]],
    );
  } finally {
    Deno.env.delete("RACKSEED_HTTP_PORT");
    Deno.env.delete("RACKSEED_PEER_PORT");
    await Deno.remove(folder, { recursive: true });
  }
  const [{ httpPort, peerPort, trackerPort, tftpPort } = assert.fail("not run")] = seen;
  assert.deepEqual([httpPort, peerPort, trackerPort, tftpPort], [1, 2, 3, 69]);
});

Deno.test("the file that `config show` prints has every setting, and those without a source as comments", () => {
  const shown = settingsAsFile(effectiveSettings([fileSettings("dns: 10.0.0.1\n", "a.yaml")]));
  assert.deepEqual([...fileSettings(shown, "b.yaml").keys()], ["dns"]);
  for (const name of SETTING_NAMES) assert.match(shown, new RegExp(`^#?${name}: `, "m"));
});

const wrongFiles: [text: string, reason: RegExp, remedy: RegExp][] = [
  ["http-port: 8080\nhtp-port: 1\n", /line 2: "htp-port" is not a setting/, /write http-port/],
  ["colour: red\n", /line 1: "colour"/, /config show/],
  ["- a\n", /line 1: it is not a mapping/, /one setting a line/],
  ["listen:\n  host: a\n", /line 1: listen is not one value/, /./],
  ["http-port: [1, 2]\n", /http-port is not one value/, /./],
  ["data:\n", /line 1: data is not one value/, /./],
  ["dns: [[1]]\n", /dns is not a value, or a list/, /./],
  ["verbose: true\nverbose: true\n", /line 2: Map keys must be unique/, /./],
  ["a: b: c\n", /line 1: /, /./],
  ["data: &a /x\ndns: *a\n", /line 2: dns is not/, /./],
  ["x".repeat(2 << 20), /larger than 1 MiB/, /./],
];

for (const [text, reason, remedy] of wrongFiles) {
  Deno.test(`a file is refused with its line: ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(
      () => fileSettings(text, "/etc/rackseed/server.yaml"),
      (error) => error instanceof RackseedError && reason.test(error.reason) && remedy.test(error.remedy),
    );
  });
}

Deno.test("a wrong value is refused with its place, in whatever source it stands", () => {
  const file = fileSettings("\n\nhttp-port: 70000\n", "server.yaml");
  assert.throws(
    () => settingValues({}, [file]),
    /cannot use the setting http-port of server.yaml line 3.*70000/,
  );
  assert.throws(() => effectiveSettings([file]), /line 3/);
  // settings are printed
  const secret = fileSettings("trace-endpoint: http://user:password@collector:4318\n", "server.yaml");
  assert.throws(() => settingValues({}, [secret]), /trace-endpoint of server.yaml line 1/);
  const env = environmentSettings({ RACKSEED_SECURE_BOOT: "yes", RACKSEED_TOKEN: "rs1.x", HOME: "/" });
  assert.throws(() => settingValues({}, [env]), /RACKSEED_SECURE_BOOT.*true or false/);
  assert.throws(
    () => environmentSettings({ RACKSEED_HTP_PORT: "1" }),
    /RACKSEED_HTP_PORT.*RACKSEED_HTTP_PORT/,
  );
  assert.equal(environmentSettings({ RACKSEED_WHEN: "before", RACKSEED_DISK: "/dev/sda" }).size, 0);
});

Deno.test("DHCPv6 needs an interface of its own, and addresses of its family", () => {
  const base = "dhcp6: server\ninterface: eth1\n";
  const cases: [file: string, refused: RegExp | undefined][] = [
    [base, undefined],
    [`${base}dns: fd00::1\naddress: FD00:0::9\n`, undefined],
    ["dhcp6: server\n", /--dhcp6 server needs --interface/],
    [`${base}dhcp: server\n`, /exclude each other/],
    [`${base}address: 10.0.0.1\n`, /needs an IPv6 address/],
    [`${base}secure-boot: true\n`, /--secure-boot needs IPv4/],
    [`${base}dns: 10.0.0.1\n`, /--dns 10\.0\.0\.1 is no address of the family/],
    ["dhcp: server\ninterface: eth1\ndns: fd00::1\n", /--dns fd00::1 is no address of the family/],
    ["dns: fd00::1::2\n", /Expected an IP address/],
  ];
  for (const [text, refused] of cases) {
    const read = () => serverCommand({}, { sources: [fileSettings(text, "a")], file: "a" });
    if (refused === undefined) read();
    else assert.throws(read, refused);
  }
  const { address } = serverCommand({}, { sources: [fileSettings("address: FD00:0::9\n", "a")], file: "a" });
  assert.equal(address, "fd00::9");
});

Deno.test("an empty file, or one of comments, sets nothing", () => {
  for (const text of ["", "# dhcp: server\n", "---\n"]) assert.equal(fileSettings(text, "a").size, 0);
});

Deno.test("`config check` fails if the server would not start, `config show` if it cannot read the file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rackseed-settings-" });
  const code = (...args: string[]) => runCommandLine(args, unexpectedActions());
  try {
    await Deno.writeTextFile(`${folder}/good`, "dhcp: server\ninterface: eth1\n");
    await Deno.writeTextFile(`${folder}/bad`, "dhcp: server\n");
    await Deno.writeTextFile(`${folder}/half`, "tls-cert: /etc/site.pem\n");
    assert.equal(await code("config", "check", `${folder}/good`), 0);
    assert.equal(await code("config", "check", `${folder}/bad`), 2);
    assert.equal(await code("config", "check", `${folder}/half`), 2);
    assert.equal(await code("config", "show", `${folder}/absent`), 1);
    assert.equal(await code("server", "--config", `${folder}/absent`), 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
