/**
 * An order for many nodes: its terms at the left, at the right what it would do to each node. It is sent with the digest
 * of the review that was read, so that the server refuses it if something changed since.
 */
import { useLocation } from "preact-iso";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { DeployAnswer, ImageView, VersionView } from "#contract/api.ts";
import type { Problem } from "#contract/errors.ts";
import type { Review } from "#contract/api/reviews.ts";
import { useAnswer } from "../../api/answer.ts";
import { call, Refusal, segment } from "../../api/call.ts";
import { useResource } from "../../api/resource.ts";
import { clearSelection } from "../../live/selection.ts";
import { nodesByName } from "../../live/state.ts";
import { mayOrder } from "../../parts/abilities.ts";
import { Command, commandLine } from "../../parts/command.tsx";
import { note } from "../../parts/notes.tsx";
import { Page } from "../../parts/page.tsx";
import { problemOf, ProblemText, Refused } from "../../parts/problem.tsx";
import { namesIn, rangesOf } from "../../search/name_ranges.ts";
import { passphraseOf } from "./encryption_fields.tsx";
import { t } from "./messages.ts";
import { OrderForm } from "./order_form.tsx";
import { Warnings } from "./review_warnings.tsx";
import { ReviewedNodes } from "./reviewed_nodes.tsx";
import { commandOf, type Kind, lineagesOf, NO_TERMS, type OrderBody, orderOf, type Terms } from "./terms.ts";
import { isNumberTyped, TypedNumber, Verdict } from "./verdict.tsx";

export function DeployPage() {
  return <OrderPage kind="deployment" />;
}

export function RestorePage() {
  return <OrderPage kind="restore" />;
}

function OrderPage({ kind }: { kind: Kind }) {
  const { url, path, route } = useLocation();
  const search = new URL(url, location.origin).searchParams;
  const nodesText = search.get("nodes") ?? "", image = search.get("image") ?? "";
  const [rest, setRest] = useState<Terms>(NO_TERMS);
  const [leftOut, setLeftOut] = useState<readonly string[]>([]);
  const [passphrases, setPassphrases] = useState<readonly [string, string]>(["", ""]);
  const terms: Terms = { ...rest, image };
  /** The address holds what the page is about: it can be sent to a colleague. */
  const show = (change: { nodes?: string; image?: string }) => {
    const next = new URLSearchParams({ nodes: nodesText, image, ...change });
    for (const [name, value] of [...next]) if (value === "") next.delete(name);
    route(`${path}?${next}`, true);
  };
  const change = ({ image: chosen, ...more }: Partial<Terms>) => {
    if (chosen !== undefined) show({ image: chosen });
    setRest((old) => ({ ...old, ...more }));
  };
  const images = useResource<ImageView[]>("/images", { on: ["images"] });
  const lineages = useMemo(() => images.value && lineagesOf(images.value), [images.value]);
  const version = useResource<VersionView>(image === "" ? undefined : `/images/${segment(image)}`);
  const { order, fault } = useMemo(() => orderFrom(kind, nodesText, terms), [
    kind,
    nodesText,
    JSON.stringify(terms),
  ]);
  const review = useAnswer<Review>("/reviews", order && { kind, ...order });
  const names = review.shown?.nodes.map(({ node }) => node);
  const leave = (gone: readonly string[]) => {
    if (!names) return;
    const stay = names.filter((name) => !gone.includes(name));
    setLeftOut([...leftOut, ...gone]);
    show({ nodes: rangesOf(stay).join() });
  };
  const putBack = () => {
    setLeftOut([]);
    show({ nodes: rangesOf([...names ?? [], ...leftOut]).join() });
  };
  const n = names?.length ?? 0;
  const title = n === 0
    ? t(kind === "restore" ? "restore" : "deploy")
    : t(kind === "restore" ? "restoreOf" : "deployTo", { n });
  return (
    <Page kind="order-page" title={title} trail={[{ href: "/nodes", text: t("nodesPage") }]}>
      <div class="order">
        <section aria-labelledby="order-terms">
          <h2 id="order-terms">{t("order")}</h2>
          <NodesField text={nodesText} onChange={(nodes) => show({ nodes })} />
          {leftOut.length > 0 && (
            <p class="dim">
              {t("leftOut")} {rangesOf(leftOut).join(", ")}{" "}
              <button type="button" class="plain" onClick={putBack}>{t("putBack")}</button>
            </p>
          )}
          <OrderForm
            kind={kind}
            terms={terms}
            change={change}
            lineages={lineages}
            isEncrypted={(version.value?.layout?.encrypted?.length ?? 0) > 0}
            passphrases={passphrases}
            setPassphrases={setPassphrases}
          />
        </section>
        <section
          aria-labelledby="order-review"
          aria-busy={order !== undefined && !review.current && !review.refusal}
        >
          <h2 id="order-review">{t("review")}</h2>
          {fault && <ProblemText problem={fault} />}
          {review.refusal && <Refused refusal={review.refusal} reload={review.again} />}
          {!order && !fault && <p class="empty">{nodesText === "" ? t("noNodes") : t("noImage")}</p>}
          {order && !review.shown && !review.refusal && <p class="dim" role="status">{t("reviewing")}</p>}
          {review.shown && !review.refusal && (
            <ReviewView review={review.shown} isDryRun={isDryRun(kind, terms)} leave={leave} />
          )}
        </section>
      </div>
      {order && review.shown && !review.refusal && (
        <Confirm
          kind={kind}
          review={review.current}
          shown={review.shown}
          isDry={isDryRun(kind, terms)}
          order={order}
          passphrases={passphrases}
          again={review.again}
          leave={leave}
          onOrdered={({ deployment }) => {
            clearSelection();
            route(`/deployments/${segment(deployment)}`);
          }}
        />
      )}
      {order && (
        <Command
          line={commandLine(
            ...commandOf(kind, nodesText.startsWith("@") ? [nodesText] : rangesOf(names ?? []), terms),
          )}
        />
      )}
    </Page>
  );
}

