// The page in the browser: shows the tables as the server sends them, and sends the operator's orders.
import { call } from "./api.js";

const byId = (id) => document.getElementById(id);
const connection = byId("connection");

/**
 * Applies an event: `{ table, rows }` for a whole table, `{ table, row }` for one row, `{ removed }` (a node's name),
 * `{ removedRow }`, `{ swarm }`, `{ notices }`.
 */
function apply(change) {
  if (change.swarm !== undefined) {
    byId("swarm").textContent = change.swarm;
    return;
  }
  if (change.notices !== undefined) {
    byId("notices").innerHTML = change.notices;
    return;
  }
  if (change.removedRow !== undefined) {
    byId(change.removedRow)?.remove();
    return;
  }
  const focused = document.activeElement?.id;
  if (change.removed !== undefined) {
    document.querySelector(`#nodes tr[data-name="${CSS.escape(change.removed)}"]`)?.remove();
  } else {
    const body = byId(change.table);
    const picked = new Set([...body.querySelectorAll("input:checked")].map((box) => box.id));
    if (change.rows !== undefined) body.innerHTML = change.rows;
    else putRow(body, change.row);
    for (const id of picked) {
      const box = byId(id);
      if (box && !box.disabled) box.checked = true;
    }
  }
  if (focused && document.activeElement?.id !== focused) byId(focused)?.focus({ preventScroll: true });
  noteChoice();
}

function putRow(body, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const row = template.content.firstElementChild;
  const old = byId(row.id);
  if (old) {
    for (const [i, details] of old.querySelectorAll("details").entries()) {
      const same = row.querySelectorAll("details")[i];
      if (same) same.open = details.open;
    }
    old.replaceWith(row);
  } else if (row.dataset.sort === undefined) {
    body.prepend(row);
  } else {
    const order = new Intl.Collator("en", { numeric: true });
    const next = [...body.rows].find((other) => order.compare(other.dataset.sort, row.dataset.sort) > 0);
    body.insertBefore(row, next ?? null);
  }
}

/** After a broken connection the tables are emptied first: rows removed meanwhile would otherwise stay. */
let connectionLost = false;

function watch() {
  const events = new EventSource("/classic/events");
  events.onopen = () => {
    if (connectionLost) {
      for (const id of ["nodes", "machines", "templates", "captures"]) byId(id).replaceChildren();
    }
    connectionLost = false;
    connection.textContent = "live";
  };
  events.onmessage = ({ data }) => apply(JSON.parse(data));
  events.onerror = () => {
    connectionLost = true;
    connection.textContent = "connection lost, retrying…";
    // the server ended the stream: the session may be over, and then this call leads to the login
    if (events.readyState === EventSource.CLOSED) {
      call("GET", "/nodes").catch(() => {});
      setTimeout(watch, 3000);
    }
  };
}

/** Runs an action and shows its result; an error goes to `place`. */
async function attempt(action, place) {
  byId("message").textContent = "";
  place.textContent = "";
  try {
    byId("message").textContent = await action();
    return true;
  } catch (error) {
    place.textContent = error.message;
    return false;
  }
}

const pickedRows = () => [...document.querySelectorAll("#nodes tr:has(input:checked)")];
const pageProblem = byId("problem");

function noteChoice() {
  if (!byId("deploy")) return;
  const count = pickedRows().length;
  const button = byId("deploy");
  button.disabled = count === 0;
  button.textContent = count === 0 ? "Deploy…" : `Deploy to ${count} ${count === 1 ? "node" : "nodes"}…`;
  for (const id of ["check", "restore", "backup"]) byId(id).disabled = count === 0;
}

function dialog(id, submit) {
  const element = byId(id);
  const form = element.querySelector("form");
  const problem = element.querySelector(".problem");
  element.querySelector("button[value=close]").onclick = () => element.close();
  form.onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    if (await attempt(() => submit(new FormData(form)), problem)) element.close();
    button.disabled = false;
  };
  return () => {
    problem.textContent = "";
    element.showModal();
  };
}

