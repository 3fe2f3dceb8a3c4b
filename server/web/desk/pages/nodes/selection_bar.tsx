/** What can be done with the selected nodes. */
import { useLocation } from "preact-iso";
import { useEffect, useState } from "preact/hooks";
import type { DeskNode } from "#contract/desk.ts";
import { clearSelection } from "../../live/selection.ts";
import { mayAdminister } from "../../parts/abilities.ts";
import { attempt } from "../../parts/attempt.ts";
import { rangesOf } from "../../search/name_ranges.ts";
import { t } from "./messages.ts";
import { BackupDialog, CheckDialog } from "../node_orders/dialogs.tsx";
import { DeleteDialog } from "../node_orders/delete_dialog.tsx";
import { cancel } from "./orders.ts";

export function SelectionBar({ nodes }: { nodes: readonly DeskNode[] }) {
  const { route } = useLocation();
  const [asked, setAsked] = useState<"backup" | "check" | "remove">();
  // what was asked about nodes that are gone must not be asked about others
  useEffect(() => {
    if (nodes.length === 0) setAsked(undefined);
  }, [nodes.length === 0]);
  if (nodes.length === 0) return null;
  const query = `?nodes=${encodeURIComponent(rangesOf(nodes.map(({ name }) => name)).join())}`;
  const ordered = nodes.filter(({ state, everyBoot }) =>
    state === "armed" || state === "installing" || everyBoot
  );
  const run = (order: (nodes: readonly DeskNode[]) => Promise<string>, nodes: readonly DeskNode[]) => {
    void attempt(() => order(nodes));
  };
  return (
    <div class="selection" role="region" aria-label={t("selected", { n: nodes.length })}>
      <strong aria-live="polite">{t("selected", { n: nodes.length })}</strong>
      <button type="button" class="primary" onClick={() => route(`/deploy${query}`)}>{t("deploy")}</button>
      <button type="button" onClick={() => route(`/restore${query}`)}>{t("restore")}</button>
      <button type="button" onClick={() => setAsked("backup")}>{t("backup")}…</button>
      <button type="button" onClick={() => setAsked("check")}>{t("check")}…</button>
      {ordered.length > 0 && (
        <button type="button" onClick={() => run(cancel, ordered)}>{t("cancelOrder")}</button>
      )}
      {mayAdminister() && <button type="button" onClick={() => setAsked("remove")}>{t("remove")}…</button>}
      <button type="button" class="plain" onClick={clearSelection}>{t("clear")}</button>
      {asked === "backup" && <BackupDialog nodes={nodes} onClose={() => setAsked(undefined)} />}
      {asked === "check" && <CheckDialog nodes={nodes} onClose={() => setAsked(undefined)} />}
      {asked === "remove" && (
        <DeleteDialog
          nodes={nodes}
          onClose={() => setAsked(undefined)}
          onDeleted={clearSelection}
        />
      )}
    </div>
  );
}
