/** A node's recovery key on the page: the way to see it, and who has seen it. */
import type { NodeView, RecoveryKeyUse } from "#contract/api.ts";
import { formatTime } from "../../words/figures.ts";

export function RecoveryKey({ node, uses }: { node: NodeView; uses: readonly RecoveryKeyUse[] }) {
  if (!node.encryption) return null;
  const { keyShown } = node.encryption;
  return (
    <>
      <h3>Recovery key</h3>
      <form data-recovery={node.name}>
        <p>
          It opens the encrypted volumes if nothing else does. It is shown once; after that you say why you
          need it again. Every view is recorded.
        </p>
        {keyShown !== undefined && (
          <label>
            Reason for seeing it again
            <input name="again" required maxlength={500} autocomplete="off" />
          </label>
        )}
        <p class="problem" role="alert"></p>
        <pre data-key hidden></pre>
        <button type="submit">{keyShown === undefined ? "Show recovery key" : "Show it again"}</button>
      </form>
      {uses.length > 0 && (
        <ul class="uses">
          {uses.map(({ at, who, image, reason }) => (
            <li>
              {formatTime(at)}, {who}, of {image}: {reason ?? "first time"}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
