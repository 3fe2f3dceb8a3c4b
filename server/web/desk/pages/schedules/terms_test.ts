import assert from "node:assert/strict";
import { ScheduleTerms } from "#contract/api/schedules.ts";
import { commandOf, formOf, NEW_FORM, termsOf, writesTo } from "./terms.ts";

/** One of each kind, with everything that the command line can say. */
const TERMS = [
  {
    nodes: ["n[1-8]", "@lab"],
    cron: "0 20 * * 6",
    zone: "Europe/Vienna",
    windows: ["Mon-Fri 22:00-05:00", "Sat,Sun 00:00-24:00"],
    batch: 16,
    stopAfter: 2,
    bootSeconds: 7200,
    catchUp: true,
    order: {
      work: "deploy",
      image: "web@3",
      identity: "keep",
      unlock: "tpm2",
      planCheck: false,
      force: true,
      power: {},
    },
  },
  {
    nodes: ["@lab"],
    cron: "@daily",
    order: {
      work: "restore",
      version: 2,
      keep: ["/srv", "/var/lib"],
      check: "content",
      dryRun: true,
      now: true,
    },
  },
  {
    nodes: ["@lab"],
    cron: "30 1 * * *",
    order: { work: "backup", atBoot: true, image: "web", excludes: ["/srv/cache"] },
  },
  { nodes: ["n1"], cron: "*/15 * * * *", order: { work: "check", threshold: 20, keep: ["/srv"] } },
];

for (const terms of TERMS) {
  Deno.test(`the form of a ${terms.order.work} stands for the terms that it was made of`, () => {
    const asked = ScheduleTerms.parse(terms);
    const cron = terms.cron.replace("@daily", "0 0 * * *");
    assert.deepEqual(ScheduleTerms.parse(termsOf(formOf(asked))), { ...asked, cron });
  });
}

Deno.test("the command beside the form says the same", () => {
  const [deploy, restore, backup, check] = TERMS.map((terms) => ScheduleTerms.parse(terms));
  const command = (terms = deploy) => commandOf("add", "nightly", terms as ScheduleTerms).join(" ");
  assert.equal(
    command(),
    "rackseed schedule add nightly deploy n[1-8] @lab --cron 0 20 * * 6 --zone Europe/Vienna " +
      "--window Mon-Fri 22:00-05:00 --window Sat,Sun 00:00-24:00 --batch 16 --stop-after 2 --boot-within 2h " +
      "--catch-up --image web@3 --identity keep --unlock tpm2 --no-plan-check --force --power",
  );
  assert.match(
    command(restore),
    /restore @lab .*--version 2 --keep \/srv \/var\/lib --check-content --dry-run --now$/,
  );
  assert.match(command(backup), /backup @lab .*--image web --at-boot --exclude \/srv\/cache$/);
  assert.match(command(check), /check n1 .*--keep \/srv --threshold 20$/);
  assert.deepEqual([deploy, restore, backup, check].map((one) => writesTo((one as ScheduleTerms).order)), [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("what the form has no control for stays as it was, as long as the work is the same", () => {
  const before = ScheduleTerms.parse({
    nodes: ["n1"],
    cron: "@daily",
    order: { work: "deploy", image: "web", finish: "kexec", power: { atOnce: 3 }, force: true },
  });
  const { order } = termsOf({ ...formOf(before), force: false, image: "web@2" }, before.order);
  assert.deepEqual(order, {
    work: "deploy",
    image: "web@2",
    finish: "kexec",
    power: { atOnce: 3, pauseSeconds: 2, arriveSeconds: 900 },
  });
  assert.deepEqual(termsOf({ ...formOf(before), work: "check" }, before.order).order, { work: "check" });
});

Deno.test("a form where nothing was typed leaves all to the server", () =>
  assert.deepEqual(termsOf({ ...NEW_FORM, nodes: "n1, n2\nn3" }), {
    nodes: ["n1", "n2", "n3"],
    cron: "0 3 * * *",
    order: { work: "restore" },
  }));
