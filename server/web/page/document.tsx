/** The page itself: nodes, templates, captures, images, and the two actions capture and deploy. */
import type { Child } from "hono/jsx";
import type { SwarmSettings } from "#contract/distribution.ts";
import { formatRate } from "#contract/rate_text.ts";
import { formatSeedPolicy } from "../../words/seed_text.ts";
import type { HookSummary } from "#contract/hooks.ts";
import type { CaptureView, ImageView, NodeView, Notice, TemplateView } from "#contract/api.ts";
import { CaptureRow, HookRow, ImageRow, NodeRow, TemplateRow } from "./rows.tsx";

interface PageContent {
  readonly nodes: readonly NodeView[];
  readonly templates: readonly TemplateView[];
  /** Newest first. */
  readonly captures: readonly CaptureView[];
  readonly images: readonly ImageView[];
  readonly hooks: readonly HookSummary[];
  readonly swarm: SwarmSettings;
  readonly notices: readonly Notice[];
}

/** What is wrong with the server, and what to do. */
export function NoticeItem({ notice: { subject, problem, remedy } }: { notice: Notice }) {
  return (
    <li>
      <strong>{subject}:</strong> {problem}. Remedy: {remedy}
    </li>
  );
}

function Shell({ title, children }: { title: string; children: Child }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/page.css" />
        <script type="module" src="/page.js"></script>
      </head>
      <body>{children}</body>
    </html>
  );
}

/** How images are spread, as `rackseed swarm set` has it. */
export function describeSwarm({ uploadLimit, nodeUploadLimit, rackPrefix, seed }: SwarmSettings): string {
  const rate = (limit: number | undefined) =>
    limit === undefined ? "without limit" : `at most ${formatRate(limit)}`;
  return [
    `The server sends ${rate(uploadLimit)}, nodes ${rate(nodeUploadLimit)}`,
    `finished nodes seed ${formatSeedPolicy(seed)}`,
    ...rackPrefix === undefined ? [] : [`each /${rackPrefix} network is a rack`],
  ].join("; ");
}

export function Page({ nodes, templates, captures, images, hooks, swarm, notices }: PageContent) {
  return (
    <Shell title="Rackseed">
      <header>
        <h1>Rackseed</h1>
        <p id="connection" role="status">connecting…</p>
        <a href="/help">Help</a>
        <form method="post" action="/logout">
          <button type="submit">Log out</button>
        </form>
      </header>
      <main>
        <p id="message" role="status"></p>
        <p id="problem" role="alert"></p>
        <ul id="notices" role="status" aria-label="Problems of the server">
          {notices.map((notice) => <NoticeItem notice={notice} />)}
        </ul>

        <section aria-labelledby="nodes-title">
          <div class="bar">
            <h2 id="nodes-title">Nodes</h2>
            <button type="button" id="backup" disabled>Back up…</button>
            <button type="button" id="restore" disabled>Restore…</button>
            <button type="button" id="deploy" class="primary" disabled>Deploy…</button>
          </div>
          <Table
            id="nodes"
            titles={["Select", "Node", "State", "Step", "Image", "Address", "Action"]}
            quiet={[0, 6]}
            empty="No node is known yet. A machine appears here when it boots from the network, or by: rackseed node set NAME --mac MAC"
          >
            {nodes.map((node) => <NodeRow node={node} />)}
          </Table>
          <small id="swarm">{describeSwarm(swarm)}</small>
        </section>

        <section aria-labelledby="templates-title">
          <h2 id="templates-title">Templates</h2>
          <Table
            id="templates"
            titles={["Template", "State", "System", "Lacks", "Action"]}
            quiet={[4]}
            empty="No template is connected. Run on the machine to be captured: rackseed agent template --server URL --token TOKEN"
          >
            {templates.map((template) => <TemplateRow template={template} />)}
          </Table>
        </section>

        <section aria-labelledby="captures-title">
          <h2 id="captures-title">Captures</h2>
          <Table
            id="captures"
            titles={["Image", "From", "State", "Progress", "Started"]}
            empty="Nothing was captured yet."
          >
            {captures.map((capture) => <CaptureRow capture={capture} />)}
          </Table>
        </section>

        <section aria-labelledby="images-title">
          <h2 id="images-title">Images</h2>
          <Table
            id="images"
            titles={["Image", "Captured", "Files", "Content", "Sealed", "Boots nodes"]}
            empty="No image is published yet."
          >
            {images.map((image) => <ImageRow image={image} />)}
          </Table>
        </section>

        <section aria-labelledby="hooks-title">
          <h2 id="hooks-title">Hooks</h2>
          <Table
            id="hooks"
            titles={["Hook", "When", "For", "Where it fails", "Time limit"]}
            empty="No script runs around captures and installations. Set one by: rackseed hook set --help"
          >
            {hooks.map((hook) => <HookRow hook={hook} />)}
          </Table>
        </section>
      </main>
      <NodeDialog />
      <DeployDialog />
      <RestoreDialog />
      <BackupDialog />
      <CaptureDialog />
    </Shell>
  );
}