let adopted;
const openAdopt = byId("adopt-dialog") && dialog("adopt-dialog", async (form) => {
  const [node] = await call("POST", "/machines/adopt", [
    { node: form.get("node"), mac: adopted, settings: {} },
  ]);
  return `${adopted} is the node ${node.name} now.`;
});

/** Opens the details of a node, which the server renders. */
async function showNode(name) {
  const element = byId("node-dialog");
  const response = await fetch(`/page/nodes/${encodeURIComponent(name)}`).catch(() => undefined);
  if (response?.status === 401) location.reload();
  byId("node-title").textContent = name;
  if (response?.ok) byId("node-details").innerHTML = await response.text();
  else {byId("node-details").textContent =
      "Cannot load the details of this node. Close this dialog and try again.";}
  element.querySelector("button[value=close]").onclick = () => element.close();
  element.showModal();
}

let template;
const openCapture = byId("capture-dialog") && dialog("capture-dialog", async (form) => {
  const excludes = form.get("excludes").split("\n").map((line) => line.trim()).filter(Boolean);
  const request = { template, image: form.get("image"), level: Number(form.get("level")), excludes };
  const { image } = await call("POST", "/captures", request);
  return `${template} is being captured as ${image}.`;
});

const openDeploy = byId("deploy-dialog") && dialog("deploy-dialog", async (form) => {
  const nodes = pickedRows().map((row) => row.dataset.name);
  const passphrase = byId("deploy-passphrase").hidden ? undefined : form.get("passphrase");
  if (passphrase !== undefined && passphrase !== form.get("repeated")) {
    throw new Error("The two passphrases differ. Type the same one twice.");
  }
  const unlock = byId("deploy-encryption").hidden ? undefined : form.get("unlock") || undefined;
  const planCheck = byId("deploy-anyway").hidden || form.get("anyway") === null;
  const now = form.get("now") !== null;
  const request = { nodes, image: form.get("image"), unlock, passphrase, planCheck, now };
  const answer = await call("POST", "/deployments", request);
  forgetPassphrase();
  for (const box of document.querySelectorAll("#nodes input:checked")) box.checked = false;
  noteChoice();
  return `${nodes.join(", ")} will be overwritten with ${answer.image} ${when(now)}.`;
});

function when(now, everyBoot = false) {
  if (everyBoot) return `${now ? "now, and " : ""}at each network boot, until that is cancelled`;
  return now ? "now" : "at the next network boot";
}

function forgetPassphrase() {
  for (const input of byId("deploy-passphrase").querySelectorAll("input")) input.value = "";
}

/** Counts the requests for plans: only the answer to the last one is shown. */
let planning = 0;

/** What the server says of a refusal, for people. */
async function problemOf(response) {
  const { title, detail, remedy } = await response?.json().catch(() => ({})) ?? {};
  return title === undefined
    ? "Cannot load the plans of these nodes. Close this dialog and try again."
    : `${title}: ${detail} Remedy: ${remedy}`;
}

/** Shows what the deployment or the restore would do; until then nothing can be ordered. */
async function showPlans(name) {
  const form = byId(`${name}-dialog`).querySelector("form");
  const submit = form.querySelector("[type=submit]");
  const request = ++planning;
  submit.disabled = true;
  const nodes = pickedRows().map((row) => row.dataset.name);
  const choice = {
    nodes,
    image: form.image.value || undefined,
    ...name === "restore" ? { restore: "true" } : { unlock: form.unlock.value || undefined },
  };
  const response = await fetch("/page/plans", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(choice),
  }).catch(() => undefined);
  if (response?.status === 401) location.reload();
  const text = response?.ok ? await response.text() : undefined;
  const problem = text === undefined ? await problemOf(response) : "";
  if (request !== planning) return;
  form.querySelector(".problem").textContent = problem;
  // a restore is refused by the server if there is no image to plan with
  if (text === undefined) return void (submit.disabled = name !== "restore");
  const place = byId(`${name}-plans`);
  place.innerHTML = text;
  const { encrypted, passphrase, refused } = place.firstElementChild.dataset;
  byId(`${name}-anyway`).hidden = refused === undefined;
  submit.disabled = refused !== undefined && !form.anyway.checked;
  if (name === "restore") return;
  byId("deploy-encryption").hidden = encrypted === undefined;
  byId("deploy-passphrase").hidden = passphrase === undefined;
  for (const input of byId("deploy-passphrase").querySelectorAll("input")) {
    input.required = passphrase !== undefined;
  }
}

