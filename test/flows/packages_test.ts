/** The packages as dpkg, lintian, rpm, skopeo and umoci see them. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import settings from "../../deno.json" with { type: "json" };
import { needs } from "../support/needs.ts";
import { ensureProduct } from "../../scripts/build.ts";
import { sha256OfFile } from "../../scripts/build/sha256.ts";
import { buildPackages, type Packages } from "../../scripts/packages/packages.ts";

const ROOT = dirname(dirname(import.meta.dirname ?? "."));
const EPOCH = 1_800_000_000;
const VERSION = new RegExp(`^rackseed ${settings.version.replaceAll(".", "\\.")} `);
const FILES = [
  "/usr/bin/rackseed",
  "/usr/lib/systemd/system/rackseed.service",
  "/usr/lib/sysusers.d/rackseed.conf",
  "/usr/share/bash-completion/completions/rackseed",
  "/usr/share/man/man1/rackseed-server.1.gz",
];

Deno.test({
  name: "packages are the same bytes twice, sound to their own tools, and run what they hold",
  ...needs({
    root: true,
    programs: ["dpkg-deb", "lintian", "rpmbuild", "rpm", "skopeo", "umoci", "unshare"],
  }),
  async fn() {
    const product = await ensureProduct();
    const folder = await Deno.makeTempDir({ prefix: "rackseed-packages-" });
    try {
      const make = async (name: string, program: string) => {
        await Deno.mkdir(`${folder}/${name}`);
        return await buildPackages(program, { folder: `${folder}/${name}`, root: ROOT, epoch: EPOCH });
      };
      // a small program in the product's place: what takes the time twice is its compression
      const small = `${folder}/small`;
      await Deno.writeTextFile(small, `#!/bin/sh\nexec ${product} "$@"\n`, { mode: 0o755 });
      assert.deepEqual(await sumsOf(await make("first", small)), await sumsOf(await make("second", small)));
      const made = await make("made", product);
      await checkDeb(made.deb, `${folder}/deb`);
      await checkRpm(made.rpm);
      await checkImage(made.oci, `${folder}/oci`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function checkDeb(deb: string, root: string): Promise<void> {
  await run("dpkg-deb", ["--extract", deb, root]);
  assert.match(await run(`${root}/usr/bin/rackseed`, ["version"]), VERSION);
  const mode = (path: string) => (Deno.statSync(`${root}/${path}`).mode ?? 0) & 0o777;
  assert.deepEqual([mode("usr/bin/rackseed"), mode("etc/rackseed/server.yaml")], [0o755, 0o644]);
  await Deno.mkdir(`${root}-control`);
  await run("dpkg-deb", ["--control", deb, `${root}-control`]);
  assert.equal(await Deno.readTextFile(`${root}-control/conffiles`), "/etc/rackseed/server.yaml\n");
  await run("md5sum", ["--check", "--quiet", `${root}-control/md5sums`], root);
  for (const script of ["postinst", "prerm", "postrm"]) await run("sh", ["-n", `${root}-control/${script}`]);
  await run("lintian", ["--fail-on", "error", "--allow-root", deb]);
}

async function checkRpm(rpm: string): Promise<void> {
  const facts = await run("rpm", ["-qp", "--queryformat", "%{NAME} %{VERSION} %{ARCH} %{BUILDHOST}", rpm]);
  assert.equal(facts, `rackseed ${settings.version} x86_64 localhost`);
  assert.equal(await run("rpm", ["-qp", "--configfiles", rpm]), "/etc/rackseed/server.yaml\n");
  const files = (await run("rpm", ["-qpl", rpm])).split("\n");
  for (const path of FILES) assert.ok(files.includes(path), path);
  await run("rpm", ["--checksig", "--nosignature", rpm]);
}

/** Each blob has the name of its hash; skopeo and umoci read the image; the program runs in nothing but it. */
async function checkImage(oci: string, folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/layout`, { recursive: true });
  await run("tar", ["-xf", oci, "-C", `${folder}/layout`]);
  for await (const { name } of Deno.readDir(`${folder}/layout/blobs/sha256`)) {
    assert.equal(await sha256OfFile(`${folder}/layout/blobs/sha256/${name}`), name);
  }
  const image = `${folder}/layout:${settings.version}`;
  const about = JSON.parse(await run("skopeo", ["inspect", `oci:${image}`]));
  assert.deepEqual([about.Architecture, about.Layers.length], ["amd64", 2]);
  await run("umoci", ["unpack", "--image", image, `${folder}/bundle`]);
  const root = `${folder}/bundle/rootfs`;
  await Deno.mkdir(`${root}/proc`);
  // the runtime finds its code by /proc/self/exe
  const said = await run("unshare", [
    ...["--mount", "--pid", "--fork", "--mount-proc", `--root=${root}`, "/usr/bin/rackseed", "version"],
  ]);
  assert.match(said, VERSION);
}

async function sumsOf(packages: Packages): Promise<string[]> {
  return await Promise.all(Object.values(packages).map(async (path) => await sha256OfFile(path) ?? path));
}

/** Standard output. */
async function run(program: string, args: string[], cwd?: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, ...cwd && { cwd } }).output();
  const text = new TextDecoder();
  assert.ok(success, `${program} ${args.join(" ")}: ${text.decode(stdout)}${text.decode(stderr)}`);
  return text.decode(stdout);
}
