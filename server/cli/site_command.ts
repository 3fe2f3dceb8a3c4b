/** `rackseed site`, `rackseed upstream` and their options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

type Program = Command<[], Record<PropertyKey, never>>;
type Signal = Pick<Actions, "signal">;

const NAME = "site's name: small letters, digits, -";
const REFS = "images: NAME and NAME@TAG are followed, NAME@VERSION stays";
const ADD = "rackseed site add paris";
const ASSIGN = "rackseed site assign paris web@stable db";

export function addSite(program: Program, { signal }: Signal): void {
  const site = program.command("site")
    .description("Manage sites: relays that mirror images of this server and report to it.")
    .addHelpText(
      "after",
      afterOptions({ examples: [ADD, ASSIGN, "rackseed site list"] }),
    ) as unknown as Program;
  addTrust(site, { signal });
  addViews(site, { signal });
  addImages(site, { signal });
}

function addTrust(site: Program, { signal }: Signal): void {
  withServer(site.command("add"))
    .description("Add a site, and print the token that enrols its relay.")
    .argument("<name>", NAME)
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
The token is good for one relay, for a week, and is shown this once. At the
site, put it into a file, and start the server with --upstream and
--upstream-token-file.`,
        examples: [ADD],
      }),
    )
    .action(async (name, options) =>
      await (await import("./sites.ts")).addSite(name, { ...options, signal })
    );
  withServer(site.command("token"))
    .description("Make a new token for a site, for another relay or a revoked one.")
    .argument("<name>", NAME)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed site token paris"] }))
    .action(async (name, options) =>
      await (await import("./sites.ts")).makeToken(name, { ...options, signal })
    );
  withServer(site.command("revoke"))
    .description("Revoke a site's relay: from now on it gets nothing more.")
    .argument("<name>", NAME)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
What it has it keeps, with the keys of the images that were assigned to it.
If it was stolen, capture those images under new names.`,
        examples: ["rackseed site revoke paris"],
      }),
    )
    .action(async (name, options) =>
      await (await import("./sites.ts")).revokeSite(name, { ...options, signal })
    );
  withServer(site.command("remove"))
    .description("Remove a site and all that is known about it.")
    .argument("<name>", NAME)
    .addHelpText("after", afterOptions({ examples: ["rackseed site remove paris"] }))
    .action(async (name, options) =>
      await (await import("./sites.ts")).removeSite(name, { ...options, signal })
    );
}

function addViews(site: Program, { signal }: Signal): void {
  withServer(site.command("list"))
    .description("List all sites, with their images and nodes.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed site list --json"] }))
    .action(async (options) => await (await import("./sites.ts")).listSites({ ...options, signal }));
  withServer(site.command("show"))
    .description("Show a site: its relay, its images and its nodes.")
    .argument("<name>", NAME)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed site show paris"] }))
    .action(async (name, options) =>
      await (await import("./sites.ts")).showSite(name, { ...options, signal })
    );
  withServer(site.command("events"))
    .description("List what happened to the nodes of a site, newest first.")
    .argument("<name>", NAME)
    .option("--node <node>", "of this node only")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed site events paris --node n1"] }))
    .action(async (name, options) =>
      await (await import("./sites.ts")).listEvents(name, { ...options, signal })
    );
}

function addImages(site: Program, { signal }: Signal): void {
  withServer(site.command("assign"))
    .description("Assign images to a site: its relay mirrors them, and gets their keys.")
    .argument("<name>", NAME)
    .argument("<image...>", REFS)
    .addHelpText("after", afterOptions({ examples: [ASSIGN] }))
    .action(async (name, refs, options) =>
      await (await import("./sites.ts")).assignImages({ name, refs }, { ...options, signal })
    );
  withServer(site.command("unassign"))
    .description("End assignments: the relay deletes what nothing there needs.")
    .argument("<name>", NAME)
    .argument("<image...>", "assignments, as `rackseed site show` lists them")
    .addHelpText("after", afterOptions({ examples: ["rackseed site unassign paris db"] }))
    .action(async (name, refs, options) =>
      await (await import("./sites.ts")).unassignImages({ name, refs }, { ...options, signal })
    );
}

export function addUpstream(program: Program, { signal }: Signal): void {
  withServer(program.command("upstream"))
    .description("Show the upstream of a relay: contact, images, and what is to be reported.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed upstream"] }))
    .action(async (options) => await (await import("./sites.ts")).showUpstream({ ...options, signal }));
}
