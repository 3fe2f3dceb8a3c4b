/** Nodes that failed, by cause, with what to do about it. */
import type { DeploymentView, FailureGroup } from "#contract/api.ts";
import { segment } from "../../api/call.ts";
import { t as common } from "../../messages/common.ts";
import { t } from "./messages.ts";

const SHOWN = 12;

export function Failures(
  { view: { failures = [] }, mayRetry, onRetry }: {
    view: DeploymentView;
    mayRetry: boolean;
    onRetry: (group: FailureGroup) => void;
  },
) {
  if (failures.length === 0) return null;
  return (
    <section aria-labelledby="failures">
      <h2 id="failures">{t("failures")}</h2>
      <ul class="wrongs">
        {failures.map((group) => {
          const { step, title, detail, remedy, nodes, canRetry } = group;
          return (
            <li key={`${step} ${title} ${canRetry}`} class="wrong">
              <strong>
                {common("nodes", { n: nodes.length })}
                {step && ` ${t("atStep", { step })}`}: {title}
              </strong>
              <p class="cause">{detail}</p>
              <p>{common("remedy", { remedy })}</p>
              <p>
                {nodes.slice(0, SHOWN).map((name) => (
                  <a key={name} href={`/nodes/${segment(name)}`}>{name}</a>
                ))}
                {nodes.length > SHOWN && <span>{t("moreNodes", { n: nodes.length - SHOWN })}</span>}
                {canRetry && mayRetry && (
                  <button type="button" onClick={() => onRetry(group)}>
                    {t("retryThese", { n: nodes.length })}
                  </button>
                )}
              </p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
