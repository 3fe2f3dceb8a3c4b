/** What history, audit log and overview say at the end. */
import { flatTexts, type Story } from "./pages_story.ts";
import { image } from "./template_flow.ts";

export async function recorded({ desk, admin, node }: Story): Promise<void> {
  await admin.go(`/nodes/${node.name}/history`);
  await admin.page.locator("li.event").first().waitFor();
  const events = await flatTexts(admin, "li.event");
  const told = [
    /Made a node\s*by otto/,
    new RegExp(`Installation\\s*${image}@1\\s*by otto\\s*failed`),
    new RegExp(`Installation\\s*${image}@1\\s*by otto\\s*done`),
    new RegExp(`Compared with its image\\s*${image}@1\\s*by otto\\s*done`),
    new RegExp(`Dry run of a restore\\s*${image}@1\\s*by admin\\s*done`),
    new RegExp(`Restore\\s*${image}@1\\s*by admin\\s*done`),
  ];
  await desk.saw(admin, {
    what: "its history names who ordered what, and how it ended",
    passed: told.every((line) => events.some((event) => line.test(event))),
    seen: events.join(" | "),
  });
  await admin.go("/audit");
  await admin.page.locator("tbody tr").first().waitFor();
  const rows = await flatTexts(admin, "tbody tr");
  const acts = [
    /otto .*rehearse a version.*done/,
    /otto .*order a deployment .*done/,
    /otto .*failed nodes again.*done/,
    /admin .*make a token for a node's agent.*done/,
    /otto .*order a comparison with the image.*done/,
    /admin .*order a restore.*done/,
  ];
  await desk.saw(admin, {
    what: "the audit page names them, too",
    passed: acts.every((act) => rows.some((row) => act.test(row))),
    seen: rows.join(" | "),
  });
  await admin.go("/");
  await admin.page.getByText("Nothing is wrong.").waitFor();
  await desk.saw(admin, { what: "at the end nothing is wrong", passed: true, seen: "Nothing is wrong." });
}
