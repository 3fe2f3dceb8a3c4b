// The users' page in the browser: sends an admin's changes, and shows the link with which a user chooses a password.
import { call } from "./api.js";

const byId = (id) => document.getElementById(id);
const pathOf = (name) => `/users/${encodeURIComponent(name)}`;

/** Sends a dialog's form; an error is shown in the dialog. Returns what opens it. */
function dialog(id, submit) {
  const element = byId(id), form = element.querySelector("form"), problem = form.querySelector(".problem");
  element.querySelector("button[value=close]").onclick = () => element.close();
  form.onsubmit = async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    problem.textContent = "";
    try {
      const { user, setup } = await submit(new FormData(form)) ?? {};
      element.close();
      if (setup) showLink(user.name, setup);
      else location.reload();
    } catch (error) {
      problem.textContent = error.message;
    }
    button.disabled = false;
  };
  return () => {
    problem.textContent = "";
    element.showModal();
    return form;
  };
}

/** The link is not shown again, so the page is loaded anew only when the dialog is closed. */
function showLink(name, { path, expires }) {
  const element = byId("link-dialog");
  byId("link-user").textContent = name;
  byId("link-until").textContent = new Date(expires).toLocaleString();
  byId("link").value = new URL(path, location.href).href;
  element.querySelector("button[value=close]").onclick = () => element.close();
  element.onclose = () => location.reload();
  element.showModal();
  byId("link").select();
}

/** An operator's groups out of one field: "rack1, rack2". */
function groupsOf(fields) {
  const groups = fields.get("groups").split(/[\s,]+/).filter(Boolean);
  return fields.get("role") === "operator" && groups.length > 0 ? groups : undefined;
}

/** Only operators are limited to groups. */
function showGroups(form) {
  form.querySelector("[data-groups]").hidden = form.role.value !== "operator";
}

for (const form of document.querySelectorAll("form:has([data-groups])")) {
  form.role.onchange = () => showGroups(form);
}

const openAdd = dialog("add-dialog", (fields) => {
  const groups = groupsOf(fields);
  const request = { name: fields.get("name"), role: fields.get("role") };
  return call("POST", "/users", groups ? { ...request, groups } : request);
});
byId("add").onclick = () => {
  const form = openAdd();
  form.reset();
  showGroups(form);
};

let chosen;
const openChange = dialog("change-dialog", (fields) => {
  const refuse = fields.get("refuse") !== null;
  if (chosen.signsOn !== undefined) return call("PUT", pathOf(chosen.name), { refuse });
  const role = fields.get("role"), groups = groupsOf(fields) ?? null, reset = fields.get("renew") !== null;
  return call("PUT", pathOf(chosen.name), { role, groups, refuse, reset });
});
const openRemove = dialog("remove-dialog", () => call("DELETE", pathOf(chosen.name)));

document.addEventListener("click", ({ target }) => {
  const { change, remove } = target.closest("button")?.dataset ?? {};
  if (change === undefined && remove === undefined) return;
  chosen = target.closest("tr").dataset;
  const { name, role, groups, refused, signsOn } = chosen;
  for (const place of document.querySelectorAll("[data-chosen]")) place.textContent = name;
  for (const place of document.querySelectorAll("[data-provider]")) place.hidden = signsOn === undefined;
  if (remove !== undefined) return openRemove();
  const form = openChange();
  form.reset();
  form.role.value = role;
  form.groups.value = groups;
  form.refuse.checked = refused !== undefined;
  byId("change-role").hidden = signsOn !== undefined;
  showGroups(form);
});
