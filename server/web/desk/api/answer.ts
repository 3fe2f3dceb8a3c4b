/** The server's answer to what a form says, asked for again whenever that changes. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { call, Refusal } from "./call.ts";

/** While a person types or clicks, nothing is asked. */
const PAUSE_MS = 250;

interface Answer<T> {
  /** To the form as it is now; undefined while it is being made. */
  readonly current: T | undefined;
  /** The latest, to be shown meanwhile. */
  readonly shown: T | undefined;
  readonly refusal: Refusal | undefined;
  again(): void;
}

/** `path`: below /api/v1. `body`: undefined if there is nothing to ask yet. */
export function useAnswer<T>(path: string, body: unknown): Answer<T> {
  const key = body === undefined ? undefined : JSON.stringify(body);
  const [state, setState] = useState<{ key?: string; answer?: T; refusal?: Refusal }>({});
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (key === undefined) return setState({});
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = await call<T>("POST", path, { body: JSON.parse(key), signal: abort.signal });
        setState({ key, answer });
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
  }, [path, key, asked]);
  const again = useCallback(() => {
    setState(({ answer }) => answer === undefined ? {} : { answer });
    setAsked((n) => n + 1);
  }, []);
  const isCurrent = key !== undefined && state.key === key;
  return {
    current: isCurrent ? state.answer : undefined,
    shown: key === undefined ? undefined : state.answer,
    refusal: isCurrent ? state.refusal : undefined,
    again,
  };
}
