/** Schedules, and restores at every boot, on the product's command line. */
import assert from "node:assert/strict";
import { makeSmallTree } from "./support/small_tree.ts";
import { Product } from "./support/product.ts";

Deno.test("schedule add says when it runs next, list and show what happened, and wrong usage what to do", async () => {
  await using product = await Product.withServer();
  const root = `${product.folder}/tree`;
  await makeSmallTree(root);
  await product.done("image", "import", "web", root, "--level", "1");
  await product.done("node", "set", "n[1-2]", "--group", "lab");
  const fails = async (args: string[], code: number, says: RegExp) => {
    const ended = await product.run(args);
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, says);
  };
  const add = [
    "schedule",
    "add",
    "rollout",
    "deploy",
    "@lab",
    "--cron",
    "30 2 * * 6",
    "--zone",
    "Europe/Vienna",
  ];
  await fails(add, 2, /say what to deploy: --image/);
  await fails(
    [...add, "--image", "web", "--keep", "/srv"],
    2,
    /--keep has no meaning for deploy: it is for restore/,
  );
  await fails([...add, "--image", "web", "--window", "22:00"], 1, /window "22:00".*\n.*Mon-Fri 22:00-05:00/);
  await fails([...add, "--image", "wbe"], 1, /wbe/);
  const added = await product.done(...add, "--image", "web", "--batch", "1", "--window", "22:00-05:00");
  assert.match(
    added,
    /^added the schedule rollout: deploy web to @lab\nits next times:\n( {2}Sat \d{4}-\d\d-\d\d 0[23]:[03]0 Europe\/Vienna\n){3}$/,
  );
  assert.match(
    await product.done("schedule", "list"),
    /^rollout +deploy web to @lab +Sat .* Europe\/Vienna +–$/m,
  );
  const set = [
    "schedule",
    "set",
    "rollout",
    "deploy",
    "n1",
    "--cron",
    "@daily",
    "--zone",
    "UTC",
    "--image",
    "web",
  ];
  const review = await product.done(...set, "--review");
  assert.match(
    review,
    /^its next times:\n( {2}\w{3} \d{4}-\d\d-\d\d 00:00 UTC\n){5}A run now would do this:\n/,
  );
  assert.match(review, /Install web@1 on 1 node;.*\n(.*\n)*Nothing is added or changed.\n$/);
  assert.match(await product.done("schedule", "show", "rollout"), /30 2 \* \* 6/);
  assert.match(await product.done(...set), /^changed the schedule rollout: deploy web to n1\n/);
  assert.match(await product.done("schedule", "show", "rollout"), /Times: +@daily \(UTC\)\n/);
  await product.done(
    "schedule",
    "set",
    ...add.slice(2),
    "--image",
    "web",
    "--batch",
    "1",
    "--window",
    "22:00-05:00",
  );
  assert.equal(await product.done("schedule", "pause", "rollout"), "rollout: paused\n");
  await fails(["schedule", "run", "rollout"], 1, /it is paused.*\n.*schedule resume rollout/);
  await product.done("schedule", "resume", "rollout");
  assert.match(
    await product.done("schedule", "run", "rollout"),
    /\(by hand\): (1 waiting for boot, 1|2) waiting/,
  );
  const shown = await product.done("schedule", "show", "rollout");
  assert.match(shown, /30 2 \* \* 6 \(Europe\/Vienna\); only 22:00-05:00; 1 at a time/);
  assert.match(shown, /Made by: +admin token/);
  assert.equal(await product.done("schedule", "remove", "rollout"), "removed the schedule rollout\n");
  await fails(["schedule", "show", "rollout"], 1, /there is none of this name/);

  const every = ["node", "restore", "n1", "--image", "web", "--every-boot"];
  await fails([...every, "--wait"], 2, /no end to wait for/);
  const ordered = await product.run(every);
  assert.match(ordered.stderr, /each boot from the network restores them, until: rackseed node cancel/);
  assert.match(await product.done("node", "list"), /^n1 .*armed, restored at every boot/m);
  assert.match(
    await product.done("node", "show", "n1"),
    /Every boot: +each boot from the network restores it to web; ordered by admin token.*node cancel n1 calls it off/,
  );
  assert.equal(await product.done("node", "cancel", "n1"), "cancelled; n1 is idle\n");
});
