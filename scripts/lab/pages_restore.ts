/** A clone is damaged, compared and restored by the pages. */
import { compareWithTemplate } from "./check_disks.ts";
import { disksOf, installNode, startClone } from "./node_flow.ts";
import { onDisks } from "./on_disks.ts";
import { seesRunning, type Story } from "./pages_story.ts";
import { lived, sums } from "./restore_flow.ts";
import type { Template } from "./template_flow.ts";

/** The dry run comes first, as the page proposes. */
export async function restored(story: Story, template: Template): Promise<void> {
  const { lab, server, desk, admin, node } = story, { page } = admin;
  const disks = disksOf(lab, node);
  await onDisks(lab, "damageLittle", { disks, access: "write" });
  const before = await sums(disks);
  await admin.go(`/restore?nodes=${node.name}`);
  await page.getByText("No data will be lost").waitFor();
  await admin.button(/^Compare 1 node with/).click();
  await page.waitForURL("**/deployments/*");
  await installNode(lab, { node });
  await admin.go(`/nodes/${node.name}`);
  const step = page.locator("li.step").filter({ has: page.getByText(/^Plan, \d+ lines?$/) }).last();
  await step.getByText(/^Plan, /).click();
  const plan = await step.locator("pre").first().innerText();
  const expected = [/make {5}\/usr\/local\/bin\/greet$/m, /remove {3}\/usr\/bin\/stranger/m];
  const after = await sums(disks);
  await desk.saw(admin, {
    what: "dry run: the page lists what would change, and the disk is unchanged, bit for bit",
    passed: expected.every((line) => line.test(plan)) && before === after,
    seen: `${plan.slice(0, 600)}; SHA-256 ${before} before, ${after} after`,
  });
  await restoreForReal(story);
  const compared = await compareWithTemplate(lab, { clone: disks, template: template.disks, also: lived });
  desk.add({ ...compared, what: `restored: ${compared.what}` });
  await admin.go(`/nodes/${node.name}`);
  const order = { seesUp: () => seesRunning(admin, node) };
  const { checks } = await startClone(lab, { node, template, server, order });
  for (const check of checks) desk.add({ ...check, what: `restored: ${check.what}` });
}

async function restoreForReal({ lab, desk, admin, node }: Story): Promise<void> {
  const { page } = admin;
  await admin.go(`/restore?nodes=${node.name}`);
  await page.getByLabel("restore", { exact: true }).check();
  await page.getByText("On 1 machine, what differs from the image will be lost").waitFor();
  await page.locator('section[aria-busy="false"] .verdict').waitFor();
  await page.getByLabel("How many machines lose data?").fill("1");
  await desk.picture(page, "the restore is reviewed");
  await admin.button(/^Restore 1 node to/).click();
  await page.waitForURL("**/deployments/*");
  await installNode(lab, { node });
}
