// The page of schedules in the browser: sends what its buttons order.
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
