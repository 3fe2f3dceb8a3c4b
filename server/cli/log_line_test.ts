import assert from "node:assert/strict";
import type { LogRecord } from "@logtape/logtape";
import { jsonLine, textFormatter } from "./log_line.ts";
import { journalEntry, openJournal } from "./journal.ts";

function record(event: string, properties: Record<string, unknown> = {}): LogRecord {
  return {
    category: ["rackseed", "nodes"],
    level: "warning",
    message: [event],
    rawMessage: event,
    timestamp: Date.UTC(2026, 10, 29, 10),
    properties,
  };
}

Deno.test("text names time, level, source, event and properties, and hides control characters", () => {
  assert.equal(
    textFormatter()(record("silent", { node: "n1\u001b[2J", seen: undefined, error: new Error("gone") })),
    '2026-11-29T10:00:00.000Z WRN rackseed·nodes silent node="n1\\u001b[2J" error="gone"\n',
  );
});

Deno.test("JSON holds properties as they are, and none replaces the event's own fields", () => {
  const line = jsonLine(record("silent", { node: "n1", level: 3, size: 5n, disks: [{ name: "sda\n" }] }));
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.deepEqual(JSON.parse(line), {
    time: "2026-11-29T10:00:00.000Z",
    level: "warning",
    source: "nodes",
    event: "silent",
    node: "n1",
    level_: 3,
    size: "5",
    disks: [{ name: "sda\n" }],
  });
});

/** The fields of an entry, read as journald reads them. */
function fieldsOf(entry: Uint8Array): Record<string, string> {
  const fields: Record<string, string> = {};
  const bytes = Buffer.from(entry);
  for (let at = 0; at < bytes.length;) {
    const lineEnd = bytes.indexOf(10, at), line = bytes.toString("utf8", at, lineEnd);
    const equals = line.indexOf("=");
    at = lineEnd + 1;
    if (equals >= 0) {
      fields[line.slice(0, equals)] = line.slice(equals + 1);
      continue;
    }
    const length = Number(bytes.readBigUInt64LE(at));
    fields[line] = bytes.toString("utf8", at + 8, at + 8 + length);
    assert.equal(bytes[at + 8 + length], 10);
    at += 8 + length + 1;
  }
  return fields;
}

Deno.test("a journal entry has the properties as fields; one with a line feed cannot forge another", () => {
  const hostile = "a\nPRIORITY=0";
  const entry = journalEntry(record("silent", { node: "n1", maxAge: 3, "first-boot": true, model: hostile }));
  assert.deepEqual(fieldsOf(entry), {
    MESSAGE: 'silent node="n1" maxAge=3 first-boot=true model="a\\nPRIORITY=0"',
    PRIORITY: "4",
    SYSLOG_IDENTIFIER: "rackseed",
    RACKSEED_SOURCE: "nodes",
    RACKSEED_EVENT: "silent",
    RACKSEED_NODE: "n1",
    RACKSEED_MAX_AGE: "3",
    RACKSEED_FIRST_BOOT: "true",
    RACKSEED_MODEL: hostile,
  });
});

Deno.test("entries arrive at the journal's socket, and elsewhere once it is gone", async () => {
  const folder = await Deno.makeTempDir();
  const socket = `${folder}/socket`;
  const elsewhere = Promise.withResolvers<LogRecord>();
  const journal = Deno.listenDatagram({ transport: "unixpacket", path: socket });
  try {
    const sink = openJournal({ always: true, otherwise: elsewhere.resolve, socket });
    sink?.(record("serving"));
    const [entry] = await journal.receive(new Uint8Array(65_536));
    assert.equal(fieldsOf(entry).RACKSEED_EVENT, "serving");
    journal.close();
    sink?.(record("second"));
    assert.equal((await elsewhere.promise).rawMessage, "second");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the journal is chosen only if standard error is the stream that systemd made", () => {
  const before = Deno.env.get("JOURNAL_STREAM");
  const otherwise = () => {};
  try {
    for (const stream of ["", "8:123456789"]) {
      Deno.env.set("JOURNAL_STREAM", stream);
      assert.equal(openJournal({ always: false, otherwise }), undefined);
    }
  } finally {
    if (before === undefined) Deno.env.delete("JOURNAL_STREAM");
    else Deno.env.set("JOURNAL_STREAM", before);
  }
});
