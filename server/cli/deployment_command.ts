/** `rackseed deployment` and its options. */
import type { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { withServer } from "./connection_options.ts";
import { afterOptions, IMAGE, JSON_RESULT, NODES } from "./help_text.ts";
import { parseVersionCount } from "./arguments.ts";

type Deployment = Command<[], Record<PropertyKey, never>>;
type Signal = Pick<Actions, "signal">;

const ID = "id of the deployment, as `deployment list` shows it";
const OR_LATEST = `${ID}; by default the latest`;
const SOME = "only these nodes";

export function addDeployment(program: Deployment, { signal }: Signal): void {
  const deployment = program.command("deployment")
    .description("Follow and steer deployments as a whole: all nodes of one order.")
    .addHelpText(
      "after",
      afterOptions({ examples: ["rackseed deployment list", "rackseed deployment show"] }),
    ) as unknown as Deployment;
  addQueries(deployment, { signal });
  addOrders(deployment, { signal });
}

function addQueries(deployment: Deployment, { signal }: Signal): void {
  withServer(deployment.command("list"))
    .description("List deployments, restores and backups at boot, newest first.")
    .option("--image <image>", `only of an image: ${IMAGE}`)
    .option("--limit <n>", "most of them to list (default: 20)", parseVersionCount)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed deployment list --image web"] }))
    .action(async (options) =>
      await (await import("./deployments.ts")).listDeployments({ ...options, signal })
    );
  withServer(deployment.command("show"))
    .description(
      "Show how a deployment goes: nodes, time left, sources, the slowest node, failures by cause.",
    )
    .argument("[id]", OR_LATEST)
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ notes: SHOW_NOTES, examples: ["rackseed deployment show"] }))
    .action(async (id, options) =>
      await (await import("./deployments.ts")).showDeployment(id, { ...options, signal })
    );
  withServer(deployment.command("compare"))
    .description("Compare a deployment with earlier ones of the same image: durations and steps.")
    .argument("[id]", OR_LATEST)
    .option("--with <id>", "another deployment (default: up to five earlier ones)")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed deployment compare"] }))
    .action(async (id, options) =>
      await (await import("./deployments.ts")).compareDeployments(id, { ...options, signal })
    );
}

const SHOW_NOTES = `
The time left is that of the nodes that have begun, at their measured rates. It
is unknown until enough is measured.`;

function addOrders(deployment: Deployment, { signal }: Signal): void {
  withServer(deployment.command("cancel"))
    .description("Cancel a deployment; nodes that are being installed are left with incomplete disks.")
    .argument("<id>", ID)
    .option("--node <node...>", `${SOME}: ${NODES}`)
    .addHelpText("after", afterOptions({ examples: ["rackseed deployment cancel 4f1c09aa7be2d310"] }))
    .action(async (id, options) =>
      await (await import("./deployments.ts")).cancelDeployment(id, { ...options, signal })
    );
  withServer(deployment.command("retry"))
    .description("Order the same again for the nodes that failed, as a new deployment.")
    .argument("<id>", ID)
    .option("--node <node...>", `${SOME}: ${NODES}`)
    .option("--passphrase-file <file>", "file with the passphrase of encrypted volumes; - for stdin")
    .option("--json", JSON_RESULT)
    .addHelpText(
      "after",
      afterOptions({
        notes: RETRY_NOTES,
        examples: ["rackseed deployment retry 4f1c09aa7be2d310 --node n[001-008]"],
      }),
    )
    .action(async (id, options) =>
      await (await import("./deployments.ts")).retryDeployment(id, { ...options, signal })
    );
  withServer(deployment.command("pause"))
    .description("Hold the nodes of a deployment that have not begun, until it is resumed.")
    .argument("<id>", ID)
    .addHelpText(
      "after",
      afterOptions({ notes: PAUSE_NOTES, examples: ["rackseed deployment pause 4f1c09aa7be2d310"] }),
    )
    .action(async (id, options) =>
      await (await import("./deployments.ts")).pauseDeployment("pause", id, { ...options, signal })
    );
  withServer(deployment.command("resume"))
    .description("Let the nodes of a paused deployment begin again.")
    .argument("<id>", ID)
    .addHelpText("after", afterOptions({ examples: ["rackseed deployment resume 4f1c09aa7be2d310"] }))
    .action(async (id, options) =>
      await (await import("./deployments.ts")).pauseDeployment("resume", id, { ...options, signal })
    );
}

const RETRY_NOTES = `
The image, the version and all other terms are those of the first order.
Passphrases are not kept: give it again if the first order had one. Nodes that
have another order since are left out.`;

const PAUSE_NOTES = `
A held node that boots from the network starts its own disk, and stays armed.
Nodes that have loaded the installer go on.`;
