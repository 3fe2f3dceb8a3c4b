/** The fields of the form as the request that they are. */
import type { Probe, RehearsalRequest } from "#contract/api/rehearsals.ts";
import { parseProbe } from "../../../../words/rehearsal_text.ts";
import { Refusal } from "../../api/call.ts";
import { t } from "./messages.ts";

/** Throws Refusal. */
export function requestOf(form: FormData): RehearsalRequest {
  const text = (name: string) => String(form.get(name) ?? "").trim();
  const list = (name: string) => text(name).split(/[\s,]+/).filter((one) => one !== "");
  const wanted = [
    ...form.get("login") === null ? [] : ["login"],
    ...list("tcp").map((port) => `tcp:${port}`),
    ...list("http").map((address) => `http:${address}`),
    ...text("console") === "" ? [] : [`console:${text("console")}`],
  ];
  if (wanted.length === 0) throw refusal(t("noProbe"));
  const probes = wanted.map((one): Probe => {
    const probe = parseProbe(one);
    if (!probe) throw refusal(t("noSuchProbe", { text: one }));
    return probe;
  });
  return {
    probes,
    memoryMiB: Number(text("memory")),
    bootSeconds: Number(text("minutes")) * 60,
    ...form.has("emulate") && { emulate: true },
  };
}

function refusal(detail: string): Refusal {
  return new Refusal({ status: 0, title: t("what"), detail, remedy: t("probeRemedy") });
}
