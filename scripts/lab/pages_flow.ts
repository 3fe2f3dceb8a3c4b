/** The whole life of a node by the pages alone: two people at the desk, real machines behind it. */
import type { Check } from "./check.ts";
import { compareWithTemplate } from "./check_disks.ts";
import { run } from "./command.ts";
import type { Guest } from "./guest.ts";
import { setHooks } from "./hooks.ts";
import { LabDesk, MACHINE_MS } from "./lab_desk.ts";
import { diskOf, disksOf, installNode, machineOf, startClone } from "./node_flow.ts";
import { drifted } from "./pages_drift.ts";
import { proved } from "./pages_rehearsal.ts";
import { recorded } from "./pages_record.ts";
import { restored } from "./pages_restore.ts";
import {
  adoptMachine,
  captureAtDesk,
  inviteUser,
  orderWeb,
  setAddress,
  setHook,
  tagStable,
} from "./pages_steps.ts";
import { seesRunning, type Story } from "./pages_story.ts";
import { ProductServer } from "./product_server.ts";
import { VirtualMachine, type VmOptions } from "./qemu.ts";
import { captureTemplate, type Template } from "./template_flow.ts";
import { type NodeFacts, nodeFacts, type Workplace } from "./workplace.ts";

/** Too small for the image, which needs some hundred megabytes more. */
const SMALL = "512M", LARGE = "3072M";
const SETUP_LINK = /https:\/\/\S+\/setup\?code=[^\s#]+/;

export async function liveByPages(lab: Workplace): Promise<Check[]> {
  const start = () => ProductServer.start(lab, { inTerminal: true, hasPrograms: true });
  await using server = await lab.timeline.measure("server: started", start);
  await using desk = await LabDesk.open(lab, server);
  try {
    const { admin, otto } = await comeIn(desk, server);
    const story = { lab, server, desk, admin, otto, node: nodeFacts(1) };
    const template = await captured(story);
    await proved(story);
    await adopted(story);
    await failed(story);
    await installed(story, template);
    await restored(story, template);
    await recorded(story);
    desk.checkComplaints();
    return desk.checks;
  } catch (error) {
    await desk.pictureAll();
    throw error;
  }
}

async function comeIn(desk: LabDesk, server: ProductServer): Promise<Pick<Story, "admin" | "otto">> {
  const admin = await desk.person(await server.output.expect(SETUP_LINK, { timeoutMs: 60_000 }));
  const adminName = await admin.name();
  await desk.saw(admin, {
    what: "the set-up link that the server prints makes an admin",
    passed: adminName === "admin (admin)",
    seen: adminName,
  });
  const otto = await desk.person(await inviteUser(admin, { name: "otto", role: "operator" }));
  const ottoName = await otto.name();
  await desk.saw(otto, {
    what: "a second user is added, and comes in by the link that the admin was shown",
    passed: ottoName === "otto (operator)",
    seen: ottoName,
  });
  return { admin, otto };
}

async function captured({ lab, server, desk, admin }: Story): Promise<Template> {
  const template = await captureTemplate(lab, { server, capture: () => captureAtDesk(desk, admin) });
  await tagStable(admin);
  const tags = await admin.page.locator(".tag").allTextContents();
  await desk.saw(admin, {
    what: "the version has the tag",
    passed: tags.join() === "stable",
    seen: tags.join(),
  });
  await setHooks(lab, { server, set: (hook) => setHook(admin, hook) });
  return template;
}

async function adopted({ lab, desk, otto, node }: Story): Promise<void> {
  await run(["truncate", "-s", SMALL, diskOf(lab, node)]);
  {
    await using machine = await VirtualMachine.start(withSmallDisk(lab, node));
    lab.transcripts.push(machine.serial);
    await otto.go("/machines");
    const row = otto.page.getByRole("row", { name: node.mac });
    await row.waitFor({ timeout: MACHINE_MS });
    await desk.saw(otto, {
      what: "an empty machine that boots from the network appears under New machines",
      passed: true,
      seen: await row.innerText(),
    });
  }
  await adoptMachine(otto, node);
  const saved = await setAddress(otto, node);
  await desk.saw(otto, {
    what: "it is adopted, and its address is set in its form",
    passed: saved.startsWith(`${node.address}/`),
    seen: saved,
  });
}

/** The failure is that of a disk that is too small; it is seen by the other person. */
async function failed({ lab, desk, admin, otto, node }: Story): Promise<void> {
  const review = await orderWeb(otto, node, (what) => desk.picture(otto.page, what));
  await desk.saw(otto, {
    what: "the order is reviewed, the number typed, and given for the tag",
    passed: /Data on 1 machine will be lost/.test(review),
    seen: review,
  });
  await using machine = await VirtualMachine.start({ ...withSmallDisk(lab, node), noReboot: true });
  lab.transcripts.push(machine.serial);
  await admin.go("/");
  const wrong = admin.page.locator(".wrong", { hasText: node.name });
  await lab.timeline.measure(
    `${node.name}: power-on to its failure on the overview`,
    () => wrong.waitFor({ timeout: MACHINE_MS }),
  );
  const seen = await wrong.innerText();
  await desk.saw(admin, {
    what: "the failure stands on the overview, with cause and remedy",
    passed: /1 node: \w+: /.test(seen) && /too small/.test(seen) && /What to do: \S/.test(seen),
    seen,
  });
}

async function installed(story: Story, template: Template): Promise<void> {
  const { lab, server, desk, otto, node } = story;
  const { page } = otto, first = page.url();
  await Deno.remove(diskOf(lab, node));
  await run(["truncate", "-s", LARGE, diskOf(lab, node)]);
  await otto.button("Retry this node…").click();
  await desk.picture(page, "the retry");
  await otto.dialog("Order the same again").getByRole("button", { name: "Order it" }).click();
  await page.waitForURL((url) => /^\/deployments\/[0-9a-f]+$/.test(url.pathname) && url.href !== first);
  const deployment = new URL(page.url()).pathname;
  await otto.go(`/nodes/${node.name}`);
  await installNode(lab, {
    node,
    during: async () => {
      const transfer = page.locator(".transfer");
      await transfer.waitFor({ timeout: MACHINE_MS });
      const seen = await transfer.innerText();
      await desk.saw(otto, {
        what: "with another disk and a retry it is installed, and its progress is live",
        passed: /\d+ %/.test(seen),
        seen,
      });
    },
  });
  desk.add(await compareWithTemplate(lab, { clone: disksOf(lab, node), template: template.disks }));
  const order = { seesUp: () => seesRunning(otto, node) };
  const whileUp = (guest: Guest) => drifted(story, guest);
  const { checks } = await startClone(lab, { node, template, server, order, whileUp });
  for (const check of checks) desk.add(check);
  await otto.go(deployment);
  const done = otto.page.getByText("1 of 1 done", { exact: false }).first();
  await done.waitFor({ timeout: MACHINE_MS });
  await desk.saw(otto, {
    what: "the deployment's page says that it is done",
    passed: true,
    seen: await done.innerText(),
  });
  await acceptDisk(story);
}

/** The disk is another one than that which replaces it. */
function withSmallDisk(lab: Workplace, node: NodeFacts): VmOptions {
  return { ...machineOf(lab, node), disks: [{ path: diskOf(lab, node), serial: "small-disk" }] };
}

/** What changed in a node's hardware stays flagged until a person accepts it. */
async function acceptDisk({ desk, otto, node }: Story): Promise<void> {
  await otto.go(`/nodes/${node.name}/hardware`);
  const warnings = otto.page.getByRole("region", { name: "Hardware warnings" });
  const seen = await warnings.innerText();
  await desk.saw(otto, {
    what: "the page flags that the disk was replaced",
    passed: /small-disk/.test(seen),
    seen,
  });
  await otto.button("Accept as it is").click();
  await warnings.waitFor({ state: "detached" });
}
