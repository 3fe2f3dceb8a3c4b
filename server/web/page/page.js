// The pages of schedules and the account in the browser: sends what their buttons and forms order.
import { call } from "./api.js";

const byId = (id) => document.getElementById(id);

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
