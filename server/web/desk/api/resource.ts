/** Lists and details that a page asks the API for, and asks for again when the feed says that they are stale. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Stale } from "#contract/desk.ts";
import { staleness } from "../live/state.ts";
import { call, Refusal } from "./call.ts";

export interface Resource<T> {
  /** Undefined until the first answer. Stays while it is asked for again. */
  readonly value: T | undefined;
  readonly refusal: Refusal | undefined;
  readonly isLoading: boolean;
  reload(): void;
}

/** At most one question a second for each resource, however often it becomes stale. */
const PAUSE_MS = 1000;

/** `path`: below /api/v1; undefined: nothing is asked for. `on`: the lists that it depends on. */
export function useResource<T>(
  path: string | undefined,
  { on = [] }: { on?: readonly Stale[] } = {},
): Resource<T> {
  const [state, setState] = useState<{ path?: string | undefined; value?: T; refusal?: Refusal }>({});
  const [asked, setAsked] = useState(0);
  const [isLoading, setIsLoading] = useState(false);
  const lastMs = useRef(0);
  const mark = on.map((list) => staleness.value[list] ?? 0).join();
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    const wait = Math.max(0, lastMs.current + PAUSE_MS - Date.now());
    const timer = setTimeout(async () => {
      lastMs.current = Date.now();
      setIsLoading(true);
      try {
        setState({ path, value: await call<T>("GET", path, { signal: abort.signal }) });
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        setState((old) =>
          old.path === path && old.value !== undefined && error.problem.status === 0
            ? old
            : { path, refusal: error }
        );
      } finally {
        if (!abort.signal.aborted) setIsLoading(false);
      }
    }, state.path === path ? wait : 0);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [path, mark, asked]);
  const reload = useCallback(() => {
    lastMs.current = 0;
    setAsked((n) => n + 1);
  }, []);
  const isCurrent = state.path === path;
  return {
    value: isCurrent ? state.value : undefined,
    refusal: isCurrent ? state.refusal : undefined,
    isLoading,
    reload,
  };
}
