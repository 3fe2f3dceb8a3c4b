import assert from "node:assert/strict";
import { parseFilterRule, passes } from "./filter_rules.ts";
import { parseArguments } from "./options.ts";
import { Refusal } from "./refusal.ts";
import { select } from "./selection.ts";

const TABLE = ["web@2.torrent", "db@1.torrent", "web@1.torrent", "web@10.torrent"];
const parse = (text: string, protocol = 31) => parseArguments(text.split(" "), { protocol });

Deno.test("the arguments of stock clients are understood", () => {
  const request = parse(
    "--server --sender -vlogDtprze.iLsfxCIvu --numeric-ids . torrents/web@1.torrent torrents/",
  );
  assert.deepEqual(request, {
    paths: ["torrents/web@1.torrent", "torrents/"],
    recurse: true,
    directories: false,
    owners: true,
    groups: true,
    numericIds: true,
    sums: false,
    compress: true,
    dryRun: false,
    secluded: false,
    checksumSeed: 0,
  });
  assert(parse("--server --sender -de.LsfxCIvu . torrents/").directories);
  assert(parse("--server --sender -ntc --timeout=9 --inplace -B700 --checksum-seed=-7 . torrents/x").dryRun);
  assert.equal(parse("--server --sender --checksum-seed=-7 . x").checksumSeed, -7);
  assert(parse("--server --sender -se.").secluded);
  assert(parse("--server --sender -logDtprH . torrents/", 28).recurse);
});

Deno.test("writing, and options that change the protocol, are refused", () => {
  assert.throws(() => parse("--server -logDtpre.iLsfxCIvu . torrents/"), /module is read only/);
  const refused = [
    ...["-A", "-X", "-U", "-N", "-C", "-F", "--files-from=-", "--files-from", "--append", "--append-verify"],
    ...[
      "--remove-source-files",
      "--delete-missing-args",
      "--checksum-choice=xxh64",
      "--compress-choice=zstd",
    ],
    ...[
      "--insecure-links",
      "--iconv=utf16",
      "--no-such-thing",
      "--daemon",
      "--config=/etc/passwd",
      "x",
      "--",
    ],
  ];
  for (const option of refused) {
    assert.throws(() => parse(`--server --sender -r ${option} . torrents/`), Refusal, option);
  }
  assert.throws(() => parse("--server --sender -H . torrents/", 27), Refusal);
});

Deno.test("a path selects names from the table, the folder, or nothing", () => {
  const cases: [path: string, names: string[] | "folder" | "missing"][] = [
    ["torrents", "folder"],
    ["torrents/", "folder"],
    ["torrents/.", "folder"],
    ["torrents//./", "folder"],
    ["torrents/web@1.torrent", ["web@1.torrent"]],
    ["torrents/./web@1.torrent", ["web@1.torrent"]],
    ["torrents/web\\@1.torrent", ["web@1.torrent"]],
    ["torrents/web@*", ["web@1.torrent", "web@10.torrent", "web@2.torrent"]],
    ["torrents/*", [...TABLE].sort()],
    ["torrents/web@3.torrent", "missing"],
    ["torrents/no*", "missing"],
    ["torrents/..", "missing"],
    ["torrents/../torrents/web@1.torrent", "missing"],
    ["torrents/web@1.torrent/", "missing"],
    ["torrents/web@1.torrent/../db@1.torrent", "missing"],
    ["/etc/passwd", "missing"],
    ["torrentsweb@1.torrent", "missing"],
    ["", "missing"],
  ];
  for (const [path, wanted] of cases) {
    const { folder, names, missing } = select([path], TABLE);
    assert.deepEqual(folder ? "folder" : missing.length > 0 ? "missing" : names, wanted, path);
  }
  assert.deepEqual(select(["torrents/*", "torrents/web@1.torrent"], TABLE).names.length, TABLE.length);
});

Deno.test("the first rule that matches decides; unsupported rules are refused", () => {
  const through = (rules: string[], protocol = 31) => {
    const parsed = rules.map((rule) => parseFilterRule(rule, { protocol }));
    return TABLE.filter((name) => passes(name, parsed)).sort();
  };
  assert.deepEqual(through(["+ web@1.*", "- web@*"]), ["db@1.torrent", "web@1.torrent"]);
  assert.deepEqual(through(["- /web@*", "- .rsync-partial/", "-p tmp/"]), ["db@1.torrent"]);
  assert.deepEqual(through(["/*/*", "db@*"], 27), ["web@1.torrent", "web@10.torrent", "web@2.torrent"]);
  for (const rule of [": .rsync-filter", "-! x", "- [ab]", "- **/x", "!", "x", "- ", ""]) {
    assert.throws(() => parseFilterRule(rule, { protocol: 31 }), Refusal, rule);
  }
});
