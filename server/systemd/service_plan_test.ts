/** The unit as systemd itself judges it, and the service installed into a tree of its own with Debian's programs. */
import assert from "node:assert/strict";
import { needs } from "../../test/support/needs.ts";
import { installService } from "./install_service.ts";
import { servicePlan, UNIT } from "./service_plan.ts";
import { uninstallService } from "./uninstall_service.ts";
import { sysusersText, unitText } from "./unit.ts";

/** Most exposure that the unit may have, in tenths: 3.0 of 10. */
const MOST_EXPOSURE = 30;
const SETTINGS = "#http-port: 8080\n";
const PLACE = { program: "/usr/local/bin/rackseed", data: "/var/lib/rackseed", settings: SETTINGS };

Deno.test({
  name: "systemd finds the unit sound, and exposed to 3.0 of 10 at most",
  ...needs({ programs: ["systemd-analyze"] }),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-unit-" });
    try {
      for (const data of ["/var/lib/rackseed", "/srv/images"]) {
        const unit = `${folder}/rackseed.service`;
        await Deno.writeTextFile(unit, unitText({ program: "/bin/true", data }));
        const security = ["security", "--offline=true", `--threshold=${MOST_EXPOSURE}`, "--no-pager", unit];
        assert.equal((await run("systemd-analyze", security)).code, 0, data);
        const verified = await run("systemd-analyze", ["verify", "--man=no", unit]);
        assert.deepEqual(verified, { code: 0, text: "" });
      }
      await Deno.writeTextFile(`${folder}/exposed.service`, "[Service]\nExecStart=/bin/true\n");
      const exposed = [
        "security",
        "--offline=true",
        `--threshold=${MOST_EXPOSURE}`,
        `${folder}/exposed.service`,
      ];
      assert.notEqual((await run("systemd-analyze", exposed)).code, 0, "the bar can be missed");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "install makes user, directories, settings and unit; again, it changes nothing; uninstall keeps data",
  ...needs({ root: true, programs: ["systemd-sysusers", "userdel"] }),
  async fn() {
    const root = await Deno.makeTempDir({ prefix: "rackseed-root-" });
    const lines: string[] = [];
    const print = (line: string) => void lines.push(line.split(":")[0] as string);
    const { data, settings } = PLACE;
    try {
      await Deno.mkdir(`${root}/etc`);
      await installService({ ...PLACE, root, dryRun: true, print });
      assert.deepEqual(namesIn(`${root}/etc`), []);
      await installService({ ...PLACE, root, dryRun: false, print });
      const passwd = await Deno.readTextFile(`${root}/etc/passwd`);
      const [, uid = "", gid = ""] =
        /^rackseed:[^:]*:(\d+):(\d+):.*:\/var\/lib\/rackseed:.*nologin$/m.exec(passwd) ?? [];
      const info = await Deno.stat(`${root}${data}`);
      assert.deepEqual([info.uid, info.gid, (info.mode ?? 0) & 0o777], [Number(uid), Number(gid), 0o700]);
      assert.equal(await Deno.readTextFile(`${root}/etc/rackseed/server.yaml`), SETTINGS);

      lines.length = 0;
      await installService({ ...PLACE, root, dryRun: false, print });
      assert.deepEqual(new Set(lines), new Set(["unchanged"]));

      await Deno.writeTextFile(`${root}/etc/rackseed/server.yaml`, "http-port: 1\n");
      await Deno.writeTextFile(`${root}${data}/token`, "secret");
      await installService({ ...PLACE, program: "/opt/rackseed", root, dryRun: false, print });
      assert.match(await Deno.readTextFile(root + UNIT), /^ExecStart=\/opt\/rackseed server$/m);
      await uninstallService({ root, data, settings, dryRun: false, print: () => {} });
      assert.equal(await Deno.readTextFile(`${root}/etc/rackseed/server.yaml`), "http-port: 1\n");
      assert.equal(await Deno.readTextFile(`${root}${data}/token`), "secret");
      assert.deepEqual(namesIn(`${root}/etc/systemd/system`), []);
      assert.match(await Deno.readTextFile(`${root}/etc/passwd`), /^rackseed:/m);

      await Deno.remove(`${root}${data}/token`);
      await Deno.writeTextFile(`${root}/etc/rackseed/server.yaml`, SETTINGS);
      await uninstallService({ root, data, settings, dryRun: false, print: () => {} });
      assert.deepEqual([namesIn(`${root}/var/lib`), namesIn(`${root}/etc`).includes("rackseed")], [
        [],
        false,
      ]);
      assert.doesNotMatch(await Deno.readTextFile(`${root}/etc/passwd`), /^rackseed:/m);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});

Deno.test("a unit that a person wrote is left alone, and named", async () => {
  const root = await Deno.makeTempDir({ prefix: "rackseed-root-" });
  try {
    await Deno.mkdir(`${root}/etc/systemd/system`, { recursive: true });
    await Deno.writeTextFile(root + UNIT, "[Service]\nExecStart=/usr/local/bin/rackseed server --dhcp off\n");
    await assert.rejects(
      installService({ ...PLACE, root, dryRun: false, print: () => {} }),
      /has not written it. Nothing was changed/,
    );
    assert.deepEqual(namesIn(`${root}/etc`), ["systemd"]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("paths that the service cannot use, or a unit would misread, are refused with a remedy", () => {
  const refused: [Partial<typeof PLACE>, RegExp][] = [
    [{ program: "/root/rackseed" }, /cannot see \/root\/rackseed.*\/usr\/local\/bin/],
    [{ program: "/tmp/x/rackseed" }, /cannot see/],
    [{ program: "/opt/a b/rackseed" }, /characters that mean/],
    [{ data: "/home/images" }, /cannot write to \/home\/images/],
    [{ data: "/srv/%h" }, /characters that mean/],
    [{ data: "images" }, /not absolute/],
    [{ data: "/srv/../etc" }, /characters that mean/],
  ];
  for (const [wrong, reason] of refused) assert.throws(() => servicePlan({ ...PLACE, ...wrong }), reason);
  assert.equal(sysusersText({ data: "/srv/x" }), 'u rackseed - "Rackseed image server" /srv/x\n');
});

async function run(program: string, args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  return { code, text: text.decode(stdout) + text.decode(stderr) };
}

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
