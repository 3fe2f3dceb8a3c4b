/** `rackseed image store …` and its options. */
import { Argument, type Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, JSON_RESULT } from "./help_text.ts";

export function addPackStore(
  image: Command<[], Record<PropertyKey, never>>,
  { signal }: Pick<Actions, "signal">,
): void {
  const store = image.command("store")
    .description("Show where images are stored, or move them into a bucket and back.")
    .addHelpText("after", afterOptions({ examples: ["rackseed image store show"] }));
  withServer(store.command("show"))
    .description("Show what is in the bucket and on the local disk, and what is wrong.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed image store show --json"] }))
    .action(async (options) => await (await import("./pack_store.ts")).showStore({ ...options, signal }));
  withServer(store.command("move"))
    .description("Move all images into the bucket of --pack-store, or back to the local disk.")
    .addArgument(new Argument("<where>", "where to keep them").choices(["bucket", "local"] as const))
    .option("--wait", "wait until everything is moved")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: `
A server that is started with --pack-store moves its images there by itself.
After a move to the local disk, start it without --pack-store.`,
        examples: ["rackseed image store move bucket --wait", "rackseed image store move local --wait"],
      }),
    )
    .action(async (home, options) =>
      await (await import("./pack_store.ts")).moveStore(home, { ...options, signal })
    );
}
