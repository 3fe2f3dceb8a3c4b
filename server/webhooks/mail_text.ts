/** A message as mail: what happened in the subject, the rest in plain text. Pure. */
import { z } from "zod";

const Body = z.looseObject({
  type: z.string(),
  timestamp: z.string(),
  data: z.record(z.string(), z.unknown()),
});
/** Where what is wrong stands in `data`; see #contract/errors.ts. */
const Problem = z.looseObject({ title: z.string(), detail: z.string(), remedy: z.string() });

interface MailText {
  readonly subject: string;
  readonly text: string;
}

type Data = Readonly<Record<string, unknown>>;

/** Of a message's type; "test" is a test. */
const SUBJECTS: Readonly<Record<string, (data: Data) => string>> = {
  "deployment.done": ({ image, nodes }) => `${image} runs on ${nodes} nodes`,
  "deployment.failed": ({ image, nodes, failed }) =>
    `${image} failed on ${Array.isArray(failed) ? failed.length : "some"} of ${nodes} nodes`,
  "node.failed": ({ node, image }) => `${node} failed to install ${image}`,
  "node.silent": ({ node }) => `${node} has gone silent while it installs`,
  "node.hardware": ({ node }) => `the hardware of ${node} has changed, or fails`,
  "node.drifted": ({ node, image }) => `${node} is no longer as ${image}`,
  "backup.overdue": ({ nodes }) => `overdue backups: ${listOf(nodes)}`,
  "disk.nearly_full": ({ path }) => `the disk of ${path} is nearly full`,
  "capture.done": ({ image, version }) => `${image}@${version} was captured`,
  "capture.failed": ({ image, template }) => `capturing ${image} from ${template} failed`,
  "schedule.done": ({ schedule }) => `the schedule ${schedule} was carried out`,
  "schedule.failed": ({ schedule, outcome }) =>
    `the schedule ${schedule} was ${outcome === "failed" ? "not done everywhere" : outcome}`,
  "schedule.missed": ({ schedule }) => `the schedule ${schedule} missed its time`,
  "test": () => "this is a test",
};
/** RFC 5322 §2.1.1 asks for lines of at most 78 characters; longer subjects are cut on small screens anyway. */
const MAX_SUBJECT = 120;

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const data = { server: "img1", node: "n1", since: "2026-11-30T10:00:00Z" };
 * const { subject, text } = mailText(JSON.stringify({ type: "node.silent", timestamp: "2026-11-30T10:01:00Z", data }));
 * assert.equal(subject, "[img1] n1 has gone silent while it installs");
 * assert.match(text, /^since: 2026-11-30T10:00:00Z$/m);
 * ```
 */
export function mailText(message: string): MailText {
  const { type, timestamp, data: { server, problem, ...data } } = Body.parse(JSON.parse(message));
  const what = plain(SUBJECTS[type]?.(data) ?? type);
  const facts = Object.entries(data).filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => `${name}: ${listOf(value)}`);
  const found = Problem.safeParse(problem);
  const why = found.success
    ? ["", `${found.data.title}: ${found.data.detail}`, `Remedy: ${found.data.remedy}`]
    : [];
  const lines = [`${what}.`, "", ...facts, ...why, "", `-- `, `Rackseed on ${server}, ${timestamp}, ${type}`];
  return {
    subject: `[${plain(String(server))}] ${what}`.slice(0, MAX_SUBJECT),
    text: `${lines.map((line) => plain(line)).join("\n")}\n`,
  };
}

function listOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(listOf).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Without control characters, which could begin a header. */
function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}
