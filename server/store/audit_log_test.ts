import assert from "node:assert/strict";
import { AuditChain } from "#contract/audit_chain.ts";
import type { AuditQuery } from "#contract/api/audit.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Act, AuditLog } from "./audit_log.ts";
import { dropTrigger } from "./schema.ts";
import { emptyDatabase, ON_POSTGRES } from "./testing/test_database.ts";

const ACT: Act = {
  who: "anna",
  role: "operator",
  address: "10.0.0.9",
  action: "node.deploy",
  nodes: ["n1"],
  images: ["web"],
};
const DONE = { result: "done", status: 200 } as const;
const EVERYTHING: AuditQuery = { limit: 100 };

function open(db = emptyDatabase()) {
  const clock = { ms: 0 };
  return { db, clock, audit: new AuditLog(db, { now: () => clock.ms }) };
}

/** What the chain says of each line, and of the end. */
function faultsOf(audit: AuditLog): string[] {
  const chain = new AuditChain();
  const faults = [...audit.lines()].map((line) => chain.add(line));
  return [...faults, chain.end(audit.written())].filter((fault) => fault !== undefined);
}

Deno.test("an action is recorded before it begins, and its outcome after", () => {
  const { audit, clock } = open();
  const act = audit.begin(ACT);
  const begun = { number: 1, at: new Date(0).toISOString(), ...ACT };
  assert.deepEqual(audit.list(EVERYTHING), { entries: [begun] });
  clock.ms = 5000;
  act.end(DONE);
  const outcome = { at: new Date(5000).toISOString(), ...DONE };
  assert.deepEqual(audit.list(EVERYTHING), { entries: [{ ...begun, outcome }] });
  assert.deepEqual(faultsOf(audit), []);
});

Deno.test("entries are found by user, with or without a token, by node and by time, page by page", () => {
  const { audit, clock } = open();
  const entries: [who: string, nodes: string[]][] = [
    ["anna", ["n1", "n2"]],
    ["anna (token ci)", ["n2"]],
    ["ann", []],
    ["admin token", ["n3"]],
  ];
  for (const [i, [who, nodes]] of entries.entries()) {
    clock.ms = i * 1000;
    audit.record({ ...ACT, who, nodes }, DONE);
  }
  const found = (query: Partial<AuditQuery>) =>
    audit.list({ ...EVERYTHING, ...query }).entries.map(({ number }) => number);
  assert.deepEqual(found({ user: "anna" }), [2, 1]);
  assert.deepEqual(found({ user: "a%" }), []);
  assert.deepEqual(found({ node: "n2" }), [2, 1]);
  assert.deepEqual(found({ since: new Date(2000).toISOString() }), [4, 3]);
  const first = audit.list({ limit: 3 });
  assert.deepEqual([first.entries.length, first.next], [3, 2]);
  assert.deepEqual(found({ ...(first.next !== undefined && { cursor: first.next }) }), [1]);
});

Deno.test("the database refuses to change, delete or replace a line", () => {
  const { db, audit } = open();
  audit.record(ACT, DONE);
  for (
    const sql of [
      "UPDATE audit SET entry = '{}'",
      "DELETE FROM audit",
      `INSERT INTO audit (number, entry, hash) VALUES (1, '{}', '')
       ON CONFLICT (number) DO UPDATE SET entry = excluded.entry`,
    ]
  ) assert.throws(() => db.exec(sql), /only added to/);
});

const tampered: [what: string, sql: string, fault: RegExp[]][] = [
  ["changed", "UPDATE audit SET entry = replace(entry, 'anna', 'otto') WHERE number = 2", [
    /line 2 was changed/,
  ]],
  ["removed", "DELETE FROM audit WHERE number = 2", [/line 2 is missing/]],
  ["removed at the beginning", "DELETE FROM audit WHERE number <= 2", [/lines 1 to 2 are missing/]],
  ["removed at the end", "DELETE FROM audit WHERE number >= 3", [/lines 3 to 4 are missing/]],
  [
    "removed, and the rest renumbered",
    "DELETE FROM audit WHERE number = 2; UPDATE audit SET number = number - 1 WHERE number > 2",
    [
      /line 2 was changed/,
      /line 3 was changed/,
      /line 4 is missing/,
    ],
  ],
];

for (const [what, sql, expected] of tampered) {
  Deno.test(`the chain shows that a line was ${what}`, () => {
    const { db, audit } = open();
    for (let i = 0; i < 4; i++) audit.record(ACT, DONE);
    assert.deepEqual(faultsOf(audit), []);
    for (const name of ["audit_unchanged", "audit_undeleted"]) dropTrigger(db, name, { table: "audit" });
    db.exec(sql);
    const faults = faultsOf(audit);
    assert.equal(faults.length, expected.length, faults.join("; "));
    for (const [i, fault] of expected.entries()) assert.match(faults[i] ?? "", fault);
  });
}

Deno.test("a new chain does not pass through a line that was noted", () => {
  const { audit } = open();
  const noted = { number: 2, hash: "0".repeat(64) };
  for (let i = 0; i < 3; i++) audit.record(ACT, DONE);
  const chain = new AuditChain(noted);
  const faults = [...audit.lines()].map((line) => chain.add(line));
  assert.deepEqual(faults.map((fault) => fault !== undefined), [false, true, false]);
  assert.match(new AuditChain(noted).end(0) ?? "", /lines 1 to 2 are missing/);
});

Deno.test("the chain continues after a restart", () => {
  const { db, audit } = open();
  audit.record(ACT, DONE);
  const { audit: again } = open(db);
  again.record(ACT, DONE);
  assert.deepEqual([faultsOf(again), again.written()], [[], 2]);
});

// fills SQLite's pages
Deno.test("without room an action is refused, except one that makes room: its line is written later", {
  ignore: ON_POSTGRES,
}, () => {
  const { db, audit } = open();
  audit.record(ACT, DONE);
  const full = db.prepare("PRAGMA page_count").get() as { page_count: number };
  db.exec(`PRAGMA max_page_count = ${full.page_count}`);
  const long = { ...ACT, nodes: Array.from({ length: 2000 }, (_, i) => `node-${i}`) };
  assert.throws(
    () => audit.begin(long),
    (error) => error instanceof RackseedError && error.status === 507 && /audit log/.test(error.title),
  );
  const deletion = audit.begin({ ...long, action: "image.delete" }, { evenIfFull: true });
  deletion.end(DONE);
  assert.equal(audit.list(EVERYTHING).entries.length, 1);
  db.exec("PRAGMA max_page_count = 100000");
  audit.begin(ACT).end(DONE);
  const { entries } = audit.list(EVERYTHING);
  assert.deepEqual(entries.map(({ action, outcome }) => [action, outcome?.result]), [
    ["node.deploy", "done"],
    ["image.delete", "done"],
    ["node.deploy", "done"],
  ]);
  assert.deepEqual(faultsOf(audit), []);
});