function Table({ id, titles, quiet = [], empty, children }: {
  id: string;
  titles: readonly string[];
  /** Columns whose title is only spoken. */
  quiet?: readonly number[];
  empty: string;
  children: Child;
}) {
  return (
    <div class="table">
      <table aria-labelledby={`${id}-title`}>
        <thead>
          <tr>
            {titles.map((title, i) => (
              <th scope="col">{quiet.includes(i) ? <span class="hidden">{title}</span> : title}</th>
            ))}
          </tr>
        </thead>
        <tbody id={id}>{children}</tbody>
      </table>
      <p class="empty">{empty}</p>
    </div>
  );
}

function NodeDialog() {
  return (
    <dialog id="node-dialog" aria-labelledby="node-title">
      <h2 id="node-title"></h2>
      <div id="node-details"></div>
      <div class="actions">
        <button type="button" value="close">Close</button>
      </div>
    </dialog>
  );
}

function DeployDialog() {
  return (
    <dialog id="deploy-dialog" aria-labelledby="deploy-title">
      <form>
        <h2 id="deploy-title">Deploy an image</h2>
        <label>
          Image
          <select name="image" required></select>
        </label>
        <p class="warning">
          <strong>The disks of these machines will be overwritten</strong>{" "}
          the next time they boot from the network:
        </p>
        <ul id="deploy-nodes"></ul>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Back</button>
          <button type="submit" class="danger">Overwrite and deploy</button>
        </div>
      </form>
    </dialog>
  );
}

function RestoreDialog() {
  return (
    <dialog id="restore-dialog" aria-labelledby="restore-title">
      <form>
        <h2 id="restore-title">Restore nodes</h2>
        <label>
          To
          <select name="image"></select>
        </label>
        <p>
          What differs from the image is fetched and written, and{" "}
          <strong>what does not belong to it is removed</strong>, the next time these machines boot from the
          network. Name, addresses and keys stay.
        </p>
        <ul id="restore-nodes"></ul>
        <label>
          Leave alone (one path a line), beside what the image's settings keep
          <textarea name="keep" rows={3} spellcheck={false}></textarea>
        </label>
        <label>
          <input name="dryRun" type="checkbox" /> Only tell what would change
        </label>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Back</button>
          <button type="submit" class="danger">Restore</button>
        </div>
      </form>
    </dialog>
  );
}

function BackupDialog() {
  return (
    <dialog id="backup-dialog" aria-labelledby="backup-title">
      <form>
        <h2 id="backup-title">Back up nodes</h2>
        <p>
          Each into versions of its own, which bear its name. Where no agent runs, or none can, the node's
          disks are read at its next boot from the network, and <strong>nothing is written to them</strong>.
        </p>
        <ul id="backup-nodes"></ul>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Back</button>
          <button type="submit" class="primary">Back up</button>
        </div>
      </form>
    </dialog>
  );
}

function CaptureDialog() {
  return (
    <dialog id="capture-dialog" aria-labelledby="capture-title">
      <form>
        <h2 id="capture-title">
          Capture <span id="capture-template"></span>
        </h2>
        <label>
          Image name
          <input
            name="image"
            required
            pattern="[a-z0-9][a-z0-9._\-]{0,62}"
            autocomplete="off"
            spellcheck={false}
            aria-describedby="capture-image-hint"
          />
          <small id="capture-image-hint">
            Lower-case letters, digits, . _ - ; a name in use gets its next version.
          </small>
        </label>
        <label>
          Compression level (1 to 19)
          <input name="level" type="number" min="1" max="19" value="9" required />
        </label>
        <label>
          Leave out as well (one pattern a line)
          <textarea name="excludes" rows={3} spellcheck={false}></textarea>
        </label>
        <p class="problem" role="alert"></p>
        <div class="actions">
          <button type="button" value="close">Back</button>
          <button type="submit" class="primary">Capture</button>
        </div>
      </form>
    </dialog>
  );
}

export function LoginPage({ problem }: { problem?: string }) {
  return (
    <Shell title="Rackseed: log in">
      <main class="login">
        <h1>Rackseed</h1>
        <form method="post" action="/login">
          <label>
            Token
            <input
              name="token"
              type="password"
              required
              autofocus
              autocomplete="current-password"
              aria-describedby="token-hint"
            />
          </label>
          <small id="token-hint">
            It stands in the file “token” of the server's data directory (/var/lib/rackseed/token).
          </small>
          {problem && <p class="problem" role="alert">{problem}</p>}
          <button type="submit" class="primary">Log in</button>
          <p>
            <a href="/help">Help</a>
          </p>
        </form>
      </main>
    </Shell>
  );
}
