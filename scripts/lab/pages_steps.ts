/** What a person does on one page of the desk. */
import { type LabDesk, MACHINE_MS, type Person } from "./lab_desk.ts";
import { image, level } from "./template_flow.ts";
import { templateName } from "./template_settings.ts";
import { ipv4 } from "./addresses.ts";
import type { NodeFacts } from "./workplace.ts";
import { waitFor } from "../../test/support/wait_for.ts";

/** The agent takes 5 % of a processor at most, and an emulated one is slow. */
const CHECK_MS = 3_600_000;

/** Returns the link by which the user chooses a password. */
export async function inviteUser(
  admin: Person,
  { name, role }: { readonly name: string; readonly role: string },
): Promise<string> {
  await admin.go("/users");
  await admin.button("Add a user").first().click();
  const dialog = admin.dialog("Add a user");
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Role").selectOption(role);
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  return await admin.dialog(new RegExp(`link for ${name}`, "i")).getByRole("textbox").inputValue();
}

/** Returns once the version is published. */
export async function captureAtDesk(desk: LabDesk, admin: Person): Promise<void> {
  const { page } = admin;
  await admin.go("/templates");
  await admin.button(`Capture ${templateName}`).click();
  const dialog = admin.dialog(`Capture ${templateName}`);
  await dialog.getByLabel("Image").fill(image);
  await dialog.getByLabel("Compression").fill(`${level}`);
  await dialog.getByRole("button", { name: "Start the capture" }).click();
  const progress = page.locator("main .captures small").filter({ hasText: / of .+ · .+\/s/ });
  await progress.waitFor({ timeout: MACHINE_MS });
  const seen = await progress.innerText();
  await desk.saw(admin, {
    what: "the template that announced itself is captured from its page, with progress",
    passed: true,
    seen,
  });
  await page.getByRole("link", { name: `${image}@1` }).first().waitFor({ timeout: MACHINE_MS });
  await desk.picture(page, "the version is published");
}

export async function tagStable(admin: Person): Promise<void> {
  const { page } = admin;
  await admin.go(`/images/${image}`);
  await page.getByLabel(`Actions for ${image}@1`).click();
  await admin.button("Tag…").filter({ visible: true }).click();
  const dialog = admin.dialog(`Tag ${image}@1`);
  await dialog.getByLabel("Tag", { exact: true }).fill("stable");
  await dialog.getByRole("button", { name: "Set the tag" }).click();
  await page.locator(".tag", { hasText: "stable" }).waitFor();
}

/** For the image. */
export async function setHook(
  admin: Person,
  { when, script }: { readonly when: string; readonly script: string },
): Promise<void> {
  await admin.go("/hooks");
  await admin.button("Add a hook…").click();
  const dialog = admin.dialog("Add a hook");
  await dialog.getByLabel("Name", { exact: true }).fill("lab");
  await dialog.locator("select[name=when]").selectOption(when);
  await dialog.getByLabel("Runs for").selectOption("image");
  await dialog.getByLabel("Its name").fill(image);
  await dialog.getByLabel("Script").fill(script);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.waitFor({ state: "detached" });
}

export async function adoptMachine(person: Person, { name, mac }: NodeFacts): Promise<void> {
  const { page } = person;
  await page.getByRole("checkbox", { name: `Select ${mac}` }).click();
  await person.button("Adopt 1 machine…").click();
  const dialog = person.dialog("Adopt 1 machine");
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.getByRole("button", { name: "Adopt 1 machine" }).click();
  await page.getByText(`${name} is a node now.`).waitFor();
}

/** Returns the address that its form shows once it is saved. */
export async function setAddress(person: Person, { name, address }: NodeFacts): Promise<string> {
  const { page } = person;
  await person.go(`/nodes/${name}/settings`);
  const field = page.locator("input[name=address]");
  await field.fill(`${address}/${ipv4.prefix}`);
  await person.button("Save").first().click();
  await page.getByText(`The settings of ${name} are saved.`).waitFor();
  await person.go(`/nodes/${name}/settings`);
  return await waitFor("the saved address", () => field.inputValue().then((value) => value || undefined));
}

/** Returns what the review said. The address is then the deployment's. */
export async function orderWeb(
  person: Person,
  { name }: NodeFacts,
  picture: (what: string) => Promise<void>,
): Promise<string> {
  const { page } = person;
  await person.go("/nodes");
  await page.getByRole("checkbox", { name: `Select ${name}`, exact: true }).click();
  await person.button("Deploy…").click();
  await page.getByRole("combobox", { name: "Image", exact: true }).selectOption(image);
  await page.getByRole("combobox", { name: "Version", exact: true }).selectOption(`${image}@stable`);
  await page.waitForURL((url) => url.searchParams.get("image") === `${image}@stable`);
  const review = page.locator('section[aria-busy="false"]', { has: page.locator(".verdict") });
  await review.waitFor();
  const text = await review.innerText();
  await page.getByLabel("How many machines lose data?").fill("1");
  await picture("the order is reviewed");
  await person.button(/^Install web@/).click();
  await page.waitForURL("**/deployments/*");
  return text;
}

/** Returns the script that installs the node's agent. */
export async function agentScriptOf(admin: Person, { name }: NodeFacts): Promise<string> {
  await admin.go(`/nodes/${name}`);
  await admin.button("Agent…").click();
  const dialog = admin.dialog(`Run the agent on ${name}`);
  await dialog.getByRole("button", { name: "Make the script" }).click();
  return await dialog.getByLabel("Script").inputValue();
}

/** Returns once the node's page shows what its agent found. Throws if it shows why it could not look. */
export async function checkNode(
  person: Person,
  { name }: NodeFacts,
  { keep }: { readonly keep: readonly string[] },
): Promise<void> {
  await person.go(`/nodes/${name}/drift`);
  await person.button("Check…").click();
  const dialog = person.dialog("Check 1 node");
  await dialog.getByLabel("Do not compare these paths").fill(keep.join("\n"));
  await dialog.getByRole("button", { name: "Check 1 node" }).click();
  await dialog.waitFor({ state: "detached" });
  const tab = person.page.locator(".tab"), refused = tab.locator(".alarm");
  await tab.getByText(/^(Differs from|As) web@1, /).or(refused).waitFor({ timeout: CHECK_MS });
  if (await refused.isVisible()) throw new Error(`the check failed: ${await refused.innerText()}`);
}

/** Returns once the rehearsal has ended. */
export async function rehearse(desk: LabDesk, person: Person): Promise<void> {
  const { page } = person;
  await person.go(`/images/${image}@1`);
  await page.getByRole("link", { name: "Rehearsals" }).click();
  await person.button("Rehearse…").click();
  const dialog = person.dialog(`Rehearse ${image}@1`);
  await dialog.getByLabel(/TCP ports/).fill("22");
  await dialog.getByLabel(/HTTP answers/).fill("80/");
  await dialog.getByLabel(/emulate the processor/).check();
  await dialog.getByRole("button", { name: "Start" }).click();
  const stage = page.locator(".stages .now");
  await stage.filter({ hasText: /booting|failed|cancelled/ }).waitFor({ timeout: MACHINE_MS });
  await desk.picture(page, "the version is rehearsed");
  await stage.filter({ hasText: /proved|failed|cancelled/ }).waitFor({ timeout: MACHINE_MS });
}
