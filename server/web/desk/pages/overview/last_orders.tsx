/** The last lines of the audit log. */
import type { AuditPage } from "#contract/api/audit.ts";
import { useResource } from "../../api/resource.ts";
import { actionText, whoText } from "../../messages/actions.ts";
import { Ago } from "../../parts/times.tsx";
import { rangesOf } from "../../search/name_ranges.ts";
import { t } from "./messages.ts";

const SHOWN = 8;

export function LastOrders() {
  const { value } = useResource<AuditPage>(`/audit?limit=${SHOWN}`, { on: ["audit"] });
  return (
    <section aria-labelledby="last">
      <h2 id="last">{t("last")}</h2>
      <ul class="audit">
        {value?.entries.map((entry) => (
          <li key={entry.number}>
            <Ago at={entry.at} /> <strong>{whoText(entry.who)}</strong> {actionText(entry.action)}{" "}
            {rangesOf(entry.nodes).slice(0, 4).join(", ")}
          </li>
        ))}
      </ul>
      <a href="/audit">{t("allAudit")}</a>
    </section>
  );
}
