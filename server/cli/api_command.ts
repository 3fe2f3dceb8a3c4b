/** `rackseed api`: the description of the API, for redirection into a file. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { afterOptions } from "./help_text.ts";

export function addApi(
  program: Command<[], Record<PropertyKey, never>>,
  { apiDocument }: Pick<Actions, "apiDocument">,
): void {
  program.command("api")
    .description("Print the API as an OpenAPI document.")
    .addHelpText(
      "after",
      afterOptions({
        notes: `
A running server has it at https://SERVER:8443/api/v1/openapi.json, and for
readers at https://SERVER:8443/help/api-reference. Neither needs a token.`,
        examples: ["rackseed api"],
      }),
    )
    .action(async () => {
      const { printJson } = await import("./terminal.ts");
      printJson(await apiDocument());
    });
}
