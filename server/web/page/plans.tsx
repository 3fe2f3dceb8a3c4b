/** What a deployment or a restore would do to the chosen nodes, for the page's dialog: shown before anything is ordered. */
import type { NodeView, PlanPreview, Unlock } from "#contract/api.ts";
import { Failure } from "./rows.tsx";

/** Nodes whose whole plan is shown; the refused ones come first, and always. */
const MAX_SHOWN = 20;

interface Planned {
  readonly node: NodeView;
  readonly preview: PlanPreview;
}

/** `isEncrypted`: whether the image has encrypted volumes. `unlock`: the choice in the dialog. */
export function Plans({ planned, isEncrypted, unlock }: {
  planned: readonly Planned[];
  isEncrypted: boolean;
  unlock: Unlock | undefined;
}) {
  const refused = planned.filter(({ preview }) => preview.outcome === "refused");
  const others = planned.filter(({ preview }) => preview.outcome !== "refused");
  const needsPassphrase = isEncrypted &&
    planned.some(({ node }) => (unlock ?? node.settings.unlock) === "passphrase");
  return (
    <div
      data-encrypted={isEncrypted ? "" : undefined}
      data-passphrase={needsPassphrase ? "" : undefined}
      data-refused={refused.length > 0 ? "" : undefined}
    >
      <ul class="plans">
        {[...refused, ...others.slice(0, MAX_SHOWN)].map(({ preview }) => <PlanItem preview={preview} />)}
        {others.length > MAX_SHOWN && (
          <li>and {others.length - MAX_SHOWN} more nodes; for their plans: rackseed node plan</li>
        )}
      </ul>
    </div>
  );
}

function PlanItem({ preview }: { preview: PlanPreview }) {
  const { node, outcome, lines, warnings = [], failing, problem, remark } = preview;
  return (
    <li>
      <strong>{node}</strong>: {outcome === "unknown" ? remark : <span>{lines[0]}</span>}
      {problem && <Failure problem={problem} />}
      {warnings.map((what) => <small class="slowest">Warning: {what}</small>)}
      {failing && (
        <small class="slowest">
          It would write to a disk that is failing: refused here; rackseed node deploy --force orders it.
        </small>
      )}
      {outcome !== "unknown" && <small>{remark}</small>}
      {lines.length > 1 && (
        <details>
          <summary>whole plan</summary>
          <pre>{lines.join("\n")}</pre>
        </details>
      )}
    </li>
  );
}
