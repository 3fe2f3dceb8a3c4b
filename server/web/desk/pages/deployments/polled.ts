import { useEffect } from "preact/hooks";
import { type Resource, useResource } from "../../api/resource.ts";

/** As useResource, and asked for again at intervals while the page is looked at. `everyMs`: undefined: not. */
export function usePolled<T>(path: string, everyMs: number | undefined): Resource<T> {
  const resource = useResource<T>(path, { on: ["deployments"] });
  const { reload } = resource;
  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => document.visibilityState === "visible" && reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, reload]);
  return resource;
}
