/** The audit log on the page, for admins. */
import type { AuditEntry, AuditPage as Entries } from "#contract/api/audit.ts";
import type { Principal } from "../../access/principal.ts";
import { describeAction } from "../../words/audit_text.ts";
import { formatTime } from "../../words/figures.ts";
import { Header, Shell } from "./shell.tsx";

/** Names that a cell shows. */
const SHOWN_NAMES = 10;

interface AuditContent {
  readonly principal: Principal;
  readonly page: Entries;
  readonly filter: { readonly user: string | undefined; readonly node: string | undefined };
}

export function AuditPage({ principal, page: { entries, next }, filter }: AuditContent) {
  return (
    <Shell title="Rackseed: audit">
      <Header principal={principal}>
        <a href="/">Overview</a>
      </Header>
      <main>
        <section aria-labelledby="audit-title">
          <h2 id="audit-title">Audit log</h2>
          <form method="get" action="/audit" class="filter">
            <label>
              User <input name="user" value={filter.user} maxlength={200} />
            </label>
            <label>
              Node <input name="node" value={filter.node} maxlength={64} />
            </label>
            <button type="submit">Show</button>
          </form>
          <div class="table">
            <table aria-labelledby="audit-title">
              <thead>
                <tr>
                  {["When", "Who", "From", "What", "On", "Outcome"].map((title) => (
                    <th scope="col">{title}</th>
                  ))}
                </tr>
              </thead>
              <tbody>{entries.map((entry) => <Row entry={entry} />)}</tbody>
            </table>
            <p class="empty">Nothing is recorded of that.</p>
          </div>
          {next !== undefined && <a href={older(filter, next)}>Older</a>}
          <p>
            <small>To check that nothing was removed or changed: rackseed audit verify</small>
          </p>
        </section>
      </main>
    </Shell>
  );
}

function Row(
  { entry: { at, who, address, action, nodes, images, subject, outcome } }: { entry: AuditEntry },
) {
  // the subject first: behind many nodes it would be cut off
  const on = [...subject === undefined ? [] : [subject], ...nodes, ...images];
  const more = on.length > SHOWN_NAMES ? [`and ${on.length - SHOWN_NAMES} more`] : [];
  return (
    <tr>
      <td>{formatTime(at)}</td>
      <td>{who}</td>
      <td>{address}</td>
      <td>{describeAction(action)}</td>
      <td>{[...on.slice(0, SHOWN_NAMES), ...more].join(", ") || "–"}</td>
      <td>{outcome?.result ?? "not known"}</td>
    </tr>
  );
}

function older({ user, node }: AuditContent["filter"], cursor: number): string {
  const query = new URLSearchParams({ cursor: String(cursor) });
  if (user !== undefined) query.set("user", user);
  if (node !== undefined) query.set("node", node);
  return `/audit?${query}`;
}