/** Shows a node's recovery key in its own form, once it was asked for. */
async function showRecoveryKey(form) {
  const again = new FormData(form).get("again") ?? undefined;
  const path = `/nodes/${encodeURIComponent(form.dataset.recovery)}/recovery-key`;
  await attempt(async () => {
    const { keys } = await call("POST", path, { again });
    const place = form.querySelector("[data-key]");
    place.textContent = keys.map(({ recoveryKey, image }) => `${recoveryKey}   (${image})`).join("\n");
    place.hidden = false;
    form.querySelector("[type=submit]").hidden = true;
    return "";
  }, form.querySelector(".problem"));
}

const openRestore = byId("restore-dialog") && dialog("restore-dialog", async (form) => {
  const nodes = pickedRows().map((row) => row.dataset.name);
  const keep = form.get("keep").split("\n").map((line) => line.trim()).filter(Boolean);
  const dryRun = form.get("dryRun") !== null, everyBoot = form.get("everyBoot") !== null;
  const image = form.get("image") || undefined;
  const planCheck = byId("restore-anyway").hidden || form.get("anyway") === null;
  const now = form.get("now") !== null;
  const answer = await call("POST", "/restores", { nodes, image, keep, dryRun, everyBoot, planCheck, now });
  for (const box of document.querySelectorAll("#nodes input:checked")) box.checked = false;
  noteChoice();
  const verb = dryRun ? "compared with" : "restored to";
  return `${nodes.join(", ")} will be ${verb} ${answer.image} ${when(now, everyBoot)}.`;
});

/** Whether the table of templates shows an online agent of this node. */
const hasAgent = (node) =>
  document.querySelector(`#templates tr[data-sort="${CSS.escape(node)}"] .state.online`) !== null;

const openBackup = byId("backup-dialog") && dialog("backup-dialog", async () => {
  const results = [];
  for (const row of pickedRows()) {
    const { dataset } = row;
    const path = `/nodes/${encodeURIComponent(dataset.name)}`;
    if (hasAgent(dataset.name)) {
      const { image } = await call("POST", `${path}/backup`, {});
      results.push(`${dataset.name} is being captured as ${image}.`);
    } else {
      await call("POST", `${path}/boot-backup`, {});
      results.push(`${dataset.name} will be backed up at its next network boot.`);
    }
    byId(row.id.replace("node-", "pick-")).checked = false;
  }
  noteChoice();
  return results.join(" ");
});

/** Orders comparisons of the chosen nodes with their images; nothing on them is changed. */
async function checkPicked() {
  const nodes = pickedRows().map((row) => row.dataset.name);
  const { ordered, refused } = await call("POST", "/checks", { nodes });
  for (const box of document.querySelectorAll("#nodes input:checked")) box.checked = false;
  noteChoice();
  return [
    `${ordered.map(({ node }) => node).join(", ")} will be compared with the image.`,
    ...refused.map(({ node, problem }) => `${node}: ${problem.detail} Remedy: ${problem.remedy}`),
  ].join(" ");
}

function fillBackup() {
  byId("backup-nodes").replaceChildren(
    ...pickedRows().map(({ dataset }) => {
      const how = hasAgent(dataset.name)
        ? "now, by its agent"
        : "at its next network boot, since no agent runs on it";
      return nodeItem(dataset.name, how);
    }),
  );
}

