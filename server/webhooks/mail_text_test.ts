import assert from "node:assert/strict";
import { WEBHOOK_EVENTS } from "#contract/api/webhooks.ts";
import { mailText } from "./mail_text.ts";

const timestamp = "2026-11-30T10:00:00.000Z";
const of = (type: string, data: object) =>
  mailText(JSON.stringify({ type, timestamp, data: { server: "img1", ...data } }));

const CASES: [type: string, data: object, subject: string][] = [
  ["deployment.done", { image: "web@3", nodes: 12, failed: [] }, "[img1] web@3 runs on 12 nodes"],
  [
    "deployment.failed",
    { image: "web@3", nodes: 12, failed: ["n1"] },
    "[img1] web@3 failed on 1 of 12 nodes",
  ],
  ["node.failed", { node: "n1", image: "web@3" }, "[img1] n1 failed to install web@3"],
  ["node.silent", { node: "n1" }, "[img1] n1 has gone silent while it installs"],
  ["node.hardware", { node: "n1" }, "[img1] the hardware of n1 has changed, or fails"],
  ["node.drifted", { node: "n1", image: "web@3" }, "[img1] n1 is no longer as web@3"],
  ["schedule.done", { schedule: "labs" }, "[img1] the schedule labs was carried out"],
  ["schedule.failed", { schedule: "labs", outcome: "stopped" }, "[img1] the schedule labs was stopped"],
  [
    "schedule.failed",
    { schedule: "labs", outcome: "failed" },
    "[img1] the schedule labs was not done everywhere",
  ],
  ["schedule.missed", { schedule: "labs" }, "[img1] the schedule labs missed its time"],
  ["backup.overdue", { nodes: ["n1", "n2"] }, "[img1] overdue backups: n1, n2"],
  ["disk.nearly_full", { path: "/data" }, "[img1] the disk of /data is nearly full"],
  ["capture.done", { image: "web", version: 3 }, "[img1] web@3 was captured"],
  ["capture.failed", { image: "web", template: "golden" }, "[img1] capturing web from golden failed"],
  ["test", {}, "[img1] this is a test"],
  ["of.later", {}, "[img1] of.later"],
];

Deno.test("the subject says what happened, for every event", () => {
  for (const [type, data, subject] of CASES) assert.equal(of(type, data).subject, subject);
  assert.deepEqual(WEBHOOK_EVENTS.filter((event) => !CASES.some(([type]) => type === event)), []);
});

Deno.test("the text has the facts, the cause and the remedy", () => {
  const problem = {
    title: "cannot format /dev/sda2",
    detail: "mkfs.ext4 exited 1.",
    remedy: "see the disk.",
  };
  const { text } = of("node.failed", { node: "n1", image: "web@3", step: "format", problem });
  assert.equal(
    text,
    `n1 failed to install web@3.

node: n1
image: web@3
step: format

cannot format /dev/sda2: mkfs.ext4 exited 1.
Remedy: see the disk.

-- \nRackseed on img1, ${timestamp}, node.failed\n`,
  );
});

Deno.test("a name with line breaks begins no header", () => {
  const { subject, text } = of("node.silent", { node: "n1\r\nBcc: evil@example.org\u2028x" });
  assert.equal(subject, "[img1] n1 Bcc: evil@example.org x has gone silent while it installs");
  assert.ok(!/^Bcc/m.test(text));
});
