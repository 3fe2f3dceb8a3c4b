/** The review of what the form says, asked for again whenever that changes. */
import { useCallback, useEffect, useState } from "preact/hooks";
import type { Review } from "#contract/api/reviews.ts";
import { call, Refusal } from "../../api/call.ts";
import type { Kind, OrderBody } from "./terms.ts";

/** While a person types or clicks, nothing is asked. */
const PAUSE_MS = 250;

interface ReviewState {
  /** Of the form as it is now; undefined while it is being made. */
  readonly current: Review | undefined;
  /** The latest, to be shown meanwhile. */
  readonly shown: Review | undefined;
  readonly refusal: Refusal | undefined;
  again(): void;
}

/** `order`: undefined if there is nothing to review yet. */
export function useReview(kind: Kind, order: OrderBody | undefined): ReviewState {
  const key = order && JSON.stringify({ kind, ...order });
  const [state, setState] = useState<{ key?: string; review?: Review; refusal?: Refusal }>({});
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (key === undefined) return setState({});
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const body = JSON.parse(key);
        const review = await call<Review>("POST", "/reviews", { body, signal: abort.signal });
        setState({ key, review });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        setState({ key, refusal: error });
      }
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [key, asked]);
  const again = useCallback(() => {
    setState(({ review }) => review ? { review } : {});
    setAsked((n) => n + 1);
  }, []);
  const isCurrent = key !== undefined && state.key === key;
  return {
    current: isCurrent ? state.review : undefined,
    shown: key === undefined ? undefined : state.review,
    refusal: isCurrent ? state.refusal : undefined,
    again,
  };
}
