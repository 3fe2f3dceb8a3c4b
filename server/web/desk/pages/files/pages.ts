/** A long list, page by page: the Link header of each answer leads to the next one. */
import { useEffect, useState } from "preact/hooks";
import { Refusal, send } from "../../api/call.ts";

const API = "/api/v1";

interface Pages<T> {
  /** Undefined until the first answer. */
  readonly pages: readonly T[] | undefined;
  readonly refusal: Refusal | undefined;
  /** Undefined if there is no further page. */
  readonly more: (() => void) | undefined;
}

/** `path`: below /api/v1; undefined: nothing is asked for. What it leads to must not change. */
export function usePages<T>(path: string | undefined): Pages<T> {
  const [state, setState] = useState<{ path?: string; pages: T[]; next?: string; refusal?: Refusal }>({
    pages: [],
  });
  const [wanted, setWanted] = useState<string>();
  const isCurrent = state.path === path;
  const ask = isCurrent ? wanted : path;
  useEffect(() => {
    if (path === undefined || ask === undefined) return;
    const abort = new AbortController();
    (async () => {
      try {
        const response = await send("GET", ask, { signal: abort.signal });
        const page = await response.json() as T;
        const next = /<([^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.[1]?.slice(API.length);
        setState((old) => ({
          path,
          pages: [...old.path === path ? old.pages : [], page],
          ...next !== undefined && { next },
        }));
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof Refusal)) throw error;
        setState({ path, pages: [], refusal: error });
      }
    })();
    return () => abort.abort();
  }, [path, ask]);
  const { next } = state;
  return {
    pages: isCurrent && !state.refusal ? state.pages : undefined,
    refusal: isCurrent ? state.refusal : undefined,
    more: isCurrent && next !== undefined ? () => setWanted(next) : undefined,
  };
}
