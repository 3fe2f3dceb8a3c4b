/** `rackseed schedule` and its options. */
import { type Command, Option } from "@commander-js/extra-typings";
import { WORKS } from "#contract/api/schedules.ts";
import type { Actions } from "./actions.ts";
import { parseThreshold } from "./check_command.ts";
import { collect, parseDurationOption, parseVersion, parseVersionCount, UNLOCK } from "./arguments.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, DURATION, EXCLUDE, IMAGE, JSON_RESULT, NODES } from "./help_text.ts";

type Schedule = Command<[], Record<PropertyKey, never>>;
type Signal = Pick<Actions, "signal">;

const NAME = "name of the schedule";
const ADD = "rackseed schedule add labs restore @lab --cron '0 3 * * 1-5' --zone Europe/Vienna";

export function addSchedule(program: Schedule, { signal }: Signal): void {
  const schedule = program.command("schedule")
    .description("Deploy, restore, back up and check nodes at set times.")
    .addHelpText("after", afterOptions({ examples: [ADD, "rackseed schedule list"] }));
  addTerms(schedule as unknown as Schedule, "add", { signal });
  addTerms(schedule as unknown as Schedule, "set", { signal });
  addQueries(schedule as unknown as Schedule, { signal });
  addChanges(schedule as unknown as Schedule, { signal });
}

function addTerms(schedule: Schedule, verb: "add" | "set", { signal }: Signal): void {
  const { description, notes, examples } = TERMS[verb];
  withServer(schedule.command(verb))
    .description(description)
    .argument("<name>", NAME)
    .argument("<job>", `what to do: ${WORKS.join(", ")}`)
    .argument("<node...>", `${NODES}; resolved at each run`)
    .requiredOption("--cron <times>", "minute, hour, day, month, weekday: '0 3 * * 1-5'; or @daily")
    .option("--zone <zone>", "time zone, e.g. Europe/Vienna (default: the server's)")
    .option("--window <window>", "begin only within, e.g. 'Mon-Fri 22:00-05:00' (repeatable)", collect)
    .option("--batch <n>", "nodes at a time; the next begin when these are done", parseVersionCount)
    .option("--stop-after <n>", "begin no more nodes after this many failures", parseVersionCount)
    .option("--boot-within <duration>", "time a node has to boot (default: 24h)", parseDurationOption)
    .option("--catch-up", "run once if times passed while the server was off")
    .option("--image <image>", `image to deploy or restore: ${IMAGE}`)
    .option("--version <n>", "restore another version of the assigned image", parseVersion)
    .option("--keep <path...>", "restores and checks leave these paths alone")
    .option("--check-content", "restores and checks hash every file")
    .option("--dry-run", "restores only report what would change")
    .addOption(
      new Option("--identity <how>", "of deployed nodes, see node deploy")
        .choices(["keep", "assign", "ask"] as const),
    )
    .addOption(new Option("--unlock <how>", "of deployed nodes, see node deploy").choices(UNLOCK))
    .option("--passphrase-file <file>", "file with the passphrase of encrypted volumes; - for stdin")
    .option("--no-plan-check", "also nodes whose last known disks cannot take the image")
    .option("--force", "allow a node's backup to be written to another node")
    .option("--power", "deploy: start the nodes from the network, a few at a time")
    .option("--now", "deploy, restore: the nodes' agents restart them into the installer")
    .option("--at-boot", "back up at the next network boot, without an agent")
    .option("--exclude <glob>", EXCLUDE, collect)
    .option("--threshold <n>", "checks: differences above which a node has drifted", parseThreshold)
    .option("--review", "show its next times and what a run would do now, and add or change nothing")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ notes, examples }))
    .action(async (name, work, nodes, options) =>
      await (await import("./schedules.ts")).setSchedule(verb, { name, work, nodes }, { ...options, signal })
    );
}

const ADD_NOTES = `
Each run has your rights as they are then, and is refused once you lost them.
A run arms nodes, which install when they boot from the network. A window bounds
when nodes begin: what is being installed at its end is finished, and what has
not begun waits for the next window.
A time that is skipped when clocks are set forward runs after the gap; one that
occurs twice runs once.
The server keeps a passphrase sealed for as long as the schedule exists.
${DURATION}`;

const ADD_EXAMPLES = [
  ADD,
  "rackseed schedule add web deploy 'n[001-128]' --cron '0 20 * * 6' --image web --batch 16",
  "rackseed schedule add nightly backup @storage --cron '30 1 * * *' --window 01:00-05:00",
  "rackseed schedule add drift check @storage --cron @daily --threshold 20",
];

const SET_NOTES = `
Give all of its terms: what is not given is no longer set. A passphrase is kept
as long as the image stays the same.
A run that is under way goes on with the order that it began with. Later runs
have your rights. Times that have passed are not made up for.
${DURATION}`;

const TERMS = {
  add: {
    description: "Add a schedule, and print its next three times.",
    notes: ADD_NOTES,
    examples: ADD_EXAMPLES,
  },
  set: {
    description: "Change a schedule: set all of its terms.",
    notes: SET_NOTES,
    examples: ["rackseed schedule set labs restore @lab --cron '0 4 * * 1-5' --batch 8"],
  },
} as const;

function addQueries(schedule: Schedule, { signal }: Signal): void {
  withServer(schedule.command("list"))
    .description("List all schedules with their next time and last outcome.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed schedule list --json"] }))
    .action(async (options) => await (await import("./schedules.ts")).listSchedules({ ...options, signal }));
  withServer(schedule.command("show"))
    .description("Show a schedule, its next times and its latest runs.")
    .argument("<name>", NAME)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed schedule show labs"] }))
    .action(async (name, options) =>
      await (await import("./schedules.ts")).showSchedule(name, { ...options, signal })
    );
}

function addChanges(schedule: Schedule, { signal }: Signal): void {
  const change = (verb: "pause" | "resume" | "run" | "remove", description: string, notes?: string) =>
    withServer(schedule.command(verb))
      .description(description)
      .argument("<name>", NAME)
      .addHelpText(
        "after",
        afterOptions({ ...notes !== undefined && { notes }, examples: [`rackseed schedule ${verb} labs`] }),
      )
      .action(async (name, options) =>
        await (await import("./schedules.ts")).changeSchedule(verb, name, { ...options, signal })
      );
  change("pause", "Begin nothing more of a schedule until it is resumed.", PAUSE);
  change("resume", "Resume a paused schedule; times that passed meanwhile are skipped.");
  change("run", "Run a schedule now, or as soon as one of its windows opens.");
  change("remove", "Remove a schedule; nodes that are being installed are finished.");
}

const PAUSE = `
Nodes that are armed and have not booted are disarmed; they begin once the
schedule is resumed. Nodes that are being installed are finished.`;
