/**
 * The command line. A command's implementation is loaded when it runs, so that --help answers at once; main.ts passes
 * in the server and the agent.
 */
import { Command } from "@commander-js/extra-typings";
import type { Actions } from "./actions.ts";
import { addAgent } from "./agent_command.ts";
import { addApi } from "./api_command.ts";
import { addAudit } from "./audit_command.ts";
import { addCapture, addTemplate } from "./capture_command.ts";
import { addConfig } from "./config_command.ts";
import { addDeployment } from "./deployment_command.ts";
import { addDoctor } from "./doctor_command.ts";
import { afterOptions, HELP_LAYOUT, JSON_RESULT } from "./help_text.ts";
import { addHook } from "./hook_command.ts";
import { addImage } from "./image_command.ts";
import { addMachine } from "./machine_command.ts";
import { addMail } from "./mail_command.ts";
import { addSecureBoot } from "./secure_boot_command.ts";
import { addManual } from "./manual_command.ts";
import { addMedium } from "./medium_command.ts";
import { addMonitoring } from "./monitoring_command.ts";
import { addNode } from "./node_command.ts";
import { addSchedule } from "./schedule_command.ts";
import { addServer } from "./server_command.ts";
import { addService } from "./service_command.ts";
import { addSupportBundle } from "./support_command.ts";
import { addSite, addUpstream } from "./site_command.ts";
import { addSwarm } from "./swarm_command.ts";
import { addToken } from "./token_command.ts";
import { addUser } from "./user_command.ts";
import { addWebhook } from "./webhook_command.ts";

const NOTES = `
Terms:
  template  a running machine that is captured
  image     a captured system, kept as numbered versions; web@3 is version 3 of
            "web", and "web" alone its latest version
  node      a machine that an image is installed on
  clone     a node that runs the installed image, under its own name and address`;

export function createProgram(actions: Actions): Command {
  const program = new Command("rackseed")
    .description("Capture a running machine and clone it onto racks of others over the network.")
    .version(versionText(actions.version), "-V, --version", "print the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command]", "show the help of a command")
    .configureHelp(HELP_LAYOUT)
    // an option belongs to the command it follows: `restore --version 2`, and `server backup --data`
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText(
      "after",
      afterOptions({
        notes: NOTES,
        examples: [
          "rackseed server --interface eth1 --dhcp server --dhcp-range 10.0.0.100-10.0.0.199",
          "rackseed agent template --server https://10.0.0.1:8443 --token rs1.…   # on the template",
          "rackseed capture web --image web",
          "rackseed node set n1 --mac 52:54:00:12:34:56",
          "rackseed node deploy n1 --image web --wait",
        ],
      }),
    );
  addServer(program, actions);
  addConfig(program);
  addService(program, actions);
  addAgent(program, actions);
  addCapture(program, actions);
  addTemplate(program, actions);
  addImage(program, actions);
  addNode(program, actions);
  addDeployment(program, actions);
  addSchedule(program, actions);
  addMachine(program, actions);
  addMedium(program, actions);
  addSwarm(program, actions);
  addSite(program, actions);
  addUpstream(program, actions);
  addHook(program, actions);
  addUser(program, actions);
  addToken(program, actions);
  addManual(program, actions);
  addAudit(program, actions);
  addMonitoring(program);
  addApi(program, actions);
  addDoctor(program, actions);
  addSupportBundle(program, actions);
  addWebhook(program, actions);
  addMail(program, actions);
  addSecureBoot(program, actions);
  addVersion(program, actions);
  return program as unknown as Command;
}

function addVersion(program: Command<[], Record<PropertyKey, never>>, { version }: Actions): void {
  program.command("version")
    .description("Print the version of Rackseed and of its runtime.")
    .option("--json", JSON_RESULT)
    .addHelpText("after", afterOptions({ examples: ["rackseed version"] }))
    .action(async ({ json }) => {
      const { print, printJson } = await import("./terminal.ts");
      if (json) printJson({ rackseed: version, runtime: Deno.version.deno });
      else print(versionText(version));
    });
}

function versionText(version: string): string {
  return `rackseed ${version} (Deno ${Deno.version.deno})`;
}
