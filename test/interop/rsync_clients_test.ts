/** The stock rsync against our daemon, in every protocol version that both speak. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { needs } from "../support/needs.ts";
import { RsyncTable } from "../support/rsync_table.ts";

const PROTOCOLS = [27, 28, 29, 30, 31];

interface Place {
  readonly table: RsyncTable;
  /** Initially empty. */
  readonly folder: string;
  /** Runs rsync in the folder; `TABLE` in an argument becomes the daemon's address. */
  rsync(...args: string[]): Promise<{ code: number; out: string; err: string }>;
}

async function atPlace(use: (place: Place) => Promise<void>): Promise<void> {
  using table = new RsyncTable();
  const folder = await Deno.makeTempDir({ prefix: "rsync-interop-" });
  try {
    const rsync = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command("rsync", {
        args: ["--timeout=20", ...args.map((arg) => arg.replace("TABLE", table.url))],
        cwd: folder,
        clearEnv: true,
        env: { PATH: "/usr/bin:/bin", TZ: "UTC", LC_ALL: "C" },
      }).output();
      const text = new TextDecoder();
      return { code, out: text.decode(stdout), err: text.decode(stderr) };
    };
    await use({ table, folder, rsync });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Asserts that a folder holds exactly these files of the table, byte for byte. */
function assertHolds(folder: string, { table, names }: { table: RsyncTable; names: Iterable<string> }): void {
  assert.deepEqual(filesIn(folder), [...names].sort());
  for (const name of names) {
    const [got, wanted] = [Deno.readFileSync(`${folder}/${name}`), table.bytes.get(name)];
    assert(wanted && Buffer.from(got).equals(wanted), `${name} differs`);
  }
}

function test(name: string, use: (place: Place) => Promise<void>): void {
  Deno.test({ name, ...needs({ programs: ["rsync"] }), fn: () => atPlace(use) });
}

test("rsync lists the one module and its files", async ({ rsync, table }) => {
  const modules = await rsync("TABLE/");
  assert.match(modules.out, /^torrents +\t[^\n]+\n$/);
  for (const protocol of PROTOCOLS) {
    const { code, out, err } = await rsync(`--protocol=${protocol}`, "TABLE/torrents/");
    assert.equal(code, 0, err);
    const lines = out.trim().split("\n").map((line) => line.split(/\s+/));
    assert.deepEqual(lines.map(([, size, , , name]) => [name, Number(size?.replaceAll(",", ""))]), [
      [".", 0],
      ...[...table.bytes].map(([name, bytes]) => [name, bytes.length]),
    ]);
    assert.deepEqual(lines.map(([mode]) => mode?.[0]).join(""), "d----");
    assert.deepEqual(lines[1]?.slice(2, 4), ["2023/11/14", "22:13:20"]);
  }
});

test("each protocol fetches the whole module, also compressed or with checksums, and nothing the second time", async (place) => {
  const { rsync, table, folder } = place;
  for (const protocol of PROTOCOLS) {
    for (
      const options of [["-av"], ["-avz", "--checksum"], ["-rtz", "--inplace"], [
        "-r",
        "--numeric-ids",
        "-og",
      ]]
    ) {
      const args = [`--protocol=${protocol}`, "--stats", ...options, "TABLE/torrents/", "copy/"];
      const { code, err } = await rsync(...args);
      assert.equal(code, 0, `${args.join(" ")}: ${err}`);
      assertHolds(`${folder}/copy`, { table, names: table.bytes.keys() });
      if (options[0] !== "-r") {
        const again = await rsync(...args);
        assert.match(again.out, /files transferred: 0\b/, args.join(" "));
      }
      Deno.removeSync(`${folder}/copy`, { recursive: true });
    }
  }
});

test("each protocol fetches one file, several files, and a pattern, with modification times", async (place) => {
  const { rsync, table, folder } = place;
  for (const protocol of PROTOCOLS) {
    const fetches: [paths: string[], names: string[]][] = [
      [["TABLE/torrents/web@1.torrent"], ["web@1.torrent"]],
      [["TABLE/torrents/web@2.torrent", "TABLE/torrents/db@1.torrent"], ["db@1.torrent", "web@2.torrent"]],
      [["TABLE/torrents/web@1*"], ["web@1.torrent", "web@10.torrent"]],
      // Before protocol 30, rsync with -s sends "(null)" to any daemon.
      [[protocol < 30 ? "-t" : "-s", "TABLE/torrents/web@10.torrent"], ["web@10.torrent"]],
      [["-r", "--exclude=web@1*", "TABLE/torrents/"], ["db@1.torrent", "web@2.torrent"]],
    ];
    for (const [paths, names] of fetches) {
      const { code, err } = await rsync("-t", `--protocol=${protocol}`, ...paths, "copy/");
      assert.equal(code, 0, `${protocol} ${paths}: ${err}`);
      assertHolds(`${folder}/copy`, { table, names });
      const { mtime } = Deno.statSync(`${folder}/copy/${names[0]}`);
      assert.equal(mtime?.getTime(), table.modifiedSeconds * 1000);
      Deno.removeSync(`${folder}/copy`, { recursive: true });
    }
  }
});

test("each protocol updates an old file, in place or not, and deletes extraneous ones", async (place) => {
  const { rsync, table, folder } = place;
  const name = "web@2.torrent", whole = table.bytes.get(name) as Uint8Array;
  for (const protocol of PROTOCOLS) {
    for (
      const options of [["-a"], ["-a", "--inplace"], ["-az", "--partial"], ["-a", "--partial-dir=.part"]]
    ) {
      Deno.mkdirSync(`${folder}/copy`);
      Deno.writeFileSync(
        `${folder}/copy/${name}`,
        Buffer.concat([whole.subarray(0, 400_000), randomBytes(90_000)]),
      );
      Deno.writeTextFileSync(`${folder}/copy/gone`, "");
      const { code, err } = await rsync(
        ...options,
        "--delete",
        `--protocol=${protocol}`,
        "TABLE/torrents/",
        "copy/",
      );
      assert.equal(code, 0, `${protocol} ${options}: ${err}`);
      assertHolds(`${folder}/copy`, { table, names: table.bytes.keys() });
      Deno.removeSync(`${folder}/copy`, { recursive: true });
    }
  }
});

test("a dry run lists the files and transfers none", async ({ rsync, folder }) => {
  for (const protocol of PROTOCOLS) {
    const { code, out } = await rsync("-avn", `--protocol=${protocol}`, "TABLE/torrents/", "copy/");
    assert.equal(code, 0);
    assert.match(out, /web@2\.torrent/);
    assert.deepEqual(filesIn(folder), []);
  }
});

test("nothing outside the table is served, and the client gets the reason", async ({ rsync, folder }) => {
  Deno.writeTextFileSync(`${folder}/mine`, "mine");
  Deno.writeTextFileSync(`${folder}/list`, "../../etc/passwd\n/etc/passwd\n");
  const refused: [args: string[], code: number, said: RegExp][] = [
    [["TABLE/etc/"], 5, /@ERROR: Unknown module "etc"/],
    [["TABLE/../etc/passwd"], 5, /@ERROR: Unknown module/],
    [["TABLE/torrents/../../etc/passwd"], 23, /No such file/],
    [["TABLE/torrents//etc/passwd"], 23, /No such file/],
    [["TABLE/torrents/web@3.torrent"], 23, /No such file/],
    [["-r", "TABLE/torrents/.."], 23, /No such file/],
    [["-R", "TABLE/torrents/./../etc/passwd"], 23, /No such file/],
    [["--files-from=list", "TABLE/torrents/"], 4, /--files-from.* is not supported here/],
    [["--files-from=:/etc/passwd", "TABLE/torrents/"], 4, /--files-from.* is not supported here/],
    [["-rA", "TABLE/torrents/"], 4, /-A.* is not supported here/],
    [["--remove-source-files", "TABLE/torrents/web@1.torrent"], 4, /is not supported here/],
    [Array(260).fill("TABLE/torrents/web@1.torrent"), 4, /too many arguments/],
    [["-r", ...Array(65).fill("--exclude=x"), "TABLE/torrents/"], 4, /too many filter rules/],
    [["-r", "--filter=: .rules", "TABLE/torrents/"], 4, /filter rule .* is not supported here/],
  ];
  for (const [args, code, said] of refused) {
    const result = await rsync(...args, "copy/");
    assert.deepEqual(
      [result.code, said.test(result.err)],
      [code, true],
      `${args}: ${result.code} ${result.err}`,
    );
    assert(filesIn(folder).every((name) => name !== "copy" || filesIn(`${folder}/copy`).length === 0));
  }
});

test("every protocol refuses writes", async ({ rsync, folder }) => {
  Deno.writeTextFileSync(`${folder}/mine`, "mine");
  for (const protocol of PROTOCOLS) {
    for (const target of ["TABLE/torrents/", "TABLE/torrents/web@1.torrent"]) {
      const { code, err } = await rsync("-a", `--protocol=${protocol}`, "mine", target);
      assert.notEqual(code, 0);
      assert.match(err, /module is read only/, `${protocol}: ${err}`);
    }
  }
});