const isDryRun = (kind: Kind, { how }: Terms) => kind === "restore" && how === "dry-run";

function orderFrom(kind: Kind, text: string, terms: Terms): { order?: OrderBody; fault?: Problem } {
  if (text === "" || (kind === "deployment" && terms.image === "")) return {};
  try {
    // groups are the server's to resolve
    const nodes = text.includes("@")
      ? text.split(",").flatMap((part) => part.startsWith("@") ? [part] : namesIn(part))
      : namesIn(text);
    return { order: orderOf(kind, nodes, terms) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { fault: { status: 0, title: t("order"), detail, remedy: t("nodesHint") } };
  }
}

function NodesField({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  return (
    <label class="field">
      {t("nodes")}
      <textarea
        rows={Math.min(4, 1 + Math.floor(typed.length / 40))}
        spellcheck={false}
        autocomplete="off"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => onChange(event.currentTarget.value.trim().replace(/[\s,]+/g, ","))}
      />
      <small>{t("nodesHint")}</small>
    </label>
  );
}

function ReviewView(
  { review, isDryRun, leave }: {
    review: Review;
    isDryRun: boolean;
    leave: (nodes: readonly string[]) => void;
  },
) {
  return (
    <>
      <Verdict review={review} />
      <h3>{t("warnings")}</h3>
      <Warnings warnings={review.warnings} leave={leave} />
      <h3>{t("disksTitle")}</h3>
      <ReviewedNodes review={review} isDryRun={isDryRun} leave={leave} />
    </>
  );
}

interface ConfirmProps {
  readonly kind: Kind;
  /** Undefined while it is being made. */
  readonly review: Review | undefined;
  readonly shown: Review;
  readonly isDry: boolean;
  readonly order: OrderBody;
  readonly passphrases: readonly [string, string];
  readonly again: () => void;
  readonly leave: (nodes: readonly string[]) => void;
  readonly onOrdered: (answer: DeployAnswer) => void;
}

/** The last step: the number of machines is typed, then the order goes out as it was read. */
function Confirm({ kind, review, shown, isDry, order, passphrases, again, leave, onOrdered }: ConfirmProps) {
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setIsSending] = useState(false);
  const { losing, nodes, image, warnings } = shown;
  // another number of machines is another decision
  useEffect(() => setTyped(""), [losing]);
  const refused = [
    ...new Set(
      warnings.filter(({ level }) => level === "refused").flatMap(({ cases }) =>
        cases.flatMap(({ nodes }) => nodes)
      ),
    ),
  ];
  const isAllowed = mayOrder(nodes.map(({ node }) => nodesByName.get(node)?.group));
  const isTyped = isNumberTyped(typed, losing);
  const canSend = review !== undefined && refused.length === 0 && isAllowed && isTyped && !isSending;
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!canSend || !review) return;
    setProblem(undefined);
    setIsSending(true);
    try {
      const body = {
        ...order,
        nodes: nodes.map(({ node }) => node),
        image,
        reviewed: review.digest,
        ...passphraseOf(passphrases),
      };
      const headers = { "idempotency-key": crypto.randomUUID() };
      const answer = await call<DeployAnswer>("POST", kind === "restore" ? "/restores" : "/deployments", {
        body,
        headers,
      });
      note(t("ordered", { n: answer.nodes.length }));
      onOrdered(answer);
    } catch (error) {
      setProblem(problemOf(error));
      setIsSending(false);
      // something changed since: what is on the page must be what is there now
      if (error instanceof Refusal && error.problem.status === 409) again();
    }
  };
  const n = nodes.length;
  const action = isDry
    ? t("dryAction", { n, image })
    : kind === "restore"
    ? t("restoreAction", { n, image })
    : t("deployAction", { n, image });
  return (
    <form class="confirm" onSubmit={(event) => void send(event)}>
      {problem && (
        <div role="alert">
          <ProblemText problem={problem} />
        </div>
      )}
      {!isAllowed && <p class="warn">{t("mayNot")}</p>}
      {refused.length > 0 && (
        <p class="problem">
          {t("wouldRefuse", { n: refused.length })} {refused.length < n && (
            <button
              type="button"
              onClick={() => leave(refused)}
            >
              {t("leaveOutAll", { n: refused.length })}
            </button>
          )}
        </p>
      )}
      {losing > 0 && refused.length === 0 && isAllowed && <TypedNumber text={typed} onInput={setTyped} />}
      <button type="submit" class={losing > 0 ? "danger" : "primary"} disabled={!canSend}>{action}</button>
    </form>
  );
}