function nodeItem(name, text) {
  const item = document.createElement("li");
  const strong = document.createElement("strong");
  strong.textContent = name;
  item.append(strong, `: ${text}`);
  return item;
}

/** `first`: options to list before the images. */
function fillDialog(name, first) {
  const element = byId(`${name}-dialog`);
  const newestFirst = [...document.querySelectorAll("#images tr")]
    .sort((a, b) => b.dataset.created.localeCompare(a.dataset.created));
  const options = [...first, ...newestFirst.map(({ dataset }) => new Option(dataset.ref))];
  element.querySelector("select").replaceChildren(...options);
  const list = document.createElement("ul");
  list.append(...pickedRows().map(({ dataset }) => nodeItem(dataset.name, dataset.machine)));
  byId(`${name}-plans`).replaceChildren(list);
}

if (connection) {
  document.addEventListener("change", noteChoice);
  byId("deploy-dialog")?.addEventListener("change", ({ target }) => {
    if (target.name === "image" || target.name === "unlock" || target.name === "anyway") showPlans("deploy");
  });
  byId("restore-dialog")?.addEventListener("change", ({ target }) => {
    if (target.name === "image" || target.name === "anyway") showPlans("restore");
  });
  byId("deploy-dialog")?.addEventListener("close", forgetPassphrase);
  byId("node-dialog").addEventListener("close", () => byId("node-details").replaceChildren());
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.recovery === undefined) return;
    event.preventDefault();
    showRecoveryKey(event.target);
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (button?.id === "deploy") {
      fillDialog("deploy", []);
      byId("deploy-dialog").querySelector("form").reset();
      openDeploy();
      showPlans("deploy");
    } else if (button?.id === "restore") {
      fillDialog("restore", [new Option("their assigned image", "")]);
      byId("restore-dialog").querySelector("form").reset();
      openRestore();
      showPlans("restore");
    } else if (button?.dataset.show) {
      showNode(button.dataset.show);
    } else if (button?.id === "check") {
      attempt(checkPicked, pageProblem);
    } else if (button?.id === "backup") {
      fillBackup();
      openBackup();
    } else if (button?.dataset.capture) {
      template = button.dataset.capture;
      byId("capture-template").textContent = template;
      openCapture();
    } else if (button?.dataset.adopt) {
      adopted = button.dataset.adopt;
      byId("adopt-mac").textContent = adopted;
      byId("adopt-dialog").querySelector("form").reset();
      openAdopt();
    } else if (button?.dataset.cancel) {
      const { cancel } = button.dataset;
      const path = `/nodes/${encodeURIComponent(cancel)}/cancel`;
      attempt(
        () => call("POST", path).then(() => `Cancelled the order for ${cancel}.`),
        pageProblem,
      );
    }
  });
  watch();
}

for (const button of document.querySelectorAll("[data-schedule]")) {
  button.onclick = async () => {
    const { schedule, verb } = button.dataset;
    button.disabled = true;
    try {
      await call("POST", `/schedules/${schedule}/${verb}`);
      location.reload();
    } catch (error) {
      button.disabled = false;
      byId("problem").textContent = error.message;
    }
  };
}

byId("token-add")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target, fields = new FormData(form), problem = form.querySelector(".problem");
  const request = { name: fields.get("name"), role: fields.get("role"), days: Number(fields.get("days")) };
  problem.textContent = "";
  try {
    const { token } = await call("POST", "/tokens", request);
    const place = form.querySelector("[data-token]");
    place.querySelector("pre").textContent = token;
    place.hidden = false;
  } catch (error) {
    problem.textContent = error.message;
  }
});

for (const button of document.querySelectorAll("[data-revoke]")) {
  button.onclick = async () => {
    try {
      await call("DELETE", `/tokens/${button.dataset.revoke}`);
      button.closest("li").remove();
    } catch (error) {
      byId("problem").textContent = error.message;
    }
  };
}
