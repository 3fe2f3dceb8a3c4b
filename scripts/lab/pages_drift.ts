/** A running clone gets an agent, somebody changes a file on it, and the pages find that out. */
import type { Guest } from "./guest.ts";
import { MACHINE_MS } from "./lab_desk.ts";
import { flatTexts, type Story } from "./pages_story.ts";
import { agentScriptOf, checkNode } from "./pages_steps.ts";
import { bringProduct } from "./template_flow.ts";
import { productPath } from "./template_settings.ts";

const CHANGED = "/etc/login.defs";
/** What the script of the page makes. */
const AGENT = [
  "/usr/local/bin/rackseed",
  "/etc/rackseed",
  "/etc/systemd/system/rackseed-agent.service",
  "/etc/systemd/system/multi-user.target.wants/rackseed-agent.service",
];

export async function drifted({ lab, desk, admin, otto, node }: Story, guest: Guest): Promise<void> {
  await bringProduct(lab, guest);
  await guest.shell(`mv /${productPath} ${AGENT[0]}`, lab);
  const script = await agentScriptOf(admin, node);
  await guest.shell("sh -e", { stdin: script, signal: lab.signal });
  await admin.go("/templates");
  const running = admin.page.getByText("1 node with a running agent");
  await running.waitFor({ timeout: MACHINE_MS });
  await desk.saw(admin, {
    what: "the script from the node's page, run there, connects its agent",
    passed: true,
    seen: await running.innerText(),
  });
  await guest.shell(`echo "# changed by hand" >> ${CHANGED}`, lab);
  await lab.timeline.measure(
    `${node.name}: compared by its agent`,
    () => checkNode(otto, node, { keep: AGENT }),
  );
  const rows = await flatTexts(otto, ".tab tbody tr");
  await desk.saw(otto, {
    what: "the page shows the file that was changed on the running node, and nothing else",
    passed: rows.length === 1 && rows.every((row) => row.startsWith(`${CHANGED} changed content: `)),
    seen: rows.join(" | "),
  });
  await admin.go("/");
  const wrong = admin.page.locator(".wrong", { hasText: "1 node differs from its image" });
  await wrong.waitFor();
  const seen = await wrong.innerText();
  await desk.saw(admin, {
    what: "the overview says that a node differs from its image",
    passed: seen.includes(node.name),
    seen,
  });
}
